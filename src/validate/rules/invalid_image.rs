//! Reads image references for what no registry can have.

use crate::image::{Digest, ImageRef};
use crate::validate::{Findings, Rule, Severity, Subject, label, quoted};

pub(super) static RULE: Rule = Rule {
    id: "invalid-image",
    severity: Severity::Error,
    summary: "an image reference has a form that no registry takes",
    why: "ECS refuses the registration (\"Container.image contains invalid characters\"), or the task stops with \
        `CannotPullContainerError`.",
    source: "https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ContainerDefinition.html",
    check,
    ..Rule::OF_DOCUMENTS
};

fn check(subject: &Subject<'_>, report: &mut Findings<'_>) {
    for container in subject.definition.containers() {
        let Some(image) = container.image().filter(|image| !image.is_empty()) else { continue };
        let reference = ImageRef::parse(image);
        let is_allowed =
            |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b':' | b'.' | b'/' | b'#' | b'@');
        let problem = if !image.bytes().all(is_allowed) {
            "has characters that ECS does not take"
        } else if reference.repository.bytes().any(|b| b.is_ascii_uppercase()) {
            "has capital letters in its repository"
        } else if reference.digest.is_some_and(|digest| Digest::parse(digest).is_none()) {
            "has a digest that is not `sha256:` and 64 hexadecimal digits"
        } else if image.split('@').next().is_some_and(|name| name.len() > 255) {
            "has more than 255 characters"
        } else {
            continue;
        };
        report.add(
            format!("{}/image", container.pointer()),
            format!("the image of {}, {}, {problem}", label(container), quoted(image)),
            "write `registry/repository:tag`, or `registry/repository@sha256:…`",
        );
    }
}
