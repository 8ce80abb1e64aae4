//! The story of a seed: which images there are and what awaits them, what is pushed and uploaded when, how late and how
//! often each event is delivered, and what else goes wrong. It touches nothing.

use std::fmt;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::dice::Dice;
use crate::api::{ACCOUNT, REGION};
use crate::ecr::{digest_of, hex};
use crate::scenario::Scenario;
use crate::seed::{REPOSITORY, STATE_BUCKET, TASK_DEFINITION};
use crate::{DeploymentEnding, DeploymentTimes, PauseHook, SecondUpdate};

/// The variable whose value says whose content a task definition is, and the one that a person sets by hand.
pub(super) const MARKER: &str = "UPLOADED_AS";
pub(super) const BY_HAND: &str = "CHANGED_BY_HAND";

/// Values that may stand in no report and in no log line.
pub(super) const SECRETS: [&str; 2] = ["pl4nted-variable-7c1f", "pl4nted-option-52d8"];

/// An image, and what awaits the revisions that run it.
#[derive(Clone, Debug)]
pub(super) struct Image {
    pub(super) name: String,
    pub(super) digest: String,
    pub(super) scenario: Scenario,
    /// Manifests, the one with the image's digest last.
    pub(super) manifests: Vec<String>,
    pub(super) blob: String,
}

impl Image {
    /// An image for ARM64: a manifest, or an index that leads to it.
    pub(super) fn new(name: &str, scenario: Scenario, is_index: bool) -> Self {
        let blob = json!({"architecture": "arm64", "os": "linux", "config": {"Env": [format!("APP_VERSION={name}")]}});
        let blob = blob.to_string();
        let manifest = json!({
            "schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "config": {
                "mediaType": "application/vnd.oci.image.config.v1+json",
                "digest": digest_of(blob.as_bytes()), "size": blob.len(),
            },
            "layers": [],
        })
        .to_string();
        let index = json!({
            "schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json",
            "manifests": [{
                "mediaType": "application/vnd.oci.image.manifest.v1+json", "digest": digest_of(manifest.as_bytes()),
                "size": manifest.len(), "platform": {"architecture": "arm64", "os": "linux"},
            }],
        });
        let mut manifests = vec![manifest];
        manifests.extend(is_index.then(|| index.to_string()));
        let digest = manifests.last().map(|last| digest_of(last.as_bytes())).unwrap_or_default();
        Self { name: name.to_owned(), digest, scenario, manifests, blob }
    }

    pub(super) fn reference(&self) -> String {
        format!("{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/{REPOSITORY}@{}", self.digest)
    }

    pub(super) fn is_good(&self) -> bool {
        self.scenario == Scenario::Good
    }
}

/// What an event asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Asks {
    /// This image, by number, under this tag.
    Push { image: usize, tag: &'static str },
    /// This document with this image; one that cannot be deployed where it is not valid.
    Upload { image: usize, marker: String, is_valid: bool },
}

/// One event.
#[derive(Clone, Debug)]
pub(super) struct Event {
    pub(super) id: String,
    pub(super) at: Timestamp,
    pub(super) asks: Asks,
}

/// One delivery of an event: one execution.
#[derive(Clone, Debug)]
pub(super) struct Delivery {
    pub(super) event: usize,
    pub(super) at: Timestamp,
}

/// What a person does once, when this many decisions have been made.
#[derive(Clone, Copy, Debug)]
pub(super) struct ByHand {
    pub(super) after: u64,
    pub(super) what: Hand,
}

/// What a person does at the console.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hand {
    /// Deploys a good revision of their own; its tags may be copied from the live one.
    Deploys {
        /// Whether the live revision's tags are kept, as the console's "create new revision" keeps them.
        copies_tags: bool,
    },
    /// Stops the running deployment with a rollback.
    RollsBack,
    /// Stops the newest execution that runs.
    StopsExecution,
    /// Has set a time limit for executions that is over now for the newest one that runs.
    EndsTime,
}

/// Everything that a seed decides before the first call.
#[derive(Clone, Debug)]
pub(super) struct Story {
    /// The first one is live at the start.
    pub(super) images: Vec<Image>,
    /// In the order of time; within a second, in the order in which they happen.
    pub(super) events: Vec<Event>,
    /// In the order of time.
    pub(super) deliveries: Vec<Delivery>,
    pub(super) by_hand: Vec<ByHand>,
    pub(super) second_update: SecondUpdate,
    /// How long deployments take, where they wait, and how those end that do not end well.
    pub(super) deployment: DeploymentTimes,
    pub(super) hook: Option<PauseHook>,
    pub(super) ending: DeploymentEnding,
    /// Whether Lambda keeps no execution that has ended.
    pub(super) forgets: bool,
    /// Calls that may fail, at most.
    pub(super) faults: u64,
    /// Invocations that may die, at most.
    pub(super) crashes: u64,
}

