//! Finds ports that no protocol has.

use serde_json::Value;

use crate::validate::{Findings, Rule, RuleEvidence, Severity, Subject, label, quoted};

pub(super) static RULE: Rule = Rule {
    id: "out-of-range-port",
    severity: Severity::Error,
    summary: "a port, or a range of ports, is not between 1 and 65535",
    why: "ECS refuses the registration: ports of TCP and UDP are numbers from 1 to 65535.",
    source: "https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_PortMapping.html",
    evidence: RuleEvidence::Refused {
        words: "Invalid 'containerPort' setting for container",
        seen: "https://github.com/aws/aws-cli/issues/7288",
    },
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
            if ["containerPort", "hostPort"].iter().any(|member| mapping.get(member).is_some_and(Value::is_number))
                && mapping.get("containerPortRange").is_some_and(Value::is_string)
            {
                report.add(
                    format!("{}/portMappings/{index}/containerPortRange", container.pointer()),
                    format!("{} has a port and a range in one mapping", label(container)),
                    "remove one of them: \"cannot specify both single port and port range\"",
                );
                continue;
            }
            let range = mapping.get("containerPortRange").and_then(Value::as_str);
            if let Some(range) = range.filter(|range| !range.is_empty() && port_range(range).is_none()) {
                report.add(
                    format!("{}/portMappings/{index}/containerPortRange", container.pointer()),
                    format!("{} has the range {}", label(container), quoted(range)),
                    "write the first and the last port, as in `8000-8010`",
                );
            }
        }
    }
}

/// The first and the last port of a range; `None` for a text that is none.
pub(super) fn port_range(text: &str) -> Option<(i64, i64)> {
    let (first, last) = text.split_once('-')?;
    let port = |text: &str| text.parse().ok().filter(|port| (1..=65535).contains(port));
    port(first).zip(port(last)).filter(|(first, last)| first < last)
}
