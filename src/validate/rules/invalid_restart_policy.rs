//! Holds restart policies against the ranges that ECS has for them.

use serde_json::Value;

use crate::validate::{Findings, Rule, RuleEvidence, Severity, Subject, label};

pub(super) static RULE: Rule = Rule {
    id: "invalid-restart-policy",
    severity: Severity::Error,
    summary: "a restart policy has a number out of its range",
    why: "ECS refuses the registration: a policy waits 60 to 1,800 seconds between attempts and ignores 50 \
        exit codes at the most.",
    source: "https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ContainerRestartPolicy.html",
    evidence: RuleEvidence::Refused {
        words: "the 'restartAttemptPeriod' setting for container … must be between 60 and 1800",
        seen: "https://github.com/badmintoncryer/cdk-preflight/blob/main/docs/rules.md",
    },
    check,
    ..Rule::OF_DOCUMENTS
};

fn check(subject: &Subject<'_>, report: &mut Findings<'_>) {
    for container in subject.definition.containers() {
        let Some(policy) = container.members.get("restartPolicy").and_then(Value::as_object) else { continue };
        let mut add = |member: &str, problem: &str, help: &str| {
            let pointer = format!("{}/restartPolicy/{member}", container.pointer());
            report.add(pointer, format!("the restart policy of {} {problem}", label(container)), help);
        };
        let period = policy.get("restartAttemptPeriod").and_then(Value::as_i64);
        if period.is_some_and(|seconds| !(60..=1800).contains(&seconds)) {
            add("restartAttemptPeriod", "has a period out of its range", "write a number from 60 to 1800");
        }
        if policy.get("ignoredExitCodes").and_then(Value::as_array).is_some_and(|codes| codes.len() > 50) {
            add("ignoredExitCodes", "ignores more than 50 exit codes", "name at most 50");
        }
    }
}
