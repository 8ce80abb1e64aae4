//! Finds port names that are used twice in the task.

use std::collections::HashSet;

use serde_json::Value;

use crate::validate::{Findings, Rule, RuleEvidence, Severity, Subject, quoted};

pub(super) static RULE: Rule = Rule {
    id: "duplicate-port-name",
    severity: Severity::Error,
    summary: "two port mappings have the same name",
    why: "ECS refuses the registration: services refer to a port by its name, so it is unique in the task definition.",
    source: "https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_PortMapping.html",
    evidence: RuleEvidence::Refused {
        words: "port mapping name is already used",
        seen: "https://github.com/badmintoncryer/cdk-preflight/blob/main/docs/rules.md",
    },
    check,
    ..Rule::OF_DOCUMENTS
};

fn check(subject: &Subject<'_>, report: &mut Findings<'_>) {
    let mut names = HashSet::new();
    for container in subject.definition.containers() {
        for (index, mapping) in container.list("portMappings").iter().enumerate() {
            let name = mapping.get("name").and_then(Value::as_str).filter(|name| !name.is_empty());
            if let Some(name) = name.filter(|name| !names.insert(*name)) {
                report.add(
                    format!("{}/portMappings/{index}/name", container.pointer()),
                    format!("the port name {} is used before", quoted(name)),
                    "give it another name",
                );
            }
        }
    }
}
