//! Checks the form of container names; FireLens tags and `dependsOn` are built on them.

use crate::validate::{Report, Rule, Severity, Subject, is_missing, is_valid_name, quoted};

pub(super) static RULE: Rule = Rule {
    id: "invalid-container-name",
    severity: Severity::Error,
    summary: "a container has no name, or none that ECS takes",
    check,
};

fn check(subject: &Subject<'_>, report: &mut Report<'_>) {
    let help = "name the container with up to 255 letters, digits, hyphens and underscores";
    for container in subject.definition.containers() {
        let pointer = container.pointer() + "/name";
        match container.name() {
            Some(name) if !name.is_empty() => {
                if !is_valid_name(name) {
                    report.add(pointer, format!("{} is no valid container name", quoted(name)), help);
                }
            }
            _ if is_missing(container.members, "name") => report.add(pointer, "the container has no name", help),
            _ => {}
        }
    }
}
