//! Says when a release is to be verified by logs that nobody here can find or read. The release itself runs all the same.

use crate::validate::log_output::{LogOutput, Setting};
use crate::validate::{Report, Rule, Severity, Subject, label, log_router};

pub(super) static RULE: Rule = Rule {
    id: "unverifiable-logs",
    severity: Severity::Hint,
    summary: "the logs of the main container cannot be verified, though the service asks for it",
    why: "The verification reads lines of JSON, or bare lines, that Fluent Bit's S3 output writes as the definition says. What goes elsewhere by \
          the router's own configuration, or is stored as Arrow, Parquet or OTLP, it cannot find or read, and the release is reported without \
          that proof.",
    source: "https://docs.fluentbit.io/manual/pipeline/outputs/s3",
    check,
};

fn check(subject: &Subject<'_>, report: &mut Report<'_>) {
    if subject.verify_timeout.is_none() {
        return;
    }
    let is_main = |output: &LogOutput<'_>| output.container.name() == Some(subject.container);
    for output in LogOutput::all(subject.definition).filter(is_main) {
        if output.plugin_options().next().is_none() && log_router::has_own_configuration(output.router) {
            report.add(
                output.container.pointer() + "/logConfiguration",
                format!(
                    "where the logs of {} go is in the log router's own configuration, which is not read",
                    label(output.container)
                ),
                "name the S3 output in `logConfiguration.options`, or switch the verification of logs off",
            );
        }
    }
    for output in LogOutput::to_s3(subject.definition).filter(is_main) {
        for option in ["format", "compression"] {
            let Setting::Given(written, value) = output.setting(option) else { continue };
            let unread = ["arrow", "parquet", "otlp_json", "otlp_json_pretty"];
            if let Some(known) = unread.iter().find(|known| known.eq_ignore_ascii_case(value)) {
                report.add(
                    output.pointer(written),
                    format!(
                        "the logs of {} are stored as {known}, which the verification does not read",
                        label(output.container)
                    ),
                    "store lines of JSON, with `gzip` if they are to be small, or switch the verification of logs off",
                );
            }
        }
    }
}
