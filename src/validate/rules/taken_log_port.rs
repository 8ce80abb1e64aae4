//! All containers of a task share one network, in which the log router has two ports. Ports that no mapping names
//! cannot be seen.

use serde_json::Value;

use crate::firelens::router;
use crate::validate::{Findings, Rule, RuleEvidence, Severity, Subject, label};

pub(super) static RULE: Rule = Rule {
    id: "taken-log-port",
    severity: Severity::Warning,
    summary: "a container uses a port that the log router listens on",
    why: "ECS lets the router listen on 127.0.0.1:24224 for records and on 127.0.0.1:8877 for health checks, in the \
          network that all containers of the task share. Whoever comes second cannot bind the port and stops.",
    source: "aws/amazon-ecs-agent agent/taskresource/firelens/firelensconfig_unix.go",
    evidence: RuleEvidence::Observed {
        seen: "aws/amazon-ecs-agent agent/taskresource/firelens/firelensconfig_unix.go",
    },
    check,
    ..Rule::OF_DOCUMENTS
};

fn check(subject: &Subject<'_>, report: &mut Findings<'_>) {
    let Some(router) = router::find(subject.definition) else { return };
    for container in subject.definition.containers().filter(|container| container.index != router.index) {
        for (index, mapping) in container.list("portMappings").iter().enumerate() {
            let port = mapping.get("containerPort").and_then(Value::as_u64);
            if let Some(port @ (24224 | 8877)) = port {
                report.add(
                    format!("{}/portMappings/{index}/containerPort", container.pointer()),
                    format!(
                        "{} uses port {port}, on which the log router listens in the same network",
                        label(container)
                    ),
                    "let the container listen on another port",
                );
            }
        }
    }
}
