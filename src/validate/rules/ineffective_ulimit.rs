//! Finds limits that Fargate leaves as the operating system has them.

use serde_json::Value;

use crate::validate::{Findings, Rule, RuleEvidence, Severity, Subject, label, quoted};

pub(super) static RULE: Rule = Rule {
    id: "ineffective-ulimit",
    severity: Severity::Warning,
    summary: "a limit is one that Fargate does not change",
    why: "On Fargate tasks have the limits of the operating system, except for `nofile`; others are taken without a word \
        and do nothing.",
    source: "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/fargate-tasks-services.html",
    evidence: RuleEvidence::Documented,
    check,
    ..Rule::OF_DOCUMENTS
};

/// The other limits that ECS knows; a name that it does not know is for `unknown-value` to speak of.
const OTHERS: [&str; 14] = [
    "core",
    "cpu",
    "data",
    "fsize",
    "locks",
    "memlock",
    "msgqueue",
    "nice",
    "nproc",
    "rss",
    "rtprio",
    "rttime",
    "sigpending",
    "stack",
];

fn check(subject: &Subject<'_>, report: &mut Findings<'_>) {
    for container in subject.definition.containers() {
        for (index, ulimit) in container.list("ulimits").iter().enumerate() {
            let name = ulimit.get("name").and_then(Value::as_str);
            if let Some(name) = name.filter(|name| OTHERS.contains(name)) {
                report.add(
                    format!("{}/ulimits/{index}/name", container.pointer()),
                    format!("{} sets the limit {}; Fargate changes `nofile` only", label(container), quoted(name)),
                    "remove it",
                );
            }
        }
    }
}
