//! What planning itself finds wrong, beside the checks of the document: about the image, the upload, the family and the
//! logs.

use super::{ImageContent, ImageEvidence};
use crate::config::{Logs, Service};
use crate::image::{PrivateEcr, registry_host};
use crate::task_definition::TaskDefinition;
use crate::task_definition::references::{Reference, ReferenceKind};
use crate::trigger::{ImagePush, Upload};
use crate::validate::guard::shown;
use crate::validate::rules::elsewhere;
use crate::validate::{Finding, Kind};
use crate::verify::Expectation;

const ABSENT_IMAGE: Kind = Kind::of(&elsewhere::ABSENT_IMAGE);
const NOT_AN_IMAGE: Kind = Kind::of(&elsewhere::NOT_AN_IMAGE);
const MISSING_TAG: Kind = Kind::of(&elsewhere::MISSING_TAG);
const UNPINNED_IMAGE: Kind = Kind::of(&elsewhere::UNPINNED_IMAGE);
const FOREIGN_REGISTRY: Kind = Kind::of(&elsewhere::FOREIGN_REGISTRY);
const CHANGED_FAMILY: Kind = Kind::of(&elsewhere::CHANGED_FAMILY);
const NEW_REFERENCE: Kind = Kind::of(&elsewhere::NEW_REFERENCE);
const MISSING_DOCUMENT: Kind = Kind::of(&elsewhere::MISSING_DOCUMENT);
const LOST_PROOF: Kind = Kind::of(&elsewhere::LOST_PROOF);
const REQUIRED_LOGS: Kind = Kind::of(&elsewhere::REQUIRED_LOGS);

/// Where the container's image stands, or the document as a whole.
fn image_pointer(definition: &TaskDefinition, container: &str) -> String {
    definition.container(container).map_or_else(String::new, |container| format!("{}/image", container.pointer()))
}

/// The registry does not have the image, or what it has is not one.
pub(super) fn image_findings(definition: &TaskDefinition, container: &str, image: &ImageEvidence) -> Option<Finding> {
    let pointer = image_pointer(definition, container);
    let (kind, message, help) = match image {
        ImageEvidence::Missing => {
            let message = "the registry does not have this image".to_owned();
            (ABSENT_IMAGE, message, "push the image again, or check whether a lifecycle rule expired it")
        }
        ImageEvidence::Found { content: ImageContent::Artifact(reason) | ImageContent::Broken(reason), .. } => {
            (NOT_AN_IMAGE, format!("what was pushed does not run: {reason}"), "push a container image under this tag")
        }
        ImageEvidence::Found { content: ImageContent::Platforms(_), .. } | ImageEvidence::Unread(_) => return None,
    };
    Some(kind.finding(pointer, message, help))
}

/// The tag that was pushed is gone from the registry.
pub(super) fn untagged_image(definition: &TaskDefinition, container: &str, push: &ImagePush) -> Finding {
    let message = format!("the registry has no tag {} any more", push.tag);
    let help = "push the tag again; an image that lost its tag may be expired at any time";
    MISSING_TAG.finding(image_pointer(definition, container), message, help)
}

/// The image of an uploaded document cannot be pinned: the reason.
pub(super) fn not_pinned(definition: &TaskDefinition, container: &str, reason: &str) -> Finding {
    let message = format!("the image stays as written: {reason}");
    let help = "name it by digest, so that every task runs the same image";
    UNPINNED_IMAGE.finding(image_pointer(definition, container), message, help)
}

/// The push went to a registry that the service does not name.
pub(super) fn foreign_registry(
    definition: &TaskDefinition,
    container: &str,
    push: &ImagePush,
    expected: PrivateEcr<'_>,
) -> Finding {
    let message = format!(
        "the image was pushed to the registry of account {} in {}; this service takes images of account {} in {}",
        push.account, push.region, expected.account, expected.region
    );
    let (host, name) = (registry_host(&push.account, &push.region), &push.repository);
    let help = format!(
        "if that registry is meant, write `repository = \"{host}/{name}\"` for this service; else do not forward its events"
    );
    FOREIGN_REGISTRY.finding(image_pointer(definition, container), message, &help)
}

/// An uploaded document is of another family than the live one.
pub(super) fn family_changed(before: &str, after: &str) -> Finding {
    let message = format!("the family changes from {before} to {after}");
    let help = format!(
        "write `\"family\": \"{before}\"` in the document, or allow the change with `families = [\"{after}\"]` in \
         [service.guard]"
    );
    CHANGED_FAMILY.finding("/family".to_owned(), message, &help)
}

/// The document names what the live one does not; of a changed family `family_changed` speaks.
pub(super) fn new_reference(reference: &Reference) -> Option<Finding> {
    if reference.kind == ReferenceKind::Families {
        return None;
    }
    let (noun, name) = (reference.kind.noun(), shown(reference));
    let message = format!("the live revision does not name the {noun} {name}");
    let help = "check that it is meant; lists in `[service.guard]` say what a document may name";
    Some(NEW_REFERENCE.finding(reference.pointer.as_str(), message, help))
}

/// The uploaded document is not there any more.
pub(super) fn gone(upload: &Upload) -> Finding {
    let message = format!("s3://{}/{} is gone", upload.bucket, upload.key);
    MISSING_DOCUMENT.finding(String::new(), message, "upload the document again")
}

/// The live revision's logs prove what the configuration asks for, and the document's cannot.
pub(super) fn lost_proof(
    definition: &TaskDefinition,
    service: &Service,
    live: &Expectation,
    new: &Expectation,
) -> Option<Finding> {
    let (Expectation::Logs(_), Expectation::NotConfigured(reason) | Expectation::NotVerifiable(reason)) = (live, new)
    else {
        return None;
    };
    // Where proof is required, another finding says so.
    if !service.verify.asks_for_proof() || service.verify.logs == Logs::Required {
        return None;
    }
    let pointer = definition.container(&service.container).map_or_else(String::new, |container| container.pointer());
    let message = format!("the live revision is verified by its logs, and this one would not be: {reason}");
    let help = "write the container's logs to S3 as the live revision does, or put `lost-proof` into `allow` of \
                `[service.rules]`";
    Some(LOST_PROOF.finding(pointer, message, help))
}

/// The configuration wants proof, and the document's logs cannot give it.
pub(super) fn unverifiable(definition: &TaskDefinition, container: &str, logs: &Expectation) -> Option<Finding> {
    let reason = match logs {
        Expectation::Logs(_) => return None,
        Expectation::NotConfigured(reason) | Expectation::NotVerifiable(reason) => reason,
    };
    let pointer = definition.container(container).map_or_else(String::new, |container| container.pointer());
    let message = format!("the configuration requires verified logs: {reason}");
    let help = "write the container's logs to S3 with FireLens, or set `logs = \"if-configured\"` for this service";
    Some(REQUIRED_LOGS.finding(pointer, message, help))
}
