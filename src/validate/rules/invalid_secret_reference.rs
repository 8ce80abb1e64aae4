//! Reads what secrets refer to: an ARN of one of two services, or the name of a parameter.

use serde_json::Value;

use crate::validate::{Findings, Rule, Severity, Subject, label};

pub(super) static RULE: Rule = Rule {
    id: "invalid-secret-reference",
    severity: Severity::Error,
    summary: "a secret refers to something that is neither a Secrets Manager secret nor an SSM parameter",
    why: "The agent cannot fetch it, and the task stops with `ResourceInitializationError` before any container runs.",
    source: "https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_Secret.html",
    check,
    ..Rule::OF_DOCUMENTS
};

fn check(subject: &Subject<'_>, report: &mut Findings<'_>) {
    for container in subject.definition.containers() {
        for (index, secret) in container.list("secrets").iter().enumerate() {
            let Some(reference) = secret.get("valueFrom").and_then(Value::as_str) else { continue };
            let problem = match reference.strip_prefix("arn:").map(|rest| rest.split(':').nth(1)) {
                _ if reference.is_empty() => "nothing",
                Some(Some("secretsmanager" | "ssm")) | None => continue,
                Some(_) => "an ARN of another service",
            };
            report.add(
                format!("{}/secrets/{index}/valueFrom", container.pointer()),
                format!("a secret of {} refers to {problem}", label(container)),
                "give the ARN of a Secrets Manager secret or of an SSM parameter, or a parameter's name",
            );
        }
    }
}
