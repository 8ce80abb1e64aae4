//! A mapping of `Main` by `containerPortRange` alone gives the load balancer no port to send to.

use crate::validate::{Findings, Rule, Severity, Subject, is_missing};

pub(super) static RULE: Rule = Rule {
    id: "missing-container-port",
    severity: Severity::Error,
    summary: "the port mapping of `Main` has no `containerPort`",
    why: "Express Mode sends traffic to the `containerPort` of `Main`'s mapping and refuses a mapping without one, a range \
        included.",
    source: "https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_UpdateExpressGatewayService.html",
    check,
    ..Rule::OF_DOCUMENTS
};

fn check(subject: &Subject<'_>, report: &mut Findings<'_>) {
    let Some(main) = subject.definition.container("Main") else { return };
    for (index, mapping) in main.list("portMappings").iter().enumerate() {
        let Some(mapping) = mapping.as_object() else { continue };
        if is_missing(mapping, "containerPort") {
            report.add(
                format!("{}/portMappings/{index}/containerPort", main.pointer()),
                "the port mapping of `Main` has no `containerPort`",
                "set `containerPort` to the port that `Main` listens on",
            );
        }
    }
}
