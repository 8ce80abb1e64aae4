//! What started the function: an event in any of its shapes becomes the triggers that it carries, or the reason why it
//! carries none. It decides by the event alone; whether a service wants the trigger is the configuration's business.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::image::Digest;

mod ecr_image_action;
mod s3_notification;
mod s3_object_created;
mod sns;
mod sqs;

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

/// What an event turned out to carry.
#[derive(Debug, Default)]
pub struct Recognition {
    /// The triggers, in the event's order.
    pub triggers: Vec<Trigger>,
    /// Why parts of the event are not triggers.
    pub ignored: Vec<String>,
    depth: u32,
}

/// The largest event that is read, in bytes: four times what an asynchronous invocation can carry (AWS Lambda quotas).
pub const MAX_EVENT: usize = 1024 * 1024;

/// How deep messages may lie inside messages: SNS inside SQS is two.
const MAX_WRAPPINGS: u32 = 3;

/// The triggers, and again the reasons, that are kept of one event.
const MAX_PARTS: usize = 100;

/// Adds what the event carries and says whether the event has this shape at all.
type Shape = fn(&Value, &mut Recognition) -> bool;

/// Every shape. A new one is a file and a line here.
const SHAPES: [Shape; 5] =
    [ecr_image_action::read, s3_object_created::read, s3_notification::read, sqs::read, sns::read];

/// Finds the triggers in an event's JSON text. It never fails: what is not a trigger is a reason.
pub fn recognise(event: &str) -> Recognition {
    let mut recognition = Recognition::default();
    recognition.read(event);
    recognition
}

impl Recognition {
    /// Reads an event that lies inside another one, as text.
    fn read(&mut self, event: &str) {
        if event.len() > MAX_EVENT {
            return self.ignore(format!("an event of {} bytes; at most {MAX_EVENT} are read", event.len()));
        }
        if self.depth >= MAX_WRAPPINGS {
            return self.ignore(format!("messages nested more than {MAX_WRAPPINGS} deep"));
        }
        match serde_json::from_str::<Value>(event) {
            Ok(event) => {
                self.depth += 1;
                if !SHAPES.iter().any(|shape| shape(&event, self)) {
                    self.ignore(describe_unknown(&event));
                }
                self.depth -= 1;
            }
            Err(error) => self.ignore(format!("an event that is not readable JSON ({error})")),
        }
    }

    fn add(&mut self, trigger: Trigger) {
        if self.triggers.len() < MAX_PARTS {
            self.triggers.push(trigger);
        } else {
            self.ignore(format!("more than {MAX_PARTS} triggers in one event: {trigger}"));
        }
    }

    fn ignore(&mut self, reason: impl Into<String>) {
        if self.ignored.len() < MAX_PARTS {
            self.ignored.push(reason.into());
        }
    }

    /// Adds a trigger, or the reason why there is none.
    fn settle(&mut self, read: Result<Trigger, String>) {
        match read {
            Ok(trigger) => self.add(trigger),
            Err(reason) => self.ignore(reason),
        }
    }
}

/// Names an event that has none of the shapes, without repeating its content.
fn describe_unknown(event: &Value) -> String {
    let short = |text: &str| text.chars().take(60).collect::<String>();
    if let (Some(source), Some(kind)) = (event["source"].as_str(), event["detail-type"].as_str()) {
        return format!("an EventBridge event of another kind: `{}` from `{}`", short(kind), short(source));
    }
    if event["Event"].as_str() == Some("s3:TestEvent") {
        return "the test event that S3 sends when a notification is set up".to_owned();
    }
    match event.as_object() {
        Some(members) => {
            let names: Vec<String> = members.keys().take(5).map(|name| format!("`{}`", short(name))).collect();
            format!(
                "an event of unknown shape, with {}",
                if names.is_empty() { "no members".to_owned() } else { names.join(", ") }
            )
        }
        None => format!("an event of unknown shape: {}", crate::task_definition::kind(event)),
    }
}

/// A member that is text and not empty, or the reason why the event is incomplete.
fn required<'v>(event: &'v Value, pointer: &str) -> Result<&'v str, String> {
    let text = event.pointer(pointer).and_then(Value::as_str).filter(|text| !text.is_empty());
    let text = text.ok_or_else(|| format!("an incomplete event: {pointer} is missing"))?;
    // One byte of a key takes at most three when it is encoded; nothing else that is read is half as long.
    if text.len() > 3 * MAX_KEY { Err(format!("an event whose {pointer} is too long")) } else { Ok(text) }
}

