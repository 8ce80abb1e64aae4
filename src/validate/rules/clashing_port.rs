//! Finds ports that two containers of the task want: they share one network interface.

use std::collections::{BTreeMap, HashMap};

use serde_json::Value;

use super::out_of_range_port::port_range;
use crate::validate::{Findings, Rule, RuleEvidence, Severity, Subject, label};

pub(super) static RULE: Rule = Rule {
    id: "clashing-port",
    severity: Severity::Warning,
    summary: "two containers have the same port",
    why: "All containers of a task share one network interface, so the second one that listens on a port fails with \
        \"address already in use\".",
    source: "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-networking-awsvpc.html",
    evidence: RuleEvidence::Documented,
    check,
    ..Rule::OF_DOCUMENTS
};

fn check(subject: &Subject<'_>, report: &mut Findings<'_>) {
    // Of each protocol, by the first port: the last one, and the container.
    let mut taken: HashMap<String, BTreeMap<i64, (i64, usize)>> = HashMap::new();
    for container in subject.definition.containers() {
        for (index, mapping) in container.list("portMappings").iter().enumerate() {
            let Some((member, first, last)) = ports(mapping) else { continue };
            let protocol = mapping.get("protocol").and_then(Value::as_str).unwrap_or("tcp").to_ascii_lowercase();
            let taken = taken.entry(protocol).or_default();
            // What is kept does not overlap, so only the last that begins before the end can.
            let before = taken.range(..=last).next_back().filter(|(_, (end, _))| *end >= first);
            let Some((start, end, other)) = before.map(|(start, (end, other))| (*start, *end, *other)) else {
                taken.insert(first, (last, container.index));
                continue;
            };
            let place = if other == container.index { "twice" } else { "as another container does" };
            let port = if first == last { first.to_string() } else { format!("{first}-{last}") };
            // Of two ranges it was seen to refuse the registration: "container port is used multiple times in task"
            // (badmintoncryer/cdk-preflight).
            let both = first != last && start != end;
            let severity = if both { Severity::Error } else { Severity::Warning };
            report.add_as(
                severity,
                format!("{}/portMappings/{index}/{member}", container.pointer()),
                format!(
                    "{} has port {port} {place}; the containers of a task share one network interface",
                    label(container)
                ),
                "choose another port",
            );
        }
    }
}

/// The ports of a mapping, and which member has them.
fn ports(mapping: &Value) -> Option<(&'static str, i64, i64)> {
    if let Some(port) = mapping.get("containerPort").and_then(Value::as_i64) {
        return Some(("containerPort", port, port));
    }
    let (first, last) = port_range(mapping.get("containerPortRange")?.as_str()?)?;
    Some(("containerPortRange", first, last))
}
