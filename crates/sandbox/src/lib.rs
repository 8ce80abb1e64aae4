//! The sandbox, a replacement for AWS: one HTTP server on 127.0.0.1 that speaks ECS, ECR, S3 and the Lambda calls of
//! durable functions on the wire. It refuses what AWS refuses, and it never runs a container: rollouts, tasks and log
//! objects happen on a virtual clock.

#![expect(
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "it runs in tests and on a person's own machine, where a defect of it should be seen at its place"
)]

use std::collections::BTreeSet;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_ecs::config::{Credentials, SharedCredentialsProvider};
use jiff::Timestamp;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::task::AbortHandle;

mod api;
mod chunked;
pub mod clock;
mod control;
mod deployment;
mod durable;
mod ecr;
mod ecs;
pub mod executions;
mod faults;
mod firelens;
#[cfg(test)]
mod loopback;
mod permissions;
mod rollout;
mod s3;
mod scenario;
mod seed;
mod server;
pub mod simulation;
mod state;
mod wire;

use clock::VirtualClock;
pub use deployment::{DeploymentEnding, DeploymentTimes, PauseHook, SecondUpdate};
use durable::DurableService;
use executions::{ExecutionOutcome, Executions};
pub use faults::{Fault, FaultKind, Moment};
pub use permissions::Permission;
pub use scenario::{Scenario, UnknownScenario};
use state::World;
pub use state::{Arrival, Call};

/// How a sandbox starts.
#[derive(Clone, Debug)]
pub struct Options {
    /// The port on 127.0.0.1; 0 takes any that is free.
    pub port: u16,
    /// What goes wrong.
    pub scenario: Scenario,
    /// What the virtual clock shows first.
    pub start: Timestamp,
    /// What moves the clock.
    pub advance: Advance,
    /// Faults from the start.
    pub faults: Vec<Fault>,
    /// Real time that every call takes, checkpoints included: for measuring how many calls wait for each other.
    pub latency: Duration,
    /// What an update gets while a deployment of the service runs.
    pub second_update: SecondUpdate,
    /// The canary's share and the times of both bakes.
    pub deployment: DeploymentTimes,
    /// A hook in which deployments wait.
    pub hook: Option<PauseHook>,
    /// A lifecycle stage that the API's enumeration lacks, such as `PRE_PRODUCTION_TRAFFIC_SHIFT`; it comes before
    /// traffic moves.
    pub unknown_stage: Option<String>,
    /// How deployments end that do not end well.
    pub ending: DeploymentEnding,
    /// The processor that ECS says it chose for new revisions instead of the task definition's, such as `X86_64`.
    pub architecture_override: Option<String>,
    /// The digest of the image that new tasks are said to run instead of the one that they were pinned to.
    pub image_override: Option<String>,
    /// Whether a service is described with the ARNs of its task definitions: the SDK has `taskDefinitionArn` in
    /// `activeConfigurations`, and the published page of the API does not list it.
    pub names_definitions: bool,
    /// Whether tasks log by themselves; without it whoever plays puts their objects.
    pub tasks_log: bool,
}

impl Default for Options {
    /// Any port, successful rollouts, 2026-11-23 10:00 UTC, a clock that is moved by hand, no latency.
    fn default() -> Self {
        // 1 795 428 000 is 2026-11-23T10:00:00Z.
        let start = Timestamp::constant(1_795_428_000, 0);
        let (scenario, advance) = (Scenario::Good, Advance::Manual);
        Self {
            port: 0,
            scenario,
            start,
            advance,
            faults: Vec::new(),
            latency: Duration::ZERO,
            second_update: SecondUpdate::default(),
            deployment: DeploymentTimes::default(),
            hook: None,
            unknown_stage: None,
            ending: DeploymentEnding::default(),
            architecture_override: None,
            image_override: None,
            names_definitions: true,
            tasks_log: true,
        }
    }
}

/// What moves the virtual clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Advance {
    /// Only the driver of executions, or whoever holds the clock.
    Manual,
    /// Each `DescribeServiceDeployments` call as well: for runners that skip waits without telling anyone.
    PerObservation(Duration),
}

/// Why a sandbox cannot start or take a document.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The port cannot be had.
    #[error("cannot listen on 127.0.0.1:{port}")]
    Listen {
        /// The port that was asked for.
        port: u16,
        /// What the system says.
        source: std::io::Error,
    },
    /// A task definition that ECS refuses, in its words.
    #[error("the task definition is refused: {0}")]
    Document(String),
    /// An update that ECS refuses, in its words.
    #[error("the update is refused: {0}")]
    Update(String),
}

impl From<api::ApiError> for Error {
    fn from(error: api::ApiError) -> Self {
        Self::Document(format!("{}: {}", error.name, error.message))
    }
}

