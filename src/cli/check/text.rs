//! Findings for people: the line of the source with a caret, the JSON pointer, what to do and the rule's id. Values
//! that may be secrets are starred out.

use std::io::{self, Write};
use std::ops::Range;

use annotate_snippets::{AnnotationKind, Level, Renderer, Snippet};

use super::mask::Mask;
use super::{Checked, Located, Reporter, Source, Unread};
use crate::cli::printable;
use crate::validate::Severity;

/// The width that is drawn to.
const WIDTH: usize = 120;

/// The bytes of a line that are drawn on each side of a place: a whole document may stand in one line.
const MAX_AROUND: usize = 200;

/// The characters of a pointer that are shown; the other formats have it whole.
const MAX_POINTER: usize = 200;

#[derive(Default)]
pub(super) struct Text {
    is_quiet: bool,
    files: usize,
    unread: usize,
    errors: usize,
    warnings: usize,
    hints: usize,
    fixable: usize,
}

impl Reporter for Text {
    fn file(&mut self, checked: &Checked, out: &mut dyn Write) -> io::Result<()> {
        self.files += 1;
        if checked.findings.is_empty() {
            return Ok(());
        }
        let mask = Mask::of(&checked.source.text);
        for located in &checked.findings {
            *match located.finding.severity {
                Severity::Error => &mut self.errors,
                Severity::Warning => &mut self.warnings,
                Severity::Hint => &mut self.hints,
            } += 1;
            self.fixable += usize::from(located.fix.is_some());
            writeln!(out, "{}\n", draw(&checked.source, &mask, located))?;
        }
        Ok(())
    }

    fn unread(&mut self, _: &Unread, _: &mut dyn Write) -> io::Result<()> {
        self.unread += 1;
        Ok(())
    }

    fn finish(&mut self, out: &mut dyn Write) -> io::Result<()> {
        if self.is_quiet { Ok(()) } else { writeln!(out, "{}", self.summary()) }
    }
}

impl Text {
    /// With a summary at the end, unless it is to be quiet.
    pub(super) fn new(is_quiet: bool) -> Self {
        Self { is_quiet, ..Self::default() }
    }

    fn summary(&self) -> String {
        let count = |number: usize, what: &str| format!("{number} {what}{}", if number == 1 { "" } else { "s" });
        let kinds = [(self.errors, "error"), (self.warnings, "warning"), (self.hints, "hint")];
        let found: Vec<String> =
            kinds.iter().filter(|(number, _)| *number > 0).map(|(number, what)| count(*number, what)).collect();
        let checked = match (self.files, found.is_empty()) {
            (0, _) => "nothing was checked".to_owned(),
            (files, true) => format!("{}: nothing to say", count(files, "file")),
            (files, false) => format!("{}: {}", count(files, "file"), found.join(", ")),
        };
        let unread = match self.unread {
            0 => String::new(),
            number => format!("; {} could not be read", count(number, "file")),
        };
        let fixable = match self.fixable {
            0 => String::new(),
            number => format!("; `--fix` repairs {number} of them, `--diff` shows how"),
        };
        format!("{checked}{unread}{fixable}")
    }
}

fn draw(source: &Source, mask: &Mask, located: &Located) -> String {
    let (finding, span) = (&located.finding, &located.span);
    let level = match finding.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
        Severity::Hint => Level::INFO.with_name("hint"),
    };
    let (line, place) = excerpt(&source.text, mask, &span.bytes);
    let drawn_column = line.get(..place.start).unwrap_or_default().chars().count() + 1;
    let pointer: String = printable(&finding.pointer).chars().take(MAX_POINTER).collect();
    let annotation = AnnotationKind::Primary.span(place).label((!pointer.is_empty()).then_some(pointer));
    let name = printable(&source.name);
    let snippet = Snippet::source(line).path(&name).line_start(span.line).annotation(annotation);
    let group = level
        .primary_title(printable(&finding.message))
        .id(finding.rule.as_str())
        .element(snippet)
        .element(Level::HELP.message(printable(&finding.help)));
    let drawn = Renderer::styled().term_width(WIDTH).render(&[group]);
    // The renderer counts columns in what it was given, which is a part of the line, with stars in it.
    let place = |column: usize| format!("{name}:{}:{column}", span.line);
    drawn.replacen(&place(drawn_column), &place(span.column), 1)
}

/// The line of a place as far as it is worth drawing, with stars for what may be secret, and the place in it.
fn excerpt(text: &str, mask: &Mask, place: &Range<usize>) -> (String, Range<usize>) {
    let (line, part) = (line_around(text, place.start), part_of_line(text, place.start));
    let (before, after) = (cut_mark(line.start < part.start), cut_mark(part.end < line.end));
    let moved = |at: usize| before.len() + mask.moved(at.min(part.end), part.clone());
    let place = moved(place.start)..moved(place.end);
    (format!("{before}{}{after}", mask.show_part(text, part)), place)
}

fn cut_mark(is_cut: bool) -> &'static str {
    if is_cut { "..." } else { "" }
}

fn line_around(text: &str, at: usize) -> Range<usize> {
    let (before, after) = text.split_at_checked(at).unwrap_or((text, ""));
    before.rfind('\n').map_or(0, |newline| newline + 1)..after.find('\n').map_or(text.len(), |newline| at + newline)
}

/// The part of a line that is drawn around a byte.
fn part_of_line(text: &str, at: usize) -> Range<usize> {
    let line = line_around(text, at);
    let boundary = |at: usize| (at..=text.len()).find(|at| text.is_char_boundary(*at)).unwrap_or(text.len());
    boundary(line.start.max(at.saturating_sub(MAX_AROUND)))..boundary(line.end.min(at + MAX_AROUND))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_line_is_drawn_around_the_place() {
        let text = format!("{}é{}\n", "a".repeat(1_000), "b".repeat(1_000));
        let part = part_of_line(&text, 1_000);
        assert_eq!((part.start, part.end), (800, 1_200));
        assert_eq!(part_of_line(&text, 1_201).start, 1_002, "not inside of a character");
        assert_eq!(part_of_line("a\nbc\nd", 3), 2..4);
        assert_eq!(part_of_line("", 0), 0..0);
        let (line, place) = excerpt(&text, &Mask::of("{}"), &(1_000..1_002));
        assert_eq!((line.len(), line.get(place)), (406, Some("é")));
        assert!(line.starts_with("...a") && line.ends_with("b..."), "{line}");
    }

    #[test]
    fn nothing_reaches_the_terminal_that_moves_its_cursor() {
        assert_eq!(printable("a\u{1b}[2J\nb\u{202e}é"), "a\\u{1b}[2J\\nb\\u{202e}é");
    }
}
