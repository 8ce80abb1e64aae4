//! A record of S3's own event notification (Amazon S3 user guide, "Event message structure"): its key is
//! form-url-encoded.

use aws_lambda_events::s3::S3EventRecord;
use percent_encoding::percent_decode_str;

use super::recognition::shortened;
use super::{NoTrigger, Trigger, Upload, check_object, ignored, optional, plain, required, time};

const KIND: &str = "an S3 notification";

pub(super) fn read(record: S3EventRecord) -> Result<Trigger, NoTrigger> {
    let name = required(record.event_name, KIND, "eventName")?;
    if !name.starts_with("ObjectCreated:") {
        return ignored(format!("an S3 notification {}, not a creation", shortened(&name)));
    }
    let object = record.s3.object;
    let key = decode(&required(object.key, KIND, "s3.object.key")?)?;
    check_object(&key, object.size.and_then(|size| u64::try_from(size).ok()))?;
    Ok(Trigger::Upload(Upload {
        at: time(record.event_time.timestamp_millis(), KIND)?,
        region: plain(record.aws_region, KIND, "awsRegion")?,
        bucket: plain(record.s3.bucket.name, KIND, "s3.bucket.name")?,
        key,
        version: optional(object.version_id, KIND, "s3.object.versionId")?,
        etag: optional(object.e_tag, KIND, "s3.object.eTag")?,
        sequencer: plain(object.sequencer, KIND, "s3.object.sequencer")?,
    }))
}

/// Undoes the form encoding: `+` is a blank, `%XX` a byte of UTF-8.
fn decode(key: &str) -> Result<String, NoTrigger> {
    let blanks = key.replace('+', " ");
    let decoded = percent_decode_str(&blanks).decode_utf8();
    decoded.map(std::borrow::Cow::into_owned).or_else(|_| ignored("an object whose key is not UTF-8"))
}
