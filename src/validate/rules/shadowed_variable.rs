//! Finds names that are both a plain variable and a secret.

use std::collections::HashSet;

use serde_json::Value;

use crate::validate::{Findings, Rule, RuleEvidence, Severity, Subject, label, quoted};

pub(super) static RULE: Rule = Rule {
    id: "shadowed-variable",
    severity: Severity::Error,
    summary: "a name is both in `environment` and in `secrets`",
    why: "ECS refuses the registration: \"The secret name must be unique and not shared with any new or existing \
        environment variables set on the container\".",
    source: "https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_Secret.html",
    evidence: RuleEvidence::Refused {
        words: "The secret name must be unique and not shared with any new or existing environment variables set on the container",
        seen: "https://github.com/dagster-io/dagster/issues/11622",
    },
    check,
    ..Rule::OF_DOCUMENTS
};

fn check(subject: &Subject<'_>, report: &mut Findings<'_>) {
    for container in subject.definition.containers() {
        let secrets = container.list("secrets");
        if secrets.is_empty() {
            continue;
        }
        let plain: HashSet<&str> = container.list("environment").iter().filter_map(name_of).collect();
        for (index, secret) in secrets.iter().enumerate() {
            if let Some(name) = name_of(secret).filter(|name| plain.contains(name)) {
                report.add(
                    format!("{}/secrets/{index}/name", container.pointer()),
                    format!("{} has {} as a variable and as a secret", label(container), quoted(name)),
                    "keep the secret",
                );
            }
        }
    }
}

fn name_of(entry: &Value) -> Option<&str> {
    entry.get("name").and_then(Value::as_str)
}
