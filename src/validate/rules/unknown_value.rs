//! Finds texts outside the enumerations of the ECS API model. It only warns of what could be a value: ECS may know one
//! that this program does not.

use crate::task_definition::schema::Unlisted;
use crate::validate::nearest::nearest;
use crate::validate::{Findings, Origin, Repair, Rule, RuleEvidence, Severity, Subject, quoted};

pub(super) static RULE: Rule = Rule {
    id: "unknown-value",
    severity: Severity::Warning,
    summary: "a text is not among the values that the ECS API model lists",
    why: "ECS refuses most values outside its lists, some only when a task starts. It is a warning, since ECS may have \
        learnt the value since; a text that is empty or no single word is an error.",
    source: "https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_RegisterTaskDefinition.html",
    evidence: RuleEvidence::Modelled,
    check,
    repair: Some(Repair::Recase),
    ..Rule::OF_DOCUMENTS
};

fn check(subject: &Subject<'_>, report: &mut Findings<'_>) {
    for Unlisted { pointer, value, known } in &report.departures().unlisted {
        // ECS accepted the values of a live definition before.
        let severity = match subject.origin {
            Origin::Live => Severity::Hint,
            Origin::Uploaded if could_be_listed(value) => Severity::Warning,
            Origin::Uploaded => Severity::Error,
        };
        let message = match nearest(value, known.iter().copied()) {
            Some(meant) => {
                format!("{} is not a value that ECS lists here; did you mean `{}`?", quoted(value), meant.name)
            }
            None => format!("{} is not a value that ECS lists here", quoted(value)),
        };
        report.add_as(severity, pointer, message, format!("use one of {}", listed(known)));
    }
}

/// Whether the text has the form that every value of an AWS enumeration has.
fn could_be_listed(value: &str) -> bool {
    !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
}

/// The values for a message; of a long enumeration the first dozen.
fn listed(known: &[&str]) -> String {
    let shown: Vec<String> = known.iter().take(12).map(|value| format!("`{value}`")).collect();
    let more = if known.len() > shown.len() { ", …" } else { "" };
    shown.join(", ") + more
}
