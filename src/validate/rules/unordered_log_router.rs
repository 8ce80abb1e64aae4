//! ECS adds the order "router first" only where the router itself waits for nobody; elsewhere the definition has to
//! say it.

use serde_json::Value;

use crate::firelens::router;
use crate::firelens::s3_output::LogOutput;
use crate::validate::{Findings, Repair, Rule, RuleEvidence, Severity, Subject, label, quoted};

pub(super) static RULE: Rule = Rule {
    id: "unordered-log-router",
    severity: Severity::Warning,
    summary: "a container may start before its log router, because the router has a dependency of its own",
    why: "ECS makes every container that logs through FireLens wait for the router's START by itself, but the agent \
          leaves that out as soon as the router has a `dependsOn`. The first lines of a container that is up before \
          its router wait in the log driver's buffer, and are lost when the container stops early. START only means \
          that the router's process was started; HEALTHY, with a `healthCheck` on the router, costs some seconds at \
          each start and makes sure that it listens.",
    source: "https://github.com/aws/amazon-ecs-agent/pull/2147",
    evidence: RuleEvidence::Observed { seen: "https://github.com/aws/amazon-ecs-agent/pull/2147" },
    check,
    repair: Some(Repair::AwaitRouter),
    ..Rule::OF_DOCUMENTS
};

fn check(subject: &Subject<'_>, report: &mut Findings<'_>) {
    let Some(router) = router::find(subject.definition) else { return };
    let waits_for = |list: &[Value], name: Option<&str>| {
        list.iter().any(|dependency| name.is_some() && dependency.get("containerName").and_then(Value::as_str) == name)
    };
    let Some(name) = router.name().filter(|_| !router.list("dependsOn").is_empty()) else { return };
    for container in LogOutput::all(subject.definition).map(|output| output.container) {
        let is_ordered = waits_for(container.list("dependsOn"), Some(name))
            || waits_for(router.list("dependsOn"), container.name())
            || container.index == router.index;
        if !is_ordered {
            report.add(
                container.pointer() + "/dependsOn",
                format!(
                    "{} may start before its log router: ECS adds no order, because {} has a `dependsOn` itself",
                    label(container),
                    quoted(name)
                ),
                format!("add {} with the condition `START` to `dependsOn`", quoted(name)),
            );
        }
    }
}
