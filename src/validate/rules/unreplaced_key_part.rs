//! What other tools put into a path and Fluent Bit's S3 output leaves as it is written. The key stays one that can be
//! searched, so this is no obstacle to a verification.

use crate::firelens::s3_output::LogOutput;
use crate::validate::{Findings, Rule, RuleEvidence, Severity, Subject, quoted};

pub(super) static RULE: Rule = Rule {
    id: "unreplaced-key-part",
    severity: Severity::Warning,
    summary: "the key of an S3 output has a placeholder that Fluent Bit does not replace",
    why: "`s3_key_format` knows `$TAG`, `$TAG[n]`, `$UUID`, `$INDEX` and the conversions of `strftime`. A record accessor \
          such as `$(ecs_task_arn)` or `$kubernetes['name']`, and the milliseconds `%L` and `%3N` of other tools, stay in \
          the key as they are written.",
    source: "fluent/fluent-bit src/aws/flb_aws_util.c",
    evidence: RuleEvidence::Observed { seen: "fluent/fluent-bit src/aws/flb_aws_util.c" },
    check,
    ..Rule::OF_DOCUMENTS
};

fn check(subject: &Subject<'_>, report: &mut Findings<'_>) {
    for output in LogOutput::to_s3(subject.definition) {
        let Some(format) = output.key_format() else { continue };
        if let Some(part) = unreplaced(format) {
            report.add(
                output.pointer("s3_key_format"),
                format!("{} is not replaced: every key has it as it is written", quoted(part)),
                "use `$TAG`, `$UUID`, `$INDEX` or a conversion of `strftime`",
            );
        }
    }
}

/// The first part that looks like a placeholder and is none.
fn unreplaced(format: &str) -> Option<&str> {
    let accessor = format.match_indices('$').find_map(|(at, _)| {
        let rest = format.get(at..)?;
        let known = ["$TAG", "$UUID", "$INDEX", "${"].iter().any(|known| rest.starts_with(known));
        let end = match rest.as_bytes().get(1)? {
            b'(' => rest.find(')')? + 1,
            b'a'..=b'z' => rest.find(['/', '.']).unwrap_or(rest.len()),
            _ => return None,
        };
        rest.get(..end).filter(|_| !known)
    });
    let millis = ["%L", "%3N", "%f"].into_iter().find(|written| format.contains(written));
    accessor.or(millis)
}
