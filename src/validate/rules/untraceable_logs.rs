//! A record must tell which task wrote it, by itself or by the key of its object. Keys that only the running task
//! knows are left alone.

use crate::firelens::obstacle::{Obstacle, untraceable};
use crate::firelens::s3_output::LogOutput;
use crate::validate::{Findings, Rule, RuleEvidence, Severity, Subject};

pub(super) static RULE: Rule = Rule {
    id: "untraceable-logs",
    severity: Severity::Warning,
    summary: "neither the key nor the records of an S3 output tell which revision wrote them",
    why: "While a release runs, tasks of two revisions write at the same time. Records name their task and revision \
          in `ecs_task_arn` and `ecs_task_definition`, unless these are switched off or only the line itself is \
          stored. Without the task id in the key nobody can tell then whether a line is from the new revision, so a \
          release cannot be verified by it.",
    source: "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/firelens-taskdef.html",
    evidence: RuleEvidence::Documented,
    check,
    ..Rule::OF_DOCUMENTS
};

fn check(subject: &Subject<'_>, report: &mut Findings<'_>) {
    for output in LogOutput::to_s3(subject.definition) {
        if let Some(Obstacle { pointer, message, help }) = untraceable(&output) {
            report.add(pointer, message, help);
        }
    }
}
