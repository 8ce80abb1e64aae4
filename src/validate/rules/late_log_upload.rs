//! Compares the time to the first log object with the time that the verification is given.

use crate::firelens::obstacle::{Obstacle, find_output, late};
use crate::validate::{Findings, Rule, RuleEvidence, Severity, Subject};

pub(super) static RULE: Rule = Rule {
    id: "late-log-upload",
    severity: Severity::Warning,
    summary: "the `upload_timeout` of the S3 output is longer than the verification's timeout can cover",
    why: "Fluent Bit holds records back until `upload_timeout` has passed or enough of them came together. Logs that \
          come after the verification's timeout prove nothing: the release is reported without that proof.",
    source: "https://docs.fluentbit.io/manual/data-pipeline/outputs/s3",
    evidence: RuleEvidence::Documented,
    check,
    ..Rule::OF_DOCUMENTS
};

fn check(subject: &Subject<'_>, report: &mut Findings<'_>) {
    let Some(timeout) = subject.verify_timeout else { return };
    for name in subject.verified_containers() {
        let output = find_output(subject.definition, name).ok();
        if let Some(Obstacle { pointer, message, help }) = output.and_then(|output| late(&output, timeout)) {
            report.add(pointer, message, help);
        }
    }
}
