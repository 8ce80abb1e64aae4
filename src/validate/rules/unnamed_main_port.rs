//! Express Mode finds the port of `Main` by its name.

use crate::validate::{Findings, Repair, Rule, RuleEvidence, Severity, Subject, is_missing};

pub(super) static RULE: Rule = Rule {
    id: "unnamed-main-port",
    severity: Severity::Error,
    summary: "the port mapping of `Main` has no name",
    why: "Express Mode refers to the port of `Main` by its name and refuses a task definition without one.",
    source: "https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_UpdateExpressGatewayService.html",
    evidence: RuleEvidence::Observed { seen: "https://github.com/aws/integrations-on-dotnet-aspire-for-aws/pull/219" },
    check,
    repair: Some(Repair::NamePort),
    ..Rule::OF_DOCUMENTS
};

fn check(subject: &Subject<'_>, report: &mut Findings<'_>) {
    let Some(main) = subject.definition.container("Main") else { return };
    for (index, mapping) in main.list("portMappings").iter().enumerate() {
        let Some(mapping) = mapping.as_object() else { continue };
        if is_missing(mapping, "name") {
            report.add(
                format!("{}/portMappings/{index}/name", main.pointer()),
                "the port mapping of `Main` has no name",
                "name it, for example `\"name\": \"http\"`",
            );
        }
    }
}
