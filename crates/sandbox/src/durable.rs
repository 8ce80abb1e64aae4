//! The service behind Lambda's durable functions, as the sandbox has it: it keeps each execution's operations and
//! speaks the two calls that a running function makes, `CheckpointDurableExecution` and `GetDurableExecutionState`, and
//! the one that asks how any execution is, `GetDurableExecution`. It invokes nothing; the driver of executions does.
//! Callbacks and chained invocations are refused.

mod calls;
mod journal;
mod operation;
mod record;
mod update;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tokio::sync::Notify;

use self::calls::{ApiError, Call, CheckpointInput, json_reply};
use self::operation::Times;
use self::record::{Answered, Lease, Record};
use self::update::Update;
use crate::clock::VirtualClock;
use crate::wire::{Reply, Request};

pub use self::record::ExecutionOutcome;

/// Operations on one page of the state: what is served where nobody asks, and the most (Lambda API reference,
/// `MaxItems`).
const PAGE: usize = 100;
const LARGEST_PAGE: usize = 1_000;

/// The function that all executions belong to.
const FUNCTION: &str = "arn:aws:lambda:ap-northeast-1:123456789012:function:express-deployer:1";

/// One invocation that may begin.
#[derive(Debug)]
pub(super) struct Invocation {
    /// What the function gets, as Lambda sends it.
    pub(super) payload: Value,
    /// Unique among all invocations of the sandbox.
    pub(super) request_id: String,
    /// The function that is invoked.
    pub(super) function: &'static str,
    /// Notified when this invocation dies at a planned checkpoint.
    pub(super) death: Arc<Notify>,
}

/// What a suspended execution waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outlook {
    /// A timer has fired since its last invocation began.
    Awake,
    /// The next timer fires then.
    Until(Timestamp),
    /// Nothing will ever wake it.
    Nothing,
}

/// One operation of an execution, as it ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OperationSummary {
    /// The name that the handler gave it.
    pub name: Option<String>,
    /// The SDK's sub-type, such as `Step`, `WaitForCondition`, `Wait`, `Map` or `MapIteration`.
    pub kind: String,
    /// The status as Lambda names it, such as `SUCCEEDED`.
    pub status: &'static str,
    /// Finished attempts of a step; 0 for anything else.
    pub attempts: u32,
}

/// What one update of a checkpoint records: a result, or an error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recorded {
    /// The name that the handler gave the operation.
    pub name: Option<String>,
    /// The text that it records, JSON as a rule.
    pub text: String,
}

/// At which checkpoint an invocation dies, and whether that checkpoint is stored.
#[derive(Clone, Copy, Debug)]
struct PlannedCrash {
    checkpoint: u64,
    after: bool,
}

#[derive(Debug, Default)]
struct Ledger {
    records: BTreeMap<String, Record>,
    /// Checkpoints of all executions since the start.
    checkpoints: u64,
    planned: Option<PlannedCrash>,
    recorded: Vec<Recorded>,
}

/// The durable executions of the sandbox. Clones share them.
#[derive(Clone, Debug)]
pub(crate) struct DurableService {
    clock: VirtualClock,
    ledger: Arc<Mutex<Ledger>>,
}

impl DurableService {
    /// No execution yet. Timers run on `clock`.
    pub(crate) fn new(clock: VirtualClock) -> Self {
        Self { clock, ledger: Arc::default() }
    }

    /// Answers one request.
    pub(crate) fn handle(&self, request: &Request) -> Reply {
        let answer = match Call::of(request) {
            Some(Call::Checkpoint { arn }) => self.checkpoint(arn, &request.body),
            Some(Call::GetState { arn }) => self.state(arn, request),
            Some(Call::Get { arn }) => self.describe(arn, request),
            None => Err(ApiError::NotFound("the sandbox's Lambda does not serve this path")),
        };
        answer.map_or_else(|error| error.reply(), |body| json_reply(200, &body))
    }

    /// The operation that a request asks for, and its execution's ARN. What is not served is called `NotImplemented`.
    pub(crate) fn operation(request: &Request) -> (&'static str, String) {
        match Call::of(request) {
            Some(Call::Checkpoint { arn }) => ("CheckpointDurableExecution", arn.to_owned()),
            Some(Call::GetState { arn }) => ("GetDurableExecutionState", arn.to_owned()),
            Some(Call::Get { arn }) => ("GetDurableExecution", arn.to_owned()),
            None => ("NotImplemented", request.path.clone()),
        }
    }

    /// Lets the invocation die that sends the `nth` checkpoint (1 is the first since the service was made), before or
    /// after that checkpoint is stored. Whoever sent it is refused from then on; the driver drops it and invokes again.
    pub(crate) fn crash_at_checkpoint(&self, nth: u64, after: bool) {
        self.lock().planned = Some(PlannedCrash { checkpoint: nth, after });
    }

    /// Checkpoints since the service was made: the last one at which a run like this one can be cut.
    pub(crate) fn checkpoints(&self) -> u64 {
        self.lock().checkpoints
    }

