//! The wire of a simulation: the SDK's HTTP connector, after signing, without a socket. Every call is held here until
//! the schedule lets it act, and its answer until the schedule lets it go. Nothing is decided here.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_smithy_async::rt::sleep::{AsyncSleep, Sleep};
use aws_smithy_async::time::TimeSource;
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::byte_stream::ByteStream;
use jiff::Timestamp;
use tokio::sync::{Notify, oneshot};

use super::dice::Dice;
use crate::clock::VirtualClock;
use crate::server::{describe, understand};
use crate::wire::{Reply, Request};

/// Who calls: the number of an execution in the story, and of its invocation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Caller {
    pub(super) execution: usize,
    pub(super) invocation: u32,
}

impl fmt::Display for Caller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "x{}.{}", self.execution, self.invocation)
    }
}

/// What a caller hears.
type Heard = Result<Reply, Broken>;

/// The connection broke.
#[derive(Debug, thiserror::Error)]
#[error("the connection was reset")]
pub(super) struct Broken;

/// A call that is on the wire.
#[derive(Debug)]
pub(super) struct Held {
    /// In the order of their arrival, from 1.
    pub(super) number: u64,
    pub(super) caller: Caller,
    pub(super) service: &'static str,
    pub(super) operation: String,
    pub(super) resource: String,
    pub(super) request: Request,
    pub(super) sent: Timestamp,
    /// What the server said, once it has acted.
    pub(super) answer: Option<Reply>,
    /// The answer is lost on its way, or the call is: the caller waits until it gives up.
    pub(super) mute: bool,
    caller_waits: oneshot::Sender<Heard>,
}

impl Held {
    /// Whether the caller gave up or died.
    pub(super) fn is_orphan(&self) -> bool {
        self.caller_waits.is_closed()
    }

    /// Lets the caller hear.
    pub(super) fn end(self, heard: Heard) {
        // A caller that has gone hears nothing.
        let _ = self.caller_waits.send(heard);
    }
}

impl fmt::Display for Held {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { number, caller, operation, resource, .. } = self;
        // The caller says which execution checkpoints.
        let resource = if self.service == "lambda" { "" } else { resource };
        let short = resource
            .rmatch_indices(['/', ' '])
            .nth(1)
            .map_or(resource, |(at, _)| resource.get(at + 1..).unwrap_or(resource));
        write!(f, "#{number} {caller} {operation} {short}")
    }
}

/// The calls of all executions that are on the wire.
#[derive(Debug)]
pub(super) struct Wire {
    clock: VirtualClock,
    calls: Mutex<Calls>,
    /// Told when a call arrives.
    pub(super) arrivals: Notify,
}

#[derive(Debug, Default)]
struct Calls {
    sent: u64,
    held: Vec<Held>,
}

impl Wire {
    pub(super) fn new(clock: VirtualClock) -> Self {
        Self { clock, calls: Mutex::default(), arrivals: Notify::new() }
    }

    /// Looks through what is held, in the order of arrival; calls for which `keep` says no are forgotten.
    pub(super) fn retain(&self, keep: impl FnMut(&mut Held) -> bool) {
        self.lock().held.retain_mut(keep);
    }

    /// The call with this number, off the wire.
    pub(super) fn take(&self, number: u64) -> Option<Held> {
        let mut calls = self.lock();
        let index = calls.held.iter().position(|held| held.number == number)?;
        Some(calls.held.remove(index))
    }

    /// Puts a call back onto the wire.
    pub(super) fn hold_on(&self, held: Held) {
        self.lock().held.push(held);
    }

    fn hold(&self, caller: Caller, request: Request) -> oneshot::Receiver<Heard> {
        let (caller_waits, answer) = oneshot::channel();
        let (service, operation, resource) = describe(&request);
        let mut calls = self.lock();
        calls.sent += 1;
        let (number, sent) = (calls.sent, self.clock.now());
        let held = Held {
            number,
            caller,
            service,
            operation,
            resource,
            request,
            sent,
            answer: None,
            mute: false,
            caller_waits,
        };
        calls.held.push(held);
        drop(calls);
        self.arrivals.notify_one();
        answer
    }

    fn lock(&self) -> MutexGuard<'_, Calls> {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One invocation's end of the wire.
#[derive(Clone, Debug)]
pub(super) struct Line {
    pub(super) wire: Arc<Wire>,
    pub(super) caller: Caller,
}

impl HttpClient for Line {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl HttpConnector for Line {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let Self { wire, caller } = self.clone();
        HttpConnectorFuture::new(async move {
            let request = match read(request).await? {
                Ok(request) => request,
                Err(reply) => return respond(reply, false),
            };
            let is_head = request.method == "HEAD";
            // A driver that has gone lets all connections break.
            let heard = wire.hold(caller, request).await.unwrap_or(Err(Broken));
            respond(heard.map_err(|broken| ConnectorError::io(broken.into()))?, is_head)
        })
    }
}

/// The request as the sandbox's services see it, or what its server says to a malformed one.
async fn read(request: HttpRequest) -> Result<Result<Request, Reply>, ConnectorError> {
    let user = |error: aws_smithy_runtime_api::box_error::BoxError| ConnectorError::user(error);
    let (head, body) = request.try_into_http1x().map_err(|error| user(error.into()))?.into_parts();
    let body = ByteStream::new(body).collect().await.map_err(|error| user(error.into()))?;
    Ok(understand(head, body.to_vec()))
}

fn respond(reply: Reply, is_head: bool) -> Result<HttpResponse, ConnectorError> {
    let mut response = hyper::Response::builder().status(reply.status);
    for (name, value) in reply.headers {
        response = response.header(name, value);
    }
    if !matches!(reply.status, 204 | 304) {
        response = response.header(hyper::header::CONTENT_LENGTH, reply.body.len());
    }
    let body = if is_head { SdkBody::empty() } else { SdkBody::from(reply.body) };
    let response = response.body(body).map_err(|error| ConnectorError::user(error.into()))?;
    HttpResponse::try_from(response).map_err(|error| ConnectorError::user(error.into()))
}

/// The SDK's sleep on the runtime's clock, which is virtual. Time limits are kept to the millisecond; a pause before a
/// retry, whose length the SDK draws from a generator of its own that nobody can seed, is drawn here instead.
#[derive(Debug)]
pub(super) struct Pauses(Mutex<Dice>);

/// The longest pause before a retry that is drawn.
const LONGEST_PAUSE: u64 = 2_000;

impl Pauses {
    pub(super) fn new(dice: Dice) -> Self {
        Self(Mutex::new(dice))
    }
}

impl AsyncSleep for Pauses {
    fn sleep(&self, duration: Duration) -> Sleep {
        let is_a_limit = duration.subsec_nanos() == 0;
        let pause = || self.0.lock().unwrap_or_else(PoisonError::into_inner).between(1, LONGEST_PAUSE);
        let duration = if is_a_limit { duration } else { Duration::from_millis(pause()) };
        #[expect(clippy::disallowed_methods, reason = "the runtime's time is virtual")]
        Sleep::new(tokio::time::sleep(duration))
    }
}

/// The SDK's clock.
#[derive(Debug)]
pub(super) struct Time(pub(super) VirtualClock);

impl TimeSource for Time {
    fn now(&self) -> SystemTime {
        let milliseconds = u64::try_from(self.0.now().as_millisecond()).unwrap_or_default();
        UNIX_EPOCH + Duration::from_millis(milliseconds)
    }
}

#[cfg(test)]
mod tests;
