//! Keys that come again: an upload replaces the object that an earlier one made. Collisions by chance are not looked
//! for.

use crate::firelens::s3_output::{LogOutput, Setting, bytes};
use crate::validate::{Findings, Rule, RuleEvidence, Severity, Subject};

pub(super) static RULE: Rule = Rule {
    id: "overwritten-log-objects",
    severity: Severity::Warning,
    summary: "uploads of an S3 output overwrite each other",
    why: "S3 keeps the last object of a key. Fluent Bit adds something random to a key only when it has no `$UUID` \
          and no `$INDEX`, only without `static_file_path`, and never for an upload in parts; `$INDEX` starts from 0 \
          again in every task. Of objects with the same key only the last one remains, and the lines in the others \
          are gone.",
    source: "https://docs.fluentbit.io/manual/pipeline/outputs/s3",
    evidence: RuleEvidence::Documented,
    check,
    ..Rule::OF_DOCUMENTS
};

fn check(subject: &Subject<'_>, report: &mut Findings<'_>) {
    for output in LogOutput::to_s3(subject.definition) {
        let Some(format) = output.key_format() else { continue };
        if let Some(flaw) = flaw(&output, format) {
            report.add(
                output.pointer("s3_key_format"),
                flaw,
                "put `$UUID` into `s3_key_format`, for example at its end",
            );
        }
    }
}

fn flaw(output: &LogOutput<'_>, format: &str) -> Option<&'static str> {
    if format.contains("$UUID") {
        None
    } else if format.contains("$INDEX") {
        // Hours and finer times keep tasks apart that start one after the other.
        let is_shared = output.key_names_task() == Some(false) && !has_code(format, "HIklMSsTRXcr");
        is_shared
            .then_some("the key has `$INDEX` but no task id, so every task overwrites the objects of the one before")
    } else if output.is_on("static_file_path") {
        (!has_code(format, "SsTXcr")).then_some(
            "with `static_file_path` the key is the same for many uploads, and each overwrites the one before",
        )
    } else if uploads_in_parts(output) && !format.contains('%') {
        Some("the key is the same for all uploads of a task, and an upload in parts overwrites the one before")
    } else {
        None
    }
}

/// Whether the format has one of these date codes.
fn has_code(format: &str, codes: &str) -> bool {
    format.split('%').skip(1).any(|rest| rest.starts_with(|code| codes.contains(code)))
}

/// Whether a large object surely goes up in parts: what is compressed stays below the size of a part.
fn uploads_in_parts(output: &LogOutput<'_>) -> bool {
    let is_large = match output.setting("total_file_size") {
        Setting::Hidden => false,
        Setting::Absent => true,
        Setting::Given(_, text) => bytes(text).is_some_and(|size| size >= 2 * 5_242_880),
    };
    let is_put = output.is_on("use_put_object") || output.setting("use_put_object") == Setting::Hidden;
    is_large && !is_put && output.setting("compression") == Setting::Absent
}
