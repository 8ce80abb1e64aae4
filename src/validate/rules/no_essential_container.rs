//! ECS demands at least one essential container; absent `essential` means true.

use crate::validate::{Findings, Rule, RuleEvidence, Severity, Subject};

pub(super) static RULE: Rule = Rule {
    id: "no-essential-container",
    severity: Severity::Error,
    summary: "no container is essential",
    why: "ECS refuses the registration: a task ends with its essential containers, so it needs one.",
    source: "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task_definition_parameters.html",
    evidence: RuleEvidence::Refused {
        words: "Task definition doesn't have any essential container.",
        seen: "https://github.com/eagletmt/hako/pull/68",
    },
    check,
    ..Rule::OF_DOCUMENTS
};

fn check(subject: &Subject<'_>, report: &mut Findings<'_>) {
    let mut containers = subject.definition.containers().peekable();
    if containers.peek().is_some() && !containers.any(|container| container.is_essential()) {
        report.add("/containerDefinitions", "no container is essential", "remove `\"essential\": false` from `Main`");
    }
}
