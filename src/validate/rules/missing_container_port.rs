//! A port mapping names a port; one of `Main` by `containerPortRange` alone gives the load balancer none to send to.

use crate::validate::{Findings, Rule, RuleEvidence, Severity, Subject, is_missing, label};

pub(super) static RULE: Rule = Rule {
    id: "missing-container-port",
    severity: Severity::Error,
    summary: "a port mapping has no port, or that of `Main` a range only",
    why: "ECS refuses a port mapping that names neither a port nor a range, in any container. Express Mode sends traffic to \
        the `containerPort` of `Main`'s mapping and refuses a range there.",
    source: "https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_UpdateExpressGatewayService.html",
    evidence: RuleEvidence::Refused {
        words: "Invalid 'containerPort' setting for container",
        seen: "https://github.com/aws/aws-cli/issues/7288",
    },
    check,
    ..Rule::OF_DOCUMENTS
};

fn check(subject: &Subject<'_>, report: &mut Findings<'_>) {
    for container in subject.definition.containers() {
        for (index, mapping) in container.list("portMappings").iter().enumerate() {
            let Some(mapping) = mapping.as_object().filter(|mapping| is_missing(mapping, "containerPort")) else {
                continue;
            };
            let is_main = container.name() == Some("Main");
            if is_main {
                report.add(
                    format!("{}/portMappings/{index}/containerPort", container.pointer()),
                    "the port mapping of `Main` has no `containerPort`",
                    "set `containerPort` to the port that `Main` listens on",
                );
            } else if is_missing(mapping, "containerPortRange") {
                report.add(
                    format!("{}/portMappings/{index}", container.pointer()),
                    format!("a port mapping of {} has no port", label(container)),
                    "set `containerPort`, or remove the mapping",
                );
            }
        }
    }
}
