//! One update of a checkpoint as it comes over the wire: its members, their bounds, and why it is refused. It knows no
//! operation that is already recorded.

use super::Recorded;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// Metered operations of one execution, at most (Lambda developer guide, quotas of durable functions).
pub(super) const OPERATIONS: u64 = 3_000;

/// The sub-type by which Lambda tells a step that polls from one that acts.
const POLL: &str = "WaitForCondition";

/// Recorded state of one execution in bytes, at most (the same page).
pub(super) const STATE_BYTES: usize = 100 * 1024 * 1024;

/// One payload in bytes, at most; the SDK keeps larger results out of a checkpoint by itself.
pub(super) const PAYLOAD_BYTES: usize = 256 * 1024;

/// One error object in bytes, at most: AWS's own emulator draws the line here.
const ERROR_BYTES: usize = 32 * 1024;

/// A wait or a retry delay in seconds, at most: the longest that an execution may live, 366 days.
const DELAY_SECONDS: i64 = 366 * 24 * 60 * 60;

/// Characters of an operation's id, name and sub-type, at most (Lambda API reference, `OperationUpdate`).
const ID_LENGTH: usize = 64;
const NAME_LENGTH: usize = 256;
const SUB_TYPE_LENGTH: usize = 32;

/// What kind of operation it is. Callbacks and chained invocations are not served.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(super) enum Kind {
    Step,
    Wait,
    Context,
}

impl Kind {
    pub(super) fn wire(self) -> &'static str {
        match self {
            Self::Step => "STEP",
            Self::Wait => "WAIT",
            Self::Context => "CONTEXT",
        }
    }
}

/// What a checkpoint does to an operation.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(super) enum Action {
    Start,
    Succeed,
    Fail,
    Retry,
    Cancel,
}

/// An error as a handler reports it.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ErrorObject {
    #[serde(skip_serializing_if = "Option::is_none")]
    error_message: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error_type: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error_data: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stack_trace: Option<Vec<String>>,
}

impl ErrorObject {
    pub(super) fn bytes(&self) -> usize {
        let texts = [&self.error_message, &self.error_type, &self.error_data];
        let trace = self.stack_trace.iter().flatten();
        texts.into_iter().flatten().chain(trace).map(String::len).sum()
    }
}

/// One update of a checkpoint, as it comes over the wire.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Update {
    pub(super) id: String,
    pub(super) parent_id: Option<String>,
    pub(super) name: Option<String>,
    #[serde(rename = "Type")]
    pub(super) kind: Kind,
    pub(super) sub_type: Option<String>,
    pub(super) action: Action,
    pub(super) payload: Option<String>,
    pub(super) error: Option<ErrorObject>,
    #[serde(default)]
    pub(super) context_options: ContextOptions,
    #[serde(default)]
    step_options: StepOptions,
    #[serde(default)]
    wait_options: WaitOptions,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ContextOptions {
    #[serde(default)]
    pub(super) replay_children: bool,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct StepOptions {
    next_attempt_delay_seconds: Option<i64>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct WaitOptions {
    wait_seconds: Option<i64>,
}

impl Update {
    /// What it records, if anything.
    pub(super) fn recorded(&self) -> Option<Recorded> {
        let error = self.error.as_ref().and_then(|error| error.error_message.clone());
        Some(Recorded { name: self.name.clone(), text: self.payload.clone().or(error)? })
    }

    pub(super) fn bytes(&self) -> usize {
        self.payload.as_ref().map_or(0, String::len) + self.error.as_ref().map_or(0, ErrorObject::bytes)
    }

    /// What Lambda meters for this update: an operation counts once when it is first recorded, a step once more for
    /// each retry, and a condition once more for each poll, of which the first comes with the operation itself.
    pub(super) fn metered(&self, first: bool) -> u64 {
        let polls = self.kind == Kind::Step && self.sub_type.as_deref() == Some(POLL);
        u64::from(first) + u64::from(first && polls) + u64::from(self.action == Action::Retry)
    }

    /// Whether the update keeps the bounds, whatever is recorded.
    pub(super) fn check(&self) -> Result<(), Refusal> {
        let long = |text: &Option<String>, limit| text.as_ref().is_some_and(|text| text.len() > limit);
        if self.id.is_empty()
            || self.id.len() > ID_LENGTH
            || long(&self.name, NAME_LENGTH)
            || long(&self.sub_type, SUB_TYPE_LENGTH)
        {
            return Err(Refusal::Label);
        }
        if long(&self.payload, PAYLOAD_BYTES) {
            return Err(Refusal::PayloadTooLarge);
        }
        if self.error.as_ref().is_some_and(|error| error.bytes() > ERROR_BYTES) {
            return Err(Refusal::ErrorTooLarge);
        }
        match (self.action, self.payload.is_some(), self.error.is_some()) {
            (Action::Fail, true, _) | (Action::Succeed, _, true) | (Action::Retry, true, true) => {
                Err(Refusal::PayloadAndAction)
            }
            _ => Ok(()),
        }
    }

    /// When the wait ends that this update starts.
    pub(super) fn wait_end(&self, now: Timestamp) -> Result<Timestamp, Refusal> {
        after(self.wait_options.wait_seconds, now)
    }

    /// When the attempt may start that this update asks for.
    pub(super) fn next_attempt(&self, now: Timestamp) -> Result<Timestamp, Refusal> {
        after(self.step_options.next_attempt_delay_seconds, now)
    }
}

fn after(seconds: Option<i64>, now: Timestamp) -> Result<Timestamp, Refusal> {
    let seconds = seconds.filter(|seconds| (1..=DELAY_SECONDS).contains(seconds)).ok_or(Refusal::Delay)?;
    now.checked_add(SignedDuration::from_secs(seconds)).map_err(|_| Refusal::Delay)
}

/// Why a checkpoint is refused. Nothing of a refused checkpoint is stored.
#[derive(Debug, Error, PartialEq, Eq)]
pub(super) enum Refusal {
    #[error("an operation's id, name or sub-type is empty or too long")]
    Label,
    #[error("a payload is larger than {PAYLOAD_BYTES} bytes")]
    PayloadTooLarge,
    #[error("an error object is larger than {ERROR_BYTES} bytes")]
    ErrorTooLarge,
    #[error("the execution's recorded state is larger than {STATE_BYTES} bytes")]
    StateTooLarge,
    #[error("the execution has more than {OPERATIONS} metered operations")]
    TooManyOperations,
    #[error("a payload or an error does not belong to this action")]
    PayloadAndAction,
    #[error("a wait or a retry needs a delay of 1 to {DELAY_SECONDS} seconds")]
    Delay,
    #[error("operation {0} was recorded with another type, sub-type, name or parent")]
    OtherIdentity(String),
    #[error("the parent of operation {0} is not a recorded CONTEXT")]
    Parent(String),
    #[error("operation {id} of type {kind} is {status} and takes no such action")]
    Transition { id: String, kind: &'static str, status: &'static str },
}
