//! Finds variables and secrets without a name. The API model takes them, and ECS does not.

use serde_json::Value;

use crate::validate::{Findings, Rule, RuleEvidence, Severity, Subject, label};

pub(super) static RULE: Rule = Rule {
    id: "blank-variable-name",
    severity: Severity::Error,
    summary: "a variable or a secret has no name",
    why: "ECS refuses the registration: \"environment variable name cannot be null or blank\".",
    source: "https://github.com/thnery/terraform-aws-template/issues/2",
    evidence: RuleEvidence::Refused {
        words: "environment variable name cannot be null or blank",
        seen: "https://github.com/thnery/terraform-aws-template/issues/2",
    },
    check,
    ..Rule::OF_DOCUMENTS
};

fn check(subject: &Subject<'_>, report: &mut Findings<'_>) {
    for container in subject.definition.containers() {
        for list in ["environment", "secrets"] {
            for (index, entry) in container.list(list).iter().enumerate() {
                // What is no object, and a name of another type, are other rules'.
                let Some(entry) = entry.as_object() else { continue };
                let is_blank = match entry.get("name") {
                    None | Some(Value::Null) => true,
                    Some(name) => name.as_str().is_some_and(|name| name.trim().is_empty()),
                };
                // `missing-member` speaks of what the model requires.
                if is_blank && (list == "environment" || entry.contains_key("name")) {
                    report.add(
                        format!("{}/{list}/{index}", container.pointer()),
                        format!("an entry of `{list}` of {} has no name", label(container)),
                        "name it, or remove it",
                    );
                }
            }
        }
    }
}
