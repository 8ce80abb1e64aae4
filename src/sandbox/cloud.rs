//! The cloud behind the socket: which service a request is for, the calls that were made, and the faults that strike them.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Value, json};

use super::clock::VirtualClock;
use super::durable::{self, DurableService};
use super::ecr::Ecr;
use super::ecs::Ecs;
use super::faults::{CrashSignal, FaultKind, Faults, Moment};
use super::s3::{self, Buckets};
use super::wire::{Reply, Request};
use super::{Advance, LOG_BUCKET, Options, STATE_BUCKET, Scenario};

/// One AWS call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Call {
    /// `ecs`, `ecr` or `s3`.
    pub service: &'static str,
    /// The operation.
    pub operation: String,
    /// What it was about.
    pub resource: String,
    /// The status that was answered; 0 when there was no answer.
    pub status: u16,
    /// The virtual time.
    pub at: Timestamp,
}

/// What becomes of a request.
#[derive(Debug)]
pub(super) enum Answer {
    Reply(Reply),
    /// The connection closes.
    Drop,
    /// The client is dead.
    Silence,
}

/// Everything that the sandbox plays.
#[derive(Debug)]
pub(super) struct Cloud {
    pub(super) clock: VirtualClock,
    pub(super) buckets: Buckets,
    pub(super) durable: DurableService,
    pub(super) faults: Faults,
    pub(super) crash: CrashSignal,
    ecr: Ecr,
    ecs: Mutex<Ecs>,
    calls: Mutex<Vec<Call>>,
    advance: Advance,
    latency: Duration,
}

