//! What a rule is: its id, its words for people, and the part of it that runs. No rule is written here.

use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::{Finding, Findings, Severity, Subject};
use crate::text::Text;

/// The id of a rule, as findings, the configuration and the command line name it. Nothing but the table of rules makes
/// one.
///
/// ```compile_fail
/// let id = express_deployer::validate::RuleId("made-up".into());
/// ```
///
/// A report that another version wrote may name a rule that this one does not know.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RuleId(Cow<'static, str>);

impl RuleId {
    pub(super) const fn of(id: &'static str) -> Self {
        Self(Cow::Borrowed(id))
    }

    /// Its text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RuleId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl PartialEq<str> for RuleId {
    fn eq(&self, other: &str) -> bool {
        self.0 == other
    }
}

impl PartialEq<&str> for RuleId {
    fn eq(&self, other: &&str) -> bool {
        self.0 == *other
    }
}

/// Where a rule finds what it reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum FoundIn {
    /// In a task definition, by itself or by the configuration and images beside it.
    Document,
    /// While a release is planned: in the registry, in the bucket, in the live service.
    Plan,
    /// While a text is read.
    Reading,
}

/// What repairs the findings of a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Repair {
    /// This JSON is the value at the pointer.
    Set(&'static str),
    /// This JSON is an item of the list at the pointer.
    Add(&'static str),
    /// The container, whose `dependsOn` the pointer leads to, waits for the log router.
    AwaitRouter,
    /// A name for the only port mapping of its container.
    NamePort,
    /// The member gets the name that was meant, where it is a slip.
    Rename,
    /// The value gets the type that the model has there, where its text can be taken for one.
    Retype,
    /// The member goes.
    Remove,
    /// The value at the pointer takes the place of the whole document.
    Unwrap,
    /// The value gets the upper and lower case of the model's.
    Recase,
}

/// Why a rule is as severe as it is. What is only written down somewhere is a warning: AWS takes more than its pages say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "camelCase")]
pub enum RuleEvidence {
    /// ECS, its agent or Express Mode refuses it.
    Refused {
        /// In these words; `…` stands for names and numbers.
        words: &'static str,
        /// Where they were seen, which is no documentation page.
        seen: &'static str,
    },
    /// It is taken and breaks later, or does not do what it says.
    Observed {
        /// Where that was seen: an address, or a repository and the file that does it.
        seen: &'static str,
    },
    /// The API model allows nothing else.
    Modelled,
    /// The reference says so, and nobody has seen it enforced.
    Documented,
    /// The configuration of the deployer says so.
    Configured,
}

/// A row of the table in `rules`.
#[derive(Debug)]
pub struct Rule {
    /// The id: kebab case, the name of the rule's file, stable for ever.
    pub id: &'static str,
    /// The severity of its findings.
    pub severity: Severity,
    /// What it reports, in one sentence without a full stop.
    pub summary: &'static str,
    /// What happens on AWS otherwise, in one to three sentences.
    pub why: &'static str,
    /// Where the fact is written down: the address of an AWS or Fluent Bit page, or a repository and a file.
    pub source: &'static str,
    /// Why it is as severe as it is.
    pub evidence: RuleEvidence,
    /// Where it finds what it reports.
    pub found_in: FoundIn,
    /// What `--fix` does, where it repairs the findings.
    pub repair: Option<Repair>,
    /// Whether the finding is about the name of the member that it points to, and not about its value.
    pub points_at_name: bool,
    /// Whether it looks at the pushed image or at the configuration, too, so that it counts for a document that ECS
    /// described itself.
    pub looks_beyond_the_document: bool,
    /// Whether nothing can be deployed while the finding stands, so that it cannot be allowed.
    pub is_final: bool,
    /// The check of a document.
    pub check: fn(&Subject<'_>, &mut Findings<'_>),
}

impl Rule {
    /// What most rules about documents have in common.
    pub(super) const OF_DOCUMENTS: Self = Self {
        id: "",
        severity: Severity::Hint,
        summary: "",
        why: "",
        source: "",
        evidence: RuleEvidence::Documented,
        found_in: FoundIn::Document,
        repair: None,
        points_at_name: false,
        looks_beyond_the_document: false,
        is_final: false,
        check: |_, _| {},
    };
}

/// What a release needs of a rule: its id, without its words.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Kind {
    pub(super) id: &'static str,
    pub(super) severity: Severity,
    pub(super) is_final: bool,
}

impl Kind {
    pub(crate) const fn of(rule: &Rule) -> Self {
        Self { id: rule.id, severity: rule.severity, is_final: rule.is_final }
    }

    /// Whether a finding is of this kind.
    pub(crate) fn is_of(self, finding: &Finding) -> bool {
        finding.rule == self.id
    }

    /// A finding that no check of a document makes.
    pub(crate) fn finding(self, pointer: impl Into<Text>, message: impl Into<Text>, help: impl Into<Text>) -> Finding {
        let (pointer, message, help) = (pointer.into(), message.into(), help.into());
        Finding { rule: RuleId::of(self.id), severity: self.severity, pointer, message, help }
    }
}

/// The part of a rule about documents that runs.
#[derive(Debug)]
pub(super) struct Check {
    pub(super) id: &'static str,
    pub(super) severity: Severity,
    pub(super) looks_beyond_the_document: bool,
    pub(super) run: fn(&Subject<'_>, &mut Findings<'_>),
}

impl Check {
    pub(super) const fn of(rule: &Rule) -> Self {
        let Rule { id, severity, looks_beyond_the_document, check, .. } = *rule;
        Self { id, severity, looks_beyond_the_document, run: check }
    }
}
