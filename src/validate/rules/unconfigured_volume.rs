//! Volumes that whoever starts a service has to configure. Express Mode has no place for that.

use serde_json::Value;

use crate::validate::{Findings, Rule, RuleEvidence, Severity, Subject, quoted};

pub(super) static RULE: Rule = Rule {
    id: "unconfigured-volume",
    severity: Severity::Warning,
    summary: "a volume is to be configured at launch, which Express Mode cannot do",
    why: "A volume with `configuredAtLaunch` is an EBS volume that `volumeConfigurations` of `CreateService` or `UpdateService` \
          describes. `UpdateExpressGatewayService` has no such member, so nobody says what volume it is, and the tasks do not \
          start.",
    source: "https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_UpdateExpressGatewayService.html",
    evidence: RuleEvidence::Documented,
    check,
    ..Rule::OF_DOCUMENTS
};

fn check(subject: &Subject<'_>, report: &mut Findings<'_>) {
    let volumes = subject.definition.pointer("/volumes").and_then(Value::as_array);
    for (index, volume) in volumes.into_iter().flatten().enumerate() {
        if volume.get("configuredAtLaunch").and_then(Value::as_bool) == Some(true) {
            let name = volume.get("name").and_then(Value::as_str).unwrap_or_default();
            report.add(
                format!("/volumes/{index}/configuredAtLaunch"),
                format!("the volume {} is to be configured at launch, and Express Mode has no way to", quoted(name)),
                "use an EFS volume, or the task's ephemeral storage",
            );
        }
    }
}
