//! Compares the timeout of a health check with its interval.

use serde_json::Value;

use crate::validate::{Findings, Rule, RuleEvidence, Severity, Subject, label};

pub(super) static RULE: Rule = Rule {
    id: "slow-health-check",
    severity: Severity::Warning,
    summary: "a health check may take longer than the time between two of them",
    why: "Docker begins the next check an interval after the end of the last one, so a check that may take longer than the \
        interval tells of a failure later than its numbers say.",
    source: "https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_HealthCheck.html",
    evidence: RuleEvidence::Documented,
    check,
    ..Rule::OF_DOCUMENTS
};

fn check(subject: &Subject<'_>, report: &mut Findings<'_>) {
    for container in subject.definition.containers() {
        let number = |member: &str, default: i64| {
            container
                .members
                .get("healthCheck")
                .map(|health| health.get(member).and_then(Value::as_i64).unwrap_or(default))
        };
        if let (Some(timeout), Some(interval)) = (number("timeout", 5), number("interval", 30))
            && timeout > interval
        {
            report.add(
                format!("{}/healthCheck/timeout", container.pointer()),
                format!(
                    "the health check of {} may take {timeout} s, and one is due every {interval} s",
                    label(container)
                ),
                "lower `timeout`, or raise `interval`",
            );
        }
    }
}