    /// Everything that executions have recorded, in the order of the checkpoints.
    pub(crate) fn recorded(&self) -> Vec<Recorded> {
        self.lock().recorded.clone()
    }

    /// The ARN of the execution that has a name.
    pub(super) fn arn(name: &str) -> String {
        format!("{FUNCTION}/durable-execution/{name}/{}", digest(name))
    }

    /// Starts an execution with its event, and returns its ARN; nothing where the name is taken.
    pub(super) fn start(&self, name: &str, input: String) -> Option<String> {
        let arn = Self::arn(name);
        let started = self.clock.now();
        let mut ledger = self.lock();
        if ledger.records.contains_key(&arn) {
            return None;
        }
        ledger.records.insert(arn.clone(), Record::new(name, input, started));
        Some(arn)
    }

    /// Begins an invocation: the one before it can checkpoint no more. What has ended is not invoked.
    pub(super) fn invoke(&self, arn: &str) -> Option<Invocation> {
        let mut ledger = self.lock();
        let record = ledger.records.get_mut(arn).filter(|record| record.outcome().is_none())?;
        record.journal.fire_due(self.clock.now());
        record.invocations += 1;
        record.death = Arc::default();
        let lease = Lease { invocation: record.invocations, sequence: 0, answered: None };
        let execution = record.execution(arn, Times::Milliseconds);
        let recorded = record.journal.open();
        let inline = recorded.iter().take(LARGEST_PAGE).map(|operation| operation.json(Times::Milliseconds));
        let operations: Vec<Value> = std::iter::once(execution).chain(inline).collect();
        let next_marker = if recorded.len() > LARGEST_PAGE { operations.len().to_string() } else { String::new() };
        let payload = json!({
            "DurableExecutionArn": arn,
            "CheckpointToken": lease.token(),
            "InitialExecutionState": { "Operations": operations, "NextMarker": next_marker },
        });
        let unique = digest(&format!("{arn} {}", lease.invocation));
        record.lease = Some(lease);
        let death = Arc::clone(&record.death);
        Some(Invocation { payload, request_id: uuid(&unique), function: FUNCTION, death })
    }

    /// Ends an invocation: what is left of it can checkpoint no more.
    pub(super) fn release(&self, arn: &str) {
        if let Some(record) = self.lock().records.get_mut(arn) {
            record.lease = None;
        }
    }

    /// Ends an execution as its driver found it, and says how it ended: otherwise where somebody had stopped it by
    /// then.
    pub(super) fn end(&self, arn: &str, outcome: ExecutionOutcome) -> ExecutionOutcome {
        let now = self.clock.now();
        match self.lock().records.get_mut(arn) {
            Some(record) => {
                record.end(outcome.clone(), now);
                record.outcome().cloned().unwrap_or(outcome)
            }
            None => outcome,
        }
    }

    /// How an execution ended, if it has.
    pub(super) fn outcome(&self, arn: &str) -> Option<ExecutionOutcome> {
        self.lock().records.get(arn).and_then(|record| record.outcome().cloned())
    }

    /// Ends an execution from outside: its running invocation dies, and there will be no other. False where none of
    /// that name is under way.
    pub(super) fn cut_off(&self, name: &str, outcome: ExecutionOutcome) -> bool {
        let now = self.clock.now();
        let mut ledger = self.lock();
        let Some(record) = ledger.records.get_mut(&Self::arn(name)) else { return false };
        let ended = record.end(outcome, now);
        if ended {
            record.death.notify_one();
        }
        ended
    }

    /// Stops the execution that made a call; the crash that goes with it ends its invocation. A call of a running
    /// function names its execution. Any other call does not, so of several executions that run side by side the one
    /// counts as the caller whose checkpoint came last: with one running, that is always right.
    pub(super) fn stop_caller(&self, request: &Request) {
        let now = self.clock.now();
        let mut ledger = self.lock();
        let caller = match Call::of(request) {
            Some(Call::Checkpoint { arn } | Call::GetState { arn }) => ledger.records.get_mut(arn),
            Some(Call::Get { .. }) | None => {
                let running = ledger.records.values_mut().filter(|record| record.lease.is_some());
                running.max_by_key(|record| record.last_checkpoint)
            }
        };
        if let Some(record) = caller {
            record.end(ExecutionOutcome::Stopped, now);
        }
    }

    /// Lets the retention of an ended execution be over: it is not found any more. False where none of that name has
    /// ended.
    pub(super) fn forget(&self, name: &str) -> bool {
        self.lock().records.get_mut(&Self::arn(name)).is_some_and(Record::forget)
    }

    /// Fires what is due and says what a suspended execution waits for; one that was ended meanwhile waits for nothing.
    pub(super) fn outlook(&self, arn: &str) -> Outlook {
        let mut ledger = self.lock();
        let Some(record) = ledger.records.get_mut(arn) else { return Outlook::Nothing };
        record.journal.fire_due(self.clock.now());
        match record.journal.next_timer() {
            _ if record.journal.is_woken() || record.outcome().is_some() => Outlook::Awake,
            Some(time) => Outlook::Until(time),
            None => Outlook::Nothing,
        }
    }

