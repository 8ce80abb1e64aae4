//! `$TAG[n]` counts the parts of the tag from 0. That a part is another one than meant is the rule
//! `shifted-tag-part`'s.

use crate::firelens::s3_output::LogOutput;
use crate::validate::{Findings, Rule, RuleEvidence, Severity, Subject, label};

pub(super) static RULE: Rule = Rule {
    id: "missing-tag-part",
    severity: Severity::Warning,
    summary: "the key of an S3 output has a part of the tag that the tag does not have",
    why: "The tag is `<container>-firelens-<task id>`, cut at `s3_key_format_tag_delimiters`, by default at dots, of \
          which it has none. For a part that is not there Fluent Bit puts the whole tag and leaves the number in \
          brackets behind it. The only trace is a warning in the router's log.",
    source: "fluent/fluent-bit src/aws/flb_aws_util.c",
    evidence: RuleEvidence::Observed { seen: "fluent/fluent-bit src/aws/flb_aws_util.c" },
    check,
    ..Rule::OF_DOCUMENTS
};

/// Fluent Bit numbers the parts of a tag from 0 to 9.
const MAX_PARTS: usize = 10;

fn check(subject: &Subject<'_>, report: &mut Findings<'_>) {
    for output in LogOutput::to_s3(subject.definition) {
        let Some(parts) = output.tag_parts() else { continue };
        let count = parts.all.min(MAX_PARTS);
        let Some(missing) = output.used_tag_parts().into_iter().find(|part| *part >= count) else { continue };
        report.add(
            output.pointer("s3_key_format"),
            format!(
                "the tag of {} is cut into {count} {}, so there is no `$TAG[{missing}]`",
                label(output.container),
                if count == 1 { "part" } else { "parts" }
            ),
            "use `$TAG`, or set `s3_key_format_tag_delimiters` to the characters to cut at, for example `-`",
        );
    }
}
