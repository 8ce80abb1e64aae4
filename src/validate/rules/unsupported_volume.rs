//! Finds kinds of volumes that Fargate does not have.

use serde_json::Value;

use crate::validate::{Findings, Rule, RuleEvidence, Severity, Subject, quoted};

pub(super) static RULE: Rule = Rule {
    id: "unsupported-volume",
    severity: Severity::Error,
    summary: "a volume is of a kind that Fargate does not have",
    why: "ECS refuses the registration: Fargate has no host whose folders could be mounted, no Docker volume drivers and \
        no FSx for Windows. It has empty volumes, EFS and EBS.",
    source: "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/using_data_volumes.html",
    evidence: RuleEvidence::Refused {
        words: "Fargate compatible task definitions do not support sourcePath",
        seen: "https://github.com/cloudposse/terraform-aws-ecs-alb-service-task/issues/174",
    },
    check,
    ..Rule::OF_DOCUMENTS
};

fn check(subject: &Subject<'_>, report: &mut Findings<'_>) {
    let volumes = subject.definition.list("volumes");
    for (index, volume) in volumes.iter().enumerate() {
        let has =
            |pointer: &str| volume.pointer(pointer).is_some_and(|value| !value.is_null() && value.as_str() != Some(""));
        let (member, what) = if has("/host/sourcePath") {
            ("host/sourcePath", "a folder of the host")
        } else if has("/dockerVolumeConfiguration") {
            ("dockerVolumeConfiguration", "a Docker volume driver")
        } else if has("/fsxWindowsFileServerVolumeConfiguration") {
            ("fsxWindowsFileServerVolumeConfiguration", "FSx for Windows")
        } else {
            continue;
        };
        let name = volume.get("name").and_then(Value::as_str).unwrap_or_default();
        report.add(
            format!("/volumes/{index}/{member}"),
            format!("the volume {} wants {what}, which Fargate does not have", quoted(name)),
            "leave it out for an empty volume that lives as long as the task, or use `efsVolumeConfiguration`",
        );
    }
}
