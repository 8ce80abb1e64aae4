//! Updates: their order (P2), their number (P3), and what becomes of a person's (P7).

use serde_json::Value;

use super::super::facts::Landing;
use super::super::story::{Asks, Event};
use super::{Seen, Violation, is_loud, release};

pub(super) fn check(seen: &Seen<'_>) -> Vec<Violation> {
    let mut violations = order(seen);
    violations.extend(restores(seen));
    violations.extend(numbers(seen));
    violations.extend(by_hand(seen));
    violations
}

impl Seen<'_> {
    /// The event whose own revision an update brought; none for a person's update and for a way back.
    fn brings(&self, landing: &Landing) -> Option<usize> {
        let event = self.event_of(landing.by?)?;
        let maker = self.maker(&landing.definition).and_then(|maker| self.event_of(maker))?;
        (maker == event).then_some(event)
    }

    /// The newest time for which an event counts at `landing`: a push that was a duplicate of this one has handed its
    /// time on.
    fn order_of(&self, event: usize, landing: &Landing) -> Option<jiff::Timestamp> {
        let own = self.story.events.get(event)?;
        let delivered = |other: usize| {
            let mut deliveries = self.story.deliveries.iter();
            deliveries.any(|delivery| delivery.event == other && delivery.at <= landing.at)
        };
        let same = |other: &Event| {
            own.image() == other.image() && !matches!(own.asks, Asks::Upload { .. }) && !other.is_upload()
        };
        let events = self.story.events.iter().enumerate();
        events
            .filter(|(number, other)| *number == event || same(other) && delivered(*number))
            .map(|(_, other)| other.at)
            .max()
    }
}

/// P2: no update takes effect after that of a newer event. Within one second any order will do here: which of two is
/// newer then is for the registry or for S3 to say.
fn order(seen: &Seen<'_>) -> Vec<Violation> {
    let mut violations = Vec::new();
    for (number, landing) in seen.facts.landings.iter().enumerate() {
        let Some(event) = seen.brings(landing) else { continue };
        let order = seen.order_of(event, landing);
        for earlier in seen.facts.landings.iter().take(number) {
            let Some(newer) = seen.brings(earlier) else { continue };
            if seen.story.events.get(newer).map(|event| event.at) > order {
                let what = format!("e{event} updated the service at {} after e{newer} at {}", landing.at, earlier.at);
                violations.push(Violation::new("P2 older over newer", what));
            }
        }
    }
    violations
}

/// P2: a way back takes the place of the revision that failed, and of nothing else.
fn restores(seen: &Seen<'_>) -> Vec<Violation> {
    let mut violations = Vec::new();
    for landing in &seen.facts.landings {
        let Some(event) = landing.by.and_then(|execution| seen.event_of(execution)) else { continue };
        let replaced = seen.maker(&landing.before).and_then(|maker| seen.event_of(maker));
        // A push of the same image may have taken over what another execution deployed and left behind.
        let is_of_mine = replaced.is_some_and(|other| other == event || seen.are_one_push(other, event));
        if seen.brings(landing).is_none() && !is_of_mine {
            let what = format!("e{event} went back to {} over {}", landing.definition, landing.before);
            violations.push(Violation::new("P2 restore", what));
        }
    }
    violations
}

/// Whether three pushes under two tags fall into one second: these may be taken in either order, by each delivery anew.
fn is_crowded(seen: &Seen<'_>, event: usize) -> bool {
    let second = |event: &Event| event.at.as_second();
    let Some(own) = seen.story.events.get(event).map(second) else { return false };
    let tags = seen.story.events.iter().filter(|other| second(other) == own).filter_map(|other| match &other.asks {
        Asks::Push { tag, .. } => Some(tag),
        Asks::Upload { .. } => None,
    });
    let tags: Vec<_> = tags.collect();
    tags.len() > 2 && tags.iter().any(|tag| tags.first() != Some(tag))
}

/// P3: one revision of one content, one update. Nothing lands after its fence here, so nothing needs the repair.
fn numbers(seen: &Seen<'_>) -> Vec<Violation> {
    let mut violations = Vec::new();
    for event in (0..seen.story.events.len()).filter(|event| !is_crowded(seen, *event)) {
        let updates = seen.facts.landings.iter().filter(|landing| seen.brings(landing) == Some(event)).count();
        if updates > 1 {
            violations.push(Violation::new("P3 updates", format!("e{event} updated the service {updates} times")));
        }
        let mine = |execution: usize| seen.event_of(execution) == Some(event);
        let revisions: Vec<Value> = seen
            .facts
            .registered
            .iter()
            .filter(|(execution, _)| mine(*execution))
            .filter_map(|(_, arn)| seen.facts.definitions.get(arn).map(bare))
            .collect();
        let twice = revisions
            .iter()
            .enumerate()
            .any(|(number, one)| revisions.iter().skip(number + 1).any(|other| one == other));
        if twice {
            violations.push(Violation::new("P3 revisions", format!("e{event} registered one content twice")));
        }
    }
    violations
}

/// A task definition without what ECS adds.
fn bare(definition: &Value) -> Value {
    let mut definition = definition.clone();
    if let Some(members) = definition.as_object_mut() {
        for member in ["taskDefinitionArn", "revision", "registeredAt", "registeredBy", "status"] {
            members.shift_remove(member);
        }
    }
    definition
}

/// P7: what a person deployed is replaced by a release that stands on it, or that says what it replaced.
fn by_hand(seen: &Seen<'_>) -> Vec<Violation> {
    let mut violations = Vec::new();
    for (number, person) in seen.facts.landings.iter().enumerate().filter(|(_, landing)| landing.by.is_none()) {
        // What ECS has stopped or rolled back by then is not replaced.
        let next = seen.facts.landings.get(number + 1).filter(|next| next.before == person.definition);
        let Some(next) = next else { continue };
        let Some(execution) = next.by else { continue };
        if seen.content(&next.definition).is_by_hand {
            continue;
        }
        let Some(event) = seen.event_of(execution) else { continue };
        // The report names the revision that was replaced: as what it stands on, or in a sentence.
        let stands_on_it = seen.ends_of(event).any(|(_, end)| {
            is_loud(end) || release(end).is_some_and(|release| release.to_string().contains(&person.definition))
        });
        if !stands_on_it {
            let what = format!("e{event} replaced what a person deployed, {}, without a word", person.definition);
            violations.push(Violation::new("P7", what));
        }
    }
    violations
}
