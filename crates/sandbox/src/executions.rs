//! The driver of durable executions: it plays the Lambda service, which invokes the function until each execution has
//! ended. It waits for nothing: when every execution is suspended, the virtual clock jumps to the next timer.

use std::panic::AssertUnwindSafe;

use aws_durable_execution_sdk::lambda_runtime::{self, LambdaEvent};
use aws_durable_execution_sdk::{InvocationPayload, InvocationResponse};
use futures_util::FutureExt;
use futures_util::future::join_all;
use serde::Deserialize;
use thiserror::Error;

pub use crate::durable::{ExecutionOutcome, OperationSummary, Recorded};

use crate::clock::VirtualClock;
use crate::durable::{DurableService, Invocation, Outlook};
use crate::faults::CrashSignal;

/// Invocations of one execution, at most: a handler that needs more goes round in circles.
const INVOCATIONS: u32 = 2_000;

/// Failed invocations in a row after which an execution has failed.
const FAILURES: u32 = 3;

/// Bytes of one event, at most: what an asynchronous invocation takes (Lambda quotas).
const EVENT_BYTES: usize = 256 * 1024;

/// The end of time for an invocation, in milliseconds since the Unix epoch: virtual time must not run into it.
const DEADLINE: u64 = 32_503_680_000_000;

/// How one execution ended, and what it took.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Execution {
    /// The name that it was started with.
    pub name: String,
    /// Its end.
    pub outcome: ExecutionOutcome,
    /// How often the function was invoked for it, crashed invocations included.
    pub invocations: u32,
    /// Its operations, in the order in which they were first recorded.
    pub operations: Vec<OperationSummary>,
    /// What Lambda meters, of which one execution may have 3,000: operations, retries and polls.
    pub metered: u64,
    /// Its checkpoints, those at which an invocation died included.
    pub checkpoints: u64,
}

/// Why executions could not be run to their end.
#[derive(Debug, Error)]
pub enum Error {
    /// The name cannot be part of an execution's ARN.
    #[error("the execution name {0:?} is not 1 to 64 letters, digits, hyphens or underscores")]
    Name(String),
    /// The name was used before.
    #[error("an execution named {0:?} exists already")]
    Duplicate(String),
    /// The event is too large for Lambda.
    #[error("the event of {name:?} has {bytes} bytes, more than {EVENT_BYTES}")]
    EventTooLarge {
        /// The execution.
        name: String,
        /// The size of its event.
        bytes: usize,
    },
    /// The event is not JSON.
    #[error("the event of {name:?} is not JSON")]
    Event {
        /// The execution.
        name: String,
        /// What is wrong with it.
        source: serde_json::Error,
    },
    /// The execution does not end.
    #[error("{0:?} has not ended after {INVOCATIONS} invocations")]
    Endless(String),
}

/// What one invocation came to.
#[derive(Debug)]
pub(super) enum Answer {
    Succeeded(String),
    Failed(ErrorObject),
    Suspended,
    /// The invocation itself failed: an error of the runtime, a panic, or an answer that is none.
    Faulted(String),
}

#[derive(Deserialize)]
#[serde(tag = "Status", rename_all = "SCREAMING_SNAKE_CASE")]
enum Envelope {
    #[serde(rename_all = "PascalCase")]
    Succeeded {
        #[serde(default)]
        result: String,
    },
    #[serde(rename_all = "PascalCase")]
    Failed {
        #[serde(default)]
        error: ErrorObject,
    },
    Pending,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct ErrorObject {
    error_type: String,
    pub(super) error_message: String,
}

/// Where an execution stands between two rounds.
#[derive(Debug)]
enum Phase {
    /// It can be invoked: it is new, its last invocation died or failed, or a timer has fired.
    Runnable,
    Suspended,
    Ended(ExecutionOutcome),
}

#[derive(Debug)]
struct Run {
    name: String,
    arn: String,
    phase: Phase,
    invocations: u32,
    failures: u32,
}

/// Runs executions of one service function to their end.
#[derive(Clone, Debug)]
pub struct Executions {
    clock: VirtualClock,
    durable: DurableService,
    crash: CrashSignal,
}

impl Executions {
    /// A driver over a durable service. Timers move `clock`; `crash` kills what is running.
    pub(crate) fn new(clock: VirtualClock, durable: DurableService, crash: CrashSignal) -> Self {
        Self { clock, durable, crash }
    }

