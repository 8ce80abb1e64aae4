//! Compares the time to the first log object with the time in which Express Mode's canary bakes. That the
//! verification cannot wait so long at all is the rule `late-log-upload`'s.

use crate::firelens::first_object_after;
use crate::firelens::obstacle::find_output;
use crate::validate::{Findings, Rule, RuleEvidence, Severity, Subject};

pub(super) static RULE: Rule = Rule {
    id: "late-canary-logs",
    severity: Severity::Hint,
    summary: "the first logs of a release reach S3 only after the canary has baked",
    why: "Express Mode sends 5 % of the requests to the new revision for three minutes, and then the rest. Logs that \
          are stored only after that can prove a release, or stop it, only when all requests already go there.",
    source: "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/express-service-work.html",
    evidence: RuleEvidence::Documented,
    check,
    ..Rule::OF_DOCUMENTS
};

/// How long the canary bakes by default, in seconds.
const BAKE: u64 = 180;

fn check(subject: &Subject<'_>, report: &mut Findings<'_>) {
    let Some(timeout) = subject.verify_timeout else { return };
    let Ok(output) = find_output(subject.definition, subject.container) else { return };
    let Some(needed) = output.upload_timeout().map(first_object_after) else { return };
    if needed > BAKE && needed <= timeout {
        report.add(
            output.place("upload_timeout"),
            format!(
                "the first logs take up to {needed} s to reach S3, \
                 longer than the {BAKE} s in which the canary has 5 % of the requests"
            ),
            "set `upload_timeout` to `1m` or less, so that a release is judged before all requests go to it",
        );
    }
}
