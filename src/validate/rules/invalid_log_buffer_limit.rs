//! `log-driver-buffer-limit` counts lines, not bytes. Whether the task's memory is enough for them is not asked.

use crate::firelens::s3_output::{LogOutput, Setting};
use crate::validate::{Findings, Rule, RuleEvidence, Severity, Subject};

pub(super) static RULE: Rule = Rule {
    id: "invalid-log-buffer-limit",
    severity: Severity::Warning,
    summary: "`log-driver-buffer-limit` is not a number of lines that the log driver takes",
    why: "The option is the number of lines that the log driver keeps while the router is slow: a whole number from \
          0, below 536870912. With another value the container's log driver cannot be set up.",
    source: "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/firelens-docker-buffer-limit.html",
    evidence: RuleEvidence::Documented,
    check,
    ..Rule::OF_DOCUMENTS
};

fn check(subject: &Subject<'_>, report: &mut Findings<'_>) {
    for output in LogOutput::all(subject.definition) {
        let Setting::Given(option, limit) = output.setting("log-driver-buffer-limit") else { continue };
        if limit.parse::<u64>().is_ok_and(|limit| limit < 536_870_912) {
            continue;
        }
        report.add(
            output.pointer(option),
            "`log-driver-buffer-limit` is not a whole number from 0 to 536870911",
            "set it to the number of lines to keep, without a unit, for example `2097152`",
        );
    }
}
