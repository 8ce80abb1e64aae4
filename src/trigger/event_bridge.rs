//! EventBridge's envelope (Amazon EventBridge user guide, "Events"): whose event it is, and of which kind. What its
//! `detail` says is read elsewhere.

use aws_lambda_events::eventbridge::EventBridgeEvent;
use jiff::Timestamp;
use serde_json::Value;

use super::recognition::{shortened, typed};
use super::{NoTrigger, Trigger, ecr_image_action, ignored, plain, required, s3_object_created, time, unrecognised};

/// The source of this program's own events.
const OWN_SOURCE: &str = "express-deployer";

/// What EventBridge says of an event beside its detail.
pub(super) struct Envelope {
    pub(super) id: String,
    pub(super) account: String,
    pub(super) region: String,
    pub(super) at: Timestamp,
}

impl Envelope {
    /// The members that a trigger needs of an event of this kind.
    pub(super) fn of(event: &EventBridgeEvent<Value>, kind: &str) -> Result<Self, NoTrigger> {
        let Some(at) = event.time else { return unrecognised(format!("{kind} without `time`")) };
        Ok(Self {
            id: plain(event.id.clone(), kind, "id")?,
            account: plain(event.account.clone(), kind, "account")?,
            region: plain(event.region.clone(), kind, "region")?,
            at: time(at.timestamp_millis(), kind)?,
        })
    }
}

/// Reads an event. Every event of ECR, of S3 and of our own is known, and most of them start nothing.
pub(super) fn read(event: &Value) -> Result<Trigger, NoTrigger> {
    let event: EventBridgeEvent<Value> = typed(event, "an EventBridge event")?;
    let source = required(Some(event.source.clone()), "an EventBridge event", "source")?;
    let kind = shortened(&event.detail_type);
    match (source.as_str(), event.detail_type.as_str()) {
        ("aws.ecr", "ECR Image Action") => ecr_image_action::read(&event),
        ("aws.s3", "Object Created") => s3_object_created::read(&event),
        ("aws.ecr" | "aws.s3" | OWN_SOURCE, _) => ignored(format!("`{kind}` from `{source}`, which releases nothing")),
        _ => unrecognised(format!("an EventBridge event of another kind: `{kind}` from `{}`", shortened(&source))),
    }
}
