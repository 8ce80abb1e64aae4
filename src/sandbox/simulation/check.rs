//! What must hold when all is quiet.

use std::fmt;

use super::facts::Facts;
use super::story::Story;

/// A property that does not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Which one: `P1` to `P7`, or a word.
    pub property: &'static str,
    /// What is wrong.
    pub what: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "violates {}: {}", self.property, self.what)
    }
}

/// A run that is over.
#[derive(Clone, Copy, Debug)]
pub(super) struct Seen<'a> {
    pub(super) story: &'a Story,
    pub(super) facts: &'a Facts,
    pub(super) log: &'a [String],
}

/// All violations.
pub(super) fn all(_seen: &Seen<'_>) -> Vec<Violation> {
    Vec::new()
}
