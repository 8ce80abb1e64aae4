//! Keeps a document from running images that nobody allowed. The repository of the configuration needs no list.

use crate::task_definition::references::ReferenceKind;
use crate::validate::guard::report_refused;
use crate::validate::{Findings, Rule, RuleEvidence, Severity, Subject};

pub(super) static RULE: Rule = Rule {
    id: "forbidden-registry",
    severity: Severity::Error,
    summary: "an image is from a registry that `[service.guard]` does not allow",
    why: "Whoever may upload a task definition could otherwise run any image with the roles of the service, beside it or \
        in its place. The configuration draws the line, before anything is registered: with `registries`, else with the \
        repositories that the live revision has; its own `repository` is always allowed.",
    source: "deployer.example.toml",
    evidence: RuleEvidence::Configured,
    check,
    looks_beyond_the_document: true,
    ..Rule::OF_DOCUMENTS
};

fn check(subject: &Subject<'_>, report: &mut Findings<'_>) {
    report_refused(subject, |kind| kind == ReferenceKind::Registries, report);
}
