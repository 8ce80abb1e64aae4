//! Express Mode connects its load balancer to the port of `Main`, so there must be one.

use serde_json::Value;

use crate::validate::{Findings, Rule, RuleEvidence, Severity, Subject};

pub(super) static RULE: Rule = Rule {
    id: "missing-main-port",
    severity: Severity::Error,
    summary: "`Main` has no port mapping",
    why: "Express Mode connects its load balancer to the port of `Main` and refuses a task definition without one.",
    source: "https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_UpdateExpressGatewayService.html",
    evidence: RuleEvidence::Observed { seen: "https://github.com/aws/integrations-on-dotnet-aspire-for-aws/pull/219" },
    check,
    ..Rule::OF_DOCUMENTS
};

fn check(subject: &Subject<'_>, report: &mut Findings<'_>) {
    let Some(main) = subject.definition.container("Main") else { return };
    let ports = main.members.get("portMappings").unwrap_or(&Value::Null);
    if ports.is_null() || ports.as_array().is_some_and(Vec::is_empty) {
        report.add(
            main.pointer() + "/portMappings",
            "`Main` has no port mapping; Express Mode needs exactly one",
            "add the port that `Main` listens on, for example `{\"containerPort\": 8080, \"name\": \"http\"}`",
        );
    }
}
