//! What must hold when all is quiet: the properties of the release protocol, as far as they can be seen from the
//! outside.

mod bounds;
mod content;
mod landings;
mod outcome;

use std::fmt;

use serde_json::Value;

use super::facts::Facts;
use super::players::End;
use super::story::{Asks, BY_HAND, Event, Image, MARKER, Story};

/// A property that does not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Which one: `P1` to `P7`, `bounds`, `owner` or `secrets`, and what kind of it.
    pub property: &'static str,
    /// What is wrong.
    pub what: String,
}

impl Violation {
    fn new(property: &'static str, what: impl Into<String>) -> Self {
        Self { property, what: what.into() }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "violates {}: {}", self.property, self.what)
    }
}

/// A run that is over.
#[derive(Clone, Copy, Debug)]
pub(super) struct Seen<'a> {
    pub(super) story: &'a Story,
    pub(super) facts: &'a Facts,
    pub(super) log: &'a [String],
}

/// All violations.
pub(super) fn all(seen: &Seen<'_>) -> Vec<Violation> {
    let mut violations = bounds::check(seen);
    // What a run that does not end has come to says nothing.
    if violations.is_empty() && !seen.facts.is_busy {
        violations.extend(outcome::check(seen));
        violations.extend(landings::check(seen));
        violations.extend(content::check(seen));
    }
    violations
}

/// What a task definition runs: the digest of its main image, whose content it is, and whether a person's change is in
/// it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Content {
    digest: String,
    marker: Option<String>,
    is_by_hand: bool,
}

impl<'a> Seen<'a> {
    fn content(&self, definition: &str) -> Content {
        let main = self.facts.definitions.get(definition).and_then(|value| value.pointer("/containerDefinitions/0"));
        let image = main.and_then(|main| main.get("image")?.as_str()).unwrap_or_default();
        let variables = main.and_then(|main| main.get("environment")?.as_array());
        let variable = |name: &str| {
            let given = variables?.iter().find(|variable| variable.get("name").is_some_and(|given| given == name))?;
            given.get("value")?.as_str().map(str::to_owned)
        };
        Content {
            digest: image.split_once('@').map(|(_, digest)| digest.to_owned()).unwrap_or_default(),
            marker: variable(MARKER),
            is_by_hand: variable(BY_HAND).is_some(),
        }
    }

    fn image(&self, event: &Event) -> Option<&'a Image> {
        self.story.images.get(event.image())
    }

    /// The image that the service runs in the end.
    pub(super) fn last_image(&self) -> Option<&'a Image> {
        let digest = self.content(&self.facts.last).digest;
        self.story.images.iter().find(|image| image.digest == digest)
    }

    /// Whether a task definition runs an image that is known to be bad.
    fn is_bad(&self, definition: &str) -> bool {
        let digest = self.content(definition).digest;
        self.story.images.iter().any(|image| image.digest == digest && !image.is_good())
    }

    /// The event that an execution carries.
    fn event_of(&self, execution: usize) -> Option<usize> {
        self.story.deliveries.get(execution).map(|delivery| delivery.event)
    }

    /// The executions that carry an event, each with its end.
    fn ends_of(&self, event: usize) -> impl Iterator<Item = (usize, Option<&'a End>)> {
        let ends = self.facts.ends.iter().map(|(end, _)| end.as_ref()).enumerate();
        let carries = self.story.deliveries.iter().map(move |delivery| delivery.event == event);
        ends.zip(carries).filter_map(|(end, carries)| carries.then_some(end))
    }

    /// Whether two events push the same image: one release may then do the work of both.
    fn are_one_push(&self, one: usize, other: usize) -> bool {
        let digest = |event: usize| {
            let event = self.story.events.get(event)?;
            matches!(event.asks, Asks::Push { .. }).then(|| self.image(event)).flatten().map(|image| &image.digest)
        };
        one == other || digest(one).is_some() && digest(one) == digest(other)
    }

    /// Whether some release of this event ended loudly: its own, or that of a push of the same image, which may have
    /// done its work.
    fn is_loud(&self, event: usize) -> bool {
        let events = (0..self.story.events.len()).filter(|other| self.are_one_push(*other, event));
        events.flat_map(|event| self.ends_of(event)).any(|(_, end)| is_loud(end))
    }

    /// Whether a release that brought this upload along, as part of a revision of its own, ended loudly.
    fn is_loud_with(&self, upload: &Event) -> bool {
        let brought = self.facts.registered.iter().filter(|(_, arn)| self.is_satisfied(upload, arn));
        brought.filter_map(|(execution, _)| self.event_of(*execution)).any(|event| self.is_loud(event))
    }

    /// Who registered a task definition: an execution, or nobody of ours.
    fn maker(&self, definition: &str) -> Option<usize> {
        self.facts.registered.iter().find(|(_, arn)| arn == definition).map(|(execution, _)| *execution)
    }

    /// Whether what an event asks for is what a task definition is.
    fn is_satisfied(&self, event: &Event, definition: &str) -> bool {
        let content = self.content(definition);
        match &event.asks {
            Asks::Push { .. } => self.image(event).is_some_and(|image| image.digest == content.digest),
            Asks::Upload { marker, .. } => content.marker.as_ref() == Some(marker),
        }
    }
}

/// The release of an execution's report; an ignored event has none.
fn release(end: Option<&End>) -> Option<&Value> {
    match end {
        Some(End::Report(report)) => report.pointer("/releases/0"),
        _ => None,
    }
}

fn outcome(end: Option<&End>) -> &str {
    release(end).and_then(|release| release.get("outcome")?.as_str()).unwrap_or_default()
}

/// Whether somebody is told: an execution that failed or was stopped raises an alarm, a report says so.
fn is_loud(end: Option<&End>) -> bool {
    match end {
        Some(End::Failed(_) | End::Stopped | End::TimedOut) => true,
        Some(End::Report(_)) => {
            let says_so = release(end).and_then(|release| release.get("attention")).is_some_and(Value::is_string);
            says_so || ["failed", "rejected", "rolled_back", "held"].contains(&outcome(end))
        }
        None => false,
    }
}

#[cfg(test)]
mod tests;
