//! Express Mode runs tasks on Fargate only, so the definition must ask for it.

use serde_json::Value;

use crate::validate::{Findings, Origin, Repair, Rule, RuleEvidence, Severity, Subject};

pub(super) static RULE: Rule = Rule {
    id: "missing-fargate",
    severity: Severity::Error,
    summary: "`requiresCompatibilities` does not contain `FARGATE`",
    why: "Express Mode runs on Fargate alone and refuses a task definition that was not registered as compatible with it.",
    source: "https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_UpdateExpressGatewayService.html",
    evidence: RuleEvidence::Refused {
        words: "Task definition does not support launch_type FARGATE.",
        seen: "https://github.com/oranmoshai/ecsServiceRestart/issues/2",
    },
    check,
    repair: Some(Repair::Add("\"FARGATE\"")),
    ..Rule::OF_DOCUMENTS
};

fn check(subject: &Subject<'_>, report: &mut Findings<'_>) {
    let required = subject.definition.members().get("requiresCompatibilities").unwrap_or(&Value::Null);
    let lacks_fargate = match required {
        Value::Null => true,
        // Another case is for `unknown-value` to speak of, an entry of another type for `wrong-type`.
        Value::Array(entries) => {
            entries.iter().all(|entry| entry.as_str().is_some_and(|entry| !entry.eq_ignore_ascii_case("FARGATE")))
        }
        _ => false,
    };
    // A live definition runs on Express Mode: ECS found it compatible without being asked.
    let severity = if subject.origin == Origin::Live { Severity::Warning } else { Severity::Error };
    if lacks_fargate {
        report.add_as(
            severity,
            "/requiresCompatibilities",
            "`requiresCompatibilities` does not contain `FARGATE`, the only launch type of Express Mode",
            "set `\"requiresCompatibilities\": [\"FARGATE\"]`",
        );
    }
}
