//! Finds accelerators among the resource requirements: Fargate has none.

use serde_json::Value;

use crate::validate::{Findings, Rule, RuleEvidence, Severity, Subject, label, quoted};

pub(super) static RULE: Rule = Rule {
    id: "unsupported-resource",
    severity: Severity::Error,
    summary: "a container requires a GPU or an inference accelerator",
    why: "ECS refuses the registration: Fargate offers no accelerators.",
    source: "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/fargate-tasks-services.html",
    evidence: RuleEvidence::Refused {
        words: "Unsupported field 'inferenceAccelerators'",
        seen: "https://github.com/badmintoncryer/cdk-preflight/blob/main/docs/rules.md",
    },
    check,
    ..Rule::OF_DOCUMENTS
};

fn check(subject: &Subject<'_>, report: &mut Findings<'_>) {
    for container in subject.definition.containers() {
        for (index, requirement) in container.list("resourceRequirements").iter().enumerate() {
            let kind = requirement.get("type").and_then(Value::as_str).unwrap_or_default();
            if matches!(kind, "GPU" | "InferenceAccelerator") {
                report.add(
                    format!("{}/resourceRequirements/{index}", container.pointer()),
                    format!("{} requires {}, which Fargate does not have", label(container), quoted(kind)),
                    "remove the requirement",
                );
            }
        }
    }
}
