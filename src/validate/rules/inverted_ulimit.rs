//! Holds the soft limits of a container against the hard ones.

use serde_json::Value;

use crate::validate::{Findings, Rule, RuleEvidence, Severity, Subject, label, quoted};

pub(super) static RULE: Rule = Rule {
    id: "inverted-ulimit",
    severity: Severity::Error,
    summary: "a soft limit is above its hard limit",
    why: "The container does not start: the kernel refuses a soft limit above the hard one.",
    source: "https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_Ulimit.html",
    evidence: RuleEvidence::Refused {
        words: "Soft limit exceeds hard limit",
        seen: "https://github.com/badmintoncryer/cdk-preflight/blob/main/docs/rules.md",
    },
    check,
    ..Rule::OF_DOCUMENTS
};

fn check(subject: &Subject<'_>, report: &mut Findings<'_>) {
    for container in subject.definition.containers() {
        for (index, ulimit) in container.list("ulimits").iter().enumerate() {
            let number = |member: &str| ulimit.get(member).and_then(Value::as_i64);
            // -1 stands for no limit.
            if let (Some(soft), Some(hard)) = (number("softLimit"), number("hardLimit"))
                && hard >= 0
                && (soft > hard || soft < 0)
            {
                let name = ulimit.get("name").and_then(Value::as_str).unwrap_or_default();
                report.add(
                    format!("{}/ulimits/{index}/softLimit", container.pointer()),
                    format!("the soft limit {} of {} is {soft}, the hard one {hard}", quoted(name), label(container)),
                    "raise the hard limit, or lower the soft one",
                );
            }
        }
    }
}
