//! Finds members that the ECS API model does not have: slips of the pen, which ECS would drop without a word, and what
//! may be newer than this program. Read-only members of a description belong to `read-only-member`.

use crate::task_definition::READ_ONLY;
use crate::validate::nearest::{Nearest, nearest};
use crate::validate::{Findings, Origin, Repair, Rule, RuleEvidence, Severity, Subject, quoted};

pub(super) static RULE: Rule = Rule {
    id: "unknown-member",
    severity: Severity::Error,
    summary: "a member is not in the ECS API model",
    why: "Most tools drop a member that the API does not have without a word, so what it was meant to say is lost. A name \
        that differs from a real one by a letter or two is taken for a slip and is an error; any other is a warning, \
        since ECS may have learnt it since.",
    source: "https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_RegisterTaskDefinition.html",
    evidence: RuleEvidence::Modelled,
    check,
    repair: Some(Repair::Rename),
    points_at_name: true,
    ..Rule::OF_DOCUMENTS
};

fn check(subject: &Subject<'_>, report: &mut Findings<'_>) {
    for member in &report.departures().unknown {
        let is_top_level = member.pointer.rfind('/') == Some(0);
        if is_top_level && READ_ONLY.contains(&member.name.as_str()) {
            continue;
        }
        let meant = nearest(&member.name, member.known.iter().map(String::as_str));
        let severity = match meant {
            _ if subject.origin == Origin::Live => Severity::Hint,
            Some(Nearest { is_slip: true, .. }) => Severity::Error,
            _ => Severity::Warning,
        };
        let message = match meant {
            Some(Nearest { name, .. }) => {
                format!("{} is not a member here; did you mean `{name}`?", quoted(&member.name))
            }
            None => format!("{} is not a member that this version knows here", quoted(&member.name)),
        };
        let help = match meant {
            Some(Nearest { name, is_slip: true }) => {
                format!("write `{name}`, or remove it: ECS drops unknown members in silence")
            }
            _ => "check the spelling, or remove it; it is passed on to ECS as written".to_owned(),
        };
        report.add_as(severity, &member.pointer, message, help);
    }
}
