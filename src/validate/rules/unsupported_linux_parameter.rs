//! Finds `linuxParameters` that Fargate refuses: devices, shared memory and swap belong to a host.

use serde_json::Value;

use crate::validate::{Findings, Rule, RuleEvidence, Severity, Subject, label};

pub(super) static RULE: Rule = Rule {
    id: "unsupported-linux-parameter",
    severity: Severity::Error,
    summary: "a member of `linuxParameters` is one that Fargate refuses",
    why: "ECS refuses the registration. Devices, shared memory and swap are the host's, which Fargate does not share.",
    source: "https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_LinuxParameters.html",
    evidence: RuleEvidence::Refused {
        words: "Fargate compatible task definitions do not support devices",
        seen: "https://github.com/badmintoncryer/cdk-preflight/blob/main/docs/rules.md",
    },
    check,
    ..Rule::OF_DOCUMENTS
};

pub(in crate::validate) const REFUSED: [&str; 4] = ["devices", "maxSwap", "sharedMemorySize", "swappiness"];

fn check(subject: &Subject<'_>, report: &mut Findings<'_>) {
    for container in subject.definition.containers() {
        let Some(parameters) = container.members.get("linuxParameters").and_then(Value::as_object) else { continue };
        for member in REFUSED {
            let is_set = parameters.get(member).is_some_and(|value| match value {
                Value::Null => false,
                Value::Array(items) => !items.is_empty(),
                _ => true,
            });
            if is_set {
                report.add(
                    format!("{}/linuxParameters/{member}", container.pointer()),
                    format!("Fargate refuses `{member}`, which {} asks for", label(container)),
                    "remove it",
                );
            }
        }
    }
}
