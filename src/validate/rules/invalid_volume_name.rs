//! Finds volume names that ECS does not take, or that are used twice.

use std::collections::HashSet;

use serde_json::Value;

use crate::validate::{Findings, Rule, RuleEvidence, Severity, Subject, is_valid_name, quoted};

pub(super) static RULE: Rule = Rule {
    id: "invalid-volume-name",
    severity: Severity::Error,
    summary: "a volume has a name that ECS does not take, or that another one has",
    why: "ECS refuses the registration: volumes have names of their own, of 1 to 255 letters, digits, hyphens and \
        underscores.",
    source: "https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_Volume.html",
    evidence: RuleEvidence::Refused {
        words: "volume.name contains invalid characters.",
        seen: "https://github.com/aws/amazon-ecs-cli/issues/277",
    },
    check,
    ..Rule::OF_DOCUMENTS
};

fn check(subject: &Subject<'_>, report: &mut Findings<'_>) {
    let volumes = subject.definition.list("volumes");
    let mut names = HashSet::new();
    for (index, volume) in volumes.iter().enumerate() {
        let Some(name) = volume.get("name").and_then(Value::as_str) else { continue };
        let problem = if !is_valid_name(name) {
            "is not a name for a volume"
        } else if names.insert(name) {
            continue;
        } else {
            "names two volumes"
        };
        report.add(
            format!("/volumes/{index}/name"),
            format!("{} {problem}", quoted(name)),
            "use another name of letters, digits, `-` and `_`",
        );
    }
}
