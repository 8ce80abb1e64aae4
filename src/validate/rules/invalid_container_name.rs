//! Checks the form of container names; FireLens tags and `dependsOn` are built on them.

use crate::validate::{Findings, Rule, RuleEvidence, Severity, Subject, is_missing, is_valid_name, quoted};

pub(super) static RULE: Rule = Rule {
    id: "invalid-container-name",
    severity: Severity::Error,
    summary: "a container has no name, or none that ECS takes",
    why: "ECS refuses the registration: names have 1 to 255 letters, digits, hyphens and underscores.",
    source: "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task_definition_parameters.html",
    evidence: RuleEvidence::Refused {
        words: "Container.name contains invalid characters.",
        seen: "https://github.com/ansible/ansible/issues/22860",
    },
    check,
    ..Rule::OF_DOCUMENTS
};

fn check(subject: &Subject<'_>, report: &mut Findings<'_>) {
    let help = "name the container with up to 255 letters, digits, hyphens and underscores";
    for container in subject.definition.containers() {
        let message = match container.name() {
            Some(name) if is_valid_name(name) => continue,
            Some(name) if !name.is_empty() => format!("{} is not a valid container name", quoted(name)),
            _ if is_missing(container.members, "name") => "the container has no name".to_owned(),
            _ => continue,
        };
        report.add(container.pointer() + "/name", message, help);
    }
}