    /// The operations of an execution, in the order in which they were first recorded.
    pub(super) fn summaries(&self, arn: &str) -> Vec<OperationSummary> {
        let ledger = self.lock();
        let operations = ledger.records.get(arn).map_or(&[][..], |record| record.journal.operations());
        let summary = |operation: &operation::Operation| OperationSummary {
            name: operation.name().map(str::to_owned),
            kind: operation.label().to_owned(),
            status: operation.status(),
            attempts: operation.attempts(),
        };
        operations.iter().map(summary).collect()
    }

    /// Metered operations and checkpoints of an execution.
    pub(super) fn spent(&self, arn: &str) -> (u64, u64) {
        let ledger = self.lock();
        ledger.records.get(arn).map_or((0, 0), |record| (record.journal.metered(), record.checkpoints))
    }

    fn describe(&self, arn: &str, request: &Request) -> Result<Value, ApiError> {
        if !arn.starts_with("arn:") || !arn.contains("/durable-execution/") {
            return Err(ApiError::Parameter("the ARN is not that of a durable execution".to_owned()));
        }
        let with_data = request.query("IncludeExecutionData") != Some("false");
        self.lock().records.get(arn).ok_or_else(ApiError::unknown_execution)?.describe(arn, with_data)
    }

    fn checkpoint(&self, arn: &str, body: &[u8]) -> Result<Value, ApiError> {
        let input: CheckpointInput =
            serde_json::from_slice(body).map_err(|error| ApiError::Parameter(error.to_string()))?;
        let now = self.clock.now();
        let mut ledger = self.lock();
        let ledger = &mut *ledger;
        let record = ledger.records.get_mut(arn).ok_or_else(ApiError::unknown_execution)?;
        let lease = record.lease.as_ref().ok_or_else(ApiError::stale_token)?;
        if let Some(body) = lease.answer_again(&input) {
            return Ok(body);
        }
        record.lease(&input.checkpoint_token)?;

        ledger.checkpoints += 1;
        record.checkpoints += 1;
        record.last_checkpoint = ledger.checkpoints;
        let crash = ledger.planned.take_if(|planned| planned.checkpoint == ledger.checkpoints);
        if crash.is_none_or(|crash| crash.after) {
            record.journal.record(&input.updates, now).map_err(|refusal| ApiError::Parameter(refusal.to_string()))?;
            ledger.recorded.extend(input.updates.iter().filter_map(Update::recorded));
        }
        if crash.is_some() {
            record.lease = None;
            record.death.notify_one();
            return Err(ApiError::Dead);
        }

        record.journal.fire_due(now);
        let news: Vec<Value> =
            record.journal.news().into_iter().map(|operation| operation.json(Times::Seconds)).collect();
        let lease = record.lease.as_mut().ok_or_else(ApiError::stale_token)?;
        lease.sequence += 1;
        let body = json!({ "CheckpointToken": lease.token(), "NewExecutionState": { "Operations": news } });
        lease.answered = input.client_token.map(|client_token| Answered {
            client_token,
            checkpoint_token: input.checkpoint_token,
            body: body.clone(),
        });
        Ok(body)
    }

    fn state(&self, arn: &str, request: &Request) -> Result<Value, ApiError> {
        let ledger = self.lock();
        let record = ledger.records.get(arn).ok_or_else(ApiError::unknown_execution)?;
        record.lease(request.query("CheckpointToken").unwrap_or_default())?;
        let number = |name: &str, default: usize| match request.query(name).filter(|text| !text.is_empty()) {
            Some(text) => text.parse::<usize>().map_err(|_| ApiError::Parameter(format!("invalid {name}"))),
            None => Ok(default),
        };
        let start = number("Marker", 0)?;
        let size = number("MaxItems", PAGE)?.clamp(1, LARGEST_PAGE);
        let recorded = record.journal.operations();
        let execution = std::iter::once_with(|| record.execution(arn, Times::Seconds));
        let all = execution.chain(recorded.iter().map(|operation| operation.json(Times::Seconds)));
        let page: Vec<Value> = all.skip(start).take(size).collect();
        let end = start + page.len();
        let next_marker = (end <= recorded.len() && !page.is_empty()).then(|| end.to_string());
        Ok(json!({ "Operations": page, "NextMarker": next_marker }))
    }

    fn lock(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// 32 hex digits that are the same in every run.
fn digest(text: &str) -> String {
    let half = Sha256::digest(text).first_chunk().copied().unwrap_or_default();
    format!("{:032x}", u128::from_be_bytes(half))
}

/// A request id in Lambda's form.
fn uuid(digits: &str) -> String {
    let part = |range| digits.get(range).unwrap_or_default();
    format!("{}-{}-{}-{}-{}", part(0..8), part(8..12), part(12..16), part(16..20), part(20..32))
}

#[cfg(test)]
mod tests;
