//! Holds a container's memory limits against each other and against the least that a container can have.

use serde_json::Value;

use crate::validate::{Findings, Rule, RuleEvidence, Severity, Subject, label};

pub(super) static RULE: Rule = Rule {
    id: "invalid-container-memory",
    severity: Severity::Error,
    summary: "the memory limits of a container contradict each other, or are below 6 MiB",
    why: "ECS refuses the registration: the hard limit `memory` is not below the reservation, and Docker needs 6 MiB at \
        least.",
    source: "https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ContainerDefinition.html",
    evidence: RuleEvidence::Refused {
        words: "'memory' must be greater than or equal to 'memoryReservation'",
        seen: "https://github.com/badmintoncryer/cdk-preflight/blob/main/docs/rules.md",
    },
    check,
    ..Rule::OF_DOCUMENTS
};

/// The least that Docker starts a container with, in MiB.
const LEAST: i64 = 6;

fn check(subject: &Subject<'_>, report: &mut Findings<'_>) {
    for container in subject.definition.containers() {
        let number = |member: &str| container.members.get(member).and_then(Value::as_i64);
        let mut is_too_small = false;
        for member in ["memory", "memoryReservation"] {
            if let Some(mebibytes) = number(member).filter(|mebibytes| *mebibytes < LEAST && *mebibytes != 0) {
                is_too_small = true;
                report.add(
                    format!("{}/{member}", container.pointer()),
                    format!("{} has {mebibytes} MiB; the least is {LEAST}", label(container)),
                    "give it more, or remove the limit: on Fargate the task's own limit is enough",
                );
            }
        }
        if let (Some(hard), Some(soft)) = (number("memory"), number("memoryReservation"))
            && hard < soft
            && hard > 0
            && !is_too_small
        {
            report.add(
                format!("{}/memory", container.pointer()),
                format!("{} may have {hard} MiB and reserves {soft}", label(container)),
                "set `memory` to at least `memoryReservation`",
            );
        }
    }
}
