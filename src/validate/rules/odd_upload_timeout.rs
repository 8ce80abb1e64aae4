//! Fluent Bit reads a duration's digits and its last character, whatever stands between, and complains about nothing.

use crate::firelens::s3_output::{LogOutput, Setting};
use crate::firelens::seconds;
use crate::validate::{Findings, Rule, RuleEvidence, Severity, Subject};

pub(super) static RULE: Rule = Rule {
    id: "odd-upload-timeout",
    severity: Severity::Warning,
    summary: "the `upload_timeout` of an S3 output is not written as Fluent Bit reads it",
    why: "Fluent Bit takes the digits at the start, and the very last character as the unit: `10 minutes` are 10 \
          seconds, because `s` comes last, and `1h30m` is one minute. Uploads then come much more often, or much \
          later, than meant.",
    source: "fluent/fluent-bit src/flb_utils.c",
    evidence: RuleEvidence::Observed { seen: "fluent/fluent-bit src/flb_utils.c" },
    check,
    ..Rule::OF_DOCUMENTS
};

fn check(subject: &Subject<'_>, report: &mut Findings<'_>) {
    for output in LogOutput::to_s3(subject.definition) {
        let Setting::Given(option, text) = output.setting("upload_timeout") else { continue };
        let number = text.strip_suffix(['s', 'm', 'h', 'd', 'S', 'M', 'H', 'D']).unwrap_or(text);
        let is_plain = !number.is_empty() && number.bytes().all(|digit| digit.is_ascii_digit());
        if !is_plain || seconds(text) == 0 {
            report.add(
                output.pointer(option),
                format!("Fluent Bit reads this `upload_timeout` as {} s", seconds(text)),
                "write a whole number above 0 and one of `s`, `m`, `h` and `d`, for example `1m`",
            );
        }
    }
}
