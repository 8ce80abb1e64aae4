//! The largest `total_file_size`; the smallest, and what is not a size at all, are the rule `small-s3-file-size`'s.

use crate::firelens::s3_output::{LogOutput, Setting, bytes};
use crate::validate::router_severity::severity_of_death;
use crate::validate::{Findings, Rule, RuleEvidence, Severity, Subject};

pub(super) static RULE: Rule = Rule {
    id: "large-s3-file-size",
    severity: Severity::Error,
    summary: "the `total_file_size` of an S3 output is larger than Fluent Bit allows",
    why: "Fluent Bit stops with exit code 255 before it takes a line when `total_file_size` is over 50 GB, or over 1 \
          GB with `use_put_object`. An essential router stops its task with it.",
    source: "https://docs.fluentbit.io/manual/pipeline/outputs/s3",
    evidence: RuleEvidence::Observed { seen: "https://docs.fluentbit.io/manual/pipeline/outputs/s3" },
    check,
    ..Rule::OF_DOCUMENTS
};

const MAX_FILE_SIZE: u64 = 50_000_000_000;
const MAX_FILE_SIZE_OF_PUT: u64 = 1_000_000_000;

fn check(subject: &Subject<'_>, report: &mut Findings<'_>) {
    for output in LogOutput::to_s3(subject.definition) {
        let Setting::Given(option, text) = output.setting("total_file_size") else { continue };
        let Some(size) = bytes(text) else { continue };
        let (max, condition) = if output.is_on("use_put_object") {
            (MAX_FILE_SIZE_OF_PUT, " with `use_put_object`")
        } else {
            (MAX_FILE_SIZE, "")
        };
        if size > max {
            report.add_as(
                severity_of_death(output.router),
                output.pointer(option),
                format!(
                    "`total_file_size` is {size} bytes, above the maximum of {max}{condition}: the log router stops"
                ),
                "make it smaller; `10M` is large for logs",
            );
        }
    }
}
