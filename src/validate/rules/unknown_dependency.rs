//! Resolves the names in `dependsOn`; cycles are not looked for.

use serde_json::Value;

use crate::validate::nearest::nearest;
use crate::validate::{Findings, Rule, RuleEvidence, Severity, Subject, label, quoted};

pub(super) static RULE: Rule = Rule {
    id: "unknown-dependency",
    severity: Severity::Error,
    summary: "a container depends on one that does not exist",
    why: "ECS refuses the registration: a container can only wait for one of the same task definition.",
    source: "https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ContainerDependency.html",
    evidence: RuleEvidence::Refused {
        words: "Cannot depend on container + '…' because it does not exist",
        seen: "https://github.com/dagster-io/dagster/issues/6926",
    },
    check,
    ..Rule::OF_DOCUMENTS
};

fn check(subject: &Subject<'_>, report: &mut Findings<'_>) {
    let names: Vec<&str> = subject.definition.containers().filter_map(|container| container.name()).collect();
    for container in subject.definition.containers() {
        for (index, dependency) in container.list("dependsOn").iter().enumerate() {
            let Some(name) = dependency.get("containerName").and_then(Value::as_str) else { continue };
            if names.contains(&name) {
                continue;
            }
            let help = match nearest(name, names.iter().copied()) {
                Some(meant) => format!("did you mean {}?", quoted(meant.name)),
                None => "add the container, or remove the dependency".to_owned(),
            };
            report.add(
                format!("{}/dependsOn/{index}/containerName", container.pointer()),
                format!("{} depends on {}, which does not exist", label(container), quoted(name)),
                help,
            );
        }
    }
}
