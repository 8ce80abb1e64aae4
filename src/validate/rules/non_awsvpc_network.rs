//! Fargate knows one network mode, and it is not the default of the API.

use crate::validate::{Findings, Repair, Rule, RuleEvidence, Severity, Subject, is_missing, quoted};

pub(super) static RULE: Rule = Rule {
    id: "non-awsvpc-network",
    severity: Severity::Error,
    summary: "`networkMode` is not `awsvpc`",
    why: "Fargate gives every task a network interface of its own and refuses every other mode.",
    source: "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/fargate-tasks-services.html",
    evidence: RuleEvidence::Refused {
        words: "Fargate only supports network mode ‘awsvpc’.",
        seen: "https://github.com/aws/amazon-ecs-cli/issues/1145",
    },
    check,
    repair: Some(Repair::Set("\"awsvpc\"")),
    ..Rule::OF_DOCUMENTS
};

fn check(subject: &Subject<'_>, report: &mut Findings<'_>) {
    let help = "set `\"networkMode\": \"awsvpc\"`";
    match subject.definition.text("networkMode") {
        // Another case is for `unknown-value` to speak of.
        Some(mode) if mode.eq_ignore_ascii_case("awsvpc") => {}
        Some(mode) if !mode.is_empty() => {
            report.add(
                "/networkMode",
                format!("the network mode is {}; Fargate takes `awsvpc` only", quoted(mode)),
                help,
            );
        }
        _ if is_missing(subject.definition.members(), "networkMode") => {
            report.add("/networkMode", "`networkMode` is missing; Fargate takes `awsvpc` only", help);
        }
        _ => {}
    }
}
