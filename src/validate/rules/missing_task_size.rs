//! Fargate needs `cpu` and `memory` of the task; those of containers do not count.

use crate::validate::{Report, Rule, Severity, Subject, is_missing};

pub(super) static RULE: Rule = Rule {
    id: "missing-task-size",
    severity: Severity::Error,
    summary: "`cpu` or `memory` is missing at the task level",
    why: "",
    source: "",
    check,
};

fn check(subject: &Subject<'_>, report: &mut Report<'_>) {
    for (member, example) in [("cpu", "256"), ("memory", "512")] {
        if is_missing(subject.definition.members(), member) {
            report.add(
                format!("/{member}"),
                format!("`{member}` is missing at the task level; Fargate requires it"),
                format!("set it as text beside `family`, for example `\"{member}\": \"{example}\"`"),
            );
        }
    }
}
