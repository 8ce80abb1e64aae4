//! Speaks of a log router that may die while its task lives on. Both ways run; it only names what is given up.

use serde_json::Value;

use crate::firelens::router;
use crate::validate::{Findings, Repair, Rule, RuleEvidence, Severity, Subject, label};

pub(super) static RULE: Rule = Rule {
    id: "non-essential-log-router",
    severity: Severity::Warning,
    summary: "the log router is not essential, so tasks go on without logs when it stops",
    why: "When the router stops, the other containers run on and keep serving, but none of their lines is stored \
          from then on, and nothing restarts the router. A release whose logs are to be verified then looks as if it \
          had never started. An essential router takes its task with it, and ECS starts another one.",
    source: "https://github.com/aws/containers-roadmap/issues/966",
    evidence: RuleEvidence::Observed { seen: "https://github.com/aws/containers-roadmap/issues/966" },
    check,
    repair: Some(Repair::Set("true")),
    ..Rule::OF_DOCUMENTS
};

fn check(subject: &Subject<'_>, report: &mut Findings<'_>) {
    let Some(router) = router::find(subject.definition) else { return };
    let restarts = router.members.get("restartPolicy").and_then(|policy| policy.get("enabled")?.as_bool());
    if router.members.get("essential").and_then(Value::as_bool) == Some(false) && restarts != Some(true) {
        report.add(
            router.pointer() + "/essential",
            format!("the log router {} is not essential: when it stops, the task runs on without logs", label(router)),
            "set `essential` to true, or add a `restartPolicy` to the router",
        );
    }
}
