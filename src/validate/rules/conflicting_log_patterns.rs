//! Finds `awslogs` configurations with two answers to where a message begins.

use crate::validate::{Findings, Rule, RuleEvidence, Severity, Subject, label};

pub(super) static RULE: Rule = Rule {
    id: "conflicting-log-patterns",
    severity: Severity::Error,
    summary: "the `awslogs` driver has both a date format and a multiline pattern",
    why: "The driver refuses to start with both `awslogs-datetime-format` and `awslogs-multiline-pattern`, since each says \
        where a message begins. The task stops.",
    source: "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/using_awslogs.html",
    evidence: RuleEvidence::Observed { seen: "moby/moby daemon/logger/awslogs/cloudwatchlogs.go" },
    check,
    ..Rule::OF_DOCUMENTS
};

fn check(subject: &Subject<'_>, report: &mut Findings<'_>) {
    for container in subject.definition.containers().filter(|container| container.log_driver() == Some("awslogs")) {
        let has = |option| container.log_option(option).is_some_and(|value| !value.is_empty());
        if has("awslogs-datetime-format") && has("awslogs-multiline-pattern") {
            report.add(
                format!("{}/logConfiguration/options/awslogs-multiline-pattern", container.pointer()),
                format!("{} has both `awslogs-datetime-format` and `awslogs-multiline-pattern`", label(container)),
                "keep one of the two",
            );
        }
    }
}
