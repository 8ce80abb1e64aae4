//! The calls of durable functions as they come over the wire, and the errors that they are answered with. It knows no
//! execution.

use serde::Deserialize;
use serde_json::{Value, json};

use super::update::Update;
use crate::wire::{Reply, Request};

/// The path that all calls share (Lambda API reference, `CheckpointDurableExecution`).
pub(super) const PATH: &str = "/2025-12-01/durable-executions/";

/// What is asked about an execution.
#[derive(Clone, Copy, Debug)]
pub(super) enum Call<'a> {
    /// `CheckpointDurableExecution`, by the running function.
    Checkpoint { arn: &'a str },
    /// `GetDurableExecutionState`, by the running function.
    GetState { arn: &'a str },
    /// `GetDurableExecution`, by anybody.
    Get { arn: &'a str },
}

impl<'a> Call<'a> {
    pub(super) fn of(request: &'a Request) -> Option<Self> {
        let rest = request.path.strip_prefix(PATH)?;
        match (request.method.as_str(), rest.rsplit_once('/')) {
            ("POST", Some((arn, "checkpoint"))) => Some(Self::Checkpoint { arn }),
            ("GET", Some((arn, "state"))) => Some(Self::GetState { arn }),
            ("GET", Some((_, "history"))) => None,
            ("GET", _) => Some(Self::Get { arn: rest }),
            _ => None,
        }
    }
}

/// An error of these calls, with the names that the SDK knows.
#[derive(Debug)]
pub(super) enum ApiError {
    /// `InvalidParameterValueException`.
    Parameter(String),
    /// `ResourceNotFoundException`: not modelled for the calls of a running function, but what Lambda says.
    NotFound(&'static str),
    /// `ServiceException`: the caller has died and must not take the answer for one.
    Dead,
}

impl ApiError {
    /// The SDK knows a stale token by the first words of this message.
    pub(super) fn stale_token() -> Self {
        Self::Parameter("Invalid Checkpoint Token".to_owned())
    }

    /// Nobody knows the execution: it never was, or its retention is over.
    pub(super) fn unknown_execution() -> Self {
        Self::NotFound("the durable execution does not exist")
    }

    pub(super) fn reply(&self) -> Reply {
        let (status, name, message) = match self {
            Self::Parameter(message) => (400, "InvalidParameterValueException", message.as_str()),
            Self::NotFound(what) => (404, "ResourceNotFoundException", *what),
            Self::Dead => (500, "ServiceException", "the invocation that sent this checkpoint has died"),
        };
        let mut reply = json_reply(status, &json!({ "message": message }));
        reply.headers.push(("x-amzn-errortype", name.to_owned()));
        reply
    }
}

pub(super) fn json_reply(status: u16, body: &Value) -> Reply {
    let headers = vec![("content-type", "application/json".to_owned())];
    Reply { status, headers, body: body.to_string().into_bytes() }
}

/// The body of `CheckpointDurableExecution`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct CheckpointInput {
    pub(super) checkpoint_token: String,
    pub(super) client_token: Option<String>,
    #[serde(default)]
    pub(super) updates: Vec<Update>,
}
