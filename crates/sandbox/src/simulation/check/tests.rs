//! Each check against a run that was made up to break what it checks, and against one that was not.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::super::dice::Dice;
use super::super::facts::{Facts, Landing};
use super::super::story::{Delivery, Image, MARKER, later};
use super::*;
use crate::scenario::Scenario;

/// Two events, one execution each: a push of a good image, and ten seconds later one of another image.
struct Scene {
    story: Story,
    facts: Facts,
}

fn start() -> Timestamp {
    "2026-11-23T10:00:00Z".parse().unwrap()
}

fn scene() -> Scene {
    let images = ["live", "i0", "i1"].map(|name| Image::new(name, Scenario::Good, false));
    let push = |number: u64| Event {
        id: format!("e{number}"),
        at: later(start(), number * 10_000),
        asks: Asks::Push {
            image: usize::try_from(number).unwrap() + 1,
            tag: ["v1", "v2"][usize::try_from(number).unwrap()],
        },
    };
    let events = vec![push(0), push(1)];
    let deliveries = (0..2).map(|event| Delivery { event, at: later(start(), 20_000) }).collect();
    let story = Story {
        images: images.to_vec(),
        events,
        deliveries,
        by_hand: Vec::new(),
        ..Story::new(&mut Dice::new(1), start())
    };
    let mut facts = Facts::new(2);
    let documents = (0..3).map(|image| (arn(image), story.document(image, MARKER, "seed")));
    facts.definitions = documents.collect::<BTreeMap<_, _>>();
    facts.registered = vec![(0, arn(1)), (1, arn(2))];
    facts.ends = vec![(Some(report("superseded")), 10), (Some(report("succeeded")), 10)];
    facts.last = arn(2);
    facts.landings = vec![landing(1, Some(1), 0, 2)];
    Scene { story, facts }
}

fn arn(revision: usize) -> String {
    format!("td:{revision}")
}

fn report(outcome: &str) -> End {
    End::Report(json!({"releases": [{"outcome": outcome}]}))
}

fn landing(minute: u64, by: Option<usize>, before: usize, definition: usize) -> Landing {
    let at = later(start(), minute * 60_000);
    Landing { at, by, before: arn(before), definition: arn(definition), deployment: format!("d{minute}") }
}

impl Scene {
    fn violated(&self) -> Vec<&'static str> {
        let seen = Seen { story: &self.story, facts: &self.facts, log: &[] };
        all(&seen).iter().map(|violation| violation.property).collect()
    }

    /// Another document for a task definition.
    fn define(&mut self, revision: usize, document: Value) {
        self.facts.definitions.insert(arn(revision), document);
    }
}

#[test]
fn a_good_run_violates_nothing() {
    assert_eq!(scene().violated(), [""; 0]);
}

#[test]
fn a_service_that_runs_something_else_is_told_of() {
    let mut scene = scene();
    scene.facts.last = arn(0);
    assert_eq!(scene.violated(), ["P1/P4 newest"]);
    scene.facts.ends[1].0 = Some(report("failed"));
    assert_eq!(scene.violated(), ["P4 no reason"]);
    scene.facts.ends[1].0 = Some(End::Report(json!({"releases": [{"outcome": "failed", "reason": "why"}]})));
    assert_eq!(scene.violated(), [""; 0]);
    scene.facts.ends[1].0 = Some(End::Report(json!({"releases": [{"outcome": "superseded", "attention": "look"}]})));
    assert_eq!(scene.violated(), [""; 0]);
}

#[test]
fn what_a_person_left_behind_after_the_release_stands() {
    let mut scene = scene();
    scene.facts.landings.push(landing(30, None, 2, 0));
    scene.facts.last = arn(0);
    assert_eq!(scene.violated(), ["P1/P4 newest"]);
    scene.facts.ended[1] = Some(later(start(), 600_000));
    assert_eq!(scene.violated(), [""; 0]);
}

#[test]
fn of_two_pushes_under_one_tag_within_a_second_the_later_one_counts() {
    let mut scene = scene();
    let at = scene.story.events[0].at;
    for event in &mut scene.story.events {
        event.at = at;
    }
    scene.facts.last = arn(1);
    scene.facts.ends[0].0 = Some(report("succeeded"));
    assert_eq!(scene.violated(), [""; 0], "two tags: either");
    for event in &mut scene.story.events {
        event.asks = Asks::Push { image: event.image(), tag: "v1" };
    }
    assert_eq!(scene.violated(), ["P1/P4 newest"]);
}

#[test]
fn a_bad_revision_is_not_live_in_silence() {
    let mut scene = scene();
    scene.story.images[2].scenario = Scenario::BadLogs;
    assert_eq!(scene.violated(), ["P5 bad"]);
    scene.story.images[2].scenario = Scenario::Good;
    scene.facts.ends[1].0 = Some(report("superseded"));
    assert_eq!(scene.violated(), ["P5 unproven"]);
}

#[test]
fn an_older_update_after_a_newer_one_is_seen() {
    let mut scene = scene();
    scene.facts.landings.push(landing(2, Some(0), 2, 1));
    assert_eq!(scene.violated(), ["P2 older over newer"]);
}

#[test]
fn a_way_back_over_another_release_is_seen() {
    let mut scene = scene();
    scene.facts.landings.push(landing(2, Some(1), 2, 0));
    assert_eq!(scene.violated(), [""; 0]);
    scene.facts.landings.push(landing(3, Some(0), 2, 0));
    assert_eq!(scene.violated(), ["P2 restore"]);
}

#[test]
fn a_second_update_and_a_second_revision_are_seen() {
    let mut scene = scene();
    scene.facts.landings.push(landing(2, Some(1), 2, 2));
    assert_eq!(scene.violated(), ["P3 updates"]);
    scene.facts.landings.pop();
    let document = scene.story.document(2, MARKER, "seed");
    scene.define(3, document);
    scene.facts.registered.push((1, arn(3)));
    assert_eq!(scene.violated(), ["P3 revisions"]);
}

#[test]
fn a_change_by_hand_that_vanishes_in_silence_is_seen() {
    let mut scene = scene();
    let document = scene.story.document(0, BY_HAND, "yes");
    scene.define(3, document);
    scene.facts.landings.insert(0, landing(0, None, 0, 3));
    assert_eq!(scene.violated(), [""; 0], "it had ended by then");
    scene.facts.landings[1].before = arn(3);
    assert_eq!(scene.violated(), ["P7"]);
    scene.facts.ends[1].0 = Some(End::Report(json!({
        "releases": [{"outcome": "succeeded", "previousTaskDefinitionArn": arn(3)}],
    })));
    assert_eq!(scene.violated(), [""; 0]);
}

#[test]
fn what_does_not_end_or_ends_twice_is_seen() {
    let mut scene = scene();
    scene.story.deliveries[0].event = 1;
    scene.facts.ends[0].0 = Some(report("succeeded"));
    scene.facts.registered.remove(0);
    assert_eq!(scene.violated(), ["P6 two ends"]);
    scene.facts.ends[0] = (None, 3_000);
    scene.facts.calls[1] = 2_001;
    assert_eq!(scene.violated(), ["P6 endless", "bounds operations", "bounds calls"]);
}

#[test]
fn a_secret_in_a_log_line_is_seen() {
    let Scene { story, facts } = scene();
    let log = ["INFO message=pl4nted-variable-7c1f".to_owned()];
    let seen = Seen { story: &story, facts: &facts, log: &log };
    assert_eq!(all(&seen)[0].property, "secrets");
}
