//! Notices the answer of `DescribeTaskDefinition` uploaded as it is. Nothing inside it is looked at.

use serde_json::Value;

use crate::validate::{Findings, Repair, Rule, RuleEvidence, Severity, Subject};

pub(super) static RULE: Rule = Rule {
    id: "wrapped-document",
    severity: Severity::Error,
    summary: "the definition lies inside a member `taskDefinition`, as `DescribeTaskDefinition` answers",
    why: "The answer of `aws ecs describe-task-definition` holds the definition inside `taskDefinition`; registration \
        takes what is inside.",
    source: "https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_RegisterTaskDefinition.html",
    evidence: RuleEvidence::Modelled,
    check,
    repair: Some(Repair::Unwrap),
    ..Rule::OF_DOCUMENTS
};

fn check(subject: &Subject<'_>, report: &mut Findings<'_>) {
    let members = subject.definition.members();
    if members.get("taskDefinition").is_some_and(Value::is_object) && !members.contains_key("containerDefinitions") {
        report.add(
            "/taskDefinition",
            "the task definition is wrapped in a member `taskDefinition`, as `aws ecs describe-task-definition` prints it",
            "upload what is inside: `aws ecs describe-task-definition --task-definition … --query taskDefinition`",
        );
        report.conclude();
    }
}
