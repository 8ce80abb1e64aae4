//! Finds Linux capabilities that Fargate does not give: of those that can be added it knows one.

use serde_json::Value;

use crate::validate::{Findings, Rule, RuleEvidence, Severity, Subject, label, quoted};

pub(super) static RULE: Rule = Rule {
    id: "unsupported-capability",
    severity: Severity::Error,
    summary: "a Linux capability is added that Fargate does not give",
    why: "ECS refuses the registration: on Fargate the only capability that can be added is `SYS_PTRACE`. Any may be \
        dropped.",
    source: "https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_KernelCapabilities.html",
    evidence: RuleEvidence::Refused {
        words: "… is not allowed on Fargate.",
        seen: "https://github.com/badmintoncryer/cdk-preflight/blob/main/docs/rules.md",
    },
    check,
    ..Rule::OF_DOCUMENTS
};

fn check(subject: &Subject<'_>, report: &mut Findings<'_>) {
    for container in subject.definition.containers() {
        let added =
            container.members.get("linuxParameters").and_then(|parameters| parameters.pointer("/capabilities/add"));
        for (index, capability) in added.and_then(Value::as_array).into_iter().flatten().enumerate() {
            if let Some(name) = capability.as_str().filter(|name| *name != "SYS_PTRACE") {
                report.add(
                    format!("{}/linuxParameters/capabilities/add/{index}", container.pointer()),
                    format!(
                        "{} adds the capability {}; Fargate gives `SYS_PTRACE` only",
                        label(container),
                        quoted(name)
                    ),
                    "remove it, and do without what it allows",
                );
            }
        }
    }
}