/// A member that is a time.
fn required_time(event: &Value, pointer: &str) -> Result<Timestamp, String> {
    let text = required(event, pointer)?;
    text.parse().map_err(|_| format!("an incomplete event: {pointer} is not a time"))
}

/// The limit that the documents of S3 and SQS set to one key.
const MAX_KEY: usize = 1024;

/// Checks an object's key and size, which both shapes of S3 events carry.
fn check_object(key: &str, size: Option<u64>) -> Result<(), String> {
    if key.len() > MAX_KEY {
        return Err("an object whose key is longer than S3 allows".to_owned());
    }
    match size {
        _ if key.ends_with('/') => Err(format!("`{key}` is a folder marker, not a document")),
        Some(0) => Err(format!("`{key}` is empty")),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use release_protocol::Order as _;

    use super::*;

    fn reasons(event: &str) -> Vec<String> {
        let recognition = recognise(event);
        assert_eq!(recognition.triggers, [], "{event}");
        recognition.ignored
    }

    #[test]
    fn unknown_shapes_are_named_and_never_fail() {
        assert_eq!(reasons("17"), ["an event of unknown shape: a number"]);
        assert_eq!(reasons(r#"{"hello":1}"#), ["an event of unknown shape, with `hello`"]);
        assert_eq!(
            reasons(r#"{"source":"aws.ec2","detail-type":"EC2 Instance State-change Notification"}"#),
            ["an EventBridge event of another kind: `EC2 Instance State-change Notification` from `aws.ec2`"]
        );
        assert!(reasons("{").concat().starts_with("an event that is not readable JSON"));
        assert!(reasons(&("[".repeat(10_000) + &"]".repeat(10_000))).concat().contains("recursion limit"));
        assert!(reasons(&" ".repeat(MAX_EVENT + 1)).concat().contains("at most"));
    }

    #[test]
    fn the_same_event_is_the_same_release_and_orders_are_total() {
        let upload = |sequencer: &str| {
            Trigger::Upload(Upload {
                at: "2026-11-23T10:00:00Z".parse().unwrap(),
                region: "eu-west-1".into(),
                bucket: "b".into(),
                key: "k".into(),
                version: None,
                etag: None,
                sequencer: sequencer.into(),
            })
        };
        assert_eq!(upload("FF").release(), upload("FF").release());
        assert_ne!(upload("FF").release(), upload("100").release());
        let order = |trigger: &Trigger| trigger.order(trigger.at(), false);
        let (first, second) = (order(&upload("FF")), order(&upload("100")));
        assert!(second.is_newer_than(&first) && !first.is_newer_than(&second), "the shorter sequencer is padded");
        assert!(upload("FF").release().as_str().starts_with("20261123T100000Z-"));
    }

    #[test]
    fn of_two_pushes_of_one_tag_within_a_second_the_registry_decides_and_of_others_the_event() {
        let push = |event: &str, tag: &str| {
            Trigger::ImagePush(ImagePush {
                event: event.into(),
                at: "2026-11-23T10:00:00Z".parse().unwrap(),
                account: "123456789012".into(),
                region: "eu-west-1".into(),
                repository: "web".into(),
                tag: tag.into(),
                digest: Digest::of(event.as_bytes()),
            })
        };
        let order = |event: &str, tag: &str, is_current| push(event, tag).order(push(event, tag).at(), is_current);
        assert!(order("a", "v1", true).is_newer_than(&order("b", "v1", false)), "the tag points to the first");
        assert!(!order("b", "v1", false).is_newer_than(&order("a", "v1", true)));
        assert!(order("b", "v2", true).is_newer_than(&order("a", "v1", true)), "two tags: the event's id");
        assert!(!order("a", "v1", true).is_newer_than(&order("b", "v2", false)));
        assert_eq!(order("a", "v1", true), order("a", "v1", false), "an event is the same whatever its tag");
        let mut twice = push("b", "v1");
        if let (Trigger::ImagePush(twice), Trigger::ImagePush(first)) = (&mut twice, push("a", "v1")) {
            twice.digest = first.digest;
        }
        let twice = |is_current| twice.order(twice.at(), is_current);
        assert!(twice(true).is_newer_than(&order("a", "v1", false)), "one digest twice: the event's id");
        assert!(!order("a", "v1", true).is_newer_than(&twice(false)), "and the same for everybody");
    }
}
