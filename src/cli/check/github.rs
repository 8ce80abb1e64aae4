//! Findings as workflow commands, which GitHub Actions shows at the lines of a pull request. It knows no other service.
//!
//! Source: docs.github.com, "Workflow commands for GitHub Actions", and `packages/core/src/command.ts` in
//! actions/toolkit for the escapes.

use std::io::{self, Write};

use super::{Checked, Reporter, Unread};
use crate::validate::Severity;

pub(super) struct Github;

impl Reporter for Github {
    fn file(&mut self, checked: &Checked, out: &mut dyn Write) -> io::Result<()> {
        for located in &checked.findings {
            let (finding, span) = (&located.finding, &located.span);
            let command = match finding.severity {
                Severity::Error => "error",
                Severity::Warning => "warning",
                Severity::Hint => "notice",
            };
            let place = if finding.pointer.is_empty() { String::new() } else { format!("{}: ", finding.pointer) };
            let message = format!("{place}{}\nhelp: {}", finding.message, finding.help);
            writeln!(
                out,
                "::{command} file={},line={},endLine={},col={},endColumn={},title={}::{}",
                property(&checked.source.name),
                span.line,
                span.end_line,
                span.column,
                span.end_column,
                property(finding.rule.as_str()),
                data(&message),
            )?;
        }
        Ok(())
    }

    fn unread(&mut self, unread: &Unread, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out, "::error file={}::{}", property(&unread.name), data(&unread.reason))
    }

    fn finish(&mut self, _: &mut dyn Write) -> io::Result<()> {
        Ok(())
    }
}

fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_end_a_command_is_escaped() {
        assert_eq!(data("50 %\nof it: a, b"), "50 %25%0Aof it: a, b");
        assert_eq!(property("a:b,c"), "a%3Ab%2Cc");
    }
}
