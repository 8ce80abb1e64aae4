//! Express Mode sends the traffic to the container named exactly `Main`.

use crate::validate::{Findings, Rule, RuleEvidence, Severity, Subject, quoted};

pub(super) static RULE: Rule = Rule {
    id: "missing-main-container",
    severity: Severity::Error,
    summary: "no container is named `Main`",
    why: "Express Mode finds the container that gets the traffic by its name, which is exactly `Main`, and refuses a task \
        definition without it.",
    source: "https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_UpdateExpressGatewayService.html",
    evidence: RuleEvidence::Observed { seen: "https://github.com/aws/integrations-on-dotnet-aspire-for-aws/pull/219" },
    check,
    ..Rule::OF_DOCUMENTS
};

fn check(subject: &Subject<'_>, report: &mut Findings<'_>) {
    let names: Vec<&str> = subject.definition.containers().filter_map(|container| container.name()).collect();
    if names.is_empty() || names.contains(&"Main") {
        return;
    }
    let found: Vec<String> = names.iter().take(10).map(|name| quoted(name)).collect();
    report.add(
        "/containerDefinitions",
        format!("no container is named `Main`, only {}", found.join(", ")),
        "name the container that serves the traffic `Main`, spelt exactly so",
    );
}
