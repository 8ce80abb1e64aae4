//! Finds health checks that call a program that small images do not have.

use serde_json::Value;

use crate::validate::{Findings, Rule, RuleEvidence, Severity, Subject, label};

pub(super) static RULE: Rule = Rule {
    id: "health-check-tool",
    severity: Severity::Hint,
    summary: "a health check calls `curl` or `wget`",
    why: "Small images have neither. A check whose program is missing fails like any other, and ECS replaces the container \
        as unhealthy.",
    source: "https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_HealthCheck.html",
    evidence: RuleEvidence::Documented,
    check,
    ..Rule::OF_DOCUMENTS
};

fn check(subject: &Subject<'_>, report: &mut Findings<'_>) {
    for container in subject.definition.containers() {
        let command = container.members.get("healthCheck").and_then(|health| health.get("command")?.as_array());
        let words = command.into_iter().flatten().filter_map(Value::as_str).flat_map(|text| text.split_whitespace());
        let tool = words.filter_map(|word| word.rsplit('/').next()).find(|word| matches!(*word, "curl" | "wget"));
        if let Some(tool) = tool {
            report.add(
                format!("{}/healthCheck/command", container.pointer()),
                format!("the health check of {} calls `{tool}`, which small images do not have", label(container)),
                "make sure that the image has it, or let the application check itself",
            );
        }
    }
}
