//! `include-pattern` and `exclude-pattern` are Ruby's regular expressions (Onigmo). Only what no expression can be is
//! reported: brackets that do not match, and an escape of nothing.

use crate::firelens::s3_output::{LogOutput, Setting};
use crate::validate::router_severity::severity_of_death;
use crate::validate::{Findings, Rule, RuleEvidence, Severity, Subject};

pub(super) static RULE: Rule = Rule {
    id: "invalid-log-pattern",
    severity: Severity::Error,
    summary: "`include-pattern` or `exclude-pattern` is not a regular expression",
    why: "ECS makes a grep filter of the pattern. Fluent Bit cannot compile it and stops before it takes a line; an \
          essential router stops its task with it.",
    source: "fluent/fluent-bit plugins/filter_grep/grep.c",
    evidence: RuleEvidence::Observed { seen: "fluent/fluent-bit plugins/filter_grep/grep.c" },
    check,
    ..Rule::OF_DOCUMENTS
};

fn check(subject: &Subject<'_>, report: &mut Findings<'_>) {
    for output in LogOutput::all(subject.definition).filter(|output| output.plugin_key() == "Name") {
        for option in ["include-pattern", "exclude-pattern"] {
            let Setting::Given(written, pattern) = output.setting(option) else { continue };
            // The agent knows these in lower case only; comments may hold what looks like brackets.
            if written != option || pattern.contains("(?#") || pattern.contains("(?x") {
                continue;
            }
            if let Some(flaw) = flaw(pattern) {
                report.add_as(
                    severity_of_death(output.router),
                    output.pointer(option),
                    format!("`{option}` is not a regular expression, {flaw}: the log router stops"),
                    "write a backslash before a character that stands for itself, two in JSON: `\\\\(`",
                );
            }
        }
    }
}

/// Why the text cannot be a regular expression, if it surely cannot.
fn flaw(pattern: &str) -> Option<&'static str> {
    let mut groups = 0_usize;
    let mut classes = 0_usize;
    let mut opened_here = false;
    let mut characters = pattern.chars();
    while let Some(character) = characters.next() {
        // A closing bracket right after the opening one, or after its caret, stands for itself.
        let is_first = std::mem::take(&mut opened_here);
        match character {
            '\\' if characters.next().is_none() => return Some("for it ends in a backslash"),
            '[' => {
                classes += 1;
                opened_here = true;
            }
            '^' if is_first => opened_here = true,
            ']' if classes > 0 && !is_first => classes -= 1,
            '(' if classes == 0 => groups += 1,
            ')' if classes == 0 && groups == 0 => return Some("for a `)` has no `(`"),
            ')' if classes == 0 => groups -= 1,
            _ => {}
        }
    }
    match (groups, classes) {
        (0, 0) => None,
        (_, 0) => Some("for a `(` has no `)`"),
        _ => Some("for a `[` has no `]`"),
    }
}

#[cfg(test)]
mod tests {
    use super::flaw;

    #[test]
    fn what_may_be_an_expression_passes() {
        for pattern in
            ["", "^GET (?!/health)", r"\(", r"[(]", r"\[\]]", "[]a]", "[^]a]", "[[:alpha:]]", "a{", "[a[bc]]", "]"]
        {
            assert_eq!(flaw(pattern), None, "{pattern}");
        }
    }

    #[test]
    fn brackets_have_to_match() {
        for pattern in ["(", "a)", "[a", r"a\", "((a)", r"(\)", "[(]("] {
            assert!(flaw(pattern).is_some(), "{pattern}");
        }
    }
}
