//! Finds variables and secrets that are set twice in one container.

use std::collections::HashSet;

use serde_json::Value;

use crate::validate::{Findings, Rule, RuleEvidence, Severity, Subject, label, quoted};

pub(super) static RULE: Rule = Rule {
    id: "duplicate-variable",
    severity: Severity::Warning,
    summary: "a variable is set twice in one container",
    why: "Of two variables only one value reaches the container, and nothing says which. Two secrets of one name ECS refuses: \
        \"duplicate secret names were found and each must be unique\" (issue 210 of aws-ecs-orb).",
    source: "https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_KeyValuePair.html",
    evidence: RuleEvidence::Refused {
        words: "duplicate secret names were found and each must be unique",
        seen: "https://github.com/CircleCI-Public/aws-ecs-orb/issues/210",
    },
    check,
    ..Rule::OF_DOCUMENTS
};

fn check(subject: &Subject<'_>, report: &mut Findings<'_>) {
    for container in subject.definition.containers() {
        for list in ["environment", "secrets"] {
            let entries = container.list(list);
            let mut names = HashSet::with_capacity(entries.len());
            for (index, entry) in entries.iter().enumerate() {
                let name = entry.get("name").and_then(Value::as_str).unwrap_or_default();
                if !name.is_empty() && !names.insert(name) {
                    let severity = if list == "secrets" { Severity::Error } else { Severity::Warning };
                    report.add_as(
                        severity,
                        format!("{}/{list}/{index}/name", container.pointer()),
                        format!("{} sets {} twice", label(container), quoted(name)),
                        "remove one of the two",
                    );
                }
            }
        }
    }
}
