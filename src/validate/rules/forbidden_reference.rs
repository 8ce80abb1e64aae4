//! Keeps a document from naming secrets, files, volumes, destinations of logs, capabilities and tags that nobody
//! allowed, and from saying what this version cannot read. Roles and images have rules of their own.

use crate::task_definition::references::ReferenceKind;
use crate::task_definition::{READ_ONLY, TaskDefinition};
use crate::validate::guard::report_refused;
use crate::validate::{Findings, Rule, RuleEvidence, Severity, Subject, quoted};

pub(super) static RULE: Rule = Rule {
    id: "forbidden-reference",
    severity: Severity::Error,
    summary: "something that the document names is not among what `[service.guard]` allows",
    why: "Whoever may upload a task definition could otherwise read the secrets, files and volumes of other services, send \
        logs elsewhere, or take capabilities. The configuration draws the line, before anything is registered: with a \
        list for each kind of name, else with what the live revision names. A member that this version does not know \
        is sent to ECS as it is, and may name anything; so under a guard it has to be live already.",
    source: "https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_RegisterTaskDefinition.html",
    evidence: RuleEvidence::Configured,
    check,
    looks_beyond_the_document: true,
    ..Rule::OF_DOCUMENTS
};

fn check(subject: &Subject<'_>, report: &mut Findings<'_>) {
    let Some(guard) = subject.guard else { return };
    report_refused(subject, is_concerned, report);
    for member in &report.departures().unknown {
        let is_read_only = member.pointer.rfind('/') == Some(0) && READ_ONLY.contains(&member.name.as_str());
        if is_read_only || guard.live.is_some_and(|live| is_same(live, subject.definition, &member.pointer)) {
            continue;
        }
        report.add(
            member.pointer.as_str(),
            format!(
                "{} is not a member that this version knows here, so the guard cannot allow it",
                quoted(&member.name)
            ),
            "remove it, or check the spelling",
        );
    }
}

fn is_concerned(kind: ReferenceKind) -> bool {
    use ReferenceKind::{Capabilities, EnvironmentFiles, LogDestinations, Secrets, Tags, Volumes};
    matches!(kind, Secrets | EnvironmentFiles | Volumes | LogDestinations | Capabilities | Tags)
}

/// Whether both documents have the same at a place.
fn is_same(live: &TaskDefinition, next: &TaskDefinition, pointer: &str) -> bool {
    let value = next.pointer(pointer);
    value.is_some() && value == live.pointer(pointer)
}
