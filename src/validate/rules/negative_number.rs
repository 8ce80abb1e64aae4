//! Finds numbers below zero where none makes sense and no other rule has a range.

use serde_json::Value;

use crate::validate::{Findings, Rule, RuleEvidence, Severity, Subject, label};

pub(super) static RULE: Rule = Rule {
    id: "negative-number",
    severity: Severity::Warning,
    summary: "an amount is below zero",
    why: "The reference knows no meaning for it: ECS refuses it or takes it for nothing.",
    source: "https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ContainerDefinition.html",
    evidence: RuleEvidence::Documented,
    check,
    ..Rule::OF_DOCUMENTS
};

fn check(subject: &Subject<'_>, report: &mut Findings<'_>) {
    for container in subject.definition.containers() {
        let mut see = |place: String, least: i64, value: Option<&Value>| {
            if let Some(number) = value.and_then(Value::as_i64).filter(|number| *number < least) {
                let name = place.rsplit('/').next().unwrap_or_default();
                let message = format!("{} has {number} as `{name}`", label(container));
                report.add(format!("{}/{place}", container.pointer()), message, "write a number that is not negative");
            }
        };
        see("cpu".to_owned(), 0, container.members.get("cpu"));
        let tmpfs = container.members.get("linuxParameters").and_then(|linux| linux.get("tmpfs"));
        for (index, mount) in tmpfs.and_then(Value::as_array).into_iter().flatten().enumerate() {
            see(format!("linuxParameters/tmpfs/{index}/size"), 0, mount.get("size"));
        }
        // -1 stands for no limit.
        for (index, ulimit) in container.list("ulimits").iter().enumerate() {
            for member in ["softLimit", "hardLimit"] {
                see(format!("ulimits/{index}/{member}"), -1, ulimit.get(member));
            }
        }
    }
}
