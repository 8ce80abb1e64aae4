//! Stories that are told instead of drawn from a seed. The seed then decides only the schedule.

use jiff::{SignedDuration, Timestamp};

use super::story::{Asks, ByHand, Delivery, Event, Hand, Image, Story, later, uuid};
use crate::deployment::{DeploymentEnding, DeploymentTimes, SecondUpdate};
use crate::scenario::Scenario;

/// A story, in the order in which it happens. Times are seconds from its beginning; image 0, a good one, is live then.
#[derive(Clone, Debug)]
pub struct Tale {
    images: Vec<Image>,
    events: Vec<(u64, Asks)>,
    deliveries: Vec<(usize, u64)>,
    by_hand: Vec<ByHand>,
    second_update: SecondUpdate,
    faults: u64,
    crashes: u64,
}

impl Default for Tale {
    fn default() -> Self {
        Self {
            images: vec![Image::new("live", Scenario::Good, false)],
            events: Vec::new(),
            deliveries: Vec::new(),
            by_hand: Vec::new(),
            second_update: SecondUpdate::default(),
            faults: 0,
            crashes: 0,
        }
    }
}

impl Tale {
    /// There is one more image, and this awaits the revisions that run it. Images count from 1 on.
    #[must_use]
    pub fn image(mut self, scenario: Scenario) -> Self {
        let name = format!("i{}", self.images.len());
        self.images.push(Image::new(&name, scenario, true));
        self
    }

    /// An image is pushed under a tag; events count from 0 on.
    #[must_use]
    pub fn push(mut self, at: u64, image: usize, tag: &'static str) -> Self {
        self.events.push((at, Asks::Push { image, tag }));
        self
    }

    /// A task definition with an image is uploaded.
    #[must_use]
    pub fn upload(mut self, at: u64, image: usize) -> Self {
        let marker = format!("u{}", self.events.len());
        self.events.push((at, Asks::Upload { image, marker, is_valid: true }));
        self
    }

    /// An event is delivered.
    #[must_use]
    pub fn delivered(mut self, event: usize, at: u64) -> Self {
        self.deliveries.push((event, at));
        self
    }

    /// A person does something once, after so many decisions of the schedule.
    #[must_use]
    pub fn by_hand(mut self, after: u64, what: Hand) -> Self {
        self.by_hand.push(ByHand { after, what });
        self
    }

    /// ECS refuses an update while a deployment runs.
    #[must_use]
    pub fn with_second_updates_refused(mut self) -> Self {
        self.second_update = SecondUpdate::Refuses;
        self
    }

    /// So many calls may begin to fail, and so many invocations may die.
    #[must_use]
    pub fn with_troubles(mut self, faults: u64, crashes: u64) -> Self {
        (self.faults, self.crashes) = (faults, crashes);
        self
    }

    pub(super) fn story(&self, start: Timestamp) -> Story {
        let start = start.saturating_add(SignedDuration::from_mins(1)).unwrap_or(start);
        let at = |seconds: u64| later(start, seconds.saturating_mul(1_000));
        let event = |(number, (seconds, asks)): (usize, &(u64, Asks))| Event {
            id: uuid(&format!("told {number}")),
            at: at(*seconds),
            asks: asks.clone(),
        };
        let delivery = |&(event, seconds): &(usize, u64)| Delivery { event, at: at(seconds) };
        let mut deliveries: Vec<Delivery> = self.deliveries.iter().map(delivery).collect();
        deliveries.sort_by_key(|delivery| delivery.at);
        Story {
            images: self.images.clone(),
            events: self.events.iter().enumerate().map(event).collect(),
            deliveries,
            by_hand: self.by_hand.clone(),
            second_update: self.second_update,
            deployment: DeploymentTimes::default(),
            hook: None,
            ending: DeploymentEnding::default(),
            forgets: false,
            faults: self.faults,
            crashes: self.crashes,
        }
    }
}
