//! Adds up what the containers reserve and compares it with the task.

use crate::task_definition::Container;
use crate::validate::{Findings, Rule, RuleEvidence, Severity, Subject, label};

pub(super) static RULE: Rule = Rule {
    id: "oversized-containers",
    severity: Severity::Error,
    summary: "the containers reserve more CPU or memory than the task has",
    why: "ECS refuses the registration: what the containers reserve together has to fit into the task. A container reserves \
        `memoryReservation` where it has one, and `memory`, its hard limit, otherwise; each hard limit alone has to fit, too \
        (\"the 'memory' setting for container is greater than for the task\").",
    source: "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task_definition_parameters.html",
    evidence: RuleEvidence::Refused {
        words: "The 'memory' setting for container … is greater than for the task.",
        seen: "https://github.com/pulumi/pulumi-awsx/issues/1220",
    },
    check,
    ..Rule::OF_DOCUMENTS
};

fn check(subject: &Subject<'_>, report: &mut Findings<'_>) {
    for member in ["cpu", "memory"] {
        // Other spellings than plain numbers are for `invalid-fargate-size` to read.
        let Some(limit) = subject.definition.text(member).and_then(|text| text.trim().parse().ok()) else { continue };
        let number = |container: &Container<'_>, name: &str| container.members.get(name)?.as_i64();
        let reserved = |container: Container<'_>| match member {
            "memory" => number(&container, "memoryReservation").or_else(|| number(&container, "memory")),
            _ => number(&container, member),
        };
        let numbers = subject.definition.containers().filter_map(reserved);
        let sum = numbers.map(|number| number.max(0)).fold(0, i64::saturating_add);
        if sum > limit {
            report.add(
                format!("/{member}"),
                format!("the containers reserve {sum} of `{member}` together, and the task has {limit}"),
                format!("raise `{member}` of the task, or lower what the containers reserve"),
            );
            continue;
        }
        let over = subject.definition.containers().find(|container| number(container, member) > Some(limit));
        if let Some(container) = over {
            report.add(
                format!("{}/{member}", container.pointer()),
                format!("{} has more `{member}` than the task, which has {limit}", label(container)),
                format!("raise `{member}` of the task, or lower that of the container"),
            );
        }
    }
}
