//! Finds volumes that no container mounts.

use serde_json::Value;

use crate::validate::{Findings, Rule, RuleEvidence, Severity, Subject, quoted};

pub(super) static RULE: Rule = Rule {
    id: "unused-volume",
    severity: Severity::Hint,
    summary: "no container mounts a volume",
    why: "The task starts, and the volume is made for nothing; often a mount point was forgotten.",
    source: "https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_Volume.html",
    evidence: RuleEvidence::Documented,
    check,
    ..Rule::OF_DOCUMENTS
};

fn check(subject: &Subject<'_>, report: &mut Findings<'_>) {
    let volumes = subject.definition.list("volumes");
    for (index, volume) in volumes.iter().enumerate() {
        let Some(name) = volume.get("name").and_then(Value::as_str) else { continue };
        let is_mounted = subject.definition.containers().any(|container| {
            container
                .list("mountPoints")
                .iter()
                .any(|mount| mount.get("sourceVolume").and_then(Value::as_str) == Some(name))
        });
        if !is_mounted {
            report.add(
                format!("/volumes/{index}"),
                format!("no container mounts the volume {}", quoted(name)),
                "add a mount point, or remove the volume",
            );
        }
    }
}
