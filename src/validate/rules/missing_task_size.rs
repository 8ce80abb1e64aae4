//! Fargate needs `cpu` and `memory` of the task; those of containers do not count.

use crate::validate::{Findings, Rule, RuleEvidence, Severity, Subject, is_missing};

pub(super) static RULE: Rule = Rule {
    id: "missing-task-size",
    severity: Severity::Error,
    summary: "`cpu` or `memory` is missing at the task level",
    why: "Fargate refuses the registration: it needs `cpu` and `memory` for the task as a whole.",
    source: "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/fargate-tasks-services.html",
    evidence: RuleEvidence::Refused {
        words: "Fargate requires that 'cpu' be defined at the task level.",
        seen: "https://github.com/mongodb/terraform-aws-ecs-task-definition/issues/38",
    },
    check,
    ..Rule::OF_DOCUMENTS
};

fn check(subject: &Subject<'_>, report: &mut Findings<'_>) {
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
