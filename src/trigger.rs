//! What started the function: an event in any of its shapes becomes the triggers that it carries, or the reason why it
//! carries none. It decides by the event alone; whether a service wants the trigger is the configuration's business.
//!
//! Envelopes are read with the types of `aws_lambda_events`, one record at a time: its types of whole batches refuse
//! all records for one that is odd. What those types lack is a shape of our own.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::image::Digest;
use crate::text::Text;

mod ecr_image_action;
mod event_bridge;
mod order;
mod recognition;
mod s3_notification;
mod s3_object_created;
mod sns;

pub use order::{Order, Tie};
pub use recognition::{MAX_EVENT, Recognition, recognise};

/// One thing that happened and that a service may want to be released for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "kind")]
pub enum Trigger {
    /// An image got a tag in ECR.
    ImagePush(ImagePush),
    /// A task definition was uploaded to S3.
    Upload(Upload),
}

/// An image got a tag in ECR.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ImagePush {
    /// The event's id.
    pub event: String,
    /// When it happened.
    pub at: Timestamp,
    /// The registry: an account.
    pub account: String,
    /// The registry's region.
    pub region: String,
    /// The repository.
    pub repository: String,
    /// The tag.
    pub tag: String,
    /// The digest of the pushed manifest.
    pub digest: Digest,
}

/// A task definition was uploaded to S3.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Upload {
    /// When it happened.
    pub at: Timestamp,
    /// The bucket's region.
    pub region: String,
    /// The bucket.
    pub bucket: String,
    /// The key, decoded.
    pub key: String,
    /// The version, in a versioned bucket.
    pub version: Option<String>,
    /// The entity tag, without quotes.
    pub etag: Option<String>,
    /// S3's order of the writes to one key; hexadecimal, of varying length.
    pub sequencer: String,
}

impl Trigger {
    /// When it happened.
    pub fn at(&self) -> Timestamp {
        match self {
            Self::ImagePush(push) => push.at,
            Self::Upload(upload) => upload.at,
        }
    }

    /// The event's own id: a push has the event's, an upload the place and the version of what was written.
    fn identity(&self) -> String {
        match self {
            Self::ImagePush(push) => push.event.clone(),
            Self::Upload(upload) => format!("{}/{} {}", upload.bucket, upload.key, upload.sequencer),
        }
    }

    /// The place in the order of releases of one service, when the event counts as being of this time.
    pub fn order(&self, at: Timestamp, tag_is_current: bool) -> Order {
        let tie = match self {
            Self::ImagePush(push) => {
                let tag = format!("{}/{}/{}:{}", push.account, push.region, push.repository, push.tag);
                Tie::Tag { tag, digest: push.digest.clone() }
            }
            Self::Upload(upload) => {
                let key = format!("{}/{}", upload.bucket, upload.key);
                // S3 orders writes to one key by the left-padded sequencer (Amazon S3 user guide, "Event message
                // structure").
                Tie::Key { key, sequencer: format!("{:0>32}", upload.sequencer) }
            }
        };
        Order { at, tie, event: self.identity(), tag_is_current }
    }

    /// The release that this trigger is: the same for every delivery of the same event.
    pub fn release(&self) -> ReleaseId {
        let identity = match self {
            Self::ImagePush(push) => format!("event\n{}", push.event),
            Self::Upload(upload) => format!("object\n{}\n{}\n{}", upload.bucket, upload.key, upload.sequencer),
        };
        let digest = Digest::of(identity.as_bytes());
        let hash = digest.as_str().strip_prefix("sha256:").and_then(|hex| hex.get(..8)).unwrap_or_default().to_owned();
        ReleaseId(format!("{}-{hash}", self.at().strftime("%Y%m%dT%H%M%SZ")))
    }
}

impl fmt::Display for Trigger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ImagePush(push) => write!(f, "push of {}:{} ({})", push.repository, push.tag, push.digest.short()),
            Self::Upload(upload) => write!(f, "upload of s3://{}/{}", upload.bucket, upload.key),
        }
    }
}

/// A release's id: the event's time and 8 hex digits of a hash of its identity; fit for an object key and a tag value.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ReleaseId(String);

impl ReleaseId {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ReleaseId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The limit that the documents of S3 set to one key, in bytes.
const MAX_KEY: usize = 1024;

/// The longest of the other texts that are kept of an event, in bytes: ids, versions, entity tags.
const MAX_NAME: usize = 1024;

/// Why a part of an event is not a trigger.
#[derive(Debug)]
enum NoTrigger {
    /// It is known for what it is, and nobody has to do anything: the reason.
    Ignored(Text),
    /// It is not what it should be: what came.
    Unrecognised(Text),
}

fn ignored<T>(reason: impl Into<Text>) -> Result<T, NoTrigger> {
    Err(NoTrigger::Ignored(reason.into()))
}

fn unrecognised<T>(what: impl Into<Text>) -> Result<T, NoTrigger> {
    Err(NoTrigger::Unrecognised(what.into()))
}

/// A member that has to be there and not empty, in an event of this kind.
fn required(value: Option<String>, kind: &str, member: &str) -> Result<String, NoTrigger> {
    match value {
        Some(text) if text.len() > 3 * MAX_KEY => unrecognised(format!("{kind} whose `{member}` is too long")),
        Some(text) if !text.is_empty() => Ok(text),
        _ => unrecognised(format!("{kind} without `{member}`")),
    }
}

/// A member that becomes part of a request or of a name: of a limited length, and printable.
fn plain(value: Option<String>, kind: &str, member: &str) -> Result<String, NoTrigger> {
    let text = required(value, kind, member)?;
    if text.len() > MAX_NAME || text.contains(char::is_control) {
        return unrecognised(format!("{kind} whose `{member}` is too long, or has control characters"));
    }
    Ok(text)
}

/// The same, where the member may be absent.
fn optional(value: Option<String>, kind: &str, member: &str) -> Result<Option<String>, NoTrigger> {
    value.map(|text| plain(Some(text), kind, member)).transpose()
}

/// A time of an envelope, which has chrono's type.
fn time(milliseconds: i64, kind: &str) -> Result<Timestamp, NoTrigger> {
    Timestamp::from_millisecond(milliseconds)
        .or_else(|_| unrecognised(format!("{kind} whose time is out of any calendar")))
}

/// Checks an object's key and size, which both shapes of S3 events carry.
fn check_object(key: &str, size: Option<u64>) -> Result<(), NoTrigger> {
    if key.len() > MAX_KEY {
        return ignored("an object whose key is longer than S3 allows");
    }
    if key.contains(char::is_control) {
        return ignored(format!("`{}` has control characters in its key", key.escape_debug()));
    }
    match size {
        _ if key.ends_with('/') => ignored(format!("`{key}` is a folder marker, not a document")),
        Some(0) => ignored(format!("`{key}` is empty")),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests;
