//! Keeps a document from giving the service roles that nobody allowed. An execution role is not a task role.

use crate::task_definition::references::ReferenceKind;
use crate::validate::guard::report_refused;
use crate::validate::{Findings, Rule, RuleEvidence, Severity, Subject};

pub(super) static RULE: Rule = Rule {
    id: "forbidden-role",
    severity: Severity::Error,
    summary: "a role is not among those that `[service.guard]` allows for its use",
    why: "Whoever may upload a task definition could otherwise give the service any role that the deployer may pass, and \
        let its code act with the role that reads the secrets. The configuration draws the line, before anything is \
        registered: with `execution_roles` and `task_roles`, else with what the live revision has.",
    source: "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/security-ecs-iam-role-overview.html",
    evidence: RuleEvidence::Configured,
    check,
    looks_beyond_the_document: true,
    ..Rule::OF_DOCUMENTS
};

fn check(subject: &Subject<'_>, report: &mut Findings<'_>) {
    report_refused(subject, is_role, report);
}

fn is_role(kind: ReferenceKind) -> bool {
    matches!(kind, ReferenceKind::ExecutionRoles | ReferenceKind::TaskRoles)
}
