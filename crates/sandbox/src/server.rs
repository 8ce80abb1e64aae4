//! The socket: accepts connections on 127.0.0.1, reads requests whole and bounded, hands each to its service, and lets
//! the scripted faults apply to it. No service's rules are here.

use std::convert::Infallible;
use std::sync::Arc;

use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::http::request::Parts;
use hyper::service::service_fn;
use hyper::{Response, header};
use hyper_util::rt::TokioIo;
use percent_encoding::percent_decode_str;
use serde_json::Value;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use super::api::{ApiError, json_reply};
use super::durable::DurableService;
use super::faults::{FaultKind, Moment, json_refusal, s3_refusal};
use super::permissions::Asked;
use super::s3::{Buckets, EXPECTED_OWNER};
use super::state::{Call, World};
use super::wire::{Reply, Request};
use super::{Advance, chunked, control, ecr, ecs};

/// The largest body that is read, in bytes.
const MAX_BODY: usize = 16 * 1024 * 1024;

/// Accepts connections until it is dropped, which closes them all.
pub(crate) async fn accept(listener: TcpListener, world: Arc<World>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            Ok((stream, _)) = listener.accept() => {
                connections.spawn(serve(stream, world.clone()));
            }
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn serve(stream: TcpStream, world: Arc<World>) {
    let service = service_fn(move |request| {
        let world = world.clone();
        async move { respond(request, &world).await }
    });
    // A connection that breaks is the client's business.
    let _ = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
}

/// The connection is to be closed without a reply.
#[derive(Debug, thiserror::Error)]
#[error("a scripted fault closes the connection")]
struct Dropped;

async fn respond(request: hyper::Request<Incoming>, world: &World) -> Result<Response<Full<Bytes>>, Dropped> {
    let is_head = request.method() == hyper::Method::HEAD;
    let outcome = match read(request).await {
        Ok(request) => {
            let _under_way = world.begin();
            take_time(world, &request).await;
            answer(world, &request)
        }
        Err(reply) => Outcome::Reply(reply),
    };
    match outcome {
        Outcome::Reply(reply) => Ok(response(reply, is_head)),
        Outcome::Dropped => Err(Dropped),
        Outcome::Withheld => {
            world.crash.raise();
            match std::future::pending::<Infallible>().await {}
        }
    }
}

/// The latency of a benchmark, which is real, and of every call. When the call came in is noted before it.
async fn take_time(world: &World, request: &Request) {
    if !world.latency.is_zero() {
        let (service, operation, _) = Target::of(request).describe(request, &Value::Null);
        world.arrive(service, operation);
        #[expect(clippy::disallowed_methods, reason = "a benchmark measures how much of this adds up")]
        tokio::time::sleep(world.latency).await;
    }
}

fn response(reply: Reply, is_head: bool) -> Response<Full<Bytes>> {
    let length = reply.body.len();
    let body = if is_head { Bytes::new() } else { Bytes::from(reply.body) };
    let mut builder = Response::builder().status(reply.status);
    for (name, value) in reply.headers {
        builder = builder.header(name, value);
    }
    if !matches!(reply.status, 204 | 304) {
        builder = builder.header(header::CONTENT_LENGTH, length);
    }
    builder.body(Full::new(body)).unwrap_or_else(|_| {
        let mut broken = Response::new(Full::default());
        *broken.status_mut() = hyper::StatusCode::INTERNAL_SERVER_ERROR;
        broken
    })
}

/// Reads a request whole.
async fn read(request: hyper::Request<Incoming>) -> Result<Request, Reply> {
    let (head, body) = request.into_parts();
    let too_large = |_| Reply::plain(413, "the body is larger than the sandbox takes");
    let body = Limited::new(body, MAX_BODY).collect().await.map_err(too_large)?.to_bytes().to_vec();
    understand(head, body)
}

/// A request as the services see it: decoded, and without the framing of `aws-chunked`.
pub(super) fn understand(head: Parts, body: Vec<u8>) -> Result<Request, Reply> {
    let mut headers = head.headers;
    let body = if chunked::is_chunked(&headers) {
        chunked::strip(&mut headers);
        chunked::unwrap(&body).ok_or_else(|| Reply::plain(400, "the aws-chunked body is malformed"))?
    } else {
        body
    };
    let decode = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
    let query = head.uri.query().unwrap_or_default().split('&').filter(|pair| !pair.is_empty());
    let query =
        query.map(|pair| pair.split_once('=').unwrap_or((pair, ""))).map(|(key, value)| (decode(key), decode(value)));
    Ok(Request {
        method: head.method.as_str().to_owned(),
        path: decode(head.uri.path()),
        query: query.collect(),
        headers,
        body,
    })
}

/// What becomes of a call.
pub(super) enum Outcome {
    Reply(Reply),
    Dropped,
    Withheld,
}

/// Which service a request is for.
enum Target {
    Ecs(String),
    Ecr(String),
    Durable,
    Layer(String),
    Storage,
}

impl Target {
    fn of(request: &Request) -> Self {
        let operation = |prefix| request.header("x-amz-target").and_then(|target| target.strip_prefix(prefix));
        if let Some(operation) = operation("AmazonEC2ContainerServiceV20141113.") {
            return Self::Ecs(operation.to_owned());
        }
        if let Some(operation) = operation("AmazonEC2ContainerRegistry_V20150921.") {
            return Self::Ecr(operation.to_owned());
        }
        if request.path.starts_with("/2025-12-01/durable-executions/") {
            return Self::Durable;
        }
        match request.path.strip_prefix("/_sandbox/layers/") {
            Some(digest) => Self::Layer(digest.to_owned()),
            None => Self::Storage,
        }
    }

    /// Service, operation and resource of the call.
    fn describe(&self, request: &Request, input: &Value) -> (&'static str, String, String) {
        match self {
            Self::Ecs(operation) => ("ecs", operation.clone(), ecs::resource(input)),
            Self::Ecr(operation) => ("ecr", operation.clone(), ecr::resource(input)),
            Self::Durable => {
                let (operation, resource) = DurableService::operation(request);
                ("lambda", operation.to_owned(), resource)
            }
            Self::Layer(digest) => ("ecr", "DownloadLayer".to_owned(), digest.clone()),
            Self::Storage => {
                let (operation, resource) = Buckets::operation(request);
                ("s3", operation.to_owned(), resource)
            }
        }
    }
}

/// Service, operation and resource of a request.
pub(super) fn describe(request: &Request) -> (&'static str, String, String) {
    let target = Target::of(request);
    let input = input(&target, request);
    target.describe(request, input.as_ref().unwrap_or(&Value::Null))
}

/// Serves one request: the clock, the fault, the service, the list of calls.
pub(super) fn answer(world: &World, request: &Request) -> Outcome {
    let target = Target::of(request);
    if matches!(target, Target::Storage) && request.path.starts_with("/_sandbox/") {
        return Outcome::Reply(control::handle(world, request));
    }
    let input = input(&target, request);
    let (service, operation, resource) = target.describe(request, input.as_ref().unwrap_or(&Value::Null));
    if let (Advance::PerObservation(span), "DescribeServiceDeployments") = (world.advance, operation.as_str()) {
        world.clock.advance(span);
    }
    world.settle();
    let fault = world.faults().next_fault(&operation);
    if fault.by_hand {
        let mut ecs = world.ecs();
        ecs.redeploy_by_hand(ecs::Context { now: world.clock.now(), registry: &world.registry(), blindness: None });
    }
    let fault = fault.fault;
    let blindness = fault.map(|(_, kind)| kind).filter(|kind| kind.is_blindness());
    let fault = fault.filter(|_| blindness.is_none());
    let mut outcome = match fault {
        Some((Moment::Before, kind)) => apply_fault(kind, &target, (service, &operation, &resource)),
        _ => Outcome::Reply(match &input {
            Ok(input) => act(world, &target, request, input, blindness),
            Err(error) => error.reply(),
        }),
    };
    if let Some((Moment::After, kind)) = fault {
        outcome = apply_fault(kind, &target, (service, &operation, &resource));
    }
    if let Some((_, FaultKind::Stop)) = fault {
        world.durable.stop_caller(request);
    }
    let status = if let Outcome::Reply(reply) = &outcome { reply.status } else { 0 };
    let input = input.as_ref().unwrap_or(&Value::Null);
    world.need(&Asked { service, operation: &operation, resource: &resource, request, input, status });
    if !matches!(operation.as_str(), "CheckpointDurableExecution" | "GetDurableExecutionState") {
        let bucket_owner = request.header(EXPECTED_OWNER).map(str::to_owned);
        world.record(Call { service, operation, resource, status, bucket_owner, at: world.clock.now() });
    }
    outcome
}

/// The JSON input of the services that have one.
fn input(target: &Target, request: &Request) -> Result<Value, ApiError> {
    match target {
        Target::Ecs(_) | Target::Ecr(_) if !request.body.is_empty() => serde_json::from_slice(&request.body)
            .ok()
            .filter(Value::is_object)
            .ok_or_else(|| ApiError::new("SerializationException", "the body is not a JSON object")),
        _ => Ok(Value::Object(serde_json::Map::new())),
    }
}

fn apply_fault(kind: FaultKind, target: &Target, (service, operation, resource): (&str, &str, &str)) -> Outcome {
    let refusal = match target {
        Target::Storage | Target::Layer(_) => s3_refusal(kind, operation, resource),
        Target::Ecs(_) | Target::Ecr(_) | Target::Durable => json_refusal(kind, service, operation, resource),
    };
    match (refusal, kind) {
        (Some(reply), _) => Outcome::Reply(reply),
        (None, FaultKind::Crash | FaultKind::Stop) => Outcome::Withheld,
        (None, _) => Outcome::Dropped,
    }
}

fn act(world: &World, target: &Target, request: &Request, input: &Value, blindness: Option<FaultKind>) -> Reply {
    let json = |result: Result<Value, ApiError>| match result {
        Ok(body) => json_reply(200, &body),
        Err(error) => error.reply(),
    };
    match target {
        Target::Ecs(operation) => {
            let mut ecs = world.ecs();
            let context = ecs::Context { now: world.clock.now(), registry: &world.registry(), blindness };
            json(ecs.handle(operation, input, context))
        }
        Target::Ecr(operation) => json(world.registry().handle(operation, input, &world.endpoint)),
        Target::Durable => world.durable.handle(request),
        Target::Layer(digest) => layer(world, request, digest),
        Target::Storage => world.buckets.handle(request),
    }
}

/// A blob behind the URL that ECR handed out; without its signature it is refused.
fn layer(world: &World, request: &Request, digest: &str) -> Reply {
    if request.query("X-Amz-Signature").is_none_or(str::is_empty) {
        return Reply::plain(403, "the URL is not signed");
    }
    match world.registry().blob(digest) {
        Some(blob) => Reply {
            status: 200,
            headers: vec![("content-type", "application/octet-stream".to_owned())],
            body: blob.to_vec(),
        },
        None => Reply::plain(404, "no such layer"),
    }
}
