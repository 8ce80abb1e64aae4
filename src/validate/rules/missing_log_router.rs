//! The log driver `awsfirelens` needs a container with a `firelensConfiguration`; ECS refuses the definition otherwise.

use crate::validate::{Report, Rule, Severity, Subject, label};

pub(super) static RULE: Rule = Rule {
    id: "missing-log-router",
    severity: Severity::Error,
    summary: "a container logs through FireLens, and no container is the log router",
    why: "",
    source: "",
    check,
};

fn check(subject: &Subject<'_>, report: &mut Report<'_>) {
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
