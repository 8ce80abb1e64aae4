//! A definition without containers runs nothing; the rules about `Main` then keep quiet.

use serde_json::Value;

use crate::validate::{Findings, Rule, RuleEvidence, Severity, Subject};

pub(super) static RULE: Rule = Rule {
    id: "missing-containers",
    severity: Severity::Error,
    summary: "the definition has no containers",
    why: "ECS refuses the registration: a task definition runs at least one container.",
    source: "https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_RegisterTaskDefinition.html",
    evidence: RuleEvidence::Refused {
        words: "Container list cannot be empty.",
        seen: "https://github.com/awsdocs/aws-cloudformation-user-guide/pull/454",
    },
    check,
    ..Rule::OF_DOCUMENTS
};

fn check(subject: &Subject<'_>, report: &mut Findings<'_>) {
    let containers = subject.definition.members().get("containerDefinitions").unwrap_or(&Value::Null);
    if containers.is_null() || containers.as_array().is_some_and(Vec::is_empty) {
        report.add(
            "/containerDefinitions",
            "the definition has no containers",
            "add a container named `Main` with an image and one named TCP port",
        );
    }
}
