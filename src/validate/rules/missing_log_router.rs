//! The log driver `awsfirelens` needs a container with a `firelensConfiguration`; ECS refuses the definition otherwise.

use crate::validate::{Findings, Rule, RuleEvidence, Severity, Subject, label};

pub(super) static RULE: Rule = Rule {
    id: "missing-log-router",
    severity: Severity::Error,
    summary: "a container logs through FireLens, and no container is the log router",
    why: "The driver `awsfirelens` sends lines to the log router of the same task. Without a container that has a \
        `firelensConfiguration` ECS refuses the registration.",
    source: "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/using_firelens.html",
    evidence: RuleEvidence::Refused {
        words: "When awsfirelens log driver is specified in log configuration, a firelens configuration object must be configured in one of the containers.",
        seen: "https://github.com/cn-terraform/terraform-aws-ecs-fargate/issues/69",
    },
    check,
    ..Rule::OF_DOCUMENTS
};

fn check(subject: &Subject<'_>, report: &mut Findings<'_>) {
    if subject.definition.containers().any(|container| container.is_log_router()) {
        return;
    }
    for container in subject.definition.containers().filter(|container| container.log_driver() == Some("awsfirelens")) {
        report.add(
            container.pointer() + "/logConfiguration/logDriver",
            format!("{} logs through `awsfirelens`, but no container has a `firelensConfiguration`", label(container)),
            "add a log router, for example from public.ecr.aws/aws-observability/aws-for-fluent-bit, with \
             `\"firelensConfiguration\": {\"type\": \"fluentbit\"}`",
        );
    }
}
