//! Tells of members that stand twice in one object: who wrote them, saw two values, and AWS sees one.

use crate::validate::{Findings, Rule, RuleEvidence, Severity, Subject};

pub(super) static RULE: Rule = Rule {
    id: "repeated-member",
    severity: Severity::Warning,
    summary: "a member stands twice in the same object",
    why: "The last one counts and the others are dropped without a word, by this program and by most tools, so what \
        was reviewed need not be what runs.",
    source: "https://www.rfc-editor.org/rfc/rfc8259#section-4",
    evidence: RuleEvidence::Documented,
    points_at_name: true,
    check,
    ..Rule::OF_DOCUMENTS
};

fn check(subject: &Subject<'_>, report: &mut Findings<'_>) {
    for repeated in subject.definition.repeated() {
        report.add(
            repeated.pointer.as_str(),
            format!("the member stands here again, at line {}, column {}", repeated.line, repeated.column),
            "remove one of them; the last one counts",
        );
    }
}
