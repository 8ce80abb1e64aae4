//! Finds `awslogs` configurations without an option that Fargate needs.

use serde_json::Value;

use crate::task_definition::Container;
use crate::validate::{Findings, Rule, RuleEvidence, Severity, Subject, label};

pub(super) static RULE: Rule = Rule {
    id: "missing-awslogs-option",
    severity: Severity::Error,
    summary: "the `awslogs` driver lacks its group, its region or its stream prefix",
    why: "ECS refuses the registration or the task fails to start: on Fargate the driver cannot guess the group, the \
        region or the name of the stream.",
    source: "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/using_awslogs.html",
    evidence: RuleEvidence::Refused {
        words: "Log driver awslogs requires options: awslogs-region, awslogs-group",
        seen: "https://github.com/aws-cloudformation/cfn-lint/issues/1787",
    },
    check,
    ..Rule::OF_DOCUMENTS
};

const REQUIRED: [&str; 3] = ["awslogs-group", "awslogs-region", "awslogs-stream-prefix"];

fn check(subject: &Subject<'_>, report: &mut Findings<'_>) {
    for container in subject.definition.containers().filter(|container| container.log_driver() == Some("awslogs")) {
        for option in REQUIRED {
            let value = container.log_options().and_then(|options| options.get(option));
            if value.is_none_or(|value| matches!(value, Value::Null) || value.as_str() == Some("")) {
                report.add(
                    place(container, option),
                    format!("{} logs with `awslogs` and has no `{option}`", label(container)),
                    format!("add the option `{option}`"),
                );
            }
        }
    }
}

/// Where an option stands or would stand; where there are no options at all, where these would.
fn place(container: Container<'_>, option: &str) -> String {
    let options = format!("{}/logConfiguration/options", container.pointer());
    if container.log_options().is_some() { format!("{options}/{option}") } else { options }
}
