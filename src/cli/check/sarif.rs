//! Findings as SARIF 2.1.0 (OASIS), as far as code scanning reads it: the rules with their help, and results with a region. It holds no text
//! of the sources.

use serde_json::{Value, json};

use super::{Checked, Reporter, Unusable};
use crate::validate::Severity;
use crate::validate::rules::TABLE;

#[derive(Default)]
pub(super) struct Sarif {
    results: usize,
}

impl Sarif {
    /// Everything before the first result, once.
    fn begin(&mut self) -> Result<(), Unusable> {
        if self.results == 0 {
            let rules: Vec<Value> = TABLE
                .iter()
                .map(|rule| {
                    json!({
                        "id": rule.id,
                        "shortDescription": {"text": rule.summary},
                        "fullDescription": {"text": rule.why},
                        "help": {"text": format!("{}. {} Source: {}", rule.summary, rule.why, rule.source)},
                        "defaultConfiguration": {"level": level(rule.severity)},
                    })
                })
                .collect();
            let driver = json!({
                "name": env!("CARGO_PKG_NAME"),
                "semanticVersion": env!("CARGO_PKG_VERSION"),
                "rules": rules,
            });
            anstream::print!(
                "{{\"$schema\":\"https://json.schemastore.org/sarif-2.1.0.json\",\"version\":\"2.1.0\",\"runs\":[{{\
                 \"tool\":{{\"driver\":{}}},\"columnKind\":\"unicodeCodePoints\",\"results\":[",
                serde_json::to_string(&driver)?
            );
        }
        Ok(())
    }
}

impl Reporter for Sarif {
    fn file(&mut self, checked: &Checked) -> Result<(), Unusable> {
        for located in &checked.findings {
            let (finding, span) = (&located.finding, &located.span);
            let result = json!({
                "ruleId": finding.rule,
                "level": level(finding.severity),
                "message": {"text": format!("{}\nHelp: {}", finding.message, finding.help)},
                "locations": [{
                    "physicalLocation": {
                        "artifactLocation": {"uri": uri(&checked.source.name)},
                        "region": {
                            "startLine": span.line,
                            "startColumn": span.column,
                            "endLine": span.end_line,
                            "endColumn": span.end_column,
                        },
                    },
                    "logicalLocations": [{"fullyQualifiedName": finding.pointer}],
                }],
            });
            self.begin()?;
            anstream::print!("{}\n{}", if self.results == 0 { "" } else { "," }, serde_json::to_string(&result)?);
            self.results += 1;
        }
        Ok(())
    }

    fn finish(&mut self) -> Result<(), Unusable> {
        self.begin()?;
        anstream::println!("\n]}}]}}");
        Ok(())
    }
}

fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Hint => "note",
    }
}

/// A path as a relative reference (RFC 3986).
fn uri(path: &str) -> String {
    const KEPT: &percent_encoding::AsciiSet =
        &percent_encoding::NON_ALPHANUMERIC.remove(b'/').remove(b'.').remove(b'-').remove(b'_').remove(b'~');
    percent_encoding::utf8_percent_encode(&path.replace('\\', "/"), KEPT).to_string()
}
