//! The checks on a task definition before anything is registered: the frame (rule, finding, severity) and the walk over
//! the table. Pure: no I/O; what it finds is data about the user's document, never an error.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::image::Platform;
use crate::task_definition::references::Reference;
use crate::task_definition::schema::{self, Departures};
use crate::task_definition::{Container, TaskDefinition, Unreadable};
use crate::text::Text;

pub mod guard;
pub mod json_schema;
pub mod levels;
mod log_choice;
pub(crate) mod nearest;
mod router_severity;
mod rule;
pub mod rules;

use guard::Guarded;
use rule::Check;
pub(crate) use rule::Kind;
pub use rule::{FoundIn, Repair, Rule, RuleEvidence, RuleId};

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
    pub rule: RuleId,
    /// How bad it is.
    pub severity: Severity,
    /// The place, as a JSON pointer into the document; empty for the document as a whole.
    pub pointer: Text,
    /// The fact.
    pub message: Text,
    /// The next action.
    pub help: Text,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}\n  help: {}", self.headline(), self.help)
    }
}

impl Finding {
    /// What it says, in one line without the help.
    pub fn headline(&self) -> String {
        let place = if self.pointer.is_empty() { "the document" } else { &self.pointer };
        format!("{}[{}] {place}: {}", self.severity, self.rule, self.message)
    }
}

/// What the rules look at.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    /// The document that would be registered.
    pub definition: &'a TaskDefinition,
    /// The container that gets the traffic and the image: `Main`, unless the configuration says otherwise.
    pub container: &'a str,
    /// The platforms of the images whose manifests were read, each with the name of its container.
    pub images: &'a [(&'a str, &'a [Platform])],
    /// Whether a person wrote the document, or AWS described it.
    pub origin: Origin,
    /// What the document may name; `None` means no restriction.
    pub guard: Option<Guarded<'a>>,
    /// The verification's timeout in seconds, where logs are to be verified.
    pub verify_timeout: Option<u64>,
    /// The containers whose logs are to be verified, too.
    pub verify_containers: &'a [String],
}

impl<'a> Subject<'a> {
    /// The containers whose logs are to be verified; none where none are.
    fn verified_containers(&self) -> impl Iterator<Item = &'a str> {
        let others = self.verify_containers.iter().map(String::as_str).filter(|name| *name != self.container);
        std::iter::once(self.container).chain(others).filter(|_| self.verify_timeout.is_some())
    }
}

/// Who wrote the document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A person uploaded it.
    Uploaded,
    /// It was drafted from the live revision, which ECS accepted before.
    Live,
}

/// Where a rule puts what it found.
#[derive(Debug)]
pub struct Findings<'a> {
    rule: &'a Check,
    found: &'a mut Vec<Finding>,
    departures: &'a Departures,
    refused: &'a [Reference],
    /// The places that still have a placeholder, of which nothing else is to be said.
    unfilled: &'a mut Vec<String>,
    /// How many findings this rule has, with those that were not kept.
    count: usize,
    /// The worst severity that a finding may have.
    ceiling: Severity,
    concluded: bool,
}

/// The findings of one rule that are kept: a document can be wrong in thousands of places in the same way.
const MAX_PER_RULE: usize = 20;

