//! Finds ports that two containers of the task want: they share one network interface.

use std::collections::HashMap;

use serde_json::Value;

use crate::validate::{Findings, Rule, Severity, Subject, label};

pub(super) static RULE: Rule = Rule {
    id: "clashing-port",
    severity: Severity::Warning,
    summary: "two containers have the same port",
    why: "All containers of a task share one network interface, so the second one that listens on a port fails with \
        \"address already in use\".",
    source: "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-networking-awsvpc.html",
    check,
    ..Rule::OF_DOCUMENTS
};

fn check(subject: &Subject<'_>, report: &mut Findings<'_>) {
    let mut taken = HashMap::new();
    for container in subject.definition.containers() {
        for (index, mapping) in container.list("portMappings").iter().enumerate() {
            let Some(port) = mapping.get("containerPort").and_then(Value::as_i64) else { continue };
            let protocol = mapping.get("protocol").and_then(Value::as_str).unwrap_or("tcp").to_ascii_lowercase();
            if let Some(other) = taken.insert((port, protocol), container.index) {
                let place = if other == container.index { "twice" } else { "as another container does" };
                report.add(
                    format!("{}/portMappings/{index}/containerPort", container.pointer()),
                    format!(
                        "{} has port {port} {place}; the containers of a task share one network interface",
                        label(container)
                    ),
                    "choose another port",
                );
            }
        }
    }
}
