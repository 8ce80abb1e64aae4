//! Finds ports that no protocol has.

use serde_json::Value;

use crate::validate::{Findings, Rule, Severity, Subject, label};

pub(super) static RULE: Rule = Rule {
    id: "out-of-range-port",
    severity: Severity::Error,
    summary: "a port is not between 1 and 65535",
    why: "ECS refuses the registration: ports of TCP and UDP are numbers from 1 to 65535.",
    source: "https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_PortMapping.html",
    check,
    ..Rule::OF_DOCUMENTS
};

fn check(subject: &Subject<'_>, report: &mut Findings<'_>) {
    for container in subject.definition.containers() {
        for (index, mapping) in container.list("portMappings").iter().enumerate() {
            let port = mapping.get("containerPort").and_then(Value::as_i64);
            if let Some(port) = port.filter(|port| !(1..=65535).contains(port)) {
                report.add(
                    format!("{}/portMappings/{index}/containerPort", container.pointer()),
                    format!("{} has the port {port}", label(container)),
                    "write a port from 1 to 65535",
                );
            }
        }
    }
}