impl Story {
    /// The story of a seed, from `start` on.
    pub(super) fn new(dice: &mut Dice, start: Timestamp) -> Self {
        let mut images = vec![Image::new("live", Scenario::Good, false)];
        let mut events: Vec<Event> = Vec::new();
        let mut at = later(start, 60_000);
        for number in 0..dice.between(1, 4) {
            if number > 0 {
                at = later(at, gap(dice));
            }
            let asks = ask(dice, &mut images, &events, number);
            let id = uuid(&format!("event {number} {}", dice.below(u64::MAX)));
            events.push(Event { id, at, asks });
        }
        let mut deliveries = Vec::new();
        for (event, Event { at, .. }) in events.iter().enumerate() {
            for _ in 0..[1, 1, 1, 2, 2, 3][usize::try_from(dice.below(6)).unwrap_or_default()] {
                deliveries.push(Delivery { event, at: later(*at, delay(dice)) });
            }
        }
        deliveries.sort_by_key(|delivery| delivery.at);
        let second_update = if dice.one_in(3) { SecondUpdate::Refuses } else { SecondUpdate::Supersedes };
        let faults = match dice.below(10) {
            0..3 => 0,
            3..7 => dice.between(1, 3),
            _ => dice.between(4, 10),
        };
        let crashes = if dice.one_in(3) { dice.between(1, 2) } else { 0 };
        let by_hand = hands(dice);
        let (deployment, ending) = (times(dice), ending(dice));
        let hook = dice.one_in(12).then(|| PauseHook {
            stage: ["PRE_SCALE_UP", "POST_SCALE_UP"][usize::from(dice.one_in(2))].to_owned(),
            minutes: u16::try_from(dice.between(1, 40)).unwrap_or(1),
        });
        let forgets = dice.one_in(6);
        Self { images, events, deliveries, by_hand, second_update, deployment, hook, ending, forgets, faults, crashes }
    }

    /// The service's task definition with an image of this story, planted secrets, and a mark of whose content it is.
    pub(super) fn document(&self, image: usize, variable: &str, value: &str) -> Value {
        let mut document: Value = serde_json::from_str(TASK_DEFINITION).unwrap_or_default();
        if let Some(main) = document.pointer_mut("/containerDefinitions/0") {
            main["image"] = json!(self.images.get(image).map(Image::reference));
            main["environment"] =
                json!([{"name": "APP_SETTINGS", "value": SECRETS[0]}, {"name": variable, "value": value}]);
            main["logConfiguration"]["options"]["external_id"] = json!(SECRETS[1]);
        }
        document
    }

    /// The event as EventBridge delivers it.
    pub(super) fn payload(&self, event: &Event) -> String {
        let envelope = |kind: &str, source: &str, detail: Value| {
            json!({
                "version": "0", "id": event.id, "detail-type": kind, "source": source, "account": ACCOUNT,
                "time": event.at.to_string(), "region": REGION, "resources": [], "detail": detail,
            })
        };
        let payload = match &event.asks {
            Asks::Push { image, tag } => envelope(
                "ECR Image Action",
                "aws.ecr",
                json!({
                    "result": "SUCCESS", "repository-name": REPOSITORY, "action-type": "PUSH", "image-tag": tag,
                    "image-digest": self.images.get(*image).map(|image| &image.digest),
                }),
            ),
            Asks::Upload { marker, .. } => envelope(
                "Object Created",
                "aws.s3",
                json!({
                    "version": "0", "bucket": {"name": STATE_BUCKET}, "reason": "PutObject",
                    "object": {
                        "key": upload_key(), "size": 2_004, "version-id": version(marker),
                        "sequencer": sequencer(event.at, marker),
                    },
                }),
            ),
        };
        payload.to_string()
    }
}

impl fmt::Display for Story {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for image in &self.images {
            writeln!(f, "image {}: {}, {}", image.name, image.scenario, &image.digest[..image.digest.len().min(15)])?;
        }
        for (number, event) in self.events.iter().enumerate() {
            let what = match &event.asks {
                Asks::Push { image, tag } => {
                    format!("push of {} as {tag}", self.images.get(*image).map_or("?", |image| &image.name))
                }
                Asks::Upload { image, marker, is_valid } => {
                    let image = self.images.get(*image).map_or("?", |image| &image.name);
                    let valid = if *is_valid { "" } else { ", invalid" };
                    format!("upload {marker} with {image}{valid}")
                }
            };
            writeln!(f, "event e{number} at {}: {what}", event.at)?;
        }
        for (number, Delivery { event, at }) in self.deliveries.iter().enumerate() {
            writeln!(f, "execution x{number} delivers e{event} at {at}")?;
        }
        for ByHand { after, what } in &self.by_hand {
            writeln!(f, "after decision {after} a person: {what:?}")?;
        }
        let Self { second_update, deployment, hook, ending, forgets, faults, crashes, .. } = self;
        writeln!(f, "a second update: {second_update:?}; faults: {faults}; crashes: {crashes}")?;
        writeln!(f, "{deployment:?}, {ending:?}, {hook:?}; executions that have ended are forgotten: {forgets}")
    }
}

/// The key of all uploads.
pub(super) fn upload_key() -> String {
    format!("task-definitions/{REPOSITORY}/task-definition.json")
}

