//! Finds port names that ECS does not take.

use serde_json::Value;

use crate::validate::{Findings, Rule, RuleEvidence, Severity, Subject, quoted};

pub(super) static RULE: Rule = Rule {
    id: "invalid-port-name",
    severity: Severity::Warning,
    summary: "the name of a port mapping is not one that ECS takes",
    why: "ECS refuses the registration: a port name has 1 to 64 lower-case letters, digits, underscores and hyphens, and \
        does not begin with a hyphen.",
    source: "https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_PortMapping.html",
    evidence: RuleEvidence::Documented,
    check,
    ..Rule::OF_DOCUMENTS
};

fn check(subject: &Subject<'_>, report: &mut Findings<'_>) {
    for container in subject.definition.containers() {
        for (index, mapping) in container.list("portMappings").iter().enumerate() {
            let name = mapping.get("name").and_then(Value::as_str).unwrap_or_default();
            let is_valid = name.len() <= 64
                && !name.starts_with('-')
                && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'_' | b'-'));
            if !is_valid {
                report.add(
                    format!("{}/portMappings/{index}/name", container.pointer()),
                    format!("{} is not a port name", quoted(name)),
                    "use at most 64 lower-case letters, digits, `_` and `-`, the first no `-`",
                );
            }
        }
    }
}
