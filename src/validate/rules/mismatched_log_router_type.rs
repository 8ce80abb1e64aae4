//! The `type` of the log router decides where ECS puts the configuration, and the image decides who reads it. Unknown
//! images are left alone.

use crate::firelens::router::{self, Builder};
use crate::validate::{Findings, Rule, RuleEvidence, Severity, Subject, label};

pub(super) static RULE: Rule = Rule {
    id: "mismatched-log-router-type",
    severity: Severity::Warning,
    summary: "the `type` of the log router is not what its image holds",
    why: "ECS writes the configuration in the language of `type`, and mounts it where that program looks for it. An \
          image of the other program never reads it, so no line of any container gets where it should.",
    source: "aws/amazon-ecs-agent agent/taskresource/firelens/firelensconfig_unix.go",
    evidence: RuleEvidence::Observed {
        seen: "aws/amazon-ecs-agent agent/taskresource/firelens/firelensconfig_unix.go",
    },
    check,
    ..Rule::OF_DOCUMENTS
};

fn check(subject: &Subject<'_>, report: &mut Findings<'_>) {
    let Some(router) = router::find(subject.definition) else { return };
    let (kind, program) = match (router::kind(router), Builder::of(router)) {
        (Some("fluentd"), Builder::Aws(_) | Builder::Fluent(_)) => ("fluentbit", "Fluent Bit"),
        (Some("fluentbit"), Builder::Fluentd) => ("fluentd", "Fluentd"),
        _ => return,
    };
    report.add(
        router.pointer() + "/firelensConfiguration/type",
        format!(
            "the image of the log router {} holds {program}, which does not read the configuration of this type",
            label(router)
        ),
        format!("set `type` to `{kind}`, or change the image"),
    );
}
