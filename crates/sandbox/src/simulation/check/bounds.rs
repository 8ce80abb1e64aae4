//! Everything ends, costs what it may, asks only buckets of whom it expects, and keeps secrets.

use std::collections::BTreeSet;

use super::super::story::SECRETS;
use super::{Seen, Violation};

/// Calls of one execution, at most.
const CALLS: u64 = 2_000;
/// Operations of one execution that Lambda meters, at most.
const OPERATIONS: u64 = 3_000;

pub(super) fn check(seen: &Seen<'_>) -> Vec<Violation> {
    let mut violations = Vec::new();
    if seen.facts.is_endless {
        violations.push(Violation::new("P6 endless", "the run goes round in circles"));
    }
    if seen.facts.is_busy {
        violations.push(Violation::new("P6 endless", "a deployment does not end"));
    }
    for (number, (end, operations)) in seen.facts.ends.iter().enumerate() {
        if end.is_none() {
            violations.push(Violation::new("P6 endless", format!("x{number} has not ended")));
        }
        if *operations >= OPERATIONS {
            violations.push(Violation::new("bounds operations", format!("x{number} took {operations} operations")));
        }
    }
    for (number, calls) in seen.facts.calls.iter().enumerate().filter(|(_, calls)| **calls > CALLS) {
        violations.push(Violation::new("bounds calls", format!("x{number} made {calls} calls")));
    }
    let ownerless = seen.facts.ownerless.iter();
    violations
        .extend(ownerless.map(|call| Violation::new("owner", format!("{call} does not say whose the bucket is"))));
    violations.extend(secrets(seen));
    violations
}

/// What was planted may stand in no report and in no log line, nor may the signature of a presigned URL.
fn secrets(seen: &Seen<'_>) -> Vec<Violation> {
    let texts = seen.log.iter().map(|line| ("a log line", line.clone()));
    let reports = seen.facts.reports.iter().map(|(key, text)| ("a stored report", format!("{key} {text}")));
    let results = seen.facts.ends.iter().filter_map(|(end, _)| Some(("a result", format!("{:?}", end.as_ref()?))));
    let words = SECRETS.iter().copied().chain(std::iter::once("X-Amz-Signature="));
    let words: Vec<&str> = words.collect();
    let mut found = BTreeSet::new();
    for (place, text) in texts.chain(reports).chain(results) {
        for word in words.iter().filter(|word| text.contains(**word)) {
            found.insert(format!("{word} stands in {place}"));
        }
    }
    found.into_iter().map(|what| Violation::new("secrets", what)).collect()
}
