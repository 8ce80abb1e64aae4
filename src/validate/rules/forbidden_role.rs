//! Keeps a document from picking roles that the service's configuration does not list. Without a list every role may be
//! used.

use wildmatch::WildMatch;

use crate::validate::{Findings, Rule, Severity, Subject, quoted};

pub(super) static RULE: Rule = Rule {
    id: "forbidden-role",
    severity: Severity::Error,
    summary: "a role is not among those that `[service.guard]` allows",
    why: "Whoever may upload a task definition could otherwise give the service any role that the deployer may pass. The \
        configuration draws the line, before anything is registered.",
    source: "deployer.example.toml",
    check,
    looks_beyond_the_document: true,
    ..Rule::OF_DOCUMENTS
};

fn check(subject: &Subject<'_>, report: &mut Findings<'_>) {
    let Some(allowed) = subject.allowed_roles else { return };
    for member in ["executionRoleArn", "taskRoleArn"] {
        let Some(role) = subject.definition.text(member).filter(|role| !role.is_empty()) else { continue };
        if allowed.iter().any(|glob| WildMatch::new(glob).matches(role)) {
            continue;
        }
        let help = if role.starts_with("arn:") {
            "use an allowed role, or add this one to `roles` in `[service.guard]`"
        } else {
            "write the role's full ARN: `roles` in `[service.guard]` is compared with it"
        };
        report.add(format!("/{member}"), format!("the role {} is not allowed for this service", quoted(role)), help);
    }
}
