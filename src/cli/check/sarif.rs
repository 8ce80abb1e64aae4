//! Findings as SARIF 2.1.0 (OASIS), as far as code scanning reads it: the rules with their help, and results with a
//! region. It holds no text of the sources, but for repairs that were asked for.

use std::io::{self, Write};

use serde_json::{Value, json};

use super::{Checked, Fix, Reporter, Span, Unread};
use crate::validate::rules::TABLE;
use crate::validate::{Rule, Severity};

#[derive(Default)]
pub(super) struct Sarif {
    results: usize,
    unread: Vec<Value>,
    /// Whether repairs are shown.
    has_fixes: bool,
}

impl Sarif {
    pub(super) fn new(has_fixes: bool) -> Self {
        Self { has_fixes, ..Self::default() }
    }

    /// Everything before the first result, once.
    fn begin(&mut self, out: &mut dyn Write) -> io::Result<()> {
        if self.results > 0 {
            return Ok(());
        }
        let driver = json!({
            "name": env!("CARGO_PKG_NAME"),
            "semanticVersion": env!("CARGO_PKG_VERSION"),
            "rules": TABLE.iter().map(|rule| descriptor(rule)).collect::<Vec<Value>>(),
        });
        write!(
            out,
            "{{\"$schema\":\"https://json.schemastore.org/sarif-2.1.0.json\",\"version\":\"2.1.0\",\"runs\":[{{\
             \"tool\":{{\"driver\":{driver}}},\"columnKind\":\"unicodeCodePoints\",\"results\":["
        )
    }
}

impl Reporter for Sarif {
    fn file(&mut self, checked: &Checked, out: &mut dyn Write) -> io::Result<()> {
        let uri = uri(&checked.source.name);
        for located in &checked.findings {
            let (finding, span) = (&located.finding, &located.span);
            let mut result = json!({
                "ruleId": finding.rule,
                "level": level(finding.severity),
                "message": {"text": format!("{}\nHelp: {}", finding.message, finding.help)},
                "locations": [{
                    "physicalLocation": {
                        "artifactLocation": {"uri": uri},
                        "region": region(span),
                    },
                    "logicalLocations": [{"fullyQualifiedName": finding.pointer}],
                }],
            });
            let fix = located.fix.as_ref().filter(|_| self.has_fixes);
            if let (Some(fix), Some(members)) = (fix.and_then(|fix| replacement(fix, &uri)), result.as_object_mut()) {
                members.insert("fixes".to_owned(), json!([fix]));
            }
            self.begin(out)?;
            write!(out, "{}\n{result}", if self.results == 0 { "" } else { "," })?;
            self.results += 1;
        }
        Ok(())
    }

    fn unread(&mut self, unread: &Unread, _: &mut dyn Write) -> io::Result<()> {
        self.unread.push(json!({"level": "error", "message": {"text": unread.to_string()}}));
        Ok(())
    }

    fn finish(&mut self, out: &mut dyn Write) -> io::Result<()> {
        self.begin(out)?;
        let invocation = json!({
            "executionSuccessful": self.unread.is_empty(),
            "toolExecutionNotifications": self.unread,
        });
        writeln!(out, "\n],\"invocations\":[{invocation}]}}]}}")
    }
}

fn region(span: &Span) -> Value {
    json!({
        "startLine": span.line,
        "startColumn": span.column,
        "endLine": span.end_line,
        "endColumn": span.end_column,
    })
}

/// A repair as viewers offer it.
fn replacement(fix: &Fix, uri: &str) -> Option<Value> {
    let text = fix.text.as_deref()?;
    Some(json!({
        "description": {"text": "what `--fix` would write"},
        "artifactChanges": [{
            "artifactLocation": {"uri": uri},
            "replacements": [{"deletedRegion": region(&fix.span), "insertedContent": {"text": text}}],
        }],
    }))
}

/// A rule as viewers of results explain it.
fn descriptor(rule: &Rule) -> Value {
    let mut descriptor = json!({
        "id": rule.id,
        "shortDescription": {"text": rule.summary},
        "fullDescription": {"text": rule.why},
        "help": {"text": format!("{}. {} Source: {}", rule.summary, rule.why, rule.source)},
        "defaultConfiguration": {"level": level(rule.severity)},
    });
    // A source can be a repository and a file, which is not an address.
    if let Some(members) = descriptor.as_object_mut().filter(|_| rule.source.starts_with("https://")) {
        members.insert("helpUri".to_owned(), rule.source.into());
    }
    descriptor
}

fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Hint => "note",
    }
}

/// A path as a relative reference (RFC 3986), or as the address of a file where it is absolute.
fn uri(path: &str) -> String {
    const KEPT: &percent_encoding::AsciiSet =
        &percent_encoding::NON_ALPHANUMERIC.remove(b'/').remove(b'.').remove(b'-').remove(b'_').remove(b'~');
    let path = path.strip_prefix("./").unwrap_or(path);
    let scheme = if path.starts_with('/') { "file://" } else { "" };
    format!("{scheme}{}", percent_encoding::utf8_percent_encode(path, KEPT))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_becomes_an_address_that_code_scanning_can_follow() {
        assert_eq!(uri("./deploy/my app.json"), "deploy/my%20app.json");
        assert_eq!(uri("/srv/web.json"), "file:///srv/web.json");
    }
}
