//! `upload_chunk_size` has limits of its own, and others that follow from `total_file_size`.

use crate::firelens::s3_output::{LogOutput, Setting, bytes};
use crate::validate::router_severity::severity_of_death;
use crate::validate::{Findings, Rule, RuleEvidence, Severity, Subject};

pub(super) static RULE: Rule = Rule {
    id: "invalid-s3-chunk-size",
    severity: Severity::Error,
    summary: "the `upload_chunk_size` of an S3 output is outside Fluent Bit's limits",
    why: "Fluent Bit stops with exit code 255 before it takes a line: parts of an upload have at least 5,242,880 \
          bytes, which is more than `5M` (5,000,000), at most 50 MB without compression, and two of them have to fit \
          into `total_file_size`. An essential router stops its task with it.",
    source: "fluent/fluent-bit plugins/out_s3/s3.c",
    evidence: RuleEvidence::Observed { seen: "fluent/fluent-bit plugins/out_s3/s3.c" },
    check,
    ..Rule::OF_DOCUMENTS
};

/// The smallest part that S3 takes.
const MIN_CHUNK: u64 = 5_242_880;
const MAX_CHUNK: u64 = 50_000_000;
const MAX_COMPRESSED_CHUNK: u64 = 5_000_000_000;
const DEFAULT_FILE_SIZE: u64 = 100_000_000;

fn check(subject: &Subject<'_>, report: &mut Findings<'_>) {
    for output in LogOutput::to_s3(subject.definition) {
        let Setting::Given(option, text) = output.setting("upload_chunk_size") else { continue };
        let pointer = output.pointer(option);
        let Some(chunk) = bytes(text) else {
            report.add_as(
                Severity::Warning,
                pointer,
                "`upload_chunk_size` is not a size that Fluent Bit reads",
                "write a number with K, M or G, for example `6M`, or remove the option",
            );
            continue;
        };
        if let Some((flaw, help)) = flaw(&output, chunk) {
            report.add_as(
                severity_of_death(output.router),
                pointer,
                format!("`upload_chunk_size` is {chunk} bytes, {flaw}: the log router stops"),
                help,
            );
        }
    }
}

/// What is wrong with the size, in the order in which the plugin looks.
fn flaw(output: &LogOutput<'_>, chunk: u64) -> Option<(String, &'static str)> {
    let file = match output.setting("total_file_size") {
        Setting::Hidden => return None,
        Setting::Absent => DEFAULT_FILE_SIZE,
        // A size that cannot be read is another rule's.
        Setting::Given(_, text) => bytes(text)?,
    };
    // Parts are not uploaded singly then, but the last check is made all the same.
    let is_put = match output.setting("use_put_object") {
        Setting::Hidden => return None,
        _ => output.is_on("use_put_object") || file < 2 * MIN_CHUNK,
    };
    let max = if output.setting("compression") == Setting::Absent { MAX_CHUNK } else { MAX_COMPRESSED_CHUNK };
    if !is_put && chunk < MIN_CHUNK {
        Some((format!("below the minimum of {MIN_CHUNK}"), "remove it, or set it to `6M` or more"))
    } else if !is_put && chunk > max {
        Some((format!("above the maximum of {max}"), "remove it, or set it to `50M` or less"))
    } else if chunk != MIN_CHUNK && chunk.saturating_mul(2) > file {
        let flaw = format!("more than half of `total_file_size`, which is {file}");
        Some((flaw, "remove it; it decides nothing where whole files are uploaded"))
    } else {
        None
    }
}
