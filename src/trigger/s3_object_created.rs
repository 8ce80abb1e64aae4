//! EventBridge's "Object Created" of S3 (Amazon S3 user guide, "EventBridge event message structure"): the key comes as
//! it is.

use serde_json::Value;

use super::{Recognition, Trigger, Upload, check_object, required, required_time};

/// Reads the event where it has this shape.
pub(super) fn read(event: &Value, recognition: &mut Recognition) -> bool {
    let ours = event["source"] == "aws.s3" && event["detail-type"] == "Object Created";
    if ours {
        recognition.settle(upload(event));
    }
    ours
}

fn upload(event: &Value) -> Result<Trigger, String> {
    let object = &event["detail"]["object"];
    let key = required(event, "/detail/object/key")?;
    check_object(key, object["size"].as_u64())?;
    let text = |name: &str| object[name].as_str().map(str::to_owned);
    Ok(Trigger::Upload(Upload {
        at: required_time(event, "/time")?,
        region: required(event, "/region")?.to_owned(),
        bucket: required(event, "/detail/bucket/name")?.to_owned(),
        key: key.to_owned(),
        version: text("version-id"),
        etag: text("etag"),
        sequencer: required(event, "/detail/object/sequencer")?.to_owned(),
    }))
}
