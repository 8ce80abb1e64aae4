//! The place of an event in the order of releases of one service. It knows no head and no clock.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::image::Digest;

/// The place of an event in the order: its time in seconds, then what decides within one second.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Order {
    /// The event's time.
    pub at: Timestamp,
    /// What decides between two events of one second that are about the same thing.
    pub tie: Tie,
    /// The event's own id, which decides else, the same way for everybody.
    pub event: String,
    /// Whether the pushed tag was seen to point to the pushed digest. Of two pushes of one tag within a second it then
    /// does not any more to the other one, which came before. Only known of the event at hand.
    #[serde(skip)]
    pub tag_is_current: bool,
}

/// What an event is about, as far as it decides within one second.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Tie {
    /// A tag: of two digests, the one that the registry says it points to decides.
    Tag {
        /// Registry, repository and tag.
        tag: String,
        /// What was pushed.
        digest: Digest,
    },
    /// An object: S3's sequencer decides.
    Key {
        /// Bucket and key.
        key: String,
        /// Left-padded to one length.
        sequencer: String,
    },
}

/// Orders are equal when they are of the same event, whatever is known of its tag.
impl PartialEq for Order {
    fn eq(&self, other: &Self) -> bool {
        (self.at, &self.tie, &self.event) == (other.at, &other.tie, &other.event)
    }
}

impl Eq for Order {}

impl std::hash::Hash for Order {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        (self.at, &self.tie, &self.event).hash(state);
    }
}

impl release_protocol::Order for Order {
    fn is_newer_than(&self, other: &Self) -> bool {
        let (at, then) = (self.at.as_second(), other.at.as_second());
        if at != then {
            return at > then;
        }
        match (&self.tie, &other.tie) {
            (Tie::Tag { tag, digest }, Tie::Tag { tag: same, digest: other_digest })
                if tag == same && digest != other_digest && self.tag_is_current != other.tag_is_current =>
            {
                self.tag_is_current
            }
            (Tie::Key { key, sequencer }, Tie::Key { key: other_key, sequencer: before }) if key == other_key => {
                sequencer > before
            }
            _ => self.event > other.event,
        }
    }
}
