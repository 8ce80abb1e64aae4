//! Each event comes to one end (P6).

use super::{Seen, Violation, outcome, release};
use crate::sandbox::simulation::players::End;

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
        if matches!(end, Some(End::Report(_))) && release(end.as_ref()).is_none() {
            violations.push(Violation::new("P6 no end", format!("x{number} reports on no release")));
        }
    }
    violations
}