/// A refusal of a service that speaks JSON: status, error type, message.
pub(super) type Refusal = (u16, &'static str, String);

/// The documents that lie in the upload bucket, in the versions that the upload events name.
const UPLOADS: [(&str, &str, &str); 5] = [
    ("plain-arm64", "v-plain-arm64", include_str!("../../events/task-definitions/plain-arm64.json")),
    ("datadog-sidecar", "v-datadog-sidecar", include_str!("../../events/task-definitions/datadog-sidecar.json")),
    ("health-check", "v-health-check", include_str!("../../events/task-definitions/health-check.json")),
    ("firelens", "IYV3p45BT0ac8hjHg1houSdS1a.Mro8e", include_str!("../../events/task-definitions/firelens.json")),
    (
        "health check (v2+)",
        "096fKKXTRTtl3on89fVOnFD9rkXS1Nxq",
        include_str!("../../events/task-definitions/health-check.json"),
    ),
];

const ECS_TARGET: &str = "AmazonEC2ContainerServiceV20141113.";
const ECR_TARGET: &str = "AmazonEC2ContainerRegistry_V20150921.";

impl Cloud {
    pub(super) fn new(options: Options, endpoint: &str) -> Self {
        let clock = VirtualClock::at(options.start);
        let crash = CrashSignal::new();
        let buckets = Buckets::new(clock.clone());
        buckets.create(STATE_BUCKET);
        buckets.create(LOG_BUCKET);
        for (name, version, document) in UPLOADS {
            let key = format!("task-definitions/express-mode-custom-td/{name}.json");
            buckets.put(STATE_BUCKET, &key, document.as_bytes().to_vec(), None);
            buckets.name_version(STATE_BUCKET, &key, version);
        }
        let ecr = Ecr::seeded(endpoint, options.scenario == Scenario::Amd64Only);
        Self {
            durable: DurableService::new(clock.clone()),
            ecs: Mutex::new(Ecs::seeded(options.scenario, options.start)),
            faults: Faults::new(options.faults),
            calls: Mutex::default(),
            advance: options.advance,
            latency: options.latency,
            clock,
            buckets,
            crash,
            ecr,
        }
    }

    pub(super) fn ecs(&self) -> MutexGuard<'_, Ecs> {
        self.ecs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn calls(&self) -> Vec<Call> {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Lets everything happen that is due by now.
    pub(super) fn settle(&self) {
        self.ecs().write_logs(self.clock.now(), &self.buckets);
    }

    pub(super) async fn answer(&self, request: &Request) -> Answer {
        if request.path.starts_with(durable::PATH) {
            return Answer::Reply(self.durable.handle(request));
        }
        if let Some(path) = request.path.strip_prefix("/_sandbox/") {
            return Answer::Reply(self.control(path));
        }
        if !self.latency.is_zero() {
            #[expect(clippy::disallowed_methods, reason = "the latency of a benchmark is real")]
            tokio::time::sleep(self.latency).await;
        }
        let target = request.header("x-amz-target").unwrap_or_default();
        let (service, operation, resource) = match (target.strip_prefix(ECS_TARGET), target.strip_prefix(ECR_TARGET)) {
            (Some(operation), _) => ("ecs", operation.to_owned(), subject(&request.body)),
            (None, Some(operation)) => ("ecr", operation.to_owned(), subject(&request.body)),
            (None, None) => {
                let (operation, resource) = Buckets::operation(request);
                ("s3", operation.to_owned(), resource)
            }
        };
        let (answer, status) = self.strike(service, &operation, request);
        let call = Call { service, operation, resource, status, at: self.clock.now() };
        self.calls.lock().unwrap_or_else(PoisonError::into_inner).push(call);
        answer
    }

    /// The answer of the service, or the fault that strikes before or after it acts.
    fn strike(&self, service: &str, operation: &str, request: &Request) -> (Answer, u16) {
        let fault = self.faults.strike(operation);
        if let Some((Moment::Before, kind)) = fault {
            return self.fail(service, kind, &request.path);
        }
        let reply = self.act(service, operation, request);
        if let Some((Moment::After, kind)) = fault {
            return self.fail(service, kind, &request.path);
        }
        let status = reply.status;
        (Answer::Reply(reply), status)
    }

    fn fail(&self, service: &str, kind: FaultKind, path: &str) -> (Answer, u16) {
        let reply = match (kind, service) {
            (FaultKind::Drop, _) => return (Answer::Drop, 0),
            (FaultKind::Crash, _) => {
                self.crash.raise();
                return (Answer::Silence, 0);
            }
            (FaultKind::Throttle, "s3") => s3::fault(503, "SlowDown", path),
            (FaultKind::ServerError, "s3") => s3::fault(500, "InternalError", path),
            (FaultKind::AccessDenied, "s3") => s3::fault(403, "AccessDenied", path),
            (FaultKind::Throttle, _) => json_reply(Err((400, "ThrottlingException", "Rate exceeded".to_owned()))),
            (FaultKind::ServerError, _) => {
                json_reply(Err((500, "ServerException", "Service Unavailable. Please try again later.".to_owned())))
            }
            (FaultKind::AccessDenied, _) => {
                let message =
                    "User: arn:aws:sts::123456789012:assumed-role/deployer is not authorized to perform this action"
                        .to_owned();
                json_reply(Err((400, "AccessDeniedException", message)))
            }
        };
        let status = reply.status;
        (Answer::Reply(reply), status)
    }

    fn act(&self, service: &str, operation: &str, request: &Request) -> Reply {
        if let (Advance::PerObservation(span), "DescribeServiceDeployments") = (self.advance, operation) {
            self.clock.advance(span);
        }
        self.settle();
        if service == "s3" {
            return self.buckets.handle(request);
        }
        let body: Value = match serde_json::from_slice(if request.body.is_empty() { b"{}" } else { &request.body }) {
            Ok(body) => body,
            Err(error) => return json_reply(Err((400, "SerializationException", error.to_string()))),
        };
        json_reply(match service {
            "ecs" => self.ecs().act(operation, &body, self.clock.now(), &self.ecr),
            _ => self.ecr.act(operation, &body),
        })
    }

    /// What is no part of AWS: the calls so far, and the blobs behind download URLs.
    fn control(&self, path: &str) -> Reply {
        if path == "calls" {
            return json_reply(Ok(json!(self.calls())));
        }
        match path.strip_prefix("layers/").and_then(|digest| self.ecr.blob(digest)) {
            Some(body) => {
                Reply { status: 200, headers: vec![("content-type", "application/octet-stream".to_owned())], body }
            }
            None => json_reply(Err((404, "NotFound", format!("there is no /_sandbox/{path}")))),
        }
    }
}

/// What a JSON request is about: the first of the members that name a resource.
fn subject(body: &[u8]) -> String {
    let body: Value = serde_json::from_slice(body).unwrap_or_default();
    let members = [
        "serviceArn",
        "service",
        "family",
        "taskDefinition",
        "familyPrefix",
        "repositoryName",
        "serviceName",
        "cluster",
    ];
    let named = members.iter().find_map(|member| body[*member].as_str());
    let listed =
        ["serviceDeploymentArns", "serviceRevisionArns", "tasks"].iter().find_map(|member| body[*member][0].as_str());
    named.or(listed).or_else(|| body["serviceDeploymentArn"].as_str()).unwrap_or_default().to_owned()
}

/// An answer of a service that speaks AWS JSON 1.1.
pub(super) fn json_reply(answer: Result<Value, Refusal>) -> Reply {
    let (status, body) = match answer {
        Ok(body) => (200, body),
        Err((status, kind, message)) => (status, json!({"__type": kind, "message": message})),
    };
    Reply {
        status,
        headers: vec![("content-type", "application/x-amz-json-1.1".to_owned())],
        body: body.to_string().into_bytes(),
    }
}
