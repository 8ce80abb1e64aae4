//! Finds mount points of no volume, or of one that the definition does not have.

use serde_json::Value;

use crate::validate::{Findings, Rule, RuleEvidence, Severity, Subject, label, quoted};

pub(super) static RULE: Rule = Rule {
    id: "unknown-volume",
    severity: Severity::Error,
    summary: "a mount point names no volume, or one that does not exist",
    why: "ECS refuses the registration: a mount point refers to a volume of the same task definition by its name.",
    source: "https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_MountPoint.html",
    evidence: RuleEvidence::Refused {
        words: "Unknown volume '…'.",
        seen: "https://github.com/ansible/ansible/issues/35751",
    },
    check,
    ..Rule::OF_DOCUMENTS
};

fn check(subject: &Subject<'_>, report: &mut Findings<'_>) {
    let volumes = subject.definition.list("volumes");
    let exists = |name: &str| volumes.iter().any(|volume| volume.get("name").and_then(Value::as_str) == Some(name));
    for container in subject.definition.containers() {
        for (index, mount) in container.list("mountPoints").iter().enumerate() {
            let pointer = format!("{}/mountPoints/{index}", container.pointer());
            match mount.get("sourceVolume") {
                None | Some(Value::Null) => report.add(
                    pointer,
                    format!("a mount point of {} has no `sourceVolume`", label(container)),
                    "name the volume of this definition that is mounted there",
                ),
                Some(Value::String(name)) if !exists(name) => report.add(
                    pointer + "/sourceVolume",
                    format!("{} mounts {}, which is not a volume of this definition", label(container), quoted(name)),
                    "add it to `volumes`, or correct the name",
                ),
                Some(_) => {}
            }
        }
    }
}
