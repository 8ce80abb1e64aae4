//! Playing the Lambda service: executions are invoked side by side until each has ended. When all of them wait, the clock jumps to the next
//! timer. It knows nothing of what the function does.

use std::fmt;

use aws_durable_execution_sdk::lambda_runtime::{Context, LambdaEvent};
use aws_durable_execution_sdk::{InvocationPayload, InvocationResponse, lambda_runtime};
use futures_util::future::join_all;
use serde_json::Value;

use super::clock::VirtualClock;
use super::durable::DurableService;
use super::faults::CrashSignal;

/// The invocations that one execution may take.
const MAX_INVOCATIONS: u32 = 2_000;

/// Failed invocations in a row after which an execution counts as failed.
const MAX_FAULTS: u32 = 3;

/// An execution that has ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Execution {
    /// The name that it was started with.
    pub name: String,
    /// How it ended.
    pub outcome: ExecutionOutcome,
    /// How often the function was invoked for it.
    pub invocations: u32,
    /// How many operations it recorded.
    pub operations: usize,
}

/// How an execution ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ExecutionOutcome {
    /// The handler's result, as JSON.
    Succeeded(String),
    /// The handler's error.
    Failed {
        /// Its type.
        error_type: String,
        /// Its message.
        error_message: String,
    },
}

/// An execution that could not be played to its end.
#[derive(Debug, thiserror::Error)]
pub enum Unplayable {
    /// It waits for something that no timer brings.
    #[error("the execution {0} waits, and nothing will wake it")]
    Stuck(String),
    /// It goes on for ever.
    #[error("the execution {0} took more than {MAX_INVOCATIONS} invocations")]
    Endless(String),
    /// The function's answer is none.
    #[error("the execution {name} got an answer that is none: {answer}")]
    Answer {
        /// The execution.
        name: String,
        /// The answer.
        answer: String,
    },
}

/// The Lambda service, for one sandbox.
#[derive(Clone)]
pub struct Executions {
    clock: VirtualClock,
    service: DurableService,
    crash: CrashSignal,
}

impl fmt::Debug for Executions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Executions")
    }
}

/// An execution on its way.
struct Running {
    name: String,
    arn: String,
    invocations: u32,
    faults: u32,
    outcome: Option<ExecutionOutcome>,
    is_waiting: bool,
}

impl Executions {
    pub(super) fn new(clock: VirtualClock, service: DurableService, crash: CrashSignal) -> Self {
        Self { clock, service, crash }
    }

    /// Plays executions, given by name and event, to their ends. `function` is what `durable::wrap` made.
    pub async fn run<F, Fut>(&self, function: &F, events: Vec<(String, String)>) -> Result<Vec<Execution>, Unplayable>
    where
        F: Fn(LambdaEvent<InvocationPayload>) -> Fut,
        Fut: Future<Output = Result<InvocationResponse, lambda_runtime::Error>>,
    {
        let mut running: Vec<Running> = events.into_iter().map(|(name, event)| self.begin(name, &event)).collect();
        while running.iter().any(|execution| execution.outcome.is_none()) {
            if running.iter().all(|execution| execution.outcome.is_some() || execution.is_waiting) {
                self.jump(&mut running)?;
                continue;
            }
            let crashed = {
                let ready = running.iter_mut().filter(|execution| execution.outcome.is_none() && !execution.is_waiting);
                let invocations: Vec<_> = ready.map(|execution| self.invoke(function, execution)).collect();
                tokio::select! {
                    results = join_all(invocations) => { results.into_iter().collect::<Result<Vec<()>, _>>()?; false }
                    () = self.crash.raised() => true,
                }
            };
            // A process that died knows nothing more: the execution goes on from what was checkpointed.
            if crashed {
                for execution in &mut running {
                    execution.is_waiting = false;
                }
            }
        }
        let ended = running.into_iter().filter_map(|execution| {
            let operations = self.service.operations(&execution.arn).map_or(0, |list| list.len());
            Some(Execution {
                name: execution.name,
                outcome: execution.outcome?,
                invocations: execution.invocations,
                operations,
            })
        });
        Ok(ended.collect())
    }

    fn begin(&self, name: String, event: &str) -> Running {
        let function = "arn:aws:lambda:ap-northeast-1:123456789012:function:express-deployer:live";
        let arn = format!("{function}/durable-execution/{name}/00000000-0000-4000-8000-000000000000");
        self.service.begin(&arn, event);
        Running { name, arn, invocations: 0, faults: 0, outcome: None, is_waiting: false }
    }

    /// One invocation, to its answer.
    async fn invoke<F, Fut>(&self, function: &F, execution: &mut Running) -> Result<(), Unplayable>
    where
        F: Fn(LambdaEvent<InvocationPayload>) -> Fut,
        Fut: Future<Output = Result<InvocationResponse, lambda_runtime::Error>>,
    {
        execution.invocations += 1;
        if execution.invocations > MAX_INVOCATIONS {
            return Err(Unplayable::Endless(execution.name.clone()));
        }
        let no_answer = |answer: String| Unplayable::Answer { name: execution.name.clone(), answer };
        let payload = serde_json::from_value(self.service.envelope(&execution.arn))
            .map_err(|error| no_answer(error.to_string()))?;
        let mut context = Context::default();
        context.request_id = format!("{}-{}", execution.name, execution.invocations);
        let answer = match function(LambdaEvent::new(payload, context)).await {
            Ok(answer) => serde_json::to_value(&answer).map_err(|error| no_answer(error.to_string()))?,
            Err(error) => {
                execution.faults += 1;
                if execution.faults >= MAX_FAULTS {
                    let error_type = "Invocation".to_owned();
                    execution.outcome = Some(ExecutionOutcome::Failed { error_type, error_message: error.to_string() });
                }
                return Ok(());
            }
        };
        execution.faults = 0;
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        match answer["Status"].as_str() {
            Some("PENDING") => execution.is_waiting = true,
            Some("SUCCEEDED") => execution.outcome = Some(ExecutionOutcome::Succeeded(text(&answer["Result"]))),
            Some("FAILED") => {
                let (error_type, error_message) =
                    (text(&answer["Error"]["ErrorType"]), text(&answer["Error"]["ErrorMessage"]));
                execution.outcome = Some(ExecutionOutcome::Failed { error_type, error_message });
            }
            _ => return Err(no_answer(answer.to_string())),
        }
        Ok(())
    }

    /// Everything waits: time goes on to the next timer, and who is due goes on.
    fn jump(&self, running: &mut [Running]) -> Result<(), Unplayable> {
        let waiting = || running.iter().filter(|execution| execution.outcome.is_none());
        let timers = waiting().filter_map(|execution| self.service.next_timer(&execution.arn));
        let Some(next) = timers.min() else {
            let name = waiting().next().map(|execution| execution.name.clone()).unwrap_or_default();
            return Err(Unplayable::Stuck(name));
        };
        self.clock.advance_to(next);
        let now = self.clock.now();
        for execution in running.iter_mut().filter(|execution| execution.outcome.is_none()) {
            if self.service.next_timer(&execution.arn).is_some_and(|due| due <= now) {
                self.service.fire_timers(&execution.arn);
                execution.is_waiting = false;
            }
        }
        Ok(())
    }
}
