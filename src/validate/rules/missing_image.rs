//! Every container needs an image; whether the image exists is asked elsewhere.

use crate::validate::{Findings, Rule, RuleEvidence, Severity, Subject, is_missing, label};

pub(super) static RULE: Rule = Rule {
    id: "missing-image",
    severity: Severity::Error,
    summary: "a container has no image",
    why: "ECS refuses the registration: every container runs an image.",
    source: "https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_RegisterTaskDefinition.html",
    evidence: RuleEvidence::Refused {
        words: "Container.image should not be null or empty.",
        seen: "https://github.com/aws-actions/amazon-ecs-render-task-definition/issues/87",
    },
    check,
    ..Rule::OF_DOCUMENTS
};

fn check(subject: &Subject<'_>, report: &mut Findings<'_>) {
    for container in subject.definition.containers() {
        if is_missing(container.members, "image") {
            report.add(container.pointer() + "/image", format!("{} has no image", label(container)), "set `image`");
        }
    }
}
