//! Every container needs an image; whether the image exists is asked elsewhere.

use crate::validate::{Report, Rule, Severity, Subject, is_missing, quoted};

pub(super) static RULE: Rule =
    Rule { id: "missing-image", severity: Severity::Error, summary: "a container has no image", check };

fn check(subject: &Subject<'_>, report: &mut Report<'_>) {
    for container in subject.definition.containers() {
        if is_missing(container.members, "image") {
            report.add(
                container.pointer() + "/image",
                format!("the container {} has no image", quoted(container.name().unwrap_or_default())),
                "set `image`",
            );
        }
    }
}
