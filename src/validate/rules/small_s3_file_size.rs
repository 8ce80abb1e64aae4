//! Fluent Bit's S3 plugin stops the router when `total_file_size` is below 1,000,000 bytes.

use crate::firelens::s3_output::{LogOutput, MIN_FILE_SIZE, Setting, bytes};
use crate::validate::router_severity::severity_of_death;
use crate::validate::{Findings, Rule, RuleEvidence, Severity, Subject};

pub(super) static RULE: Rule = Rule {
    id: "small-s3-file-size",
    severity: Severity::Error,
    summary: "the `total_file_size` of an S3 output is below 1M",
    why: "Fluent Bit exits at its start when `total_file_size` is below 1,000,000 bytes; K, M and G are powers of 1,000. \
        The log router is usually essential, so the task stops with it.",
    source: "fluent/fluent-bit plugins/out_s3/s3.c",
    evidence: RuleEvidence::Observed { seen: "fluent/fluent-bit plugins/out_s3/s3.c" },
    check,
    ..Rule::OF_DOCUMENTS
};

fn check(subject: &Subject<'_>, report: &mut Findings<'_>) {
    for output in LogOutput::to_s3(subject.definition) {
        let Setting::Given(option, size) = output.setting("total_file_size") else { continue };
        let pointer = output.pointer(option);
        match bytes(size) {
            Some(size) if size >= MIN_FILE_SIZE => {}
            Some(size) => report.add_as(
                severity_of_death(output.router),
                pointer,
                format!(
                    "`total_file_size` is {size} bytes, below the minimum of {MIN_FILE_SIZE}: the log router stops"
                ),
                "set it to `1M` or more; `upload_timeout` decides how soon logs appear",
            ),
            None => report.add_as(
                Severity::Warning,
                pointer,
                "`total_file_size` is not a size that Fluent Bit reads",
                "write a number with K, M or G, for example `1M`",
            ),
        }
    }
}
