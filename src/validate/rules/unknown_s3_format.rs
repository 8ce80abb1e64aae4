//! The record formats of Fluent Bit's S3 output. That the option itself is new is the rule `newer-s3-option`'s.

use crate::firelens::s3_output::FORMATS;
use crate::validate::log_choice::check_option;
use crate::validate::{Findings, Rule, RuleEvidence, Severity, Subject};

pub(super) static RULE: Rule = Rule {
    id: "unknown-s3-format",
    severity: Severity::Error,
    summary: "the `format` of an S3 output is not one that Fluent Bit knows",
    why: "Fluent Bit stops with exit code 255 before it takes a line, and an essential router stops its task with \
          it.",
    source: "fluent/fluent-bit plugins/out_s3/s3.c",
    evidence: RuleEvidence::Observed { seen: "fluent/fluent-bit plugins/out_s3/s3.c" },
    check,
    ..Rule::OF_DOCUMENTS
};

fn check(subject: &Subject<'_>, report: &mut Findings<'_>) {
    check_option(subject, report, "format", &FORMATS);
}
