//! Reads image references for what no registry can have.

use crate::image::{Digest, ImageRef};
use crate::validate::{Findings, Rule, RuleEvidence, Severity, Subject, label, quoted};

pub(super) static RULE: Rule = Rule {
    id: "invalid-image",
    severity: Severity::Error,
    summary: "an image reference has a form that no registry takes",
    why: "ECS refuses the registration (\"Container.image contains invalid characters\"), or the task stops with \
        `CannotPullContainerError`.",
    source: "https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ContainerDefinition.html",
    evidence: RuleEvidence::Refused {
        words: "Container.image repository contains invalid characters",
        seen: "https://github.com/aws-actions/amazon-ecs-deploy-task-definition/issues/584",
    },
    check,
    ..Rule::OF_DOCUMENTS
};

fn check(subject: &Subject<'_>, report: &mut Findings<'_>) {
    for container in subject.definition.containers() {
        let Some(image) = container.image().filter(|image| !image.is_empty()) else { continue };
        let Some(problem) = problem(image) else { continue };
        report.add(
            format!("{}/image", container.pointer()),
            format!("the image of {}, {}, {problem}", label(container), quoted(image)),
            repair(image),
        );
    }
}

/// Why no registry can have the image.
fn problem(image: &str) -> Option<&'static str> {
    let reference = ImageRef::parse(image);
    let is_allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b':' | b'.' | b'/' | b'#' | b'@');
    if image.contains("://") {
        Some("is an address")
    } else if !image.bytes().all(is_allowed) {
        Some("has characters that ECS does not take")
    } else if reference.repository.bytes().any(|b| b.is_ascii_uppercase()) {
        Some("has capital letters in its repository")
    } else if reference.digest.is_some_and(|digest| Digest::parse(digest).is_none()) {
        Some("has a digest that is not `sha256:` and 64 hexadecimal digits")
    } else if image.split('@').next().is_some_and(|name| name.len() > 255) {
        Some("has more than 255 characters")
    } else if is_bare_digest(image) {
        Some("is a digest alone: an image's id, which no registry knows")
    } else if image.matches('@').count() > 1 || image.split('@').next().is_some_and(has_two_tags) {
        Some("has more than one tag; a digest stands behind `@`")
    } else if !image.contains('/')
        && image.split([':', '@']).next().is_some_and(|host| host.ends_with(".amazonaws.com"))
    {
        Some("is a registry without a repository")
    } else if !is_repository(reference.repository) {
        Some("has a repository that no registry can have")
    } else if reference.tag.is_some_and(|tag| !is_tag(tag)) {
        Some("has a tag that no registry can have")
    } else {
        None
    }
}

/// What was probably meant.
fn repair(image: &str) -> String {
    let reference = ImageRef::parse(image);
    let small = image.replacen(reference.repository, &reference.repository.to_ascii_lowercase(), 1);
    let likely = [
        image.trim().to_owned(),
        image.split_once("://").map_or(image, |(_, rest)| rest).trim_end_matches('/').to_owned(),
        image.replacen(":sha256:", "@sha256:", 1),
        image.trim_end_matches(':').to_owned(),
        image.replace("//", "/"),
        small,
    ];
    match likely.iter().find(|likely| *likely != image && problem(likely).is_none()) {
        Some(likely) => format!("write {}", quoted(likely)),
        None => "write `registry/repository:tag`, or `registry/repository@sha256:…`".to_owned(),
    }
}

/// `sha256:` and its digits where a name belongs, which is what build tools call the id of an image.
fn is_bare_digest(image: &str) -> bool {
    image.strip_prefix("sha256:").is_some_and(|rest| rest.len() == 64 && rest.bytes().all(|b| b.is_ascii_hexdigit()))
}

/// Whether more than one colon stands behind the last slash.
fn has_two_tags(name: &str) -> bool {
    name.rsplit('/').next().is_some_and(|last| last.matches(':').count() > 1)
}

/// Path components of small letters and digits, joined by a dot, one or two underlines or any number of hyphens (OCI
/// distribution specification, "Pulling manifests": `<name>`).
fn is_repository(name: &str) -> bool {
    let is_letter = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    let is_component = |component: &str| {
        let ends_well = |b: Option<u8>| b.is_some_and(is_letter);
        let separators: Vec<&str> = component.split(|letter: char| letter.is_ascii_alphanumeric()).collect();
        ends_well(component.bytes().next())
            && ends_well(component.bytes().last())
            && separators
                .iter()
                .all(|joint| matches!(*joint, "" | "." | "_" | "__") || joint.bytes().all(|b| b == b'-'))
    };
    !name.is_empty() && name.split('/').all(is_component)
}

/// At most 128 letters, digits, `_`, `.` and `-`, of which the first is none of the last two (OCI distribution
/// specification, `<reference>`).
fn is_tag(tag: &str) -> bool {
    let is_word = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
    (1..=128).contains(&tag.len())
        && tag.bytes().next().is_some_and(is_word)
        && tag.bytes().all(|b| is_word(b) || matches!(b, b'.' | b'-'))
}
