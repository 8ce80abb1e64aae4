//! `enable-ecs-log-metadata` takes the words that Go's `ParseBool` takes, and every other word switches the metadata
//! off.

use crate::firelens::router;
use crate::validate::{Findings, Rule, RuleEvidence, Severity, Subject};

pub(super) static RULE: Rule = Rule {
    id: "unreadable-log-metadata",
    severity: Severity::Warning,
    summary: "`enable-ecs-log-metadata` is neither true nor false, which switches the metadata off",
    why: "The agent ignores a value that it cannot read, and the metadata, on by default, are then off: no record \
          tells the cluster, the task and the revision that wrote it.",
    source: "aws/amazon-ecs-agent agent/taskresource/firelens/firelens_unix.go",
    evidence: RuleEvidence::Observed { seen: "aws/amazon-ecs-agent agent/taskresource/firelens/firelens_unix.go" },
    check,
    ..Rule::OF_DOCUMENTS
};

fn check(subject: &Subject<'_>, report: &mut Findings<'_>) {
    let Some(router) = router::find(subject.definition) else { return };
    let option = "enable-ecs-log-metadata";
    if router::option(router, option).is_some_and(|value| router::go_bool(value).is_none()) {
        report.add(
            router::pointer(router, option),
            "`enable-ecs-log-metadata` is neither `true` nor `false`, so the records get no metadata",
            "set it to `true`, in lower case, or remove it",
        );
    }
}
