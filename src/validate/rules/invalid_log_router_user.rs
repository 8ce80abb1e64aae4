//! The user of a log router is a number. Which numbers its image knows is not known here.

use serde_json::Value;

use crate::firelens::router;
use crate::validate::{Findings, Rule, RuleEvidence, Severity, Subject, label};

pub(super) static RULE: Rule = Rule {
    id: "invalid-log-router-user",
    severity: Severity::Error,
    summary: "the log router runs as a user that is not a number",
    why: "ECS refuses the registration: \"if 'user' is specified on a firelens container then the UID has to be 0\"; since \
          2025 it takes any number, with a group as a number or a name. A name of a user, `root` too, it never took.",
    source: "https://github.com/aws/amazon-ecs-agent/pull/4596",
    evidence: RuleEvidence::Refused {
        words: "if 'user' is specified on a firelens container then the UID has to be 0",
        seen: "https://github.com/cloudposse/terraform-aws-ecs-container-definition/issues/97",
    },
    check,
    ..Rule::OF_DOCUMENTS
};

fn check(subject: &Subject<'_>, report: &mut Findings<'_>) {
    let Some(router) = router::find(subject.definition) else { return };
    let Some(user) = router.members.get("user").and_then(Value::as_str) else { return };
    let id = user.split(':').next().unwrap_or_default();
    if id.is_empty() || !id.bytes().all(|letter| letter.is_ascii_digit()) {
        report.add(
            format!("{}/user", router.pointer()),
            format!("the log router {} runs as a user that is not a number", label(router)),
            "write the number of the user, such as `0`, or remove `user`",
        );
    }
}
