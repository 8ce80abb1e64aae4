//! Finds a `Main` that the task would outlive.

use crate::validate::{Findings, Rule, RuleEvidence, Severity, Subject};

pub(super) static RULE: Rule = Rule {
    id: "optional-main-container",
    severity: Severity::Warning,
    summary: "`Main` is not essential",
    why: "When `Main` stops, the task goes on without the container that answers requests, until the load balancer's \
        health check notices.",
    source: "https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ContainerDefinition.html",
    evidence: RuleEvidence::Documented,
    check,
    ..Rule::OF_DOCUMENTS
};

fn check(subject: &Subject<'_>, report: &mut Findings<'_>) {
    // Where nothing is essential, `no-essential-container` speaks of it.
    let is_outlived = subject.definition.containers().any(|container| container.is_essential());
    if let Some(main) = subject.definition.container("Main").filter(|main| is_outlived && !main.is_essential()) {
        report.add(
            format!("{}/essential", main.pointer()),
            "`Main` is not essential, so the task outlives it",
            "set `essential` to true, or remove it",
        );
    }
}
