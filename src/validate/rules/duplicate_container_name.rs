//! Names tell containers apart everywhere, also for ECS, which refuses doubles.

use std::collections::HashMap;

use crate::validate::{Findings, Rule, RuleEvidence, Severity, Subject, quoted};

pub(super) static RULE: Rule = Rule {
    id: "duplicate-container-name",
    severity: Severity::Error,
    summary: "two containers have the same name",
    why: "ECS refuses the registration, since dependencies, overrides and log streams refer to containers by name.",
    source: "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task_definition_parameters.html",
    evidence: RuleEvidence::Refused {
        words: "Container names must be unique within a Task Definition.",
        seen: "https://github.com/Shippable/support/issues/2946",
    },
    check,
    ..Rule::OF_DOCUMENTS
};

fn check(subject: &Subject<'_>, report: &mut Findings<'_>) {
    let mut seen = HashMap::new();
    for container in subject.definition.containers() {
        let Some(name) = container.name() else { continue };
        let first = *seen.entry(name).or_insert(container.index);
        if first != container.index {
            report.add(
                container.pointer() + "/name",
                format!("{} is the name of container {first} already", quoted(name)),
                "give each container a name of its own",
            );
        }
    }
}
