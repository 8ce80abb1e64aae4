//! The release protocol: who may change an ECS Express Mode service, and when. Pure transitions over any set of names:
//! no clock, no I/O, no AWS. Time enters as answers: is this fence past, is this owner dead, did that take too long.
//!
//! - [`head`]: the object that says who owns a service, and the changes that are made to it by compare-and-swap.
//! - [`plan`](mod@plan): from what was read to what a release does.
//! - [`course`]: one release under way, from its plan to its end, as a state machine: it names the next action and
//!   takes its answer.
//! - [`follow`]: what follows from the way in which a deployment went, and where the way back leads.
//!
//! The function plays [`course::Course`] against AWS; the model in `tests/` plays the same code against every
//! interleaving. docs/guarantees.md says what is promised.

use std::fmt;
use std::hash::Hash;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

pub mod course;
pub mod follow;
pub mod head;
pub mod plan;

/// What every name can do: it is compared, recorded and shown.
pub trait Name: Clone + fmt::Debug + Eq + Hash + Serialize + DeserializeOwned + Send + Sync + 'static {}

impl<T: Clone + fmt::Debug + Eq + Hash + Serialize + DeserializeOwned + Send + Sync + 'static> Name for T {}

/// The place of an event in the order of all events for a service.
pub trait Order: Name {
    /// Whether the event is newer than `other`, an order that was written down before. Two events of which neither is
    /// newer are the same one, or cannot be told apart.
    fn is_newer_than(&self, other: &Self) -> bool;
}

/// What a head remembers beside the members that the protocol changes.
pub trait Memory<Event, Definition>: Name + Default {
    /// Whether a release is remembered that deployed this task definition.
    fn names(&self, definition: &Definition) -> bool;
    /// Whether this event's release is remembered as one that got through or was rolled back: there is nothing left to
    /// do for it.
    fn has_decided(&self, event: &Event) -> bool;
}

/// The names that the protocol speaks of. The product has ARNs, the model small numbers.
pub trait Names: Clone + fmt::Debug + Eq + Hash + Send + Sync + 'static {
    /// The place of an event in the order.
    type Order: Order;
    /// An event; the same for each of its deliveries.
    type Event: Name;
    /// A durable execution.
    type Execution: Name;
    /// The digest of a pushed image.
    type Image: Name;
    /// A task definition.
    type Definition: Name;
    /// A service revision; there is one for each deployment, and it names the deployment before that is listed.
    type Revision: Name;
    /// What tells one fence from the next.
    type FenceId: Name;
    /// What a head says of its owner for people and for later versions.
    type About: Name + Default;
    /// What a head remembers of releases that have ended.
    type Memory: Memory<Self::Event, Self::Definition>;
}

/// One release in one execution: what asks, and who works on it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(bound = "", rename_all = "camelCase")]
pub struct Release<N: Names> {
    /// The event.
    pub event: N::Event,
    /// The execution that carries it.
    pub execution: N::Execution,
    /// Its place in the order.
    pub order: N::Order,
    /// The digest of the pushed image; `None` for an uploaded document.
    pub image: Option<N::Image>,
    /// What the head says of it.
    pub about: N::About,
}

impl<N: Names> Release<N> {
    /// Whether what stands under this execution and event is this release's. Only both tell: an event is delivered to
    /// several executions, and an execution carries several releases of one service when they came in one batch.
    pub fn is(&self, execution: &N::Execution, event: &N::Event) -> bool {
        self.execution == *execution && self.event == *event
    }
}

/// How a release ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The new revision serves all traffic and is verified as far as it was to be verified.
    Succeeded,
    /// What was asked for is live already.
    NoChange,
    /// A newer release took the service.
    Superseded,
    /// Another release does, or did, the same work.
    Duplicate,
    /// The service is on hold by somebody's word.
    Held,
    /// The task definition has errors; nothing was registered.
    Rejected,
    /// The release did not get through, or its verification failed and the service was left as it is.
    Failed,
    /// The service runs a revision from before again.
    RolledBack,
}

impl Outcome {
    /// Every outcome.
    pub const ALL: [Self; 8] = [
        Self::Succeeded,
        Self::NoChange,
        Self::Superseded,
        Self::Duplicate,
        Self::Held,
        Self::Rejected,
        Self::Failed,
        Self::RolledBack,
    ];

    /// The contract's word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Succeeded => "succeeded",
            Self::NoChange => "no_change",
            Self::Superseded => "superseded",
            Self::Duplicate => "duplicate",
            Self::Held => "held",
            Self::Rejected => "rejected",
            Self::Failed => "failed",
            Self::RolledBack => "rolled_back",
        }
    }

    /// Whether, by itself, it asks nothing of anybody.
    pub fn is_well(self) -> bool {
        matches!(self, Self::Succeeded | Self::NoChange | Self::Superseded | Self::Duplicate)
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
