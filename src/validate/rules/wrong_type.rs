//! Holds the JSON types of all values to the ECS API model. It does not look at what the values say.

use crate::task_definition::schema::Mistyped;
use crate::validate::{Findings, Origin, Repair, Rule, RuleEvidence, Severity, Subject};

pub(super) static RULE: Rule = Rule {
    id: "wrong-type",
    severity: Severity::Error,
    summary: "a value has another JSON type than the ECS API takes",
    why: "ECS refuses a value of another JSON type, and most tools do not say where it stands. Numbers of `cpu` and \
        `memory` at the task level are texts, those of containers are numbers.",
    source: "https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_RegisterTaskDefinition.html",
    evidence: RuleEvidence::Modelled,
    check,
    repair: Some(Repair::Retype),
    ..Rule::OF_DOCUMENTS
};

fn check(subject: &Subject<'_>, report: &mut Findings<'_>) {
    // ECS itself described a live definition, so there it is the model that is out of date.
    let severity = if subject.origin == Origin::Live { Severity::Hint } else { Severity::Error };
    for Mistyped { pointer, expected, found } in &report.departures().mistyped {
        let help = match (*expected, *found) {
            ("a string", "a number" | "a boolean") => "put the value in double quotes".to_owned(),
            ("a boolean", _) => "write `true` or `false`, without quotes".to_owned(),
            ("a 32-bit integer" | "an integer", "a string") => "write a plain number, without quotes".to_owned(),
            (_, "null") => "remove the null, or give a value".to_owned(),
            _ => format!("write {expected} there"),
        };
        report.add_as(severity, pointer, format!("expected {expected}, got {found}"), help);
    }
}