/// The version of the object that an upload made.
pub(super) fn version(marker: &str) -> String {
    format!("v-{marker}")
}

/// S3 gives each write of one key a higher sequencer, also within one second: markers end with the number of their
/// event.
fn sequencer(at: Timestamp, marker: &str) -> String {
    let number: i64 =
        marker.trim_start_matches(|character: char| !character.is_ascii_digit()).parse().unwrap_or_default();
    format!("{:016X}", at.as_millisecond().saturating_mul(16).saturating_add(number))
}

/// `time` and so many milliseconds.
pub(super) fn later(time: Timestamp, milliseconds: u64) -> Timestamp {
    let span = SignedDuration::from_millis(i64::try_from(milliseconds).unwrap_or(i64::MAX));
    time.saturating_add(span).unwrap_or(time)
}

/// Milliseconds between two events; whole seconds, as events have them.
fn gap(dice: &mut Dice) -> u64 {
    1_000
        * match dice.below(10) {
            0 => 0,
            1..4 => dice.between(1, 5),
            4..7 => dice.between(6, 120),
            7..9 => dice.between(121, 900),
            _ => dice.between(901, 7_200),
        }
}

/// Milliseconds between an event and a delivery.
fn delay(dice: &mut Dice) -> u64 {
    match dice.below(20) {
        0..11 => dice.between(0, 3_000),
        11..15 => dice.between(0, 120_000),
        15..18 => dice.between(0, 1_800_000),
        _ => dice.between(0, 86_400_000),
    }
}

fn ask(dice: &mut Dice, images: &mut Vec<Image>, events: &[Event], number: u64) -> Asks {
    let tag = ["latest", "v1", "v2"][usize::try_from(dice.below(3)).unwrap_or_default()];
    let mut fresh = |dice: &mut Dice| {
        let scenario = match dice.below(20) {
            0..12 => Scenario::Good,
            12..15 => Scenario::BadLogs,
            15..18 => Scenario::CanaryFails,
            18 => Scenario::NoLogs,
            _ => Scenario::TaskNeverStarts,
        };
        images.push(Image::new(&format!("i{number}"), scenario, dice.one_in(2)));
        images.len() - 1
    };
    let earlier: Vec<usize> = events.iter().map(Event::image).collect();
    match dice.below(20) {
        0..9 => Asks::Push { image: fresh(dice), tag },
        9..12 => Asks::Push { image: 0, tag },
        12..15 => {
            let index = usize::try_from(dice.below(earlier.len() as u64)).unwrap_or_default();
            let image = earlier.get(index).copied();
            Asks::Push { image: image.unwrap_or_else(|| fresh(dice)), tag }
        }
        rest => {
            let image = if dice.one_in(2) { 0 } else { fresh(dice) };
            Asks::Upload { image, marker: format!("u{number}"), is_valid: rest < 19 }
        }
    }
}

fn hands(dice: &mut Dice) -> Vec<ByHand> {
    if !dice.one_in(3) {
        return Vec::new();
    }
    let what = match dice.below(7) {
        0..3 => Hand::Deploys { copies_tags: dice.one_in(2) },
        3 => Hand::RollsBack,
        4 => Hand::EndsTime,
        _ => Hand::StopsExecution,
    };
    vec![ByHand { after: dice.between(1, 250), what }]
}

/// How long deployments take; with all traffic at once and no bake, what is bad gets through.
fn times(dice: &mut Dice) -> DeploymentTimes {
    let of = |canary_percent, canary_bake, bake| DeploymentTimes { canary_percent, canary_bake, bake };
    match dice.below(10) {
        0..6 => DeploymentTimes::default(),
        6 => of(5.0, 1, 1),
        7 => of(100.0, 0, 0),
        8 => of(20.0, 10, 0),
        _ => of(5.0, 3, 60),
    }
}

fn ending(dice: &mut Dice) -> DeploymentEnding {
    match dice.below(20) {
        0 => DeploymentEnding::StoppedByFailure,
        1 => DeploymentEnding::RollbackStopped,
        2 => DeploymentEnding::RollbackFailed,
        3 => DeploymentEnding::StoppedWhilePending,
        _ => DeploymentEnding::RolledBack,
    }
}

impl Event {
    /// The image that it is about.
    pub(super) fn image(&self) -> usize {
        match self.asks {
            Asks::Push { image, .. } | Asks::Upload { image, .. } => image,
        }
    }

    pub(super) fn is_upload(&self) -> bool {
        matches!(self.asks, Asks::Upload { .. })
    }

    pub(super) fn can_be_deployed(&self) -> bool {
        !matches!(self.asks, Asks::Upload { is_valid: false, .. })
    }
}

/// Text in the form of a UUID.
pub(super) fn uuid(text: &str) -> String {
    let digits = hex(&Sha256::digest(text.as_bytes()));
    let part = |range| digits.get(range).unwrap_or_default();
    format!("{}-{}-{}-{}-{}", part(0..8), part(8..12), part(12..16), part(16..20), part(20..32))
}
