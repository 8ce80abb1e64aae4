//! One recorded operation and the state machine that updates and timers move it through. It knows the time only as it
//! is told.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::update::{Action, ErrorObject, Kind, Refusal, Update};

/// How far an operation is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    Started,
    /// A wait that ends by itself.
    Waiting {
        until: Timestamp,
    },
    /// A step between two attempts.
    Pending {
        next_attempt: Timestamp,
    },
    /// A step whose next attempt may start.
    Ready,
    Succeeded,
    Failed,
    Cancelled,
}

impl State {
    fn wire(self) -> &'static str {
        match self {
            Self::Started | Self::Waiting { .. } => "STARTED",
            Self::Pending { .. } => "PENDING",
            Self::Ready => "READY",
            Self::Succeeded => "SUCCEEDED",
            Self::Failed => "FAILED",
            Self::Cancelled => "CANCELLED",
        }
    }

    /// When the operation moves on by itself.
    pub(super) fn timer(self) -> Option<Timestamp> {
        match self {
            Self::Waiting { until } => Some(until),
            Self::Pending { next_attempt } => Some(next_attempt),
            _ => None,
        }
    }
}

/// How a timestamp is written: the API speaks seconds, an invocation's payload milliseconds.
#[derive(Clone, Copy, Debug)]
pub(super) enum Times {
    Seconds,
    Milliseconds,
}

impl Times {
    pub(super) fn write(self, time: Timestamp) -> Value {
        let milliseconds = time.as_millisecond();
        match self {
            Self::Milliseconds => json!(milliseconds),
            #[expect(clippy::cast_precision_loss, reason = "milliseconds of this era need 41 of the 52 bits")]
            Self::Seconds => json!(milliseconds as f64 / 1_000.0),
        }
    }
}

/// One recorded operation.
#[derive(Clone, Debug)]
pub(super) struct Operation {
    pub(super) id: String,
    parent: Option<String>,
    name: Option<String>,
    pub(super) kind: Kind,
    sub_type: Option<String>,
    started: Timestamp,
    pub(super) ended: Option<Timestamp>,
    pub(super) state: State,
    attempts: u32,
    payload: Option<String>,
    error: Option<ErrorObject>,
    replay_children: bool,
    /// The number of the change that last touched it.
    pub(super) change: u64,
}

impl Operation {
    /// The operation that an update leads to. A step's `START` forgets the payload of the attempt before it, as the
    /// service does: the SDK has read it by then.
    pub(super) fn next(current: Option<&Self>, update: &Update, now: Timestamp) -> Result<Self, Refusal> {
        use Action::{Cancel, Fail, Retry, Start, Succeed};
        let before = current.map(|operation| operation.state);
        let state = match (update.kind, update.action, before) {
            (Kind::Step, Start, None | Some(State::Ready)) | (Kind::Context, Start, None) => State::Started,
            (Kind::Step, Succeed, None | Some(State::Started | State::Ready))
            | (Kind::Context, Succeed, None | Some(State::Started)) => State::Succeeded,
            (Kind::Step, Fail, None | Some(State::Started | State::Ready))
            | (Kind::Context, Fail, None | Some(State::Started)) => State::Failed,
            (Kind::Step, Retry, None | Some(State::Started | State::Ready)) => {
                State::Pending { next_attempt: update.next_attempt(now)? }
            }
            (Kind::Wait, Start, None) => State::Waiting { until: update.wait_end(now)? },
            (Kind::Wait, Cancel, Some(State::Waiting { .. })) => State::Cancelled,
            (kind, _, before) => {
                let status = before.map_or("not recorded", State::wire);
                return Err(Refusal::Transition { id: update.id.clone(), kind: kind.wire(), status });
            }
        };
        let finished = matches!(state, State::Succeeded | State::Failed | State::Cancelled);
        let tried = update.kind == Kind::Step && update.action != Start;
        Ok(Self {
            id: update.id.clone(),
            parent: update.parent_id.clone().or_else(|| current.and_then(|operation| operation.parent.clone())),
            name: update.name.clone().or_else(|| current.and_then(|operation| operation.name.clone())),
            kind: update.kind,
            sub_type: update.sub_type.clone().or_else(|| current.and_then(|operation| operation.sub_type.clone())),
            started: current.map_or(now, |operation| operation.started),
            ended: finished.then_some(now),
            state,
            attempts: current.map_or(0, |operation| operation.attempts).saturating_add(u32::from(tried)),
            payload: update.payload.clone(),
            error: update.error.clone(),
            replay_children: update.context_options.replay_children,
            change: 0,
        })
    }

    /// Whether the update means an operation of another identity.
    pub(super) fn is_another(&self, update: &Update) -> bool {
        let differs = |own: &Option<String>, new: &Option<String>| new.is_some() && own != new;
        self.kind != update.kind
            || differs(&self.sub_type, &update.sub_type)
            || differs(&self.name, &update.name)
            || differs(&self.parent, &update.parent_id)
    }

    /// The operation as Lambda shows it.
    pub(super) fn json(&self, times: Times) -> Value {
        let mut details = json!({ "Result": self.payload, "Error": self.error });
        let name = match self.kind {
            Kind::Step => {
                details["Attempt"] = json!(self.attempts);
                details["NextAttemptTimestamp"] = json!(self.state.timer().map(|time| times.write(time)));
                "StepDetails"
            }
            Kind::Wait => {
                details = json!({ "ScheduledEndTimestamp": self.state.timer().map(|time| times.write(time)) });
                "WaitDetails"
            }
            Kind::Context => {
                details["ReplayChildren"] = json!(self.replay_children);
                "ContextDetails"
            }
        };
        let mut operation = json!({
            "Id": self.id,
            "ParentId": self.parent,
            "Name": self.name,
            "Type": self.kind.wire(),
            "SubType": self.sub_type,
            "StartTimestamp": times.write(self.started),
            "EndTimestamp": self.ended.map(|time| times.write(time)),
            "Status": self.state.wire(),
            name: details,
        });
        without_nulls(&mut operation);
        operation
    }

    /// The name that its author gave it.
    pub(super) fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// The SDK's sub-type (`Step`, `WaitForCondition`, `Map`, …), else the type.
    pub(super) fn label(&self) -> &str {
        self.sub_type.as_deref().unwrap_or(self.kind.wire())
    }

    /// The status as Lambda names it.
    pub(super) fn status(&self) -> &'static str {
        self.state.wire()
    }

    /// Finished attempts; 0 for what is not a step.
    pub(super) fn attempts(&self) -> u32 {
        self.attempts
    }
}

/// The service leaves out what is not there.
fn without_nulls(value: &mut Value) {
    if let Value::Object(members) = value {
        members.retain(|_, member| !member.is_null());
        members.values_mut().for_each(without_nulls);
    }
}
