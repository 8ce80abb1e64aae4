//! Findings for people: the line of the source with a caret, the JSON pointer, what to do and the rule's id. Values that may be secrets are
//! starred out.

use annotate_snippets::{AnnotationKind, Level, Renderer, Snippet};

use super::locate::Locator;
use super::{Checked, Located, Reporter, Unusable};
use crate::validate::Severity;

/// The width that is drawn to.
const WIDTH: usize = 120;

#[derive(Default)]
pub(super) struct Text {
    files: usize,
    errors: usize,
    warnings: usize,
    hints: usize,
    fixable: usize,
}

impl Reporter for Text {
    fn file(&mut self, checked: &Checked) -> Result<(), Unusable> {
        self.files += 1;
        let masked = Locator::new(&checked.source.text).masked();
        for located in &checked.findings {
            *match located.finding.severity {
                Severity::Error => &mut self.errors,
                Severity::Warning => &mut self.warnings,
                Severity::Hint => &mut self.hints,
            } += 1;
            self.fixable += usize::from(located.fixable);
            anstream::println!("{}\n", draw(&checked.source.name, &masked, located));
        }
        Ok(())
    }

    fn finish(&mut self) -> Result<(), Unusable> {
        let count = |number: usize, what: &str| format!("{number} {what}{}", if number == 1 { "" } else { "s" });
        let kinds = [(self.errors, "error"), (self.warnings, "warning"), (self.hints, "hint")];
        let found: Vec<String> =
            kinds.iter().filter(|(number, _)| *number > 0).map(|(number, what)| count(*number, what)).collect();
        let found = if found.is_empty() { "nothing to say".to_owned() } else { found.join(", ") };
        let fixable = match self.fixable {
            0 => String::new(),
            number => format!("; `--fix` repairs {number} of them, `--diff` shows how"),
        };
        anstream::println!("{}: {found}{fixable}", count(self.files, "file"));
        Ok(())
    }
}

fn draw(name: &str, masked: &str, located: &Located) -> String {
    let finding = &located.finding;
    let level = match finding.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
        Severity::Hint => Level::INFO.with_name("hint"),
    };
    let annotation = AnnotationKind::Primary.span(located.span.bytes.clone()).label(finding.pointer.as_str());
    let group = level
        .primary_title(finding.message.as_str())
        .id(finding.rule.as_str())
        .element(Snippet::source(masked).path(name).annotation(annotation))
        .element(Level::HELP.message(finding.help.as_str()));
    Renderer::styled().term_width(WIDTH).render(&[group])
}
