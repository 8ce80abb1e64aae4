//! Checks the family's name; whether the family is the one that the service runs is not its business.

use crate::validate::{Report, Rule, Severity, Subject, is_missing, is_valid_name, quoted};

pub(super) static RULE: Rule = Rule {
    id: "invalid-family",
    severity: Severity::Error,
    summary: "`family` is missing, or no name that ECS takes",
    check,
};

fn check(subject: &Subject<'_>, report: &mut Report<'_>) {
    let help = "name the family with up to 255 letters, digits, hyphens and underscores";
    match subject.definition.family() {
        Some(family) if !family.is_empty() => {
            if !is_valid_name(family) {
                report.add("/family", format!("{} is no valid family name", quoted(family)), help);
            }
        }
        _ if is_missing(subject.definition.members(), "family") => report.add("/family", "`family` is missing", help),
        _ => {}
    }
}
