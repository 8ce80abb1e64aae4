//! What ECS and ECR have in common on the wire: AWS's JSON 1.1 protocol, its answers and its errors. No operation is
//! known here.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::wire::Reply;

/// The account that everything in the sandbox belongs to.
pub(crate) const ACCOUNT: &str = "123456789012";
/// The region of the sandbox.
pub(crate) const REGION: &str = "ap-northeast-1";
/// The role with which ECS looks after the load balancer of a service.
pub(crate) const INFRASTRUCTURE_ROLE: &str = "arn:aws:iam::123456789012:role/ecsInfrastructureRoleForExpressServices";

/// An error as AWS models it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ApiError {
    /// The modelled name, with `Exception`.
    pub(crate) name: &'static str,
    /// The sentence for people.
    pub(crate) message: String,
    status: u16,
}

impl ApiError {
    pub(crate) fn new(name: &'static str, message: impl Into<String>) -> Self {
        Self { name, message: message.into(), status: 400 }
    }

    /// `ClientException`: most of what `RegisterTaskDefinition` refuses.
    pub(crate) fn client(message: impl Into<String>) -> Self {
        Self::new("ClientException", message)
    }

    /// `InvalidParameterException`.
    pub(crate) fn parameter(message: impl Into<String>) -> Self {
        Self::new("InvalidParameterException", message)
    }

    /// The same error with another status than 400.
    pub(crate) fn with_status(self, status: u16) -> Self {
        Self { status, ..self }
    }

    /// `ServerException`, status 500.
    pub(crate) fn server(message: impl Into<String>) -> Self {
        Self { name: "ServerException", message: message.into(), status: 500 }
    }

    pub(crate) fn reply(&self) -> Reply {
        let body = json!({"__type": self.name, "message": self.message});
        let mut reply = json_reply(self.status, &body);
        reply.headers.push(("x-amzn-errortype", self.name.to_owned()));
        reply
    }
}

/// A JSON 1.1 reply.
pub(crate) fn json_reply(status: u16, body: &Value) -> Reply {
    Reply {
        status,
        headers: vec![
            ("content-type", "application/x-amz-json-1.1".to_owned()),
            ("x-amzn-requestid", "5a0d3c1e-0000-4000-8000-5a6e64626f78".to_owned()),
        ],
        body: body.to_string().into_bytes(),
    }
}

/// A timestamp as JSON 1.1 carries it: epoch seconds with milliseconds.
pub(crate) fn epoch(time: Timestamp) -> Value {
    #[expect(clippy::cast_precision_loss, reason = "milliseconds of this age fit into 53 bits")]
    let seconds = time.as_millisecond() as f64 / 1000.0;
    json!(seconds)
}

/// A required text member.
pub(crate) fn text<'a>(input: &'a Value, member: &str) -> Result<&'a str, ApiError> {
    match input.get(member) {
        Some(Value::String(text)) if !text.is_empty() => Ok(text),
        Some(Value::String(_) | Value::Null) | None => Err(ApiError::parameter(format!("{member} can not be blank."))),
        Some(_) => Err(not_a("String")),
    }
}

/// An optional text member.
pub(crate) fn optional_text<'a>(input: &'a Value, member: &str) -> Result<Option<&'a str>, ApiError> {
    match input.get(member) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(not_a("String")),
    }
}

/// An optional list of texts.
pub(crate) fn texts<'a>(input: &'a Value, member: &str) -> Result<Vec<&'a str>, ApiError> {
    match input.get(member) {
        None | Some(Value::Null) => Ok(Vec::new()),
        Some(Value::Array(items)) => items.iter().map(|item| item.as_str().ok_or_else(|| not_a("String"))).collect(),
        Some(_) => Err(ApiError::new("SerializationException", "Expected list or null")),
    }
}

fn not_a(kind: &str) -> ApiError {
    ApiError::new("SerializationException", format!("value can not be converted to a {kind}"))
}

/// One page of `items`, and the token of the next one. Tokens are offsets: good enough for a list that changes at one
/// end.
pub(crate) fn page<T: Clone>(items: &[T], input: &Value, default: usize) -> Result<(Vec<T>, Option<String>), ApiError> {
    let size = match input.get("maxResults") {
        None | Some(Value::Null) => default,
        Some(value) => match value.as_u64() {
            Some(size @ 1..=100) => usize::try_from(size).unwrap_or(default),
            _ => return Err(ApiError::parameter("maxResults must be between 1 and 100.")),
        },
    };
    let start = match optional_text(input, "nextToken")? {
        None => 0,
        Some(token) => token
            .parse::<usize>()
            .ok()
            .filter(|&start| start <= items.len())
            .ok_or_else(|| ApiError::parameter("Invalid token."))?,
    };
    let end = start.saturating_add(size).min(items.len());
    let next = (end < items.len()).then(|| end.to_string());
    Ok((items.get(start..end).unwrap_or_default().to_vec(), next))
}
