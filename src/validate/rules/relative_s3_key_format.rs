//! Fluent Bit's S3 plugin stops the router when `s3_key_format` has no leading slash.

use crate::firelens::s3_output::{LogOutput, Setting};
use crate::validate::router_severity::severity_of_death;
use crate::validate::{Findings, Rule, RuleEvidence, Severity, Subject};

pub(super) static RULE: Rule = Rule {
    id: "relative-s3-key-format",
    severity: Severity::Error,
    summary: "the `s3_key_format` of an S3 output does not start with a slash",
    why: "Fluent Bit exits at its start with \"'s3_key_format' must start with a '/'\". The log router is usually \
        essential, so the task stops with it.",
    source: "fluent/fluent-bit plugins/out_s3/s3.c",
    evidence: RuleEvidence::Observed { seen: "fluent/fluent-bit plugins/out_s3/s3.c" },
    check,
    ..Rule::OF_DOCUMENTS
};

fn check(subject: &Subject<'_>, report: &mut Findings<'_>) {
    for output in LogOutput::to_s3(subject.definition) {
        let Setting::Given(option, format) = output.setting("s3_key_format") else { continue };
        if !format.starts_with('/') {
            report.add_as(
                severity_of_death(output.router),
                output.pointer(option),
                "`s3_key_format` does not start with `/`: the log router stops",
                "put a `/` in front; it does not become part of the key",
            );
        }
    }
}
