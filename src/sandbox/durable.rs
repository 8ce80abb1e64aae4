//! The two Lambda calls of durable functions: checkpoint and state. It keeps the operations of executions as the service would and moves no
//! clock; running executions is the work of `executions`.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::clock::VirtualClock;
use super::faults::CrashSignal;
use super::wire::{Reply, Request};

/// Where both calls live (API model of AWS Lambda, `CheckpointDurableExecution` and `GetDurableExecutionState`).
pub(super) const PATH: &str = "/2025-12-01/durable-executions/";

/// Operations that one execution may have (AWS Lambda quotas).
const MAX_OPERATIONS: usize = 3_000;

/// The durable execution service.
#[derive(Clone, Debug)]
pub(super) struct DurableService {
    clock: VirtualClock,
    crash: CrashSignal,
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    executions: BTreeMap<String, Operations>,
    checkpoints: u32,
    /// The checkpoint at which the function dies, and whether the service had stored it.
    crash_at: Option<(u32, bool)>,
}

/// The operations of one execution, in the order in which they began.
#[derive(Debug, Default)]
struct Operations {
    token: u64,
    list: Vec<Value>,
}

/// A refusal: status, error type, message.
type Refusal = (u16, &'static str, String);

impl DurableService {
    pub(super) fn new(clock: VirtualClock, crash: CrashSignal) -> Self {
        Self { clock, crash, state: Arc::default() }
    }

    /// Kills the running invocations at the nth checkpoint from now on.
    pub(super) fn crash_at_checkpoint(&self, nth: u32, after: bool) {
        let mut state = self.lock();
        state.crash_at = Some((state.checkpoints + nth, after));
    }

    /// The reply; none when the function has died.
    pub(super) fn handle(&self, request: &Request) -> Option<Reply> {
        let answer = match request.path.strip_prefix(PATH).and_then(|rest| rest.rsplit_once('/')) {
            Some((arn, "checkpoint")) if request.method == "POST" => self.checkpoint(arn, &request.body).transpose()?,
            Some((arn, "state")) if request.method == "GET" => {
                self.operations(arn).map(|list| json!({"Operations": list}))
            }
            _ => Err((404, "ResourceNotFoundException", format!("there is no {} {}", request.method, request.path))),
        };
        let (status, body) = match answer {
            Ok(body) => (200, body),
            Err((status, kind, message)) => (status, json!({"__type": kind, "Type": "User", "message": message})),
        };
        Some(Reply {
            status,
            headers: vec![("content-type", "application/json".to_owned())],
            body: body.to_string().into_bytes(),
        })
    }

    /// Begins an execution.
    pub(super) fn begin(&self, arn: &str, input: &str) {
        let execution = json!({
            "Id": "execution", "Type": "EXECUTION", "Status": "STARTED", "StartTimestamp": seconds(self.clock.now()),
            "ExecutionDetails": {"InputPayload": input},
        });
        self.lock().executions.insert(arn.to_owned(), Operations { token: 1, list: vec![execution] });
    }

    /// What an invocation is given: the checkpoint token and all operations.
    pub(super) fn envelope(&self, arn: &str) -> Value {
        let state = self.lock();
        let (token, list) =
            state.executions.get(arn).map_or((0, &[][..]), |operations| (operations.token, &operations.list[..]));
        json!({
            "DurableExecutionArn": arn,
            "CheckpointToken": token.to_string(),
            "InitialExecutionState": {"Operations": list, "NextMarker": ""},
        })
    }

    pub(super) fn operations(&self, arn: &str) -> Result<Vec<Value>, Refusal> {
        let state = self.lock();
        let operations = state.executions.get(arn).map(|operations| operations.list.clone());
        operations.ok_or_else(|| (404, "ResourceNotFoundException", format!("there is no execution {arn}")))
    }

    /// The time of the execution's next timer, and of a timer that has passed already.
    pub(super) fn next_timer(&self, arn: &str) -> Option<Timestamp> {
        let operations = self.operations(arn).ok()?;
        operations.iter().filter_map(timer).min()
    }

    /// Lets the timers that are due go off: steps become ready for their next attempt, waits succeed.
    pub(super) fn fire_timers(&self, arn: &str) {
        let now = self.clock.now();
        if let Some(operations) = self.lock().executions.get_mut(arn) {
            for operation in &mut operations.list {
                if timer(operation).is_some_and(|due| due <= now) {
                    let is_wait = operation["Type"] == "WAIT";
                    operation["Status"] = json!(if is_wait { "SUCCEEDED" } else { "READY" });
                }
            }
        }
    }

    fn checkpoint(&self, arn: &str, body: &[u8]) -> Result<Option<Value>, Refusal> {
        let invalid = |message: String| (400, "InvalidParameterValueException", message);
        let request: Value = serde_json::from_slice(body).map_err(|error| invalid(error.to_string()))?;
        let mut state = self.lock();
        state.checkpoints += 1;
        let crash = state.crash_at.filter(|(nth, _)| *nth == state.checkpoints);
        if let Some((_, false)) = crash {
            self.crash.raise();
            return Ok(None);
        }
        let Some(operations) = state.executions.get_mut(arn) else {
            return Err((404, "ResourceNotFoundException", format!("there is no execution {arn}")));
        };
        if request["CheckpointToken"].as_str() != Some(operations.token.to_string().as_str()) {
            return Err(invalid("Invalid Checkpoint Token".to_owned()));
        }
        let mut changed = Vec::new();
        for update in request["Updates"].as_array().map_or(&[][..], Vec::as_slice) {
            changed.push(operations.apply(update, self.clock.now()).map_err(invalid)?);
        }
        operations.token += 1;
        if let Some((_, true)) = crash {
            self.crash.raise();
            return Ok(None);
        }
        let token = operations.token.to_string();
        Ok(Some(json!({"CheckpointToken": token, "NewExecutionState": {"Operations": changed}})))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Operations {
    /// Applies one update and gives the operation as it is then.
    fn apply(&mut self, update: &Value, now: Timestamp) -> Result<Value, String> {
        let id = update["Id"].as_str().filter(|id| !id.is_empty()).ok_or("an update without an id")?;
        let index = self.list.iter().position(|operation| operation["Id"] == id);
        if index.is_none() && self.list.len() > MAX_OPERATIONS {
            return Err(format!("an execution has at most {MAX_OPERATIONS} operations"));
        }
        let mut operation = match index {
            Some(index) => self.list[index].clone(),
            None => begin(update, now),
        };
        if matches!(operation["Status"].as_str(), Some("SUCCEEDED" | "FAILED")) {
            return Err(format!("the operation {id} has ended"));
        }
        advance(&mut operation, update, now)?;
        match index {
            Some(index) => self.list[index] = operation.clone(),
            None => self.list.push(operation.clone()),
        }
        Ok(operation)
    }
}

fn begin(update: &Value, now: Timestamp) -> Value {
    let mut operation = Map::new();
    for member in ["Id", "ParentId", "Name", "Type", "SubType"] {
        if let Some(value) = update.get(member) {
            operation.insert(member.to_owned(), value.clone());
        }
    }
    operation.insert("StartTimestamp".to_owned(), seconds(now));
    operation.insert("Status".to_owned(), json!("STARTED"));
    Value::Object(operation)
}

/// The state machine of one operation.
fn advance(operation: &mut Value, update: &Value, now: Timestamp) -> Result<(), String> {
    let kind = operation["Type"].as_str().unwrap_or_default().to_owned();
    let details = match kind.as_str() {
        "STEP" => "StepDetails",
        "CONTEXT" => "ContextDetails",
        "WAIT" => "WaitDetails",
        other => return Err(format!("operations of type {other} are not played here")),
    };
    let action = update["Action"].as_str().unwrap_or_default();
    let attempts = operation[details]["Attempt"].as_i64().unwrap_or(0);
    let mut told = Map::new();
    for (member, value) in [("Result", update.get("Payload")), ("Error", update.get("Error"))] {
        if let Some(value) = value {
            told.insert(member.to_owned(), value.clone());
        }
    }
    let status = match (kind.as_str(), action) {
        ("STEP", "START") => {
            // The state that a wait for a condition carries from one look to the next stays.
            told = operation[details].as_object().cloned().unwrap_or_default();
            told.shift_remove("NextAttemptTimestamp");
            "STARTED"
        }
        ("STEP", "RETRY") => {
            let delay = update["StepOptions"]["NextAttemptDelaySeconds"].as_i64().unwrap_or(0);
            told.insert("Attempt".to_owned(), json!(attempts + 1));
            told.insert("NextAttemptTimestamp".to_owned(), json!(now.as_second() + delay));
            "PENDING"
        }
        ("WAIT", "START") => {
            let wait = update["WaitOptions"]["WaitSeconds"].as_i64().unwrap_or(0);
            told.insert("ScheduledEndTimestamp".to_owned(), json!(now.as_second() + wait));
            "STARTED"
        }
        ("CONTEXT", "START") => "STARTED",
        (_, "SUCCEED") => "SUCCEEDED",
        (_, "FAIL") => "FAILED",
        (kind, action) => return Err(format!("{action} is no action of {kind}")),
    };
    if kind == "STEP" {
        told.entry("Attempt").or_insert(json!(attempts));
    }
    if let Some(replay) = update["ContextOptions"].get("ReplayChildren") {
        told.insert("ReplayChildren".to_owned(), replay.clone());
    }
    operation[details] = Value::Object(told);
    operation["Status"] = json!(status);
    if matches!(status, "SUCCEEDED" | "FAILED") {
        operation["EndTimestamp"] = seconds(now);
    }
    Ok(())
}

/// When a waiting operation goes on.
fn timer(operation: &Value) -> Option<Timestamp> {
    let seconds = match (operation["Type"].as_str()?, operation["Status"].as_str()?) {
        ("STEP", "PENDING") => operation["StepDetails"]["NextAttemptTimestamp"].as_i64()?,
        ("WAIT", "STARTED") => operation["WaitDetails"]["ScheduledEndTimestamp"].as_i64()?,
        _ => return None,
    };
    Timestamp::from_second(seconds).ok()
}

fn seconds(time: Timestamp) -> Value {
    json!(time.as_second())
}
