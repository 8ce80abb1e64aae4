//! What records are held against: patterns, compiled once, counts and shares. It reads no record.

use log_objects::level::{Row, Rows};
use memchr::memmem::Finder;
use regex::{Regex, RegexBuilder};
use regex_syntax::hir::{Hir, HirKind, Look};

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

/// A pattern of the configuration. Most are plain text, or begin with some at the start of a message, which is looked
/// for as such: without its search for literals, `regex` walks through every message.
#[derive(Clone, Debug)]
pub struct Pattern {
    text: String,
    matcher: Matcher,
}

#[derive(Clone, Debug)]
enum Matcher {
    /// Plain text, anywhere.
    Plain(Box<Finder<'static>>),
    /// Plain text at the start.
    Start(Box<[u8]>),
    /// What begins with this text at the start, which may be empty.
    Expression(Box<[u8]>, Regex),
}

impl Pattern {
    /// Compiles a pattern.
    ///
    /// # Errors
    /// When it is not a regular expression, or too large a one.
    pub fn new(text: &str) -> Result<Self, BadPattern> {
        let matcher = match regex_syntax::parse(text).as_ref().map(Hir::kind) {
            Ok(HirKind::Literal(literal)) => Matcher::Plain(Box::new(Finder::new(&literal.0).into_owned())),
            Ok(HirKind::Concat(parts)) => match parts.iter().map(Hir::kind).collect::<Vec<_>>()[..] {
                [HirKind::Look(Look::Start), HirKind::Literal(start)] => Matcher::Start(start.0.clone()),
                [HirKind::Look(Look::Start), HirKind::Literal(start), ..] => {
                    Matcher::Expression(start.0.clone(), compile(text)?)
                }
                _ => Matcher::Expression(Box::default(), compile(text)?),
            },
            _ => Matcher::Expression(Box::default(), compile(text)?),
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
            Matcher::Start(start) => text.as_bytes().starts_with(start),
            Matcher::Expression(start, regex) => text.as_bytes().starts_with(start) && regex.is_match(text),
        }
    }

    /// Where the first match begins, in bytes.
    pub fn find(&self, text: &str) -> Option<usize> {
        match &self.matcher {
            Matcher::Plain(finder) => finder.find(text.as_bytes()),
            Matcher::Start(start) => text.as_bytes().starts_with(start).then_some(0),
            Matcher::Expression(start, _) if !text.as_bytes().starts_with(start) => None,
            Matcher::Expression(_, regex) => regex.find(text).map(|found| found.start()),
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
    fn every_way_to_match_finds_what_the_expression_finds() {
        let patterns = [
            "",
            "^",
            "panicked at",
            "^panicked at",
            "^thread '.*' panicked",
            "^a|b",
            "^(?:a|b)",
            "(?i)^Thread",
            "^thread|x$",
            r"a\.c",
            r"^a\.c$",
            "(?m)^b",
            "^^a",
            "müde",
            "^mü?de",
            "a{2}",
            r"\Aab",
            "^ab*",
            "[t]hread",
        ];
        let texts = [
            "",
            "a",
            "b",
            "x",
            "abc a.c",
            "a.c",
            "aa",
            "ab\nb",
            "thread 'main' panicked at x",
            "panicked at x",
            "so müde",
            "müde",
        ];
        for (pattern, text) in patterns.iter().flat_map(|pattern| texts.map(|text| (pattern, text))) {
            let (ours, regex) = (Pattern::new(pattern).unwrap(), Regex::new(pattern).unwrap());
            assert_eq!(ours.find(text), regex.find(text).map(|found| found.start()), "{pattern} in {text}");
            assert_eq!(ours.is_match(text), regex.is_match(text), "{pattern} in {text}");
        }
    }

    #[test]
    fn expressions_run_only_where_no_plain_text_decides() {
        let matcher = |pattern: &str| match Pattern::new(pattern).unwrap().matcher {
            Matcher::Plain(finder) => format!("{} anywhere", String::from_utf8_lossy(finder.needle())),
            Matcher::Start(start) => format!("{} at the start", String::from_utf8_lossy(&start)),
            Matcher::Expression(start, _) => format!("from {:?}", String::from_utf8_lossy(&start)),
        };
        assert_eq!(matcher("Starting server"), "Starting server anywhere");
        assert_eq!(matcher(r"1\.0"), "1.0 anywhere");
        assert_eq!(matcher("^FATAL"), "FATAL at the start");
        assert_eq!(matcher("^thread '.*' panicked"), "from \"thread '\"");
        for pattern in ["^a|b", "(?i)^a", "a.b", "(?m)^a"] {
            assert_eq!(matcher(pattern), "from \"\"", "{pattern}");
        }
    }

    #[test]
    fn a_bad_pattern_is_named_with_its_reason() {
        let error = |pattern: &str| Checks::new(&[], &[pattern.to_owned()]).unwrap_err().to_string();
        assert_eq!(error("a(b"), "the pattern `a(b` cannot be used: unclosed group");
        assert!(error(r"\w{1000}{1000}").contains("size limit"), "{}", error(r"\w{1000}{1000}"));
        assert!(Checks::new(&["Starting server".to_owned(), "(?i)ready".to_owned()], &[]).is_ok());
    }
}
