//! Finds containers that wait for the end of one that the task does not outlive.

use serde_json::Value;

use crate::validate::{Findings, Rule, RuleEvidence, Severity, Subject, label, quoted};

pub(super) static RULE: Rule = Rule {
    id: "endless-dependency",
    severity: Severity::Error,
    summary: "a container waits for the end of an essential container",
    why: "ECS refuses the registration: a dependency with the condition `COMPLETE` or `SUCCESS` cannot be an essential \
        container, since the task ends with that one.",
    source: "https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ContainerDependency.html",
    evidence: RuleEvidence::Refused {
        words: "A dependency container with SUCCESS or COMPLETE condition cannot be an essential container",
        seen: "https://github.com/boto/boto3/issues/2436",
    },
    check,
    ..Rule::OF_DOCUMENTS
};

fn check(subject: &Subject<'_>, report: &mut Findings<'_>) {
    for container in subject.definition.containers() {
        for (index, dependency) in container.list("dependsOn").iter().enumerate() {
            let text = |member: &str| dependency.get(member).and_then(Value::as_str);
            let (Some(name), Some(condition @ ("COMPLETE" | "SUCCESS"))) = (text("containerName"), text("condition"))
            else {
                continue;
            };
            let is_another = container.name() != Some(name);
            if is_another && subject.definition.container(name).is_some_and(|target| target.is_essential()) {
                report.add(
                    format!("{}/dependsOn/{index}/condition", container.pointer()),
                    format!("{} waits with `{condition}` for {}, which is essential", label(container), quoted(name)),
                    format!("set `essential` of {} to false, or wait for `START` or `HEALTHY`", quoted(name)),
                );
            }
        }
    }
}
