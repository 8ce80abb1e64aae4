//! A log router without a log of its own fails without a trace.

use crate::firelens::router;
use crate::validate::{Findings, Rule, RuleEvidence, Severity, Subject, is_missing, label};

pub(super) static RULE: Rule = Rule {
    id: "silent-log-router",
    severity: Severity::Hint,
    summary: "the log router has no log of its own",
    why: "What stops a router, and why its uploads fail, stands in its own log only. On Fargate the lines of a \
          container without a `logConfiguration` are kept nowhere.",
    source: "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/firelens-taskdef.html",
    evidence: RuleEvidence::Documented,
    check,
    ..Rule::OF_DOCUMENTS
};

fn check(subject: &Subject<'_>, report: &mut Findings<'_>) {
    let Some(router) = router::find(subject.definition) else { return };
    if is_missing(router.members, "logConfiguration") {
        report.add(
            router.pointer() + "/logConfiguration",
            format!("the log router {} has no log of its own, so nobody sees why it fails", label(router)),
            "add a `logConfiguration` with `awslogs` to the router",
        );
    }
}