impl<'a> Findings<'a> {
    /// Where the document departs from the ECS API model: several rules speak of it, and the walk is the most expensive
    /// part of all.
    pub fn departures(&self) -> &'a Departures {
        self.departures
    }

    /// What the document names and the guard does not allow, for the same reason.
    fn refused(&self) -> &'a [Reference] {
        self.refused
    }

    /// Adds a finding with the rule's severity.
    pub fn add(&mut self, pointer: impl Into<Text>, message: impl Into<Text>, help: impl Into<Text>) {
        self.add_as(self.rule.severity, pointer, message, help);
    }

    /// Adds a finding that is less (or more) severe than the rule's usual one.
    pub fn add_as(
        &mut self,
        severity: Severity,
        pointer: impl Into<Text>,
        message: impl Into<Text>,
        help: impl Into<Text>,
    ) {
        let (pointer, message, help) = (pointer.into(), message.into(), help.into());
        if self.unfilled.iter().any(|unfilled| *pointer == **unfilled) {
            return;
        }
        let (rule, severity) = (RuleId::of(self.rule.id), severity.min(self.ceiling));
        let finding = Finding { rule, severity, pointer, message, help };
        self.count += 1;
        if self.count <= MAX_PER_RULE {
            return self.found.push(finding);
        }
        // The last of the least severe ones makes room for a worse one.
        let kept = self.found.len().saturating_sub(MAX_PER_RULE);
        let least = self.found.iter_mut().skip(kept).rev().min_by_key(|finding| finding.severity);
        if let Some(least) = least.filter(|least| least.severity < severity) {
            *least = finding;
        }
    }

    /// Says at the last finding of the rule how many there are, where not all of them were kept.
    fn tell_count(&mut self) {
        if let Some(last) = self.found.last_mut().filter(|_| self.count > MAX_PER_RULE) {
            let message = format!("{} ({MAX_PER_RULE} of {} are shown)", last.message, grouped(self.count));
            last.message = message.into();
        }
    }

    /// Adds a finding about a value that a template has left open: what other rules would say of it is said by this one.
    fn add_unfilled(&mut self, pointer: String, message: impl Into<Text>, help: impl Into<Text>) {
        self.add(pointer.as_str(), message, help);
        self.unfilled.push(pointer);
    }

    /// Ends the walk after this rule: whatever later rules would say follows from what was found here.
    pub fn conclude(&mut self) {
        self.concluded = true;
    }
}

/// Runs the rules of the table; the worst findings come first, otherwise in the table's order.
pub fn validate(subject: &Subject<'_>) -> Vec<Finding> {
    let departures = schema::departures(subject.definition);
    let refused = subject.guard.map(|guard| guard.refused(subject.definition, subject.origin)).unwrap_or_default();
    let (mut findings, mut unfilled) = (Vec::new(), Vec::new());
    for rule in rules::CHECKS {
        let mut report = Findings {
            rule,
            found: &mut findings,
            departures: &departures,
            refused: &refused,
            unfilled: &mut unfilled,
            ceiling: ceiling(rule, subject.origin),
            count: 0,
            concluded: false,
        };
        (rule.run)(subject, &mut report);
        report.tell_count();
        if report.concluded {
            break;
        }
    }
    findings.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
    findings
}

/// How bad a finding of a rule can be. ECS registered a live definition and runs it, so whatever a rule finds in the
/// document alone cannot be what stops the next release of it; what it finds by the new image or the configuration can.
fn ceiling(rule: &Check, origin: Origin) -> Severity {
    match origin {
        Origin::Live if !rule.looks_beyond_the_document => Severity::Warning,
        Origin::Live | Origin::Uploaded => Severity::Error,
    }
}

/// Whether the document must not be registered.
pub fn is_rejected(findings: &[Finding]) -> bool {
    findings.iter().any(|finding| finding.severity == Severity::Error)
}

/// The finding about a text that is not a task definition at all, so that no rule can look at it.
pub fn unreadable(error: &Unreadable) -> Finding {
    const UNREADABLE: Kind = Kind::of(&rules::elsewhere::UNREADABLE_DOCUMENT);
    const OVERSIZED: Kind = Kind::of(&rules::elsewhere::OVERSIZED_DOCUMENT);
    let (kind, message, help) = match error {
        Unreadable::TooLong => (OVERSIZED, error.to_string(), "is it a task definition?"),
        Unreadable::TooLarge(_) => (
            OVERSIZED,
            error.to_string(),
            "shorten the document: move environment values to `environmentFiles`, and files to the image",
        ),
        Unreadable::Encoded(_) => (
            UNREADABLE,
            error.to_string(),
            "save it as UTF-8; in Windows PowerShell, write with `| Out-File -Encoding utf8` instead of `>`",
        ),
        Unreadable::NotJson { line, column, message, help } => {
            (UNREADABLE, format!("the document is not JSON at line {line}, column {column}: {message}"), *help)
        }
        Unreadable::NotAnObject(_) => (
            UNREADABLE,
            error.to_string(),
            "upload the object that `aws ecs register-task-definition --cli-input-json` takes",
        ),
    };
    kind.finding(String::new(), message, help)
}

