//! Fluent Bit's S3 plugin stops the router when it has no `bucket`. Whether the bucket exists is not asked.

use crate::firelens::s3_output::{LogOutput, Setting};
use crate::validate::router_severity::severity_of_death;
use crate::validate::{Findings, Rule, RuleEvidence, Severity, Subject, label};

pub(super) static RULE: Rule = Rule {
    id: "missing-s3-bucket",
    severity: Severity::Error,
    summary: "an S3 output has no bucket",
    why: "Fluent Bit exits at its start when the S3 output names no bucket. The log router is usually essential, so the \
        task stops with it.",
    source: "https://docs.fluentbit.io/manual/data-pipeline/outputs/s3",
    evidence: RuleEvidence::Observed { seen: "https://docs.fluentbit.io/manual/data-pipeline/outputs/s3" },
    check,
    ..Rule::OF_DOCUMENTS
};

fn check(subject: &Subject<'_>, report: &mut Findings<'_>) {
    for output in LogOutput::to_s3(subject.definition) {
        if matches!(output.setting("bucket"), Setting::Absent | Setting::Given(_, "")) {
            report.add_as(
                severity_of_death(output.router),
                output.pointer("bucket"),
                format!("the S3 output of {} has no `bucket`: the log router stops", label(output.container)),
                "set `bucket` to the bucket's name",
            );
        }
    }
}
