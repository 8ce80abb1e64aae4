//! Findings for programs: one JSON document, written file by file. It holds no text of the sources, but
//! for repairs that were asked for.

use std::io::{self, Write};

use serde::Serialize;

use super::{Checked, Reporter, Span, Unread};
use crate::validate::Finding;

#[derive(Default)]
pub(super) struct Json {
    files: usize,
    /// Whether repairs are shown.
    has_fixes: bool,
}

#[derive(Serialize)]
struct Answer<'a> {
    file: &'a str,
    /// Why it could not be read; absent when it was.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'a str>,
    findings: Vec<Row<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Row<'a> {
    #[serde(flatten)]
    finding: &'a Finding,
    line: usize,
    column: usize,
    end_line: usize,
    end_column: usize,
    fixable: bool,
    /// With `--diff`: what `--fix` would write, and where.
    #[serde(skip_serializing_if = "Option::is_none")]
    fix: Option<Replacement<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Replacement<'a> {
    line: usize,
    column: usize,
    end_line: usize,
    end_column: usize,
    text: &'a str,
}

impl Json {
    pub(super) fn new(has_fixes: bool) -> Self {
        Self { has_fixes, ..Self::default() }
    }

    fn add(&mut self, answer: &Answer<'_>, out: &mut dyn Write) -> io::Result<()> {
        out.write_all(if self.files == 0 { b"{\"files\":[\n" } else { b",\n" })?;
        self.files += 1;
        Ok(serde_json::to_writer(out, answer)?)
    }
}

impl Reporter for Json {
    fn file(&mut self, checked: &Checked, out: &mut dyn Write) -> io::Result<()> {
        let findings = checked.findings.iter().map(|located| Row {
            finding: &located.finding,
            line: located.span.line,
            column: located.span.column,
            end_line: located.span.end_line,
            end_column: located.span.end_column,
            fixable: located.fix.is_some(),
            fix: located.fix.as_ref().filter(|_| self.has_fixes).and_then(|fix| {
                let text = fix.text.as_deref()?;
                let Span { line, column, end_line, end_column, .. } = fix.span;
                Some(Replacement { line, column, end_line, end_column, text })
            }),
        });
        let findings = findings.collect();
        self.add(&Answer { file: &checked.source.name, error: None, findings }, out)
    }

    fn unread(&mut self, unread: &Unread, out: &mut dyn Write) -> io::Result<()> {
        self.add(&Answer { file: &unread.name, error: Some(&unread.reason), findings: Vec::new() }, out)
    }

    fn finish(&mut self, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out, "{}", if self.files == 0 { "{\"files\":[]}" } else { "\n]}" })
    }
}
