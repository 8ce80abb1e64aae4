//! Holds the numbers of health checks against the ranges that ECS has for them.

use serde_json::Value;

use crate::validate::{Findings, Rule, RuleEvidence, Severity, Subject, label};

pub(super) static RULE: Rule = Rule {
    id: "out-of-range-health-check",
    severity: Severity::Error,
    summary: "a number of a health check is out of its range",
    why: "ECS refuses the registration: the interval is 5 to 300 seconds, the timeout 2 to 60, the retries 1 to 10, and \
        the start period 0 to 300 seconds.",
    source: "https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_HealthCheck.html",
    evidence: RuleEvidence::Observed { seen: "https://github.com/aws/amazon-ecs-agent/issues/1344" },
    check,
    ..Rule::OF_DOCUMENTS
};

/// Each number with its least and most.
pub(in crate::validate) const RANGES: [(&str, i64, i64); 4] =
    [("interval", 5, 300), ("timeout", 2, 60), ("retries", 1, 10), ("startPeriod", 0, 300)];

fn check(subject: &Subject<'_>, report: &mut Findings<'_>) {
    for container in subject.definition.containers() {
        for (member, least, most) in RANGES {
            let value =
                container.members.get("healthCheck").and_then(|health| health.get(member)).and_then(Value::as_i64);
            if let Some(value) = value.filter(|value| !(least..=most).contains(value)) {
                report.add(
                    format!("{}/healthCheck/{member}", container.pointer()),
                    format!("the health check of {} has {value} as `{member}`", label(container)),
                    format!("write a number from {least} to {most}"),
                );
            }
        }
    }
}
