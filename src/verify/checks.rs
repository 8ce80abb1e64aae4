//! The patterns that records are held against, compiled once. It reads no record.

use regex::{Regex, RegexBuilder};

/// The memory that one compiled pattern may take, in bytes.
const PATTERN_SIZE: usize = 1 << 20;

/// A pattern that is no regular expression, or too large a one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the pattern `{pattern}` cannot be used: {reason}")]
pub struct BadPattern {
    /// The pattern, as it was configured.
    pub pattern: String,
    /// What the compiler says, in one line.
    pub reason: String,
}

/// What the records must and must not say.
#[derive(Clone, Debug, Default)]
pub struct Checks {
    expect: Vec<Regex>,
    forbid: Vec<Regex>,
}

impl Checks {
    /// Compiles `expect` (each must match a record) and `forbid` (none may match).
    pub fn new(expect: &[String], forbid: &[String]) -> Result<Self, BadPattern> {
        let compile =
            |patterns: &[String]| patterns.iter().map(|pattern| compile(pattern)).collect::<Result<Vec<_>, _>>();
        Ok(Self { expect: compile(expect)?, forbid: compile(forbid)? })
    }

    /// The patterns that must match, in the order of the configuration.
    pub fn expect(&self) -> &[Regex] {
        &self.expect
    }

    /// The patterns that must not match.
    pub fn forbid(&self) -> &[Regex] {
        &self.forbid
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
    fn a_bad_pattern_is_named_with_its_reason() {
        let error = |pattern: &str| Checks::new(&[], &[pattern.to_owned()]).unwrap_err().to_string();
        assert_eq!(error("a(b"), "the pattern `a(b` cannot be used: unclosed group");
        assert!(error(r"\w{1000}{1000}").contains("size limit"), "{}", error(r"\w{1000}{1000}"));
        assert!(Checks::new(&["Starting server".to_owned(), "(?i)ready".to_owned()], &[]).is_ok());
    }
}