/// A running sandbox. Dropping it closes the port and all connections.
#[derive(Debug)]
pub struct Sandbox {
    world: Arc<World>,
    server: AbortHandle,
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl Sandbox {
    /// Listens on 127.0.0.1 and serves on the current tokio runtime.
    pub async fn start(options: Options) -> Result<Self, Error> {
        let port = options.port;
        let listen = |source| Error::Listen { port, source };
        let listener = TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, port))).await.map_err(listen)?;
        let address = listener.local_addr().map_err(listen)?;
        let world = Arc::new(World::new(&options, format!("http://{address}")));
        seed::fill(&world, options.scenario)?;
        let server = tokio::spawn(server::accept(listener, world.clone())).abort_handle();
        Ok(Self { world, server })
    }

    /// `http://127.0.0.1:PORT`.
    pub fn endpoint(&self) -> String {
        self.world.endpoint.clone()
    }

    /// The clock that everything in the sandbox goes by.
    pub fn clock(&self) -> VirtualClock {
        self.world.clock.clone()
    }

    /// Every AWS call so far, in order of their answers; the checkpoints of durable executions are not among them, nor
    /// are the reads of their own state.
    pub fn calls(&self) -> Vec<Call> {
        self.world.calls()
    }

    /// What a policy must allow for the calls so far, those of durable executions among them; each once.
    pub fn permissions(&self) -> BTreeSet<Permission> {
        self.world.permissions()
    }

    /// Every call so far in the order in which they came in, checkpoints included; nothing without a latency.
    pub fn arrivals(&self) -> Vec<Arrival> {
        self.world.arrivals()
    }

    /// The most requests that were ever answered at once: meaningful with a latency.
    pub fn most_under_way(&self) -> usize {
        self.world.most_under_way()
    }

    /// Scripts a fault; it counts calls from now on.
    pub fn inject(&self, fault: Fault) {
        self.world.faults().add(fault);
    }

    /// Everything that durable executions have recorded: results and errors, as a later invocation reads them.
    pub fn recorded(&self) -> Vec<executions::Recorded> {
        self.world.durable.recorded()
    }

    /// Lets the invocation die that sends the nth checkpoint since the start, before or after it is stored.
    pub fn crash_at_checkpoint(&self, nth: u64, after: bool) {
        self.world.durable.crash_at_checkpoint(nth, after);
    }

    /// Checkpoints so far: the last one at which a run like this one can be cut.
    pub fn checkpoints(&self) -> u64 {
        self.world.durable.checkpoints()
    }

    /// The Lambda service of this sandbox.
    pub fn executions(&self) -> Executions {
        Executions::new(self.clock(), self.world.durable.clone(), self.world.crash.clone())
    }

    /// The ARN that an execution of this name has, or would have.
    pub fn execution_arn(name: &str) -> String {
        DurableService::arn(name)
    }

    /// Stops an execution, as a person does with `StopDurableExecution`: its running invocation dies and is the last
    /// one. False where none of that name is under way. `FaultKind::Stop` does it at a given call or checkpoint.
    pub fn stop_execution(&self, name: &str) -> bool {
        self.world.durable.cut_off(name, ExecutionOutcome::Stopped)
    }

    /// Ends an execution whose execution timeout is over; otherwise like a stop.
    pub fn time_out_execution(&self, name: &str) -> bool {
        self.world.durable.cut_off(name, ExecutionOutcome::TimedOut)
    }

    /// Lets the retention of an ended execution be over: `GetDurableExecution` does not find it any more. False where
    /// none of that name has ended.
    pub fn forget_execution(&self, name: &str) -> bool {
        self.world.durable.forget(name)
    }

    /// Clients made from this talk to the sandbox. Retries come after a millisecond, so that injected throttling does
    /// not slow a test.
    pub fn sdk_config(&self) -> SdkConfig {
        let credentials = Credentials::new("AKIDSANDBOX", "sandbox", None, None, "sandbox");
        SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::from_static(api::REGION))
            .credentials_provider(SharedCredentialsProvider::new(credentials))
            .endpoint_url(self.endpoint())
            .retry_config(RetryConfig::standard().with_initial_backoff(Duration::from_millis(1)))
            .http_client(aws_smithy_http_client::Builder::new().build_http())
            .build()
    }

    /// Pushes a manifest: `tags` move to it. Gives its digest.
    pub fn put_image(&self, repository: &str, tags: &[&str], manifest: &[u8]) -> String {
        self.world.registry().put_image(repository, tags, manifest, self.world.clock.now())
    }

    /// Deletes the image that a tag or a digest names, as a lifecycle policy of the repository does; false where there
    /// is none. Tasks that run it go on.
    pub fn delete_image(&self, repository: &str, tag_or_digest: &str) -> bool {
        self.world.registry().delete(repository, tag_or_digest)
    }

    /// Pushes a blob, for instance an image configuration. Gives its digest.
    pub fn put_blob(&self, repository: &str, blob: &[u8]) -> String {
        self.world.registry().put_blob(repository, blob)
    }

    /// Registers a task definition and makes it the live one of a service in the cluster `default`, as if it had been
    /// deployed a day ago. The service is made if there is none; its history is forgotten. Gives the task definition's
    /// ARN.
    pub fn set_live(&self, service: &str, document: &Value) -> Result<String, Error> {
        let now = self.world.clock.now();
        let mut ecs = self.world.ecs();
        let arn = ecs.definitions.store(document, now, None)?.arn();
        ecs.set_live(service, &arn, &self.world.registry(), now)?;
        Ok(arn)
    }

    /// Registers a task definition with its tags, as whoever may do so does it; it is not a call. Gives its ARN.
    pub fn register(&self, document: &Value) -> Result<String, Error> {
        let now = self.world.clock.now();
        Ok(self.world.ecs().definitions.store(document, now, None)?.arn())
    }

    /// Makes a service in the cluster `default` from a bare image, as if that had been done a day ago: ECS has a task
    /// definition of its own for it. Gives its ARN.
    pub fn make_from_image(&self, service: &str, image: &str) -> Result<String, Error> {
        let now = self.world.clock.now();
        let mut ecs = self.world.ecs();
        Ok(ecs.make_from_image(service, image, &self.world.registry(), now)?)
    }

    /// Begins a deployment of another image to such a service now, as a person does at the console; it is not a call.
    /// Gives the ARN of ECS's own task definition.
    pub fn deploy_image_by_hand(&self, service: &str, image: &str) -> Result<String, Error> {
        let now = self.world.clock.now();
        let mut ecs = self.world.ecs();
        let context = ecs::Context { now, registry: &self.world.registry(), blindness: None };
        Ok(ecs.deploy_image_by_hand(service, image, context)?)
    }

    /// Begins a deployment now, as a person does at the console; it is not a call. Gives the deployment's ARN.
    pub fn deploy_by_hand(&self, service: &str, task_definition_arn: &str) -> Result<String, Error> {
        let now = self.world.clock.now();
        let mut ecs = self.world.ecs();
        let context = ecs::Context { now, registry: &self.world.registry(), blindness: None };
        let begun = ecs.deploy_by_hand(service, task_definition_arn, context);
        begun.map_err(|error| Error::Update(format!("{}: {}", error.name, error.message)))
    }

    /// Rolls back the deployment under way, as a person does at the console; false where there is none.
    pub fn roll_back_by_hand(&self, service: &str) -> bool {
        self.world.ecs().roll_back_by_hand(service, self.world.clock.now())
    }

    /// Configures the canary and the bakes, as `UpdateService` does: deployments that begin from now on go by them.
    pub fn set_deployment_times(&self, times: DeploymentTimes) {
        self.world.ecs().manner.times = times;
    }

    /// Lets deployments that begin from now on end so, where they do not end well.
    pub fn set_deployment_ending(&self, ending: DeploymentEnding) {
        self.world.ecs().manner.ending = ending;
    }

    /// Sets a service's status (`ACTIVE`, `DRAINING`, `INACTIVE`); false where there is no such service.
    pub fn set_service_status(&self, service: &str, status: &str) -> bool {
        self.world.ecs().set_status(service, status)
    }

    /// Stores an object; the bucket is made if there is none.
    pub fn put_object(&self, bucket: &str, key: &str, body: Vec<u8>) {
        self.world.buckets.create(bucket);
        self.world.buckets.put(bucket, key, body, None);
    }

    /// Gives a bucket to another account than the sandbox's; the bucket is made if there is none.
    pub fn give_bucket(&self, bucket: &str, account: &str) {
        self.world.buckets.give(bucket, account);
    }

    /// The keys in a bucket, log objects that are due by now among them.
    pub fn objects(&self, bucket: &str) -> Vec<String> {
        self.world.settle();
        self.world.buckets.keys(bucket)
    }

    /// The bytes of an object.
    pub fn object(&self, bucket: &str, key: &str) -> Option<Vec<u8>> {
        self.world.settle();
        self.world.buckets.get(bucket, key)
    }

    /// The revisions of a family as `DescribeTaskDefinition` shows them, oldest first.
    pub fn task_definitions(&self, family: &str) -> Vec<Value> {
        self.world.ecs().definitions.family(family)
    }

    /// All deployments as `DescribeServiceDeployments` shows them, oldest first, each with the ARN of its task
    /// definition; a service's first one made its seeded revision live.
    pub fn deployments(&self) -> Vec<Value> {
        self.world.ecs().all_deployments(self.world.clock.now())
    }
}
