//! A log router that sends its own lines to itself. The agent starts it; that somebody can read its errors is what is
//! lost.

use crate::firelens::router;
use crate::validate::{Findings, Rule, RuleEvidence, Severity, Subject, label};

pub(super) static RULE: Rule = Rule {
    id: "self-routed-log-router",
    severity: Severity::Warning,
    summary: "the log router logs through itself",
    why: "A router that cannot start or cannot upload says why in its own log only. If that log goes through the \
          router too, the reason disappears with everything else, and every upload makes new lines to upload.",
    source: "https://github.com/aws/amazon-ecs-agent/pull/2147",
    evidence: RuleEvidence::Observed { seen: "https://github.com/aws/amazon-ecs-agent/pull/2147" },
    check,
    ..Rule::OF_DOCUMENTS
};

fn check(subject: &Subject<'_>, report: &mut Findings<'_>) {
    let Some(router) = router::find(subject.definition) else { return };
    if router.log_driver() == Some("awsfirelens") {
        report.add(
            router.pointer() + "/logConfiguration/logDriver",
            format!("the log router {} logs through itself", label(router)),
            "set the router's `logDriver` to `awslogs`",
        );
    }
}
