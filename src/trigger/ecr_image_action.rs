//! EventBridge's "ECR Image Action" (Amazon ECR user guide, "Amazon ECR events and EventBridge"): a pushed tag is a
//! trigger, unless what was pushed says that it is not an image.

use aws_lambda_events::eventbridge::EventBridgeEvent;
use serde::Deserialize;
use serde_json::Value;

use super::event_bridge::Envelope;
use super::recognition::{shortened, typed};
use super::{ImagePush, NoTrigger, Trigger, ignored, plain, required, unrecognised};
use crate::image::{Digest, is_image_configuration};

const KIND: &str = "an ECR Image Action";

/// The longest tag (OCI distribution specification, "Pulling manifests").
const MAX_TAG: usize = 128;

/// The `detail` of the event, as far as it counts here.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct ImageAction {
    result: Option<String>,
    repository_name: Option<String>,
    action_type: Option<String>,
    image_tag: Option<String>,
    image_digest: Option<String>,
    /// The type of the configuration in the pushed manifest; an index has none.
    artifact_media_type: Option<String>,
}

pub(super) fn read(event: &EventBridgeEvent<Value>) -> Result<Trigger, NoTrigger> {
    let detail: ImageAction = typed(&event.detail, KIND)?;
    let repository = plain(detail.repository_name, KIND, "detail.repository-name")?;
    let action = required(detail.action_type, KIND, "detail.action-type")?;
    if action != "PUSH" {
        return ignored(format!("an image action {} in {repository}, not a push", shortened(&action)));
    }
    let result = required(detail.result, KIND, "detail.result")?;
    if result != "SUCCESS" {
        return ignored(format!("a push to {repository} that ended with {}", shortened(&result)));
    }
    // The children of a multi-platform push raise events of their own, with an empty tag; the index follows with the
    // tag.
    let Some(tag) = detail.image_tag.filter(|tag| !tag.is_empty()) else {
        return ignored(format!("a push to {repository} without a tag"));
    };
    if !is_tag(&tag) {
        return ignored(format!("a push to {repository} of `{}`, which is not a tag", shortened(&tag)));
    }
    if names_a_digest(&tag) {
        return ignored(format!(
            "{repository}:{tag} belongs to another image: a signature, an attestation or the like"
        ));
    }
    if let Some(kind) = detail.artifact_media_type.filter(|kind| !kind.is_empty() && !is_image_configuration(kind)) {
        return ignored(format!(
            "{repository}:{tag} is not an image: its configuration is of type {}",
            shortened(&kind)
        ));
    }
    let digest = required(detail.image_digest, KIND, "detail.image-digest")?;
    let Some(digest) = Digest::parse(&digest) else {
        return unrecognised(format!("a push to {repository} whose digest is not a sha256 digest"));
    };
    let Envelope { id, account, region, at } = Envelope::of(event, KIND)?;
    Ok(Trigger::ImagePush(ImagePush { event: id, at, account, region, repository, tag, digest }))
}

/// Whether a text is a tag (OCI distribution specification: `[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}`).
fn is_tag(text: &str) -> bool {
    text.len() <= MAX_TAG
        && !text.starts_with(['.', '-'])
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
}

/// Whether a tag names the image that the artifact belongs to: `sha256-` and 64 hex digits, with or without a suffix
/// (OCI distribution specification, "Referrers Tag Schema"; `.sig`, `.att` and `.sbom` are cosign's).
fn names_a_digest(tag: &str) -> bool {
    let hex = tag.strip_prefix("sha256-").and_then(|rest| rest.get(..64));
    hex.is_some_and(|hex| hex.bytes().all(|byte| byte.is_ascii_hexdigit()))
}
