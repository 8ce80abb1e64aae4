//! The names that the model gives to things: as small as they can be told apart.

use release_protocol::{Memory, Names, Order};
use serde::{Deserialize, Serialize};

/// Small names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Small;

/// The number of an event in the order of event times, from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) struct Number(pub(crate) u8);

impl Order for Number {
    fn is_newer_than(&self, other: &Self) -> bool {
        self.0 > other.0
    }
}

/// The head remembers every release: whatever a release registered is known, and which events got through or were
/// rolled back, a bit for each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) struct All {
    pub(crate) decided: u8,
}

impl Memory<u8, Definition> for All {
    fn names(&self, definition: &Definition) -> bool {
        !definition.is_foreign()
    }

    fn has_decided(&self, event: &u8) -> bool {
        self.decided >> event & 1 == 1
    }
}

impl Names for Small {
    type Order = Number;
    type Event = u8;
    type Execution = u8;
    type Image = u8;
    type Definition = Definition;
    type Revision = u8;
    type FenceId = u8;
    type About = ();
    type Memory = All;
}

/// A task definition: who registered it, and what it holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Definition {
    pub(crate) event: u8,
    pub(crate) document: u8,
    pub(crate) image: u8,
}

const BY_HAND: u8 = 14;
const AT_FIRST: u8 = 15;

impl Definition {
    /// What runs before anything happens.
    pub(crate) const FIRST: Self = Self { event: AT_FIRST, document: 0, image: 0 };
    /// What a person deploys at the console.
    pub(crate) const BY_HAND: Self = Self { event: BY_HAND, document: 4, image: 4 };

    pub(crate) fn is_foreign(self) -> bool {
        self.event >= BY_HAND
    }

    pub(crate) fn is_same_content(self, other: Self) -> bool {
        (self.document, self.image) == (other.document, other.image)
    }
}
