//! One durable execution: its event, its journal, the right of its running invocation to checkpoint, and its end.

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::sync::Notify;

use super::calls::{ApiError, CheckpointInput};
use super::journal::Journal;
use super::operation::Times;
use super::{FUNCTION, digest};

/// The end of an execution.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ExecutionOutcome {
    /// The handler's result, as JSON text.
    Succeeded(String),
    /// The handler's error, or that of the last of several failed invocations.
    Failed {
        /// The error's type as the handler or the runtime names it.
        error_type: String,
        /// The error's message.
        message: String,
    },
    /// Its execution timeout was over.
    TimedOut,
    /// Somebody stopped it.
    Stopped,
}

impl ExecutionOutcome {
    /// `Status` as `GetDurableExecution` names it.
    fn status(&self) -> &'static str {
        match self {
            Self::Succeeded(_) => "SUCCEEDED",
            Self::Failed { .. } => "FAILED",
            Self::TimedOut => "TIMED_OUT",
            Self::Stopped => "STOPPED",
        }
    }
}

/// The right of one invocation to checkpoint. Its token changes with every checkpoint.
#[derive(Debug)]
pub(super) struct Lease {
    pub(super) invocation: u32,
    pub(super) sequence: u32,
    /// The last answer, for a client that asks again because it lost it.
    pub(super) answered: Option<Answered>,
}

#[derive(Debug)]
pub(super) struct Answered {
    pub(super) client_token: String,
    pub(super) checkpoint_token: String,
    pub(super) body: Value,
}

impl Lease {
    pub(super) fn token(&self) -> String {
        format!("{}.{}", self.invocation, self.sequence)
    }

    /// The answer that this very request has had already.
    pub(super) fn answer_again(&self, input: &CheckpointInput) -> Option<Value> {
        let answered = self.answered.as_ref()?;
        let same = input.client_token.as_ref() == Some(&answered.client_token)
            && input.checkpoint_token == answered.checkpoint_token;
        same.then(|| answered.body.clone())
    }
}

/// What is kept of one execution.
#[derive(Debug)]
pub(super) struct Record {
    name: String,
    input: String,
    started: Timestamp,
    pub(super) journal: Journal,
    pub(super) invocations: u32,
    pub(super) lease: Option<Lease>,
    /// Notified when the running invocation dies.
    pub(super) death: Arc<Notify>,
    /// Its own checkpoints so far.
    pub(super) checkpoints: u64,
    /// The number of its last checkpoint among those of all executions.
    pub(super) last_checkpoint: u64,
    ended: Option<(Timestamp, ExecutionOutcome)>,
    /// Its retention is over: nobody is told of it any more.
    forgotten: bool,
}

impl Record {
    pub(super) fn new(name: &str, input: String, started: Timestamp) -> Self {
        Self {
            name: name.to_owned(),
            input,
            started,
            journal: Journal::default(),
            invocations: 0,
            lease: None,
            death: Arc::default(),
            checkpoints: 0,
            last_checkpoint: 0,
            ended: None,
            forgotten: false,
        }
    }

    /// The execution as its own first operation: there the SDK finds the event.
    pub(super) fn execution(&self, arn: &str, times: Times) -> Value {
        json!({
            "Id": digest(arn),
            "Type": "EXECUTION",
            "StartTimestamp": times.write(self.started),
            "Status": "STARTED",
            "ExecutionDetails": { "InputPayload": self.input },
        })
    }

    pub(super) fn lease(&self, token: &str) -> Result<&Lease, ApiError> {
        self.lease.as_ref().filter(|lease| lease.token() == token).ok_or_else(ApiError::stale_token)
    }

    /// How it ended, if it has.
    pub(super) fn outcome(&self) -> Option<&ExecutionOutcome> {
        self.ended.as_ref().map(|(_, outcome)| outcome)
    }

    /// Ends it once and for all: what still runs of it can checkpoint no more. False where it had ended before.
    pub(super) fn end(&mut self, outcome: ExecutionOutcome, now: Timestamp) -> bool {
        if self.ended.is_some() {
            return false;
        }
        self.lease = None;
        self.ended = Some((now, outcome));
        true
    }

    /// Lets its retention be over; false while it runs, for retention begins at the end.
    pub(super) fn forget(&mut self) -> bool {
        let known = self.ended.is_some() && !self.forgotten;
        self.forgotten |= known;
        known
    }

    /// The answer of `GetDurableExecution`, with or without what went in and came out.
    pub(super) fn describe(&self, arn: &str, with_data: bool) -> Result<Value, ApiError> {
        if self.forgotten {
            return Err(ApiError::unknown_execution());
        }
        let mut described = json!({
            "DurableExecutionArn": arn,
            "DurableExecutionName": self.name,
            "FunctionArn": FUNCTION,
            "Version": FUNCTION.rsplit_once(':').map(|(_, version)| version),
            "StartTimestamp": Times::Seconds.write(self.started),
            "Status": self.outcome().map_or("RUNNING", ExecutionOutcome::status),
            "ExecutionDataIncluded": with_data,
        });
        if let Some((ended, _)) = &self.ended {
            described["EndTimestamp"] = Times::Seconds.write(*ended);
        }
        if with_data {
            described["InputPayload"] = json!(self.input);
            match self.outcome() {
                Some(ExecutionOutcome::Succeeded(result)) => described["Result"] = json!(result),
                Some(ExecutionOutcome::Failed { error_type, message }) => {
                    described["Error"] = json!({ "ErrorType": error_type, "ErrorMessage": message });
                }
                Some(ExecutionOutcome::TimedOut | ExecutionOutcome::Stopped) | None => {}
            }
        }
        Ok(described)
    }
}
