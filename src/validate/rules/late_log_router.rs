//! A log router has to start before the containers whose lines it takes. Cycles of `dependsOn` are not looked for.

use serde_json::Value;

use crate::firelens::router;
use crate::firelens::s3_output::LogOutput;
use crate::validate::{Findings, Rule, RuleEvidence, Severity, Subject, label, quoted};

pub(super) static RULE: Rule = Rule {
    id: "late-log-router",
    severity: Severity::Warning,
    summary: "the log router waits for a container that logs through it",
    why: "ECS lets the router start first by itself, unless the definition orders the two containers otherwise. Then \
          the container starts with nobody there to take its lines: they wait in the log driver's buffer, and what \
          does not fit, or was not sent when the container stops early, is lost.",
    source: "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/using_firelens.html",
    evidence: RuleEvidence::Documented,
    check,
    ..Rule::OF_DOCUMENTS
};

fn check(subject: &Subject<'_>, report: &mut Findings<'_>) {
    let Some(router) = router::find(subject.definition) else { return };
    for (index, dependency) in router.list("dependsOn").iter().enumerate() {
        let Some(name) = dependency.get("containerName").and_then(Value::as_str) else { continue };
        let logs =
            |output: &LogOutput<'_>| output.container.index != router.index && output.container.name() == Some(name);
        if LogOutput::all(subject.definition).any(|output| logs(&output)) {
            report.add(
                format!("{}/dependsOn/{index}/containerName", router.pointer()),
                format!("the log router {} waits for {}, whose logs it takes", label(router), quoted(name)),
                format!("remove the dependency; let {} wait for the router instead", quoted(name)),
            );
        }
    }
}
