//! Mentions the members of a described definition that registration does not take. They do no harm: they are left out.

use crate::task_definition::READ_ONLY;
use crate::validate::{Findings, Repair, Rule, RuleEvidence, Severity, Subject};

pub(super) static RULE: Rule = Rule {
    id: "read-only-member",
    severity: Severity::Hint,
    summary: "a member is one that only `DescribeTaskDefinition` gives",
    why: "`DescribeTaskDefinition` answers with members that `RegisterTaskDefinition` does not take. They are left out \
        when the definition is registered.",
    source: "https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_RegisterTaskDefinition.html",
    evidence: RuleEvidence::Modelled,
    check,
    repair: Some(Repair::Remove),
    points_at_name: true,
    ..Rule::OF_DOCUMENTS
};

fn check(subject: &Subject<'_>, report: &mut Findings<'_>) {
    let members = subject.definition.members();
    for member in READ_ONLY.into_iter().filter(|member| members.contains_key(*member)) {
        report.add(
            format!("/{member}"),
            format!("`{member}` is read-only and ignored"),
            "remove it; ECS sets it when the definition is registered",
        );
    }
}
