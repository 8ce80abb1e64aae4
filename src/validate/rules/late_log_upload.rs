//! Compares the time to the first log object with the time that the verification is given.

use crate::firelens::{DEFAULT_UPLOAD_TIMEOUT, first_object_after, seconds};
use crate::validate::log_output::{LogOutput, Setting};
use crate::validate::{Report, Rule, Severity, Subject};

pub(super) static RULE: Rule = Rule {
    id: "late-log-upload",
    severity: Severity::Warning,
    summary: "the `upload_timeout` of the S3 output is longer than the verification's timeout can cover",
    why: "Fluent Bit holds records back until `upload_timeout` has passed or enough of them came together. The \
        verification waits longer than it was told to, and the canary may be over when the first object arrives.",
    source: "https://docs.fluentbit.io/manual/data-pipeline/outputs/s3",
    check,
};

fn check(subject: &Subject<'_>, report: &mut Report<'_>) {
    let Some(patience) = subject.verify_timeout else { return };
    for output in LogOutput::to_s3(subject.definition) {
        if output.container.name() != Some(subject.container) {
            continue;
        }
        let (pointer, upload_timeout, source) = match output.setting("upload_timeout") {
            Setting::Hidden => continue,
            Setting::Absent => (output.pointer("upload_timeout"), DEFAULT_UPLOAD_TIMEOUT, " (the default)"),
            Setting::Given(option, text) => (output.pointer(option), seconds(text), ""),
        };
        let needed = first_object_after(upload_timeout);
        if needed > patience {
            report.add(
                pointer,
                format!(
                    "with an `upload_timeout` of {upload_timeout} s{source} the first logs take up to {needed} s to reach S3; \
                     the verification's timeout is {patience} s"
                ),
                format!(
                    "set `upload_timeout` to `1m` or less, or `timeout` in `[service.verify]` to `{}m` or more",
                    needed.div_ceil(60)
                ),
            );
        }
    }
}
