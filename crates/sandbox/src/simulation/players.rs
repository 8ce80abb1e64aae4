//! The executions of a simulation: each invocation is a task of its own with clients of its own, as each runs in a
//! process of its own on Lambda. When one is invoked, dies or is stopped is decided elsewhere.

use std::fmt;
use std::sync::Arc;

use aws_config::retry::RetryConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_durable_execution_sdk as engine;
use aws_sdk_ecs::config::{Credentials, SharedCredentialsProvider};
use aws_smithy_runtime_api::client::http::SharedHttpConnector;
use engine::lambda_runtime::{self, LambdaEvent};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use jiff::Timestamp;
use serde_json::Value;
use tokio::task::JoinHandle;

use super::dice::Dice;
use super::story::later;
use super::wire::{Caller, Line, Pauses, Time, Wire};
use crate::api::REGION;
use crate::clock::VirtualClock;
use crate::durable::{ExecutionOutcome, Outlook};
use crate::executions::{Answer, answer};
use crate::state::World;

/// How long an invocation may work, in milliseconds (`Timeout` in template.yaml).
pub(super) const INVOCATION: i64 = 180_000;

/// Milliseconds until a failed invocation is followed by the next one.
const PAUSE: u64 = 5_000;

/// Failed invocations in a row after which an execution has failed.
const FAILURES: u32 = 3;

/// How an execution ended.
#[derive(Clone, Debug)]
pub(super) enum End {
    /// With the report that is the execution's result.
    Report(Value),
    /// Loudly, with an error.
    Failed(String),
    /// A person stopped it.
    Stopped,
    /// Its time was out.
    TimedOut,
}

impl End {
    /// The same in the words of the durable service.
    fn outcome(&self) -> ExecutionOutcome {
        match self {
            Self::Report(report) => ExecutionOutcome::Succeeded(report.to_string()),
            Self::Failed(message) => {
                ExecutionOutcome::Failed { error_type: "Error".to_owned(), message: message.clone() }
            }
            Self::Stopped => ExecutionOutcome::Stopped,
            Self::TimedOut => ExecutionOutcome::TimedOut,
        }
    }
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Report(report) => {
                let release = report.pointer("/releases/0").unwrap_or(&Value::Null);
                let word = |member: &str| release.get(member).and_then(Value::as_str).unwrap_or_default();
                let (outcome, reason, attention) = (word("outcome"), word("reason"), word("attention"));
                let findings = release.get("findings").and_then(Value::as_array).into_iter().flatten();
                let errors = findings.filter(|finding| finding.get("severity").is_some_and(|given| given == "error"));
                let errors: Vec<&str> = errors.filter_map(|finding| finding.get("message")?.as_str()).collect();
                if let Some(ignored) = report.get("ignored").and_then(Value::as_str) {
                    return write!(f, "ignored: {ignored}");
                }
                let mark = if attention.is_empty() { "" } else { " ! " };
                write!(f, "{outcome}: {reason}{mark}{attention} {}", errors.join("; "))
            }
            Self::Failed(error) => write!(f, "FAILED: {error}"),
            Self::Stopped => f.write_str("STOPPED by a person"),
            Self::TimedOut => f.write_str("TIMED OUT"),
        }
    }
}

/// Where an execution stands.
#[derive(Debug)]
enum Phase {
    /// It is invoked from then on.
    Due(Timestamp),
    Running {
        since: Timestamp,
        task: JoinHandle<Answer>,
    },
    Suspended,
    Ended(End),
}

/// One execution.
#[derive(Debug)]
pub(super) struct Player {
    pub(super) event: usize,
    number: usize,
    arn: Option<String>,
    invocations: u32,
    failures: u32,
    phase: Phase,
}

impl Player {
    /// The execution of the `number`th delivery, to be started at `at`.
    pub(super) fn new(number: usize, event: usize, at: Timestamp) -> Self {
        Self { event, number, arn: None, invocations: 0, failures: 0, phase: Phase::Due(at) }
    }

    pub(super) fn name(&self) -> String {
        format!("x{}", self.number)
    }

    pub(super) fn end(&self) -> Option<&End> {
        if let Phase::Ended(end) = &self.phase { Some(end) } else { None }
    }

    pub(super) fn arn(&self) -> Option<&str> {
        self.arn.as_deref()
    }

    pub(super) fn is_running(&self) -> bool {
        matches!(self.phase, Phase::Running { .. })
    }

    /// Whether it has been started and has not ended.
    pub(super) fn is_on_its_way(&self) -> bool {
        self.arn.is_some() && self.end().is_none()
    }

    /// Whether the running invocation has worked for too long.
    pub(super) fn is_overdue(&self, now: Timestamp) -> bool {
        match &self.phase {
            Phase::Running { since, .. } => now.duration_since(*since).as_millis() > i128::from(INVOCATION),
            _ => false,
        }
    }

    /// When something happens to it by itself; none while it runs or when it has ended.
    pub(super) fn next(&self, world: &World) -> Option<Timestamp> {
        match &self.phase {
            Phase::Due(at) => Some(*at),
            Phase::Suspended => match world.durable.outlook(self.arn.as_deref()?) {
                Outlook::Until(time) => Some(time),
                Outlook::Awake | Outlook::Nothing => Some(world.clock.now()),
            },
            Phase::Running { since, .. } => since.checked_add(jiff::SignedDuration::from_millis(INVOCATION + 1)).ok(),
            Phase::Ended(_) => None,
        }
    }

