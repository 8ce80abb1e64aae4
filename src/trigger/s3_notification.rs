//! S3's own event notification (Amazon S3 user guide, "Event message structure"): several records, keys
//! form-url-encoded.

use percent_encoding::percent_decode_str;
use serde_json::Value;

use super::{Recognition, Trigger, Upload, check_object, required, required_time};

/// Reads the event where it has this shape.
pub(super) fn read(event: &Value, recognition: &mut Recognition) -> bool {
    let Some(records) = event["Records"].as_array().filter(|records| records.iter().any(is_s3)) else { return false };
    for record in records {
        recognition.settle(upload(record));
    }
    true
}

fn is_s3(record: &Value) -> bool {
    record["eventSource"] == "aws:s3"
}

fn upload(record: &Value) -> Result<Trigger, String> {
    let name = required(record, "/eventName")?;
    if !name.starts_with("ObjectCreated:") {
        return Err(format!("an S3 notification {name}, not a creation"));
    }
    let object = &record["s3"]["object"];
    let key = decode(required(record, "/s3/object/key")?)?;
    check_object(&key, object["size"].as_u64())?;
    let text = |name: &str| object[name].as_str().map(str::to_owned);
    Ok(Trigger::Upload(Upload {
        at: required_time(record, "/eventTime")?,
        region: required(record, "/awsRegion")?.to_owned(),
        bucket: required(record, "/s3/bucket/name")?.to_owned(),
        key,
        version: text("versionId"),
        etag: text("eTag"),
        sequencer: required(record, "/s3/object/sequencer")?.to_owned(),
    }))
}

/// Undoes the form encoding: `+` is a blank, `%XX` a byte of UTF-8.
fn decode(key: &str) -> Result<String, String> {
    let blanks = key.replace('+', " ");
    let decoded = percent_decode_str(&blanks).decode_utf8();
    decoded.map(std::borrow::Cow::into_owned).map_err(|_| "an object whose key is not UTF-8".to_owned())
}
