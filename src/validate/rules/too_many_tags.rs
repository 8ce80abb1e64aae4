//! Keeps room for the tag that the deployer puts on every revision that it registers.

use serde_json::Value;

use crate::task_definition::RELEASE_TAG;
use crate::validate::{Findings, Rule, RuleEvidence, Severity, Subject};

pub(super) static RULE: Rule = Rule {
    id: "too-many-tags",
    severity: Severity::Error,
    summary: "there are so many tags that the deployer's own has no room",
    why: "AWS takes at most 50 tags, and the deployer marks each revision with the release that registered it, so that it \
        finds it again after a lost answer. A revision without this mark is never registered.",
    source: "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs-using-tags.html",
    evidence: RuleEvidence::Configured,
    check,
    looks_beyond_the_document: true,
    ..Rule::OF_DOCUMENTS
};

/// The most tags of one resource, less the deployer's own.
const MOST: usize = 49;

fn check(subject: &Subject<'_>, report: &mut Findings<'_>) {
    let tags = subject.definition.members().get("tags").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let others = tags.iter().filter(|tag| tag["key"].as_str() != Some(RELEASE_TAG)).count();
    if others > MOST {
        let message = format!("{others} tags leave no room for the tag `{RELEASE_TAG}`");
        report.add("/tags", message, format!("keep at most {MOST}; tags of the live revision count, too"));
    }
}
