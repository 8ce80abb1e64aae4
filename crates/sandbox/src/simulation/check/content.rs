//! What the service runs in the end: what the newest event asked for, or somebody is told (P1, P4), and nothing
//! unproven in silence (P5).

use jiff::Timestamp;

use super::super::story::{Asks, Event};
use super::{Seen, Violation, is_loud, outcome};

pub(super) fn check(seen: &Seen<'_>) -> Vec<Violation> {
    let mut violations = newest(seen);
    violations.extend(kept(seen));
    violations.extend(proven(seen));
    violations
}

impl Seen<'_> {
    /// The events that may count as the newest that can be deployed: more than one only within one second.
    fn newest(&self) -> Vec<usize> {
        let events = self.story.events.iter().enumerate();
        let events: Vec<(usize, &Event)> = events.filter(|(_, event)| event.can_be_deployed()).collect();
        let last: Option<Timestamp> = events.iter().map(|(_, event)| event.at).max();
        let moved_on = |number: usize, event: &Event| {
            let Asks::Push { tag, image } = event.asks else { return false };
            events.iter().any(|(other, later)| {
                *other > number
                    && matches!(later.asks, Asks::Push { tag: same, image: moved } if same == tag && moved != image)
            })
        };
        let newest = events.iter().filter(|(number, event)| Some(event.at) == last && !moved_on(*number, event));
        newest.map(|(number, _)| *number).collect()
    }

    /// The last update, where it was a person's and nobody's deployment was under way that would have asked for
    /// something else.
    fn is_left_by_a_person(&self) -> bool {
        let landings = &self.facts.landings;
        landings.last().is_some_and(|last| last.by.is_none() && last.definition == self.facts.last)
    }

    /// Whether a person's update came after this event's work was done: when its update had got through, or all its
    /// executions had ended.
    fn was_done_before_the_last_landing(&self, event: usize) -> bool {
        let Some(last) = self.facts.landings.last() else { return false };
        let through = self.facts.landings.iter().any(|landing| {
            landing.by.and_then(|by| self.event_of(by)) == Some(event) && self.got_through(&landing.deployment)
        });
        through
            || self.ends_of(event).all(|(number, _)| {
                self.facts.ended.get(number).copied().flatten().is_some_and(|ended| ended <= last.at)
            })
    }

    fn got_through(&self, deployment: &str) -> bool {
        self.facts.deployments.iter().any(|shown| {
            shown.get("serviceDeploymentArn").is_some_and(|arn| arn == deployment)
                && shown.get("status").is_some_and(|status| status == "SUCCESSFUL")
        })
    }
}

/// P1 and P4: the service runs what the newest event asked for, or some release of that event is loud.
fn newest(seen: &Seen<'_>) -> Vec<Violation> {
    let newest = seen.newest();
    let last = seen.facts.last.as_str();
    let satisfied = |number: &usize| seen.story.events.get(*number).is_some_and(|event| seen.is_satisfied(event, last));
    if newest.is_empty() || newest.iter().any(satisfied) || newest.iter().any(|number| seen.is_loud(*number)) {
        return Vec::new();
    }
    if seen.is_left_by_a_person() && newest.iter().any(|number| seen.was_done_before_the_last_landing(*number)) {
        return Vec::new();
    }
    let asked: Vec<String> = newest.iter().map(|number| format!("e{number}")).collect();
    let ends = newest.iter().flat_map(|number| seen.ends_of(*number));
    let ends: Vec<String> = ends.map(|(number, end)| format!("x{number} {}", outcome(end))).collect();
    let what = format!(
        "the service runs {last}, not what {} asked for, and all say well: {}",
        asked.join(" or "),
        ends.join(", ")
    );
    vec![Violation::new("P1/P4 newest", what)]
}

/// P1: a push on top of an upload keeps the upload, unless the upload's release said what became of it.
fn kept(seen: &Seen<'_>) -> Vec<Violation> {
    let uploads = seen.story.events.iter().enumerate().rev();
    let Some((number, upload)) = uploads.into_iter().find(|(_, event)| event.is_upload() && event.can_be_deployed())
    else {
        return Vec::new();
    };
    let last = seen.facts.last.as_str();
    let replaced_by_hand = seen.facts.landings.iter().any(|landing| landing.by.is_none());
    let ambiguous = seen.story.events.iter().filter(|event| event.at == upload.at && event.is_upload()).count() > 1;
    let is_well = ambiguous
        || seen.is_satisfied(upload, last)
        || seen.is_loud(number)
        || seen.is_loud_with(upload)
        || replaced_by_hand;
    if is_well {
        return Vec::new();
    }
    let ends: Vec<String> = seen.ends_of(number).map(|(number, end)| format!("x{number} {}", outcome(end))).collect();
    vec![Violation::new(
        "P1/P4 upload",
        format!("nothing of e{number} is in {last}, and all say well: {}", ends.join(", ")),
    )]
}

/// P5: what runs in the end is good and some release says that it proved it, or a release of its event is loud.
fn proven(seen: &Seen<'_>) -> Vec<Violation> {
    let last = seen.facts.last.as_str();
    let Some(event) = seen.maker(last).and_then(|maker| seen.event_of(maker)) else { return Vec::new() };
    if seen.ends_of(event).any(|(_, end)| is_loud(end)) {
        return Vec::new();
    }
    let ends: Vec<String> = seen.ends_of(event).map(|(number, end)| format!("x{number} {}", outcome(end))).collect();
    if seen.is_bad(last) {
        return vec![Violation::new(
            "P5 bad",
            format!("{last} of e{event} is bad and live, and all say well: {}", ends.join(", ")),
        )];
    }
    if seen.ends_of(event).any(|(_, end)| outcome(end) == "succeeded") {
        return Vec::new();
    }
    vec![Violation::new(
        "P5 unproven",
        format!("{last} of e{event} is live, and nobody says that it works: {}", ends.join(", ")),
    )]
}
