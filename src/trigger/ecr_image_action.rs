//! EventBridge's "ECR Image Action" (Amazon ECR user guide, "Amazon ECR events and EventBridge"): a pushed tag is a
//! trigger.

use serde_json::Value;

use super::{ImagePush, Recognition, Trigger, required, required_time};
use crate::image::Digest;

/// Reads the event where it has this shape.
pub(super) fn read(event: &Value, recognition: &mut Recognition) -> bool {
    let ours = event["source"] == "aws.ecr" && event["detail-type"] == "ECR Image Action";
    if ours {
        recognition.settle(push(event));
    }
    ours
}

fn push(event: &Value) -> Result<Trigger, String> {
    let repository = required(event, "/detail/repository-name")?;
    let action = required(event, "/detail/action-type")?;
    if action != "PUSH" {
        return Err(format!("an image action {action} in {repository}, not a push"));
    }
    let result = required(event, "/detail/result")?;
    if result != "SUCCESS" {
        return Err(format!("a push to {repository} that ended with {result}"));
    }
    // The children of a multi-platform push raise events of their own, with an empty tag; the index follows with the
    // tag.
    let Some(tag) = event["detail"]["image-tag"].as_str().filter(|tag| !tag.is_empty()) else {
        return Err(format!("a push to {repository} without a tag"));
    };
    let digest = required(event, "/detail/image-digest")?;
    let Some(digest) = Digest::parse(digest) else {
        return Err(format!("a push to {repository} whose digest is not a sha256 digest"));
    };
    Ok(Trigger::ImagePush(ImagePush {
        event: required(event, "/id")?.to_owned(),
        at: required_time(event, "/time")?,
        account: required(event, "/account")?.to_owned(),
        region: required(event, "/region")?.to_owned(),
        repository: repository.to_owned(),
        tag: tag.to_owned(),
        digest,
    }))
}
