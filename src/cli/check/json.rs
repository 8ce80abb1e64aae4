//! Findings for programs: one JSON document, written file by file. It holds no text of the sources.

use serde::Serialize;

use super::{Checked, Reporter, Unusable};
use crate::validate::Finding;

#[derive(Default)]
pub(super) struct Json {
    files: usize,
}

#[derive(Serialize)]
struct File<'a> {
    file: &'a str,
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
}

impl Reporter for Json {
    fn file(&mut self, checked: &Checked) -> Result<(), Unusable> {
        let findings = checked.findings.iter().map(|located| Row {
            finding: &located.finding,
            line: located.span.line,
            column: located.span.column,
            end_line: located.span.end_line,
            end_column: located.span.end_column,
            fixable: located.fixable,
        });
        let file = File { file: &checked.source.name, findings: findings.collect() };
        let before = if self.files == 0 { "{\"files\":[\n" } else { ",\n" };
        self.files += 1;
        anstream::print!("{before}{}", serde_json::to_string(&file)?);
        Ok(())
    }

    fn finish(&mut self) -> Result<(), Unusable> {
        anstream::println!("{}", if self.files == 0 { "{\"files\":[]}" } else { "\n]}" });
        Ok(())
    }
}
