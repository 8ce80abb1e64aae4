//! A task has one log router; the agent would not know which of two to connect the others to.

use crate::task_definition::Container;
use crate::validate::{Findings, Rule, RuleEvidence, Severity, Subject, label};

pub(super) static RULE: Rule = Rule {
    id: "extra-log-router",
    severity: Severity::Warning,
    summary: "more than one container is a log router",
    why: "A task has one log router: every container with the `awsfirelens` driver sends its lines to it. ECS refuses a \
        second one.",
    source: "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/using_firelens.html",
    evidence: RuleEvidence::Observed { seen: "aws/amazon-ecs-agent agent/api/task/task.go" },
    check,
    ..Rule::OF_DOCUMENTS
};

fn check(subject: &Subject<'_>, report: &mut Findings<'_>) {
    let mut routers = subject.definition.containers().filter(Container::is_log_router);
    let Some(first) = routers.next() else { return };
    for router in routers {
        report.add(
            router.pointer() + "/firelensConfiguration",
            format!("{} is a second log router beside {}", label(router), label(first)),
            "keep one `firelensConfiguration`; one router can write to several outputs",
        );
    }
}