    /// Starts one execution for each name and event, runs all of them side by side, and returns them in the order
    /// given. `service` is what `aws_durable_execution_sdk::wrap` returned, with a Lambda client that reaches this
    /// durable service.
    pub async fn run<F, Fut>(&self, service: &F, events: Vec<(String, String)>) -> Result<Vec<Execution>, Error>
    where
        F: Fn(LambdaEvent<InvocationPayload>) -> Fut,
        Fut: Future<Output = Result<InvocationResponse, lambda_runtime::Error>>,
    {
        let mut runs =
            events.into_iter().map(|(name, event)| self.start(name, event)).collect::<Result<Vec<_>, _>>()?;
        loop {
            self.end_what_was_cut_off(&mut runs);
            let runnable: Vec<&mut Run> = runs.iter_mut().filter(|run| matches!(run.phase, Phase::Runnable)).collect();
            if !runnable.is_empty() {
                self.invoke_side_by_side(service, runnable).await?;
            } else if !self.wake_the_next(&mut runs) {
                break;
            }
        }
        runs.into_iter().map(|run| self.finished(run)).collect()
    }

    fn start(&self, name: String, event: String) -> Result<Run, Error> {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        if name.is_empty() || name.len() > 64 || !name.bytes().all(plain) {
            return Err(Error::Name(name));
        }
        if event.len() > EVENT_BYTES {
            return Err(Error::EventTooLarge { name, bytes: event.len() });
        }
        if let Err(source) = serde_json::from_str::<serde::de::IgnoredAny>(&event) {
            return Err(Error::Event { name, source });
        }
        match self.durable.start(&name, event) {
            Some(arn) => Ok(Run { name, arn, phase: Phase::Runnable, invocations: 0, failures: 0 }),
            None => Err(Error::Duplicate(name)),
        }
    }

    /// Invokes each of these once. All are polled by the calling task, as Lambda's runtime does it: the SDK lets no
    /// other task use a handler's context. A crash drops those that have not answered; they stay runnable.
    async fn invoke_side_by_side<F, Fut>(&self, service: &F, mut runs: Vec<&mut Run>) -> Result<(), Error>
    where
        F: Fn(LambdaEvent<InvocationPayload>) -> Fut,
        Fut: Future<Output = Result<InvocationResponse, lambda_runtime::Error>>,
    {
        if let Some(run) = runs.iter().find(|run| run.invocations == INVOCATIONS) {
            return Err(Error::Endless(run.name.clone()));
        }
        let invocations = runs.iter_mut().map(|run| self.invoke(service, run));
        tokio::select! {
            biased;
            () = self.crash.raised() => {}
            _ = join_all(invocations) => {}
        }
        for run in runs {
            self.durable.release(&run.arn);
        }
        Ok(())
    }

    async fn invoke<F, Fut>(&self, service: &F, run: &mut Run)
    where
        F: Fn(LambdaEvent<InvocationPayload>) -> Fut,
        Fut: Future<Output = Result<InvocationResponse, lambda_runtime::Error>>,
    {
        let Some(invocation) = self.durable.invoke(&run.arn) else { return };
        run.invocations += 1;
        let death = std::sync::Arc::clone(&invocation.death);
        let answer = tokio::select! {
            biased;
            () = death.notified() => return,
            answer = answer(service, invocation) => answer,
        };
        self.durable.release(&run.arn);
        run.take(answer, self.durable.outlook(&run.arn));
        if let Phase::Ended(outcome) = &mut run.phase {
            *outcome = self.durable.end(&run.arn, outcome.clone());
        }
    }

    /// Ends the runs whose executions somebody has stopped: they are not invoked again.
    fn end_what_was_cut_off(&self, runs: &mut [Run]) {
        for run in runs {
            if let Some(outcome) = self.durable.outcome(&run.arn) {
                run.phase = Phase::Ended(outcome);
            }
        }
    }

