//! The checks on a task definition before anything is registered: the frame (rule, finding, severity) and the walk over the table.
//! It asks nobody and changes nothing; what it finds is data about the user's document, never an error.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::image::Platform;
use crate::task_definition::TaskDefinition;

pub mod rules;

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Worth knowing.
    Hint,
    /// Works, but probably not as meant.
    Warning,
    /// Cannot work on Express Mode: nothing is registered.
    Error,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Hint => "hint",
            Self::Warning => "warning",
            Self::Error => "error",
        })
    }
}

/// One thing that a rule has to say about a document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// The rule's id.
    pub rule: String,
    /// How bad it is.
    pub severity: Severity,
    /// The place, as a JSON pointer into the document; empty for the document as a whole.
    pub pointer: String,
    /// The fact.
    pub message: String,
    /// The next action.
    pub help: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = if self.pointer.is_empty() { "the document" } else { &self.pointer };
        write!(f, "{}[{}] {place}: {}\n  help: {}", self.severity, self.rule, self.message, self.help)
    }
}

/// What the rules look at.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    /// The document that would be registered.
    pub definition: &'a TaskDefinition,
    /// The container that gets the traffic and the image: `Main`, unless the configuration says otherwise.
    pub container: &'a str,
    /// The platforms that the container's image has, where its manifest was read.
    pub platforms: Option<&'a [Platform]>,
    /// Whether a person wrote the document, or AWS described it.
    pub origin: Origin,
    /// Role ARN globs that the document may use; `None` means no restriction.
    pub allowed_roles: Option<&'a [String]>,
    /// Registries that images may come from; `None` means no restriction.
    pub allowed_registries: Option<&'a [String]>,
    /// The verification's timeout in seconds, where logs are to be verified.
    pub verify_timeout: Option<u64>,
}

/// Who wrote the document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A person uploaded it.
    Uploaded,
    /// It was drafted from the live revision, which ECS accepted before.
    Live,
}

/// One check: a row of the table in `rules`.
#[derive(Debug)]
pub struct Rule {
    /// The id: kebab case, the name of the rule's file, stable for ever.
    pub id: &'static str,
    /// The severity of its findings.
    pub severity: Severity,
    /// What it reports, in one sentence.
    pub summary: &'static str,
    /// The check.
    pub check: fn(&Subject<'_>, &mut Report<'_>),
}

/// Where a rule puts what it found.
#[derive(Debug)]
pub struct Report<'a> {
    rule: &'a Rule,
    findings: &'a mut Vec<Finding>,
}

/// The findings of one rule that are kept: a document can be wrong in thousands of places in the same way.
const MAX_PER_RULE: usize = 20;

impl Report<'_> {
    /// Adds a finding with the rule's severity.
    pub fn add(&mut self, pointer: impl Into<String>, message: impl Into<String>, help: impl Into<String>) {
        self.add_as(self.rule.severity, pointer, message, help);
    }

    /// Adds a finding that is less (or more) severe than the rule's usual one.
    pub fn add_as(
        &mut self,
        severity: Severity,
        pointer: impl Into<String>,
        message: impl Into<String>,
        help: impl Into<String>,
    ) {
        if self.findings.iter().rev().take_while(|finding| finding.rule == self.rule.id).count() < MAX_PER_RULE {
            let (pointer, message, help) = (pointer.into(), message.into(), help.into());
            self.findings.push(Finding { rule: self.rule.id.to_owned(), severity, pointer, message, help });
        }
    }
}

/// Runs every rule of the table; the worst findings come first, otherwise in the table's order.
pub fn validate(subject: &Subject<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for rule in rules::TABLE {
        (rule.check)(subject, &mut Report { rule, findings: &mut findings });
    }
    findings.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
    findings
}

/// Whether the document must not be registered.
pub fn is_rejected(findings: &[Finding]) -> bool {
    findings.iter().any(|finding| finding.severity == Severity::Error)
}

/// stub
pub fn unreadable(error: &crate::task_definition::Unreadable) -> Finding {
    Finding {
        rule: "unreadable-document".into(),
        severity: Severity::Error,
        pointer: String::new(),
        message: error.to_string(),
        help: String::new(),
    }
}
