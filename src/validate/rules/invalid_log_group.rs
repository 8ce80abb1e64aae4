//! Reads the name of the log group of the `awslogs` driver. Whether the group exists is not asked.

use serde_json::Value;

use crate::validate::{Findings, Rule, RuleEvidence, Severity, Subject, label, quoted};

pub(super) static RULE: Rule = Rule {
    id: "invalid-log-group",
    severity: Severity::Error,
    summary: "the log group of the `awslogs` driver has a name that CloudWatch Logs does not take",
    why: "A log group's name has up to 512 letters, digits, `.`, `-`, `_`, `/` and `#`. An ARN, or its end with `:*`, is not \
        a name. ECS refuses the registration.",
    source: "https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_CreateLogGroup.html",
    evidence: RuleEvidence::Refused {
        words: "Log driver awslogs option 'awslogs-group' contains invalid characters.",
        seen: "https://github.com/aws/aws-cdk/issues/4492",
    },
    check,
    ..Rule::OF_DOCUMENTS
};

fn check(subject: &Subject<'_>, report: &mut Findings<'_>) {
    for container in subject.definition.containers().filter(|container| container.log_driver() == Some("awslogs")) {
        let group = container.log_options().and_then(|options| options.get("awslogs-group")).and_then(Value::as_str);
        let is_letter = |b: u8| b.is_ascii_alphanumeric() || b".-_/#".contains(&b);
        let Some(group) = group.filter(|group| group.len() > 512 || !group.bytes().all(is_letter)) else { continue };
        report.add(
            format!("{}/logConfiguration/options/awslogs-group", container.pointer()),
            format!(
                "the log group of {}, {}, is not a name that CloudWatch Logs takes",
                label(container),
                quoted(group)
            ),
            "name it with up to 512 letters, digits, `.`, `-`, `_`, `/` and `#`",
        );
    }
}
