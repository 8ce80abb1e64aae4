//! Reads the form of health check commands.

use serde_json::Value;

use crate::validate::{Findings, Rule, RuleEvidence, Severity, Subject, label};

pub(super) static RULE: Rule = Rule {
    id: "invalid-health-check",
    severity: Severity::Warning,
    summary: "the command of a health check has a form that ECS refuses",
    why: "The command is a list that begins with `CMD` (a program and its arguments) or `CMD-SHELL` (one text for the \
        shell). ECS registers and runs one that is a program alone, as the collector of AWS has it, which the reference does \
        not describe: that is a warning.",
    source: "https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_HealthCheck.html",
    evidence: RuleEvidence::Documented,
    check,
    ..Rule::OF_DOCUMENTS
};

fn check(subject: &Subject<'_>, report: &mut Findings<'_>) {
    for container in subject.definition.containers() {
        let Some(command) = container.members.get("healthCheck").and_then(|health| health.get("command")) else {
            continue;
        };
        let Some(words) = command.as_array() else { continue };
        let (severity, problem) = match words.first().map(Value::as_str) {
            None => (Severity::Warning, "is empty"),
            Some(Some("CMD" | "CMD-SHELL")) if words.len() < 2 => {
                (Severity::Warning, "says nothing after its first word")
            }
            // Docker's word for no check; ECS hands it on.
            Some(Some("CMD" | "CMD-SHELL" | "NONE") | None) => continue,
            // Seen to work: https://github.com/aws-observability/aws-otel-collector/issues/2034.
            Some(Some(_)) => (Severity::Warning, "does not begin with `CMD` or `CMD-SHELL`"),
        };
        report.add_as(
            severity,
            format!("{}/healthCheck/command", container.pointer()),
            format!("the health check of {} {problem}", label(container)),
            "write `[\"CMD-SHELL\", \"…\"]`, or `[\"CMD\", \"program\", \"argument\"]`",
        );
    }
}
