//! The stand-in for AWS: one HTTP server on 127.0.0.1 that speaks ECS, ECR, S3 and the two Lambda calls of durable functions on the wire.
//! It refuses what AWS refuses, and it never runs a container: rollouts, tasks and log objects happen on a virtual clock.

use std::sync::Arc;
use std::time::Duration;

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_ecs::config::retry::RetryConfig;
use aws_sdk_ecs::config::{Credentials, SharedCredentialsProvider};
use jiff::Timestamp;
use serde_json::Value;

pub mod clock;
mod cloud;
mod durable;
mod ecr;
mod ecs;
pub mod executions;
mod faults;
mod firelens;
#[cfg(test)]
mod loopback;
mod rollout;
mod s3;
mod scenario;
mod server;
mod wire;

use clock::VirtualClock;
use cloud::Cloud;
use executions::Executions;

pub use cloud::Call;
pub use faults::{Fault, FaultKind, Moment};
pub use scenario::Scenario;

/// The account of everything that is seeded.
pub(crate) const ACCOUNT: &str = "123456789012";
/// The region of everything that is seeded.
pub(crate) const REGION: &str = "ap-northeast-1";
/// The bucket for heads, reports and uploads.
const STATE_BUCKET: &str = "deployer-state-123456789012-ap-northeast-1";
/// The bucket that FireLens writes to.
const LOG_BUCKET: &str = "your-log-bucket";

/// How a sandbox is set up.
#[derive(Clone, Debug)]
pub struct Options {
    /// The port on 127.0.0.1; 0 takes a free one.
    pub port: u16,
    /// What happens to deployments of what has not run before.
    pub scenario: Scenario,
    /// The time that the clock begins with.
    pub start: Timestamp,
    /// What moves the clock.
    pub advance: Advance,
    /// Calls that go wrong.
    pub faults: Vec<Fault>,
    /// Real time that every AWS call takes, for measuring how many of them wait for each other.
    pub latency: Duration,
}

impl Default for Options {
    fn default() -> Self {
        let start = Timestamp::constant(1_782_961_805, 0); // 2026-07-02T03:10:05Z, when events/ecr-image-push.json happened
        Self {
            port: 0,
            scenario: Scenario::Good,
            start,
            advance: Advance::Manual,
            faults: Vec::new(),
            latency: Duration::ZERO,
        }
    }
}

/// What moves the clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Advance {
    /// Whoever plays executions, or a test.
    Manual,
    /// Every look at a deployment, by this much: for runners that skip waits without telling anyone.
    PerObservation(Duration),
}

/// A running stand-in; it stops when it is dropped.
#[derive(Debug)]
pub struct Sandbox {
    cloud: Arc<Cloud>,
    server: server::Server,
}

/// Why a sandbox does not start.
#[derive(Debug, thiserror::Error)]
#[error("the stand-in for AWS cannot listen on 127.0.0.1: {0}")]
pub struct Error(#[from] std::io::Error);

impl Sandbox {
    /// Starts one. Must be called within a tokio runtime, which serves it.
    pub async fn start(options: Options) -> Result<Self, Error> {
        let listener = server::Server::bind(options.port).await?;
        let cloud = Arc::new(Cloud::new(options, &listener.endpoint()));
        Ok(Self { server: listener.serve(Arc::clone(&cloud)), cloud })
    }

    /// The endpoint for every service.
    pub fn endpoint(&self) -> String {
        self.server.endpoint()
    }

    /// The virtual clock.
    pub fn clock(&self) -> VirtualClock {
        self.cloud.clock.clone()
    }

    /// Every AWS call so far, in order; checkpoints are not among them.
    pub fn calls(&self) -> Vec<Call> {
        self.cloud.calls()
    }

    /// Adds a fault; its calls are counted from now on.
    pub fn inject(&self, fault: Fault) {
        self.cloud.faults.add(fault);
    }

    /// Kills the invocation that sends the nth checkpoint since the start, before or after it is stored.
    pub fn crash_at_checkpoint(&self, nth: u64, after: bool) {
        self.cloud.durable.crash_at_checkpoint(nth, after);
    }

    /// Checkpoints so far: the last one at which a run like this one can be cut.
    pub fn checkpoints(&self) -> u64 {
        self.cloud.durable.checkpoints()
    }

    /// The Lambda service of this sandbox.
    pub fn executions(&self) -> Executions {
        Executions::new(self.clock(), self.cloud.durable.clone(), self.cloud.crash.clone())
    }

    /// A configuration for real SDK clients. Retries wait a millisecond, so that injected trouble costs no real time.
    pub fn sdk_config(&self) -> SdkConfig {
        let credentials = Credentials::new("sandbox", "sandbox", None, None, "sandbox");
        SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new(REGION))
            .endpoint_url(self.endpoint())
            .credentials_provider(SharedCredentialsProvider::new(credentials))
            .retry_config(RetryConfig::standard().with_initial_backoff(Duration::from_millis(1)))
            .http_client(aws_smithy_http_client::Builder::new().build_http())
            .build()
    }

    /// Another service that runs what the seeded one runs; gives its ARN.
    pub fn add_service(&self, name: &str) -> String {
        self.cloud.ecs().add_service(name)
    }

    /// Stores an object.
    pub fn put_object(&self, bucket: &str, key: &str, body: Vec<u8>) {
        self.cloud.buckets.put(bucket, key, body, None);
    }

    /// Stores an object in a version with this id.
    pub fn put_object_version(&self, bucket: &str, key: &str, version: &str, body: Vec<u8>) {
        self.cloud.buckets.put(bucket, key, body, None);
        self.cloud.buckets.name_version(bucket, key, version);
    }

    /// An object's bytes.
    pub fn object(&self, bucket: &str, key: &str) -> Option<Vec<u8>> {
        self.cloud.settle();
        self.cloud.buckets.get(bucket, key)
    }

    /// The keys of a bucket, in order.
    pub fn objects(&self, bucket: &str) -> Vec<String> {
        self.cloud.settle();
        self.cloud.buckets.keys(bucket)
    }

    /// The registered revisions of a family, oldest first, as ECS describes them.
    pub fn task_definitions(&self, family: &str) -> Vec<Value> {
        self.cloud.ecs().described(family)
    }

    /// The service deployments since the sandbox was started, oldest first, as ECS describes them.
    pub fn deployments(&self) -> Vec<Value> {
        let now = self.cloud.clock.now();
        self.cloud.ecs().described_deployments(now)
    }
}
