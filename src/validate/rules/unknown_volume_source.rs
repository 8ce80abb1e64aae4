//! Finds containers that take the volumes of one that does not exist.

use serde_json::Value;

use crate::validate::{Findings, Rule, RuleEvidence, Severity, Subject, is_missing, label, quoted};

pub(super) static RULE: Rule = Rule {
    id: "unknown-volume-source",
    severity: Severity::Error,
    summary: "a container takes volumes from none, or from one that does not exist",
    why: "ECS refuses the registration: `sourceContainer` is the name of another container of the same task definition.",
    source: "https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_VolumeFrom.html",
    evidence: RuleEvidence::Refused {
        words: "Invalid 'volumesFrom' setting. Unknown container: '…'",
        seen: "https://github.com/badmintoncryer/cdk-preflight/blob/main/docs/rules.md",
    },
    check,
    ..Rule::OF_DOCUMENTS
};

fn check(subject: &Subject<'_>, report: &mut Findings<'_>) {
    for container in subject.definition.containers() {
        for (index, from) in container.list("volumesFrom").iter().enumerate() {
            if from.as_object().is_some_and(|from| is_missing(from, "sourceContainer")) {
                report.add(
                    format!("{}/volumesFrom/{index}", container.pointer()),
                    format!("{} takes volumes from no container", label(container)),
                    "name the container in `sourceContainer`",
                );
                continue;
            }
            let source = from.get("sourceContainer").and_then(Value::as_str);
            if let Some(name) = source.filter(|name| subject.definition.container(name).is_none()) {
                report.add(
                    format!("{}/volumesFrom/{index}/sourceContainer", container.pointer()),
                    format!("{} takes volumes from {}, which is not a container here", label(container), quoted(name)),
                    "correct the name, or add the container",
                );
            }
        }
    }
}
