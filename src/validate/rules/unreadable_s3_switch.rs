//! Switches of Fluent Bit's S3 output take six words; other values stop it.

use crate::firelens::s3_output::{LogOutput, Setting, switch};
use crate::validate::router_severity::severity_of_death;
use crate::validate::{Findings, Rule, RuleEvidence, Severity, Subject};

pub(super) static RULE: Rule = Rule {
    id: "unreadable-s3-switch",
    severity: Severity::Error,
    summary: "a switch of an S3 output is neither on nor off",
    why: "Fluent Bit reads true, on and yes, and false, off and no, in any case. Any other value, `1` too, stops it \
          with exit code 255 before it takes a line, and an essential router stops its task with it.",
    source: "fluent/fluent-bit src/flb_config_map.c",
    evidence: RuleEvidence::Observed { seen: "fluent/fluent-bit src/flb_config_map.c" },
    check,
    ..Rule::OF_DOCUMENTS
};

const SWITCHES: [&str; 5] =
    ["use_put_object", "static_file_path", "send_content_md5", "preserve_data_ordering", "auto_retry_requests"];

fn check(subject: &Subject<'_>, report: &mut Findings<'_>) {
    for output in LogOutput::to_s3(subject.definition) {
        for option in SWITCHES {
            let Setting::Given(written, text) = output.setting(option) else { continue };
            if switch(text).is_none() {
                report.add_as(
                    severity_of_death(output.router),
                    output.pointer(written),
                    format!("`{option}` is neither on nor off: the log router stops"),
                    "set it to `true` or `false`",
                );
            }
        }
    }
}
