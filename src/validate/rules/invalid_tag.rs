//! Holds the tags against the limits that AWS has for them.

use std::collections::HashSet;

use serde_json::Value;

use crate::validate::{Findings, Rule, RuleEvidence, Severity, Subject, quoted};

pub(super) static RULE: Rule = Rule {
    id: "invalid-tag",
    severity: Severity::Error,
    summary: "a tag is one that AWS does not take",
    why: "ECS refuses the registration: tags have different keys of 1 to 128 characters and values of at most 256; keys \
        that begin with `aws:` are AWS's own.",
    source: "https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_Tag.html",
    evidence: RuleEvidence::Modelled,
    check,
    ..Rule::OF_DOCUMENTS
};

fn check(subject: &Subject<'_>, report: &mut Findings<'_>) {
    let tags = subject.definition.members().get("tags").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let mut keys = HashSet::new();
    for (index, tag) in tags.iter().enumerate() {
        let Some(key) = tag.get("key").and_then(Value::as_str) else { continue };
        let value = tag.get("value").and_then(Value::as_str).unwrap_or_default();
        let (member, problem) = if key.to_ascii_lowercase().starts_with("aws:") {
            ("key", "begins with `aws:`, which is AWS's own")
        } else if !(1..=128).contains(&key.chars().count()) {
            ("key", "is not 1 to 128 characters long")
        } else if !keys.insert(key) {
            ("key", "is used before")
        } else if value.chars().count() > 256 {
            ("value", "has a value of more than 256 characters")
        } else {
            continue;
        };
        report.add(
            format!("/tags/{index}/{member}"),
            format!("the tag {} {problem}", quoted(key)),
            "change or remove it",
        );
    }
}
