//! Each event comes to one end (P6).

use serde_json::Value;

use super::{Seen, Violation, outcome, release};
use crate::simulation::players::End;

pub(super) fn check(seen: &Seen<'_>) -> Vec<Violation> {
    let mut violations = Vec::new();
    for event in 0..seen.story.events.len() {
        // Two executions that both say that they brought the event through, or that it failed, did it twice.
        let decided = seen.ends_of(event).filter(|(_, end)| ["succeeded", "rolled_back"].contains(&outcome(*end)));
        let decided: Vec<String> = decided.map(|(number, end)| format!("x{number} {}", outcome(end))).collect();
        if decided.len() > 1 {
            violations.push(Violation::new("P6 two ends", format!("e{event} ended twice: {}", decided.join(", "))));
        }
        // Each delivery is a duplicate of another one only if that one is none.
        let mut ends = seen.ends_of(event).peekable();
        let is_push = seen.story.events.get(event).is_some_and(|event| !event.is_upload());
        if !is_push && ends.peek().is_some() && ends.all(|(_, end)| outcome(end) == "duplicate") {
            violations.push(Violation::new("P6 no end", format!("every delivery of e{event} is a duplicate")));
        }
    }
    for (number, (end, _)) in seen.facts.ends.iter().enumerate() {
        let outcome = outcome(end.as_ref());
        let says_why = release(end.as_ref()).and_then(|release| release.get("reason")?.as_str());
        // A rejection may leave the reasons to its findings.
        if ["failed", "rolled_back", "held"].contains(&outcome) && says_why.is_none_or(str::is_empty) {
            violations.push(Violation::new("P4 no reason", format!("x{number} {outcome} and does not say why")));
        }
        if matches!(end, Some(End::Report(_))) && release(end.as_ref()).is_none() {
            violations.push(Violation::new("P6 no end", format!("x{number} reports on no release")));
        }
    }
    violations.extend(stored(seen));
    violations
}

/// The report that is stored of a release is that of the execution that did the work, not of a duplicate that ended
/// first.
fn stored(seen: &Seen<'_>) -> Vec<Violation> {
    let mut violations = Vec::new();
    let word = |report: &Value, member: &str| report.get(member).and_then(Value::as_str).unwrap_or_default().to_owned();
    for (key, text) in &seen.facts.reports {
        let Ok(report) = serde_json::from_str::<Value>(text) else {
            violations.push(Violation::new("P6 report", format!("{key} is no JSON")));
            continue;
        };
        let ends = seen.facts.ends.iter().filter_map(|(end, _)| release(end.as_ref()));
        let same = ends.filter(|other| word(other, "release") == word(&report, "release"));
        let real: Vec<String> =
            same.map(|other| word(other, "outcome")).filter(|outcome| outcome != "duplicate").collect();
        let stored = word(&report, "outcome");
        // An execution that was stopped, or failed, may have written its report before: its own end is the loud one.
        let carries = |event: &usize| {
            let mut releases = seen.ends_of(*event).filter_map(|(_, end)| release(end));
            releases.any(|other| word(other, "release") == word(&report, "release"))
        };
        let cut_off = (0..seen.story.events.len())
            .filter(carries)
            .any(|event| seen.ends_of(event).any(|(_, end)| !matches!(end, Some(End::Report(_)))));
        if cut_off {
            continue;
        }
        if !real.is_empty() && !real.contains(&stored) {
            violations
                .push(Violation::new("P6 report", format!("{key} says {stored}, the release {}", real.join(", "))));
        }
    }
    violations
}
