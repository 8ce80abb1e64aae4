//! Finds structures without a member that the ECS API requires of them.

use crate::task_definition::schema::Absent;
use crate::validate::{Findings, Rule, RuleEvidence, Severity, Subject};

pub(super) static RULE: Rule = Rule {
    id: "missing-member",
    severity: Severity::Error,
    summary: "a structure lacks a member that the ECS API requires of it",
    why: "ECS refuses the registration, and an SDK may refuse to send it at all.",
    source: "https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_Types.html",
    evidence: RuleEvidence::Modelled,
    check,
    ..Rule::OF_DOCUMENTS
};

fn check(_subject: &Subject<'_>, report: &mut Findings<'_>) {
    for Absent { pointer, name } in &report.departures().absent {
        let place = pointer.rsplit('/').find(|step| step.parse::<usize>().is_err()).unwrap_or_default();
        let help = format!("add `{name}`, or remove what is there without it");
        report.add(pointer, format!("`{place}` needs `{name}`"), help);
    }
}
