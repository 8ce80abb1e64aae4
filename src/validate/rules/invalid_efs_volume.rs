//! Holds the members of EFS volumes against each other.

use serde_json::Value;

use crate::validate::{Findings, Rule, RuleEvidence, Severity, Subject, quoted};

pub(super) static RULE: Rule = Rule {
    id: "invalid-efs-volume",
    severity: Severity::Error,
    summary: "the members of an EFS volume contradict each other, or name no file system",
    why: "ECS refuses the registration: an access point brings its own root directory, and it and IAM authorization need \
        encryption in transit.",
    source: "https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_EFSVolumeConfiguration.html",
    evidence: RuleEvidence::Refused {
        words: "When using an EFS access point, the root directory must either be set to \"/\" or be omitted",
        seen: "https://github.com/aws/aws-cdk/issues/10683",
    },
    check,
    ..Rule::OF_DOCUMENTS
};

fn check(subject: &Subject<'_>, report: &mut Findings<'_>) {
    let volumes = subject.definition.list("volumes");
    for (index, volume) in volumes.iter().enumerate() {
        let Some(efs) = volume.get("efsVolumeConfiguration") else { continue };
        let text = |pointer: &str| efs.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
        let has_access_point = !text("/authorizationConfig/accessPointId").is_empty();
        let name = volume.get("name").and_then(Value::as_str).unwrap_or_default();
        for (pointer, prefix, noun) in
            [("/fileSystemId", "fs-", "file system"), ("/authorizationConfig/accessPointId", "fsap-", "access point")]
        {
            if !is_id(text(pointer), prefix) {
                report.add_as(
                    Severity::Warning,
                    format!("/volumes/{index}/efsVolumeConfiguration{pointer}"),
                    format!("the volume {} names {} as its {noun}", quoted(name), quoted(text(pointer))),
                    format!("write the {noun}'s id, which is `{prefix}` and hexadecimal digits"),
                );
            }
        }
        let port = efs.get("transitEncryptionPort").and_then(Value::as_i64);
        if port.is_some_and(|port| port != 0) && text("/transitEncryption") != "ENABLED" {
            report.add(
                format!("/volumes/{index}/efsVolumeConfiguration/transitEncryptionPort"),
                format!("the volume {} has a port for an encryption in transit that is not enabled", quoted(name)),
                "set `transitEncryption` to `ENABLED`, or remove the port",
            );
        } else if let Some(port) = port.filter(|port| !(0..=65535).contains(port)) {
            report.add_as(
                Severity::Warning,
                format!("/volumes/{index}/efsVolumeConfiguration/transitEncryptionPort"),
                format!("the volume {} has the port {port}", quoted(name)),
                "leave it out: the mount helper chooses one",
            );
        }
        if has_access_point && !matches!(text("/rootDirectory"), "" | "/") {
            report.add(
                format!("/volumes/{index}/efsVolumeConfiguration/rootDirectory"),
                format!("the volume {} has an access point and a root directory", quoted(name)),
                "remove `rootDirectory`: the access point has its own",
            );
        }
        if (has_access_point || text("/authorizationConfig/iam") == "ENABLED")
            && text("/transitEncryption") != "ENABLED"
        {
            report.add(
                format!("/volumes/{index}/efsVolumeConfiguration/transitEncryption"),
                format!("the volume {} needs encryption in transit for its authorization", quoted(name)),
                "set `transitEncryption` to `ENABLED`",
            );
        }
    }
}

/// Whether a text is an id of Amazon EFS, or nothing (Amazon EFS API reference, `FileSystemId` and `AccessPointId`).
fn is_id(text: &str, prefix: &str) -> bool {
    let id = text.strip_prefix("arn:").and_then(|arn| arn.rsplit('/').next()).unwrap_or(text);
    let is_hexadecimal = |digits: &str| !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_hexdigit());
    text.is_empty() || id.strip_prefix(prefix).is_some_and(is_hexadecimal)
}
