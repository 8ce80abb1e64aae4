//! Holds the timeouts of containers against what Fargate allows.

use serde_json::Value;

use crate::validate::{Findings, Rule, RuleEvidence, Severity, Subject, label};

pub(super) static RULE: Rule = Rule {
    id: "out-of-range-timeout",
    severity: Severity::Warning,
    summary: "a container has a start or stop timeout over 120 seconds",
    why: "ECS refuses the registration: on Fargate a container has two minutes at the most to start for those that depend \
        on it, or to stop.",
    source: "https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ContainerDefinition.html",
    evidence: RuleEvidence::Documented,
    check,
    ..Rule::OF_DOCUMENTS
};

/// Seconds.
const MOST: i64 = 120;

fn check(subject: &Subject<'_>, report: &mut Findings<'_>) {
    for container in subject.definition.containers() {
        for member in ["startTimeout", "stopTimeout"] {
            let seconds = container.members.get(member).and_then(Value::as_i64);
            if let Some(seconds) = seconds.filter(|seconds| !(0..=MOST).contains(seconds)) {
                report.add(
                    format!("{}/{member}", container.pointer()),
                    format!("{} has {seconds} s as `{member}`", label(container)),
                    format!("write at most {MOST}"),
                );
            }
        }
    }
}
