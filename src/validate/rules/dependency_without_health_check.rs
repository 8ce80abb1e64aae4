//! The condition `HEALTHY` needs a `healthCheck` in the task definition of the container that is waited for; one in the
//! image does not count.

use serde_json::Value;

use crate::validate::{Findings, Rule, RuleEvidence, Severity, Subject, is_missing, label, quoted};

pub(super) static RULE: Rule = Rule {
    id: "dependency-without-health-check",
    severity: Severity::Error,
    summary: "a container waits for the health of one that has no health check",
    why: "ECS refuses the registration: without a health check nothing could ever tell that the container is healthy. A \
        `HEALTHCHECK` of the image does not count, because ECS does not look at it.",
    source: "https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ContainerDependency.html",
    evidence: RuleEvidence::Refused {
        words: "A dependency container with HEALTHY condition must have health check configured",
        seen: "https://github.com/badmintoncryer/cdk-preflight/blob/main/docs/rules.md",
    },
    check,
    ..Rule::OF_DOCUMENTS
};

fn check(subject: &Subject<'_>, report: &mut Findings<'_>) {
    for container in subject.definition.containers() {
        for (index, dependency) in container.list("dependsOn").iter().enumerate() {
            let text = |member: &str| dependency.get(member).and_then(Value::as_str);
            let (Some(name), Some("HEALTHY")) = (text("containerName"), text("condition")) else { continue };
            let Some(target) = subject.definition.container(name) else { continue };
            if is_missing(target.members, "healthCheck") {
                report.add(
                    format!("{}/dependsOn/{index}/condition", container.pointer()),
                    format!(
                        "{} waits until {name} is healthy, but {name} has no `healthCheck`",
                        label(container),
                        name = quoted(name)
                    ),
                    format!("add a `healthCheck` to {}, or wait for `START`", quoted(name)),
                );
            }
        }
    }
}
