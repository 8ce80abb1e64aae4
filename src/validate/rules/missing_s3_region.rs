//! Without `region` Fluent Bit's S3 plugin writes to us-east-1, whatever region the task runs in.

use crate::firelens::s3_output::{LogOutput, Setting};
use crate::validate::{Findings, Rule, RuleEvidence, Severity, Subject, label};

pub(super) static RULE: Rule = Rule {
    id: "missing-s3-region",
    severity: Severity::Warning,
    summary: "an S3 output has no region",
    why: "Fluent Bit then takes `us-east-1`. Uploads to a bucket elsewhere fail, which only the log router's own log \
        tells.",
    source: "https://docs.fluentbit.io/manual/data-pipeline/outputs/s3",
    evidence: RuleEvidence::Documented,
    check,
    ..Rule::OF_DOCUMENTS
};

fn check(subject: &Subject<'_>, report: &mut Findings<'_>) {
    for output in LogOutput::to_s3(subject.definition) {
        if matches!(output.setting("region"), Setting::Absent | Setting::Given(_, "")) {
            report.add(
                output.pointer("region"),
                format!(
                    "the S3 output of {} has no `region`, so it takes the bucket to be in us-east-1",
                    label(output.container)
                ),
                "set `region` to the bucket's region",
            );
        }
    }
}
