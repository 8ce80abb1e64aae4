//! ECS refuses a `firelensConfiguration` while no container uses the log driver `awsfirelens`.

use crate::task_definition::Container;
use crate::validate::{Findings, Rule, RuleEvidence, Severity, Subject, label};

pub(super) static RULE: Rule = Rule {
    id: "unused-log-router",
    severity: Severity::Error,
    summary: "a container is a log router, and no container logs through FireLens",
    why: "ECS refuses the registration when a container has a `firelensConfiguration` and no container uses the driver \
        `awsfirelens`. If the router only runs beside the others, it needs no such configuration.",
    source: "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/using_firelens.html",
    evidence: RuleEvidence::Refused {
        words: "When a firelensConfiguration object is specified, at least one container has to be configured with the awsfirelens log driver.",
        seen: "https://github.com/aws/amazon-cloudwatch-logs-for-fluent-bit/issues/20",
    },
    check,
    ..Rule::OF_DOCUMENTS
};

fn check(subject: &Subject<'_>, report: &mut Findings<'_>) {
    if subject.definition.containers().any(|container| container.log_driver() == Some("awsfirelens")) {
        return;
    }
    if let Some(router) = subject.definition.containers().find(Container::is_log_router) {
        report.add(
            router.pointer() + "/firelensConfiguration",
            format!("{} is a log router, but no container logs through `awsfirelens`", label(router)),
            "set `\"logDriver\": \"awsfirelens\"` where logs are to be routed, or remove the `firelensConfiguration`",
        );
    }
}
