//! Counts the containers against the quota of ECS (Amazon ECS service quotas), which cannot be raised.

use serde_json::Value;

use crate::validate::{Findings, Rule, RuleEvidence, Severity, Subject};

pub(super) static RULE: Rule = Rule {
    id: "too-many-containers",
    severity: Severity::Error,
    summary: "the definition has more than 10 containers",
    why: "ECS refuses the registration: a task definition has at most 10 containers.",
    source: "https://docs.aws.amazon.com/general/latest/gr/ecs-service.html",
    evidence: RuleEvidence::Refused {
        words: "Too many containers.",
        seen: "https://github.com/aws/amazon-ecs-cli/issues/184",
    },
    check,
    ..Rule::OF_DOCUMENTS
};

fn check(subject: &Subject<'_>, report: &mut Findings<'_>) {
    let containers = subject.definition.members().get("containerDefinitions").and_then(Value::as_array);
    let count = containers.map_or(0, Vec::len);
    if count > MAX_CONTAINERS {
        report.add(
            format!("/containerDefinitions/{MAX_CONTAINERS}"),
            format!("the definition has {count} containers; ECS takes at most {MAX_CONTAINERS}"),
            "move containers to a service of their own",
        );
    }
}

/// The containers that a task definition may have.
pub(in crate::validate) const MAX_CONTAINERS: usize = 10;
