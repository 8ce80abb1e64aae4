//! Holds host ports against container ports: a task with its own network interface has one set of ports.

use serde_json::Value;

use crate::validate::{Findings, Rule, RuleEvidence, Severity, Subject, label};

pub(super) static RULE: Rule = Rule {
    id: "mismatched-host-port",
    severity: Severity::Error,
    summary: "a host port differs from its container port",
    why: "ECS refuses the registration: with the network mode `awsvpc` the host ports and container ports in port mappings \
        must match.",
    source: "https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_PortMapping.html",
    evidence: RuleEvidence::Refused {
        words: "When networkMode=awsvpc, the host ports and container ports in port mappings must match",
        seen: "https://github.com/aws/amazon-ecs-cli/issues/1014",
    },
    check,
    ..Rule::OF_DOCUMENTS
};

fn check(subject: &Subject<'_>, report: &mut Findings<'_>) {
    for container in subject.definition.containers() {
        for (index, mapping) in container.list("portMappings").iter().enumerate() {
            let port = |member: &str| mapping.get(member).and_then(Value::as_i64);
            if let (Some(host), Some(inside)) = (port("hostPort"), port("containerPort"))
                && host != inside
                && host != 0
            {
                report.add(
                    format!("{}/portMappings/{index}/hostPort", container.pointer()),
                    format!(
                        "{} maps port {inside} to host port {host}; with `awsvpc` they are the same",
                        label(container)
                    ),
                    "remove `hostPort`",
                );
            }
        }
    }
}
