//! Express Mode serves HTTP, so the port of `Main` is a TCP port; an absent protocol means TCP.

use serde_json::Value;

use crate::validate::{Findings, Repair, Rule, RuleEvidence, Severity, Subject, quoted};

pub(super) static RULE: Rule = Rule {
    id: "non-tcp-main-port",
    severity: Severity::Error,
    summary: "the port mapping of `Main` is not TCP",
    why: "Express Mode puts an Application Load Balancer in front of `Main`, which speaks TCP only.",
    source: "https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_UpdateExpressGatewayService.html",
    evidence: RuleEvidence::Observed { seen: "https://github.com/aws/integrations-on-dotnet-aspire-for-aws/pull/219" },
    check,
    repair: Some(Repair::Set("\"tcp\"")),
    ..Rule::OF_DOCUMENTS
};

fn check(subject: &Subject<'_>, report: &mut Findings<'_>) {
    let Some(main) = subject.definition.container("Main") else { return };
    for (index, mapping) in main.list("portMappings").iter().enumerate() {
        // Another case is for `unknown-value` to speak of.
        let protocol = mapping.get("protocol").and_then(Value::as_str).filter(|protocol| !protocol.is_empty());
        if let Some(protocol) = protocol.filter(|protocol| !protocol.eq_ignore_ascii_case("tcp")) {
            report.add(
                format!("{}/portMappings/{index}/protocol", main.pointer()),
                format!("the protocol of `Main`'s port is {}; Express Mode takes `tcp` only", quoted(protocol)),
                "set it to `tcp`, or remove it",
            );
        }
    }
}
