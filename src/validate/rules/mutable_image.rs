//! Finds sidecars whose image is whatever a tag points to on the day.

use crate::image::ImageRef;
use crate::validate::{Findings, Rule, RuleEvidence, Severity, Subject, label, quoted};

pub(super) static RULE: Rule = Rule {
    id: "mutable-image",
    severity: Severity::Hint,
    summary: "a sidecar's image has the tag `latest`, or none",
    why: "What runs can change with every deployment and every new task, without a change of the task definition. The \
        service's own image is pinned by the deployer.",
    source: "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/container-considerations.html",
    evidence: RuleEvidence::Documented,
    check,
    ..Rule::OF_DOCUMENTS
};

fn check(subject: &Subject<'_>, report: &mut Findings<'_>) {
    for container in subject.definition.containers().filter(|container| container.name() != Some(subject.container)) {
        let Some(image) = container.image().filter(|image| !image.is_empty()) else { continue };
        let reference = ImageRef::parse(image);
        if reference.digest.is_none() && matches!(reference.tag, None | Some("latest")) {
            report.add(
                format!("{}/image", container.pointer()),
                format!("the image of {} is {}, which changes under it", label(container), quoted(image)),
                "name a version, or a digest",
            );
        }
    }
}