/// A number with its thousands apart, as in `2,299`.
fn grouped(number: usize) -> String {
    let digits = number.to_string();
    let mut shown = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            shown.push(',');
        }
        shown.push(digit);
    }
    shown
}

/// The characters of a name from the document that a message shows: ECS allows names of 255, a wrong document any
/// length.
const MAX_SHOWN: usize = 100;

/// A name from the document as messages show it: in backticks, bounded, control characters escaped.
fn quoted(name: &str) -> String {
    quoted_within(name, MAX_SHOWN)
}

/// The same, with a bound of one's own.
fn quoted_within(name: &str, most: usize) -> String {
    let mut shown = String::from("`");
    for character in name.chars().take(most) {
        if character.is_control() {
            shown.extend(character.escape_default());
        } else {
            shown.push(character);
        }
    }
    shown.push_str(if name.chars().nth(most).is_some() { "…`" } else { "`" });
    shown
}

/// A container as messages call it: by its name, else by its place.
fn label(container: Container<'_>) -> String {
    match container.name() {
        Some(name) if !name.is_empty() => quoted(name),
        _ => format!("container {}", container.index),
    }
}

/// Whether the object says nothing under this name: absent, null or empty text. A value of a wrong type is something,
/// and the rule `wrong-type` speaks of it.
fn is_missing(members: &Map<String, Value>, name: &str) -> bool {
    match members.get(name) {
        None | Some(Value::Null) => true,
        Some(Value::String(text)) => text.is_empty(),
        Some(_) => false,
    }
}

/// Whether ECS takes the text as a family or container name: 1 to 255 letters, digits, hyphens and underscores (Amazon
/// ECS developer guide, "Task definition parameters").
fn is_valid_name(name: &str) -> bool {
    (1..=255).contains(&name.len()) && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_that_is_no_document_is_a_finding_with_a_place() {
        let shown = |text: &[u8]| unreadable(&TaskDefinition::parse(text).unwrap_err()).to_string();
        assert_eq!(
            shown(b"{\"family\": \"web\",}"),
            "error[unreadable-document] the document: the document is not JSON at line 1, column 18: a comma stands before \
             the bracket\n  help: remove the comma"
        );
        assert!(
            shown(b"[]").contains("[unreadable-document] the document: the document is an array, not a JSON object")
        );
        assert!(
            shown(format!(r#"{{"family": "{}"}}"#, "x".repeat(70_000)).as_bytes())
                .starts_with("error[oversized-document] the document: the document has 70013 bytes without its spaces")
        );
    }

    #[test]
    fn a_cap_keeps_the_worst_and_says_how_many_there_are() {
        assert_eq!(["7", "999", "1,000", "2,299", "1,234,567"], [7, 999, 1_000, 2_299, 1_234_567].map(grouped));
        let check = Check::of(rules::TABLE[0]);
        let (departures, mut found, mut unfilled) = (Departures::default(), Vec::new(), Vec::new());
        let mut report = Findings {
            rule: &check,
            found: &mut found,
            departures: &departures,
            refused: &[],
            unfilled: &mut unfilled,
            count: 0,
            ceiling: Severity::Error,
            concluded: false,
        };
        for at in 0..2_298 {
            report.add_as(Severity::Hint, format!("/{at}"), "m", "h");
        }
        report.add_as(Severity::Error, "/last", "m", "h");
        report.tell_count();
        assert_eq!(found.len(), MAX_PER_RULE);
        assert_eq!(found.iter().filter(|finding| finding.severity == Severity::Error).count(), 1);
        assert_eq!(*found.last().unwrap().message, *"m (20 of 2,299 are shown)");
    }

    #[test]
    fn names_are_shown_bounded_and_without_control_characters() {
        assert_eq!(quoted("Main"), "`Main`");
        assert_eq!(quoted("a\nb"), "`a\\nb`");
        assert_eq!(quoted(&"x".repeat(100)).len(), 102);
        assert_eq!(quoted(&"x".repeat(101)), format!("`{}…`", "x".repeat(100)));
    }
}
