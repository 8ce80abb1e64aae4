//! Adds up what the containers reserve and compares it with the task.

use crate::validate::{Findings, Rule, Severity, Subject};

pub(super) static RULE: Rule = Rule {
    id: "oversized-containers",
    severity: Severity::Error,
    summary: "the containers reserve more CPU or memory than the task has",
    why: "ECS refuses the registration: what the containers reserve together has to fit into the task.",
    source: "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task_definition_parameters.html",
    check,
    ..Rule::OF_DOCUMENTS
};

fn check(subject: &Subject<'_>, report: &mut Findings<'_>) {
    for (member, reserved) in [("cpu", "cpu"), ("memory", "memory"), ("memory", "memoryReservation")] {
        // Other spellings than plain numbers are for `invalid-fargate-size` to read.
        let Some(limit) = subject.definition.text(member).and_then(|text| text.trim().parse().ok()) else { continue };
        let numbers = subject.definition.containers().filter_map(|container| container.members.get(reserved)?.as_i64());
        let sum = numbers.map(|number| number.max(0)).fold(0, i64::saturating_add);
        if sum > limit {
            report.add(
                format!("/{member}"),
                format!("the containers have {sum} as `{reserved}` together, and the task has {limit}"),
                format!("raise `{member}` of the task, or lower `{reserved}` of the containers"),
            );
        }
    }
}
