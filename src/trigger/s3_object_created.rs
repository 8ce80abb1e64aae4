//! EventBridge's "Object Created" of S3 (Amazon S3 user guide, "EventBridge event message structure"): the key comes as
//! it is.

use aws_lambda_events::eventbridge::EventBridgeEvent;
use serde::Deserialize;
use serde_json::Value;

use super::event_bridge::Envelope;
use super::recognition::typed;
use super::{NoTrigger, Trigger, Upload, check_object, optional, plain, required};

const KIND: &str = "an S3 Object Created event";

/// The `detail` of the event, as far as it counts here.
#[derive(Deserialize)]
struct ObjectCreated {
    bucket: Bucket,
    object: Object,
}

#[derive(Deserialize)]
struct Bucket {
    name: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Object {
    key: Option<String>,
    size: Option<u64>,
    etag: Option<String>,
    /// Absent where the bucket has no versions.
    version_id: Option<String>,
    sequencer: Option<String>,
}

pub(super) fn read(event: &EventBridgeEvent<Value>) -> Result<Trigger, NoTrigger> {
    let ObjectCreated { bucket, object } = typed(&event.detail, KIND)?;
    let key = required(object.key, KIND, "detail.object.key")?;
    check_object(&key, object.size)?;
    let Envelope { region, at, .. } = Envelope::of(event, KIND)?;
    Ok(Trigger::Upload(Upload {
        at,
        region,
        bucket: plain(bucket.name, KIND, "detail.bucket.name")?,
        key,
        version: optional(object.version_id, KIND, "detail.object.version-id")?,
        etag: optional(object.etag, KIND, "detail.object.etag")?,
        sequencer: plain(object.sequencer, KIND, "detail.object.sequencer")?,
    }))
}
