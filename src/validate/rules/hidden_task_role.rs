//! Finds AWS credentials that stand in front of the task role.

use serde_json::Value;

use crate::validate::{Findings, Rule, RuleEvidence, Severity, Subject, label, quoted};

pub(super) static RULE: Rule = Rule {
    id: "hidden-task-role",
    severity: Severity::Warning,
    summary: "AWS credentials in the environment hide the task role",
    why: "The SDKs look at these variables before they ask for the task role, so the role is never used, and the keys do \
        not rotate.",
    source: "https://docs.aws.amazon.com/sdkref/latest/guide/standardized-credentials.html",
    evidence: RuleEvidence::Documented,
    check,
    ..Rule::OF_DOCUMENTS
};

fn check(subject: &Subject<'_>, report: &mut Findings<'_>) {
    if subject.definition.text("taskRoleArn").is_none_or(str::is_empty) {
        return;
    }
    for container in subject.definition.containers() {
        for list in ["environment", "secrets"] {
            for (index, entry) in container.list(list).iter().enumerate() {
                let name = entry.get("name").and_then(Value::as_str).unwrap_or_default();
                if matches!(name, "AWS_ACCESS_KEY_ID" | "AWS_SECRET_ACCESS_KEY") {
                    report.add(
                        format!("{}/{list}/{index}/name", container.pointer()),
                        format!("{} sets {}, and so does not use the task role", label(container), quoted(name)),
                        "remove it, and give the task role the permissions",
                    );
                }
            }
        }
    }
}
