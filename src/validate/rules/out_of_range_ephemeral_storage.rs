//! Holds the size of the ephemeral storage against what Fargate offers.

use serde_json::Value;

use crate::validate::{Findings, Rule, RuleEvidence, Severity, Subject};

pub(super) static RULE: Rule = Rule {
    id: "out-of-range-ephemeral-storage",
    severity: Severity::Error,
    summary: "the ephemeral storage is not between 20 and 200 GiB",
    why: "ECS refuses the registration: tasks have 20 GiB, and up to 200 when they ask for more. 20 itself stands in the \
        reference as the least, while the service has answered \"EphemeralStorage size should be at least 21\" (issue 31291 of \
        aws-cdk): that is a warning.",
    source: "https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_EphemeralStorage.html",
    evidence: RuleEvidence::Refused {
        words: "EphemeralStorage size should be at least 21",
        seen: "https://github.com/guardian/cdk/issues/1101",
    },
    check,
    ..Rule::OF_DOCUMENTS
};

fn check(subject: &Subject<'_>, report: &mut Findings<'_>) {
    let size = subject.definition.pointer("/ephemeralStorage/sizeInGiB").and_then(Value::as_i64);
    if let Some(size) = size.filter(|size| !(20..=200).contains(size)) {
        report.add(
            "/ephemeralStorage/sizeInGiB",
            format!("the ephemeral storage has {size} GiB"),
            "write a number from 21 to 200, or remove `ephemeralStorage` for 20 GiB",
        );
    } else if size == Some(20) {
        report.add_as(
            Severity::Warning,
            "/ephemeralStorage/sizeInGiB",
            "the ephemeral storage has 20 GiB, which tasks have anyway, and which ECS may refuse",
            "remove `ephemeralStorage`",
        );
    }
}
