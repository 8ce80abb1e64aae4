//! The compressions of Fluent Bit's S3 output, and the versions that brought them.

use crate::firelens::s3_output::COMPRESSIONS;
use crate::validate::log_choice::check_option;
use crate::validate::{Findings, Rule, RuleEvidence, Severity, Subject};

pub(super) static RULE: Rule = Rule {
    id: "unknown-s3-compression",
    severity: Severity::Error,
    summary: "the `compression` of an S3 output is not one that the router's Fluent Bit knows",
    why: "Fluent Bit stops with exit code 255 before it takes a line, and an essential router stops its task with \
          it. The names count in lower case only, and aws-for-fluent-bit 2.x knows no other compression than gzip \
          and arrow.",
    source: "fluent/fluent-bit src/aws/flb_aws_compress.c",
    evidence: RuleEvidence::Observed { seen: "fluent/fluent-bit src/aws/flb_aws_compress.c" },
    check,
    ..Rule::OF_DOCUMENTS
};

fn check(subject: &Subject<'_>, report: &mut Findings<'_>) {
    check_option(subject, report, "compression", &COMPRESSIONS);
}
