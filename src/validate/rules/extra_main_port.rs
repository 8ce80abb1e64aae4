//! Express Mode takes a single port mapping of `Main`; other containers may have as many as they like.

use crate::validate::{Findings, Rule, RuleEvidence, Severity, Subject};

pub(super) static RULE: Rule = Rule {
    id: "extra-main-port",
    severity: Severity::Error,
    summary: "`Main` has more than one port mapping",
    why: "Express Mode connects its load balancer to the one port of `Main` and refuses a task definition that leaves a \
        choice. Other containers may have ports of their own.",
    source: "https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_UpdateExpressGatewayService.html",
    evidence: RuleEvidence::Observed { seen: "https://github.com/aws/integrations-on-dotnet-aspire-for-aws/pull/219" },
    check,
    ..Rule::OF_DOCUMENTS
};

fn check(subject: &Subject<'_>, report: &mut Findings<'_>) {
    let Some(main) = subject.definition.container("Main") else { return };
    let count = main.list("portMappings").len();
    if count > 1 {
        report.add(
            main.pointer() + "/portMappings/1",
            format!("`Main` has {count} port mappings; Express Mode takes exactly one"),
            "keep the one that serves the traffic; containers of a task reach each other on 127.0.0.1 without mappings",
        );
    }
}