    /// Invokes the function where it is time; says so.
    pub(super) fn begin(&mut self, troupe: &Troupe, payload: impl FnOnce() -> String) -> bool {
        let now = troupe.world.clock.now();
        if self.next(&troupe.world).is_none_or(|at| at > now) || self.is_running() {
            return false;
        }
        let durable = &troupe.world.durable;
        if self.arn.is_none() {
            self.arn = durable.start(&self.name(), payload());
        }
        let Some(invocation) = self.arn.as_ref().and_then(|arn| durable.invoke(arn)) else {
            self.phase = Phase::Ended(End::Failed("the execution could not be started".to_owned()));
            return false;
        };
        self.invocations += 1;
        let service = troupe.service(Caller { execution: self.number, invocation: self.invocations });
        let wire = Arc::clone(&troupe.wire);
        let work = async move {
            let answer = answer(&|event| service(event), invocation).await;
            wire.arrivals.notify_one();
            answer
        };
        self.phase = Phase::Running { since: now, task: tokio::spawn(work) };
        true
    }

    /// Takes the answer of an invocation that has ended; says so.
    pub(super) fn reap(&mut self, world: &World) -> bool {
        let Phase::Running { task, .. } = &mut self.phase else { return false };
        if !task.is_finished() {
            return false;
        }
        let answer = match task.now_or_never() {
            Some(Ok(answer)) => answer,
            Some(Err(error)) => Answer::Faulted(error.to_string()),
            None => return false,
        };
        let arn = self.arn.clone().unwrap_or_default();
        world.durable.release(&arn);
        let phase = match answer {
            Answer::Succeeded(result) => {
                let report = serde_json::from_str(&result);
                Phase::Ended(report.map_or_else(|_| End::Failed(format!("no report: {result}")), End::Report))
            }
            Answer::Failed(error) => Phase::Ended(End::Failed(error.error_message)),
            Answer::Suspended if world.durable.outlook(&arn) == Outlook::Nothing => {
                Phase::Ended(End::Failed("it suspended with nothing to wait for".to_owned()))
            }
            Answer::Suspended => {
                self.failures = 0;
                Phase::Suspended
            }
            Answer::Faulted(message) => {
                self.failures += 1;
                if self.failures < FAILURES {
                    Phase::Due(later(world.clock.now(), PAUSE))
                } else {
                    Phase::Ended(End::Failed(message))
                }
            }
        };
        if let Phase::Ended(end) = &phase {
            world.durable.end(&arn, end.outcome());
        }
        self.phase = phase;
        true
    }

    /// The process dies; Lambda invokes the function again at `again`. What it sent may still act, also at the durable
    /// service.
    pub(super) fn crash(&mut self, again: Timestamp) {
        if let Phase::Running { task, .. } = &self.phase {
            task.abort();
            self.phase = Phase::Due(again);
        }
    }

    /// The execution is cut off for good: stopped by a person, or because its time is out.
    pub(super) fn stop(&mut self, world: &World, end: End) {
        if let Phase::Running { task, .. } = &self.phase {
            task.abort();
        }
        let name = self.name();
        world.durable.cut_off(&name, end.outcome());
        world.durable.release(self.arn.as_deref().unwrap_or_default());
        self.phase = Phase::Ended(end);
    }
}

/// What a new process of the function finds.
#[derive(Debug)]
pub struct Process {
    /// The way to AWS, with the pauses and the clock of the simulation. Time limits are the function's own business.
    pub sdk_config: SdkConfig,
    /// The time.
    pub clock: VirtualClock,
    /// What presigned URLs are fetched with.
    pub downloads: SharedHttpConnector,
}

/// What `wrap` makes, with its type forgotten.
pub type Service = Arc<dyn Fn(LambdaEvent<engine::InvocationPayload>) -> ServiceFuture + Send + Sync>;
/// The answer of one invocation.
pub type ServiceFuture = BoxFuture<'static, Result<engine::InvocationResponse, lambda_runtime::Error>>;

/// The function under test: what each new process of it makes of what it finds.
pub type Function = fn(Process) -> Service;

/// What all executions share.
#[derive(Debug)]
pub(super) struct Troupe {
    pub(super) world: Arc<World>,
    pub(super) wire: Arc<Wire>,
    pub(super) function: Function,
    pub(super) dice: std::sync::Mutex<Dice>,
}

impl Troupe {
    /// The function, as a new process has it.
    fn service(&self, caller: Caller) -> Service {
        let line = Line { wire: Arc::clone(&self.wire), caller };
        let sdk_config = self.sdk_config(line.clone());
        let clock = self.world.clock.clone();
        (self.function)(Process { sdk_config, clock, downloads: SharedHttpConnector::new(line) })
    }

    /// The configuration of the function on Lambda, but for the way to AWS, the clock and the credentials.
    fn sdk_config(&self, line: Line) -> SdkConfig {
        let credentials = Credentials::new("AKIDSANDBOX", "sandbox", None, None, "simulation");
        let dice = self.dice.lock().unwrap_or_else(std::sync::PoisonError::into_inner).fork();
        SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::from_static(REGION))
            .credentials_provider(SharedCredentialsProvider::new(credentials))
            .endpoint_url(&self.world.endpoint)
            .retry_config(RetryConfig::standard())
            .sleep_impl(Pauses::new(dice))
            .time_source(Time(self.world.clock.clone()))
            .http_client(line)
            .build()
    }
}
