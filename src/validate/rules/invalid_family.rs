//! Checks the family's name; whether the family is the one that the service runs is not its business.

use crate::validate::{Findings, Rule, RuleEvidence, Severity, Subject, is_missing, is_valid_name, quoted};

pub(super) static RULE: Rule = Rule {
    id: "invalid-family",
    severity: Severity::Error,
    summary: "`family` is missing, or no name that ECS takes",
    why: "ECS refuses the registration: a family has 1 to 255 letters, digits, hyphens and underscores.",
    source: "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task_definition_parameters.html",
    evidence: RuleEvidence::Refused {
        words: "Family contains invalid characters.",
        seen: "https://github.com/aws/amazon-ecs-cli/issues/37",
    },
    check,
    ..Rule::OF_DOCUMENTS
};

fn check(subject: &Subject<'_>, report: &mut Findings<'_>) {
    let message = match subject.definition.family() {
        Some(family) if is_valid_name(family) => return,
        Some(family) if !family.is_empty() => format!("{} is not a valid family name", quoted(family)),
        _ if is_missing(subject.definition.members(), "family") => "`family` is missing".to_owned(),
        _ => return,
    };
    report.add("/family", message, "name the family with up to 255 letters, digits, hyphens and underscores");
}
