//! The forms in which Fluent Bit writes the date of a record.

use crate::firelens::router::Version;
use crate::firelens::s3_output::{ALWAYS, Word};
use crate::validate::log_choice::check_option;
use crate::validate::{Findings, Rule, RuleEvidence, Severity, Subject};

pub(super) static RULE: Rule = Rule {
    id: "unknown-s3-date-format",
    severity: Severity::Error,
    summary: "the `json_date_format` of an S3 output is not one that the router's Fluent Bit knows",
    why: "Fluent Bit stops with exit code 255 before it takes a line, and an essential router stops its task with \
          it. The option takes the name of a form, not a pattern with percent signs, and aws-for-fluent-bit 2.x does \
          not know the milliseconds.",
    source: "fluent/fluent-bit src/flb_pack.c",
    evidence: RuleEvidence::Observed { seen: "fluent/fluent-bit src/flb_pack.c" },
    check,
    ..Rule::OF_DOCUMENTS
};

const fn word(text: &'static str, since: Version) -> Word {
    Word { text, ignores_case: true, since, meaning: () }
}

const FORMS: [Word; 7] = [
    word("iso8601", ALWAYS),
    word("java_sql_timestamp", ALWAYS),
    word("double", ALWAYS),
    word("epoch", ALWAYS),
    word("epoch_ms", (2, 0, 0)),
    word("epoch_millis", (2, 0, 0)),
    word("epoch_milliseconds", (2, 0, 0)),
];

fn check(subject: &Subject<'_>, report: &mut Findings<'_>) {
    check_option(subject, report, "json_date_format", &FORMS);
}
