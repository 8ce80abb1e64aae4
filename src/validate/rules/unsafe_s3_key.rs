//! Characters that do not reach S3 as they are, because Fluent Bit sends keys without encoding them.

use crate::firelens::s3_output::LogOutput;
use crate::validate::{Findings, Rule, RuleEvidence, Severity, Subject};

pub(super) static RULE: Rule = Rule {
    id: "unsafe-s3-key",
    severity: Severity::Warning,
    summary: "the key of an S3 output gets a blank or a sign that cannot stand in a URL",
    why: "Fluent Bit puts the key into the request as it is. A blank ends the address there, `?` and `#` end the \
          key, and `+` is read as something else than was signed, so uploads fail or land under another key. The \
          date codes %c, %e, %k, %l and %r give blanks, %n and %t a line break and a tab, and %z a plus sign.",
    source: "fluent/fluent-bit src/aws/flb_aws_util.c",
    evidence: RuleEvidence::Observed { seen: "fluent/fluent-bit src/aws/flb_aws_util.c" },
    check,
    ..Rule::OF_DOCUMENTS
};

fn check(subject: &Subject<'_>, report: &mut Findings<'_>) {
    for output in LogOutput::to_s3(subject.definition) {
        let Some(flaw) = output.key_format().and_then(flaw) else { continue };
        report.add(
            output.pointer("s3_key_format"),
            format!("the key gets {flaw}, which may not reach S3 as it is"),
            "write dates with two digits (`%d`, `%H`, `%I`), and keys of letters, digits and `/ - _ . =`",
        );
    }
}

/// What the format puts into the key, if it is unsafe.
fn flaw(format: &str) -> Option<&'static str> {
    let mut characters = format.chars();
    while let Some(character) = characters.next() {
        let code = if character == '%' { characters.next() } else { None };
        match (character, code) {
            ('%', Some('c' | 'e' | 'k' | 'l' | 'r')) => return Some("a blank from a date code"),
            ('%', Some('n' | 't')) => return Some("a line break or a tab from a date code"),
            ('%', Some('z')) => return Some("a `+` from a date code"),
            (' ', _) => return Some("a blank"),
            ('+', _) => return Some("a `+`"),
            ('?', _) => return Some("a `?`"),
            ('#', _) => return Some("a `#`"),
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::flaw;

    #[test]
    fn common_keys_are_safe() {
        for format in ["/a/$TAG/%Y/%m/%d/%H/%M/%S/$UUID.gz", "/y=%Y/(%H:%M)@%y,%V;[%u]&", "/100%%c", "/%F/%T/%", ""] {
            assert_eq!(flaw(format), None, "{format}");
        }
    }

    #[test]
    fn blanks_and_signs_are_found() {
        for format in ["/%e", "/%b %d", "/a+b", "/a?b", "/a#b", "/%c", "/%z", "/%%%k"] {
            assert!(flaw(format).is_some(), "{format}");
        }
    }
}
