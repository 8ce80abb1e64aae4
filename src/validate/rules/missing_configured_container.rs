//! The configuration may give the image to another container than `Main`; then that one must exist too.

use crate::validate::{Findings, Rule, RuleEvidence, Severity, Subject, quoted};

pub(super) static RULE: Rule = Rule {
    id: "missing-configured-container",
    severity: Severity::Error,
    summary: "the container that the configuration names does not exist",
    why: "The deployer puts the pushed image into the container that `service.container` names, and reads its logs. \
        Without that container there is nothing to release.",
    source: "deployer.example.toml",
    evidence: RuleEvidence::Configured,
    check,
    looks_beyond_the_document: true,
    ..Rule::OF_DOCUMENTS
};

fn check(subject: &Subject<'_>, report: &mut Findings<'_>) {
    let names: Vec<&str> = subject.definition.containers().filter_map(|container| container.name()).collect();
    // A missing `Main` is for `missing-main-container` to report.
    if names.is_empty() || subject.container == "Main" || names.contains(&subject.container) {
        return;
    }
    report.add(
        "/containerDefinitions",
        format!("no container is named {}, which the configuration gives the image to", quoted(subject.container)),
        "add the container, or change `container` in the service's configuration",
    );
}
