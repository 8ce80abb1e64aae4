//! What records are held against: patterns, compiled once, counts and shares. It reads no record.

use log_objects::level::{Row, Rows};
use memchr::memmem::Finder;
use regex::{Regex, RegexBuilder};

use super::S3Output;
use super::compare::Compare;

/// The memory that one compiled pattern may take, in bytes. Patterns are trusted less than code: they come from a file.
const PATTERN_SIZE: usize = 1 << 20;

/// A pattern that is not a regular expression, or too large a one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the pattern `{pattern}` cannot be used: {reason}")]
pub struct BadPattern {
    /// The pattern, as it was configured.
    pub pattern: String,
    /// What the compiler says, in one line.
    pub reason: String,
}

/// A pattern of the configuration. Most are plain text, which is searched for as such.
#[derive(Clone, Debug)]
pub struct Pattern {
    text: String,
    matcher: Matcher,
}

#[derive(Clone, Debug)]
enum Matcher {
    Plain(Box<Finder<'static>>),
    Expression(Regex),
}

impl Pattern {
    /// Compiles a pattern.
    ///
    /// # Errors
    /// When it is not a regular expression, or too large a one.
    pub fn new(text: &str) -> Result<Self, BadPattern> {
        let matcher = match regex::escape(text) == text {
            true => Matcher::Plain(Box::new(Finder::new(text).into_owned())),
            false => Matcher::Expression(compile(text)?),
        };
        Ok(Self { text: text.to_owned(), matcher })
    }

    /// The pattern, as it was configured.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether a text matches somewhere.
    pub fn is_match(&self, text: &str) -> bool {
        match &self.matcher {
            Matcher::Plain(finder) => finder.find(text.as_bytes()).is_some(),
            Matcher::Expression(regex) => regex.is_match(text),
        }
    }

    /// Where the first match begins, in bytes.
    pub fn find(&self, text: &str) -> Option<usize> {
        match &self.matcher {
            Matcher::Plain(finder) => finder.find(text.as_bytes()),
            Matcher::Expression(regex) => regex.find(text).map(|found| found.start()),
        }
    }
}

/// What the records must and must not say.
#[derive(Clone, Debug, Default)]
pub struct Checks {
    expect: Vec<Pattern>,
    forbid: Vec<Pattern>,
    containers: Vec<String>,
    /// Records of all containers together that make a proof.
    pub min_records: u64,
    /// The largest share of errors, from 0 to 1.
    pub max_error_ratio: Option<f64>,
    /// How the errors are compared with the old revision's.
    pub compare: Option<Compare>,
    /// Whether samples show the texts of records.
    pub shows_text: bool,
    counts_all: bool,
    rows: Rows,
}

impl Checks {
    /// Compiles `expect` (each must match a record) and `forbid` (none may match).
    pub fn new(expect: &[String], forbid: &[String]) -> Result<Self, BadPattern> {
        let compile =
            |patterns: &[String]| patterns.iter().map(|pattern| Pattern::new(pattern)).collect::<Result<Vec<_>, _>>();
        Ok(Self { expect: compile(expect)?, forbid: compile(forbid)?, shows_text: true, ..Self::default() })
    }

    /// The same for the old revision's records: every record is counted, and what is forbidden, too; nothing is judged.
    #[must_use]
    pub fn counting(&self) -> Self {
        Self {
            counts_all: true,
            forbid: self.forbid.clone(),
            rows: self.rows,
            shows_text: self.shows_text,
            ..Self::default()
        }
    }

    /// Leaves a row of the table of levels out, where there is one of this name.
    pub fn ignore(&mut self, row: &str) {
        self.rows = Row::by_id(row).map_or(self.rows, |row| self.rows.without(row));
    }

    /// The rows of the table by which levels are read.
    pub fn rows(&self) -> Rows {
        self.rows
    }

    /// Asks for a record of each of the outputs' containers.
    pub fn require(&mut self, outputs: &[S3Output]) {
        self.containers = outputs.iter().map(|output| output.container.clone()).collect();
    }

    /// The patterns that must match, in the order of the configuration.
    pub fn expect(&self) -> &[Pattern] {
        &self.expect
    }

    /// The patterns that must not match.
    pub fn forbid(&self) -> &[Pattern] {
        &self.forbid
    }

    /// The containers that must each have a record.
    pub fn containers(&self) -> &[String] {
        &self.containers
    }

    /// Whether records that come after a pass can still turn it, so that the canary is watched as long as it bakes.
    pub fn keeps_watching(&self) -> bool {
        self.counts_all || !self.forbid.is_empty() || self.max_error_ratio.is_some() || self.compare.is_some()
    }
}

fn compile(pattern: &str) -> Result<Regex, BadPattern> {
    RegexBuilder::new(pattern).size_limit(PATTERN_SIZE).dfa_size_limit(PATTERN_SIZE).build().map_err(|error| {
        // A syntax error is a drawing of several lines; its last line is the sentence.
        let text = error.to_string();
        let last = text.lines().last().unwrap_or_default();
        let reason = last.strip_prefix("error: ").unwrap_or(last).trim_end_matches('.').to_owned();
        BadPattern { pattern: pattern.to_owned(), reason }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_text_and_expressions_find_the_same() {
        let find = |pattern: &str, text: &str| Pattern::new(pattern).unwrap().find(text);
        assert_eq!(find("panicked at", "thread 'main' panicked at x"), Some(14));
        assert_eq!(find("panicked  ?at", "thread 'main' panicked at x"), Some(14));
        assert_eq!(
            (find("müde", "so müde"), find("a.c", "abc a.c"), find("a[.]c", "abc a.c")),
            (Some(3), Some(0), Some(4))
        );
        assert!(Pattern::new("").unwrap().is_match("") && !Pattern::new("x").unwrap().is_match(""));
        assert!(matches!(Pattern::new("Starting server").unwrap().matcher, Matcher::Plain(_)));
        assert!(matches!(Pattern::new("a|b").unwrap().matcher, Matcher::Expression(_)));
    }

    #[test]
    fn a_bad_pattern_is_named_with_its_reason() {
        let error = |pattern: &str| Checks::new(&[], &[pattern.to_owned()]).unwrap_err().to_string();
        assert_eq!(error("a(b"), "the pattern `a(b` cannot be used: unclosed group");
        assert!(error(r"\w{1000}{1000}").contains("size limit"), "{}", error(r"\w{1000}{1000}"));
        assert!(Checks::new(&["Starting server".to_owned(), "(?i)ready".to_owned()], &[]).is_ok());
    }
}
