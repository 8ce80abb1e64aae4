//! Adds up what the containers reserve and holds it against the task.

use serde_json::Value;

use crate::task_definition::{Container, TaskDefinition};
use crate::validate::{Report, Rule, Severity, Subject};

pub(super) static RULE: Rule = Rule {
    id: "oversized-containers",
    severity: Severity::Error,
    summary: "the containers reserve more CPU or memory than the task has",
    why: "ECS refuses the registration: what the containers reserve together has to fit into the task.",
    source: "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task_definition_parameters.html",
    check,
};

fn check(subject: &Subject<'_>, report: &mut Report<'_>) {
    for (member, reserved) in [("cpu", &["cpu"][..]), ("memory", &["memoryReservation", "memory"])] {
        // Other spellings than plain numbers are for `invalid-fargate-size` to read.
        let Some(limit) = subject.definition.text(member).and_then(|text| text.trim().parse().ok()) else { continue };
        let sum = reserved_in(subject.definition, reserved);
        if sum > limit {
            report.add(
                format!("/{member}"),
                format!("the containers reserve {sum} together, and the task has {limit}"),
                format!("raise `{member}` of the task, or lower it in the containers"),
            );
        }
    }
}

/// What all containers reserve: of several members the first that is there counts.
fn reserved_in(definition: &TaskDefinition, members: &[&str]) -> i64 {
    let number = |container: &Container<'_>| {
        members.iter().find_map(|member| container.members.get(*member).and_then(Value::as_i64)).unwrap_or_default()
    };
    definition.containers().map(|container| number(&container).max(0)).fold(0, i64::saturating_add)
}
