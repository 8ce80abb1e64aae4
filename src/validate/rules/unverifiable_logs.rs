//! Says when a release is to be verified by logs that nobody here can find or read. The release itself runs all the
//! same.

use crate::firelens::DECISIVE;
use crate::validate::log_output::{LogOutput, Setting};
use crate::validate::{Report, Rule, Severity, Subject, label, log_router};

pub(super) static RULE: Rule = Rule {
    id: "unverifiable-logs",
    severity: Severity::Hint,
    summary: "the logs of the main container cannot be verified, though the service asks for it",
    why: "The verification reads lines of JSON, or bare lines, that Fluent Bit's S3 output writes to Amazon S3 as \
          the definition says. It cannot find or read what goes elsewhere, what is stored as Arrow, Parquet or OTLP, \
          what depends on values that only the running task knows, and keys that begin with something random. The release is then reported without that \
          proof.",
    source: "https://docs.fluentbit.io/manual/pipeline/outputs/s3",
    check,
};

/// Values of `format` and `compression` that are not read.
const UNREAD: [&str; 4] = ["arrow", "parquet", "otlp_json", "otlp_json_pretty"];

fn check(subject: &Subject<'_>, report: &mut Report<'_>) {
    if subject.verify_timeout.is_none() {
        return;
    }
    let is_main = |output: &LogOutput<'_>| output.container.name() == Some(subject.container);
    let Some(output) = LogOutput::all(subject.definition).find(is_main) else { return };
    let found = elsewhere(&output).or_else(|| {
        let is_s3 = LogOutput::to_s3(subject.definition).any(|output| is_main(&output));
        is_s3.then(|| unread(&output).or_else(|| unsearchable(&output))).flatten()
    });
    if let Some((pointer, reason, help)) = found {
        let message = format!("the logs of {} cannot be verified: {reason}", label(output.container));
        report.add(pointer, message, format!("{help}, or switch the verification of logs off"));
    }
}

/// Whether the document does not say where the lines go, and what to do.
fn elsewhere(output: &LogOutput<'_>) -> Option<(String, String, &'static str)> {
    if output.plugin_key() != "Name" {
        let pointer = output.router.pointer() + "/firelensConfiguration/type";
        return Some((pointer, "outputs of Fluentd are not read".to_owned(), "use Fluent Bit"));
    }
    let is_elsewhere = output.plugin_options().next().is_none() && log_router::has_own_configuration(output.router);
    is_elsewhere.then(|| {
        let pointer = output.container.pointer() + "/logConfiguration";
        let reason = "where they go is in the log router's own configuration".to_owned();
        (pointer, reason, "name the S3 output in `logConfiguration.options`")
    })
}

/// What keeps the objects of an S3 output from being found or read, and what to do.
fn unread(output: &LogOutput<'_>) -> Option<(String, String, &'static str)> {
    DECISIVE.iter().find_map(|option| match (*option, output.setting(option)) {
        // A value of a wrong type is another rule's.
        (_, Setting::Hidden) if output.is_text_or_secret(option) => {
            let reason = format!("only the running task knows the value of `{option}`");
            Some((output.pointer_of_plugin_option(option), reason, "write the value itself"))
        }
        ("endpoint", Setting::Given(written, endpoint)) if !endpoint.contains("amazonaws.com") => {
            Some((output.pointer(written), "`endpoint` leads to a store that is not Amazon S3".to_owned(), "remove it"))
        }
        ("format" | "compression", Setting::Given(written, value)) => {
            let known = UNREAD.iter().find(|known| known.eq_ignore_ascii_case(value))?;
            let reason = format!("they are stored as {known}");
            Some((output.pointer(written), reason, "store lines of JSON, with `gzip` if they are to be small"))
        }
        _ => None,
    })
}

/// Whether the keys begin with something random, so that nothing but a walk through the bucket would find them.
fn unsearchable(output: &LogOutput<'_>) -> Option<(String, String, &'static str)> {
    let is_unsearchable = output.key_is_searchable() == Some(false);
    is_unsearchable.then(|| {
        let reason = "their keys name neither the task nor a date before something random".to_owned();
        (output.pointer_of_plugin_option("s3_key_format"), reason, "put `$TAG` first")
    })
}