    /// Moves the clock to the next timer of all suspended executions. Says whether any can run now; none means that all
    /// have ended.
    fn wake_the_next(&self, runs: &mut [Run]) -> bool {
        let suspended = || runs.iter().filter(|run| matches!(run.phase, Phase::Suspended));
        let timers = suspended().filter_map(|run| match self.durable.outlook(&run.arn) {
            Outlook::Until(time) => Some(time),
            Outlook::Awake | Outlook::Nothing => None,
        });
        if let Some(time) = timers.min() {
            self.clock.advance_to(time);
        }
        let mut woken = false;
        for run in runs.iter_mut().filter(|run| matches!(run.phase, Phase::Suspended)) {
            if self.durable.outlook(&run.arn) == Outlook::Awake {
                run.phase = Phase::Runnable;
                woken = true;
            }
        }
        woken
    }

    fn finished(&self, run: Run) -> Result<Execution, Error> {
        let Phase::Ended(outcome) = run.phase else { return Err(Error::Endless(run.name)) };
        let operations = self.durable.summaries(&run.arn);
        let (metered, checkpoints) = self.durable.spent(&run.arn);
        Ok(Execution { name: run.name, outcome, invocations: run.invocations, operations, metered, checkpoints })
    }
}

impl Run {
    fn take(&mut self, answer: Answer, outlook: Outlook) {
        self.phase = match (answer, outlook) {
            (Answer::Succeeded(result), _) => Phase::Ended(ExecutionOutcome::Succeeded(result)),
            (Answer::Failed(error), _) => {
                Phase::Ended(ExecutionOutcome::Failed { error_type: error.error_type, message: error.error_message })
            }
            (Answer::Suspended, Outlook::Nothing) => self.fault("it suspended with nothing to wait for".to_owned()),
            (Answer::Suspended, Outlook::Awake) => self.go_on(Phase::Runnable),
            (Answer::Suspended, Outlook::Until(_)) => self.go_on(Phase::Suspended),
            (Answer::Faulted(message), _) => self.fault(message),
        };
    }

    fn go_on(&mut self, phase: Phase) -> Phase {
        self.failures = 0;
        phase
    }

    fn fault(&mut self, message: String) -> Phase {
        self.failures += 1;
        if self.failures < FAILURES {
            return Phase::Runnable;
        }
        Phase::Ended(ExecutionOutcome::Failed { error_type: "InvocationFailed".to_owned(), message })
    }
}

/// Invokes the function once. A panic is a failed invocation: on Lambda the process dies of it, and the function is
/// invoked again.
pub(super) async fn answer<F, Fut>(service: &F, invocation: Invocation) -> Answer
where
    F: Fn(LambdaEvent<InvocationPayload>) -> Fut,
    Fut: Future<Output = Result<InvocationResponse, lambda_runtime::Error>>,
{
    let payload = match serde_json::from_value(invocation.payload) {
        Ok(payload) => payload,
        Err(error) => return Answer::Faulted(error.to_string()),
    };
    let mut context = lambda_runtime::Context::default();
    context.request_id = invocation.request_id;
    context.deadline = DEADLINE;
    context.invoked_function_arn = invocation.function.to_owned();
    let called = async { service(LambdaEvent::new(payload, context)).await };
    let response = match AssertUnwindSafe(called).catch_unwind().await {
        Ok(Ok(response)) => response,
        Ok(Err(error)) => return Answer::Faulted(error.to_string()),
        Err(_) => return Answer::Faulted("the function panicked".to_owned()),
    };
    match serde_json::to_value(&response).and_then(serde_json::from_value) {
        Ok(Envelope::Succeeded { result }) => Answer::Succeeded(result),
        Ok(Envelope::Failed { error }) => Answer::Failed(error),
        Ok(Envelope::Pending) => Answer::Suspended,
        Err(error) => Answer::Faulted(format!("the function's answer is not an envelope: {error}")),
    }
}

#[cfg(test)]
mod tests;
