//! The way to AWS: clients, the clock, and one error for everything that can go wrong on the wire. The adapters below
//! speak in our own types; no SDK type leaves them, and none of them decides anything.

use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_ecs::config::retry::RetryConfig;
use aws_sdk_ecs::config::timeout::TimeoutConfig;
use aws_smithy_runtime_api::client::http::SharedHttpConnector;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use jiff::Timestamp;

use tokio::sync::{Semaphore, SemaphorePermit};

use crate::config::BucketOwners;
use crate::text::Text;
use bounded_answers::{BoundedAnswers, MAX_ANSWER};

mod bounded_answers;
mod connect;
pub mod ecr;
pub mod ecs;
pub mod heads;
pub mod lambda;
pub mod s3;

/// Where the time comes from. Only step bodies ask it, so that a release replays.
#[derive(Clone)]
pub struct Clock(Arc<dyn Fn() -> Timestamp + Send + Sync>);

impl Clock {
    /// The machine's clock.
    pub fn system() -> Self {
        #[expect(clippy::disallowed_methods, reason = "this is the one place where the real time comes in")]
        Self(Arc::new(Timestamp::now))
    }

    /// A clock of somebody else's.
    pub fn from_fn(now: impl Fn() -> Timestamp + Send + Sync + 'static) -> Self {
        Self(Arc::new(now))
    }

    /// The time, in whole seconds: finer than that, nothing in a release is.
    pub fn now(&self) -> Timestamp {
        let now = (self.0)();
        Timestamp::from_second(now.as_second()).unwrap_or(now)
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Clock")
    }
}

/// How long one attempt of a call may take.
const ATTEMPT: Duration = Duration::from_secs(10);
/// How long a call may take, its retries included. A step makes a few calls one after another, within one invocation
/// (`Timeout` in template.yaml).
const CALL: Duration = Duration::from_secs(25);

/// The clients, made when they are first needed: one set for the function's own region, others by the way.
#[derive(Clone, Debug)]
pub struct Aws {
    config: SdkConfig,
    clock: Clock,
    home: Arc<Home>,
    /// Who has to own the buckets; nobody in particular where it is not said.
    owners: Option<Arc<BucketOwners>>,
    /// What presigned URLs are fetched with; a connector of their own where there is none.
    downloads: Option<SharedHttpConnector>,
}

#[derive(Debug, Default)]
struct Home {
    ecs: OnceLock<aws_sdk_ecs::Client>,
    ecr: OnceLock<aws_sdk_ecr::Client>,
    lambda: OnceLock<aws_sdk_lambda::Client>,
    s3: OnceLock<aws_sdk_s3::Client>,
    /// Whoever holds it may read manifests, one after another in a process: ten at once would not fit.
    manifests: OneAtATime,
}

#[derive(Debug)]
struct OneAtATime(Semaphore);

impl Default for OneAtATime {
    fn default() -> Self {
        Self(Semaphore::new(1))
    }
}

impl Aws {
    /// Clients over a configuration that somebody made.
    pub fn new(config: SdkConfig, clock: Clock) -> Self {
        Self { config, clock, home: Arc::default(), owners: None, downloads: None }
    }

    /// Fetches presigned URLs through this connector.
    #[must_use]
    pub fn with_downloads(self, connector: SharedHttpConnector) -> Self {
        Self { downloads: Some(connector), ..self }
    }

    /// The same clients; S3 answers 403 where a bucket is not of the account that has to own it: a name that was given
    /// up can be registered by anybody.
    #[must_use]
    pub fn expecting(&self, owners: BucketOwners) -> Self {
        Self { owners: Some(Arc::new(owners)), ..self.clone() }
    }

    /// The account that has to own a bucket.
    fn owner_of(&self, bucket: &str) -> Option<String> {
        self.owners.as_ref().map(|owners| owners.of(bucket).to_owned())
    }

    /// Clients as the environment says: region, credentials and endpoints by the SDK's own rules.
    pub async fn from_environment() -> Self {
        Self::new(Self::environment().load().await, Clock::system())
    }

    /// The same in a region that is known already, so that nobody is asked for it.
    pub async fn in_region(region: &str) -> Self {
        Self::new(Self::environment().region(Region::new(region.to_owned())).load().await, Clock::system())
    }

    fn environment() -> aws_config::ConfigLoader {
        aws_config::defaults(BehaviorVersion::latest())
            .http_client(connect::OnFirstCall::default())
            .retry_config(RetryConfig::standard())
            .timeout_config(Self::time_limits())
    }

    /// How long calls may take: an attempt or a call that takes longer is given up and counts as an answer that was
    /// lost.
    pub fn time_limits() -> TimeoutConfig {
        TimeoutConfig::builder()
            .connect_timeout(Duration::from_secs(3))
            .operation_attempt_timeout(ATTEMPT)
            .operation_timeout(CALL)
            .build()
    }

    /// Waits for its turn to read manifests.
    async fn manifests(&self) -> Option<SemaphorePermit<'_>> {
        self.home.manifests.0.acquire().await.ok()
    }

    /// The clock.
    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    /// The configuration that the clients share.
    pub fn config(&self) -> &SdkConfig {
        &self.config
    }

    fn is_home(&self, region: &str) -> bool {
        self.config.region().is_none_or(|home| home.as_ref() == region)
    }

    fn ecs(&self, region: &str) -> aws_sdk_ecs::Client {
        if self.is_home(region) {
            return self.home.ecs.get_or_init(|| aws_sdk_ecs::Client::new(&self.config)).clone();
        }
        let config = aws_sdk_ecs::config::Builder::from(&self.config).region(Region::new(region.to_owned())).build();
        aws_sdk_ecs::Client::from_conf(config)
    }

    fn ecr(&self, region: &str) -> aws_sdk_ecr::Client {
        // Whoever may push writes what this registry answers with.
        let config = || {
            aws_sdk_ecr::config::Builder::from(&self.config)
                .interceptor(BoundedAnswers)
                .retry_classifier(BoundedAnswers)
        };
        if self.is_home(region) {
            return self.home.ecr.get_or_init(|| aws_sdk_ecr::Client::from_conf(config().build())).clone();
        }
        aws_sdk_ecr::Client::from_conf(config().region(Region::new(region.to_owned())).build())
    }

    fn lambda(&self) -> aws_sdk_lambda::Client {
        self.home.lambda.get_or_init(|| aws_sdk_lambda::Client::new(&self.config)).clone()
    }

    fn s3(&self, region: &str) -> aws_sdk_s3::Client {
        if self.is_home(region) {
            return self.home.s3.get_or_init(|| aws_sdk_s3::Client::new(&self.config)).clone();
        }
        let config = aws_sdk_s3::config::Builder::from(&self.config).region(Region::new(region.to_owned())).build();
        aws_sdk_s3::Client::from_conf(config)
    }
}

/// A call that did not work.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct Failure {
    /// The IAM action, such as `ecs:RegisterTaskDefinition`.
    pub action: &'static str,
    /// What it was called on: an ARN, or a name.
    pub resource: Text,
    /// What kind of trouble it is.
    pub kind: FailureKind,
    /// The service's own words, shortened.
    pub message: Text,
}

/// What kind of trouble a call had: it decides what may be done next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FailureKind {
    /// No permission: only a person can help.
    Denied,
    /// Too many calls, or credentials that are being renewed: the server did nothing, and the same call works later.
    Throttled,
    /// A timeout, a reset, a 5xx: the server may have acted.
    OutcomeUnknown,
    /// What was asked for does not exist.
    NotFound,
    /// A condition did not hold, or the resource is in another state: somebody else was faster.
    Conflict,
    /// The server says no, and will say it again.
    Rejected,
}

impl Failure {
    /// Whether the same call may work a little later.
    pub fn is_transient(&self) -> bool {
        matches!(self.kind, FailureKind::Throttled | FailureKind::OutcomeUnknown)
    }

    /// What it says, as reports and log lines may hold it.
    pub fn to_text(&self) -> Text {
        self.to_string().into()
    }

    pub(crate) fn new(action: &'static str, resource: &str, kind: FailureKind, message: impl Into<Text>) -> Self {
        Self { action, resource: resource.into(), kind, message: message.into() }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { action, resource, message, .. } = self;
        match self.kind {
            FailureKind::Denied => {
                let advice = advice(action);
                write!(f, "{action} on {resource} is denied: {advice} ({message})")
            }
            FailureKind::Throttled => write!(f, "{action} on {resource} cannot be had just now ({message})"),
            FailureKind::OutcomeUnknown => write!(f, "{action} on {resource} got no clear answer ({message})"),
            FailureKind::NotFound => write!(f, "{action} on {resource}: not found ({message})"),
            FailureKind::Conflict => write!(f, "{action} on {resource}: conflict ({message})"),
            FailureKind::Rejected => write!(f, "{action} on {resource} is refused ({message})"),
        }
    }
}

/// What to do about a denial.
fn advice(action: &str) -> &'static str {
    if action == "iam:PassRole" {
        "allow the function's role to pass this role: the execution and task roles by `TaskRoleArns`, the service's \
         infrastructure role by `InfrastructureRoleArn`"
    } else if action.starts_with("s3:") {
        "allow the function's role this action on this resource, or name the bucket's account in `bucket_owners` if it \
         is not that of the service"
    } else {
        "allow the function's role this action on this resource"
    }
}

/// The bytes of a service's message that are kept.
const MAX_MESSAGE: usize = 600;

/// Turns any SDK error into ours; the only place that looks into one.
fn failure<E>(action: &'static str, resource: &str) -> impl FnOnce(SdkError<E, HttpResponse>) -> Failure
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
{
    move |error| {
        let status = error.raw_response().map(|response| response.status().as_u16());
        let (kind, message) = match &error {
            SdkError::ServiceError(context) => {
                let (code, text) =
                    (context.err().code().unwrap_or_default(), context.err().message().unwrap_or_default());
                (kind_of(code, text, status), format!("{code}: {text}"))
            }
            SdkError::ConstructionFailure(_) => (FailureKind::Rejected, in_short(&error)),
            _ if bounded_answers::is_too_long(&error) => {
                (FailureKind::Rejected, format!("the answer has more than {MAX_ANSWER} bytes, and was not read"))
            }
            _ => (FailureKind::OutcomeUnknown, in_short(&error)),
        };
        let beside = denied_beside(&message).filter(|_| kind == FailureKind::Denied);
        let (action, resource) = beside.unwrap_or((action, resource));
        Failure::new(action, resource, kind, message.chars().take(MAX_MESSAGE).collect::<String>())
    }
}

/// What a denial is about where that is not the call itself: the key of an object in S3, or a role that ECS is to be
/// handed.
fn denied_beside(message: &str) -> Option<(&'static str, &str)> {
    let (_, denied) = message.split_once("not authorized to perform: ")?;
    let nameless = [("kms:Decrypt", "the key of the bucket"), ("iam:PassRole", "a role")];
    let (action, nameless) = nameless.into_iter().find(|(action, _)| denied.starts_with(action))?;
    let named = denied.split_once(" on resource: ").and_then(|(_, rest)| rest.split_whitespace().next());
    Some((action, named.unwrap_or(nameless)))
}

/// The error and its causes, which the SDK keeps apart.
fn in_short(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}

/// Sorts an error. 412 and 409 of S3 have codes that the SDK's model does not name, so the status counts as well; where
/// ECS gives one code to trouble that passes and to trouble that stays, its words tell them apart.
fn kind_of(code: &str, message: &str, status: Option<u16>) -> FailureKind {
    match code {
        _ if is_early(code) || is_unsettled(code, message) => FailureKind::Throttled,
        // S3 says 400 when a request's body came too slowly; whether it acted is not known.
        "RequestTimeout" => FailureKind::OutcomeUnknown,
        // Credentials and states that no permission would mend, whatever their status is.
        "UnrecognizedClientException"
        | "InvalidSignatureException"
        | "InvalidClientTokenId"
        | "InvalidAccessKeyId"
        | "SignatureDoesNotMatch"
        | "OptInRequired"
        | "InvalidObjectState" => FailureKind::Rejected,
        "ConflictException" | "PreconditionFailed" | "ConditionalRequestConflict" => FailureKind::Conflict,
        _ if code.starts_with("AccessDenied") || code.starts_with("UnauthorizedAccess") => FailureKind::Denied,
        _ if code.contains("NotFound") || code.starts_with("NoSuch") => FailureKind::NotFound,
        _ => match status {
            Some(403) => FailureKind::Denied,
            Some(404) => FailureKind::NotFound,
            Some(409 | 412) => FailureKind::Conflict,
            Some(429) => FailureKind::Throttled,
            Some(500..) => FailureKind::OutcomeUnknown,
            _ => FailureKind::Rejected,
        },
    }
}

/// Whether the server did nothing and the same call works a little later: too many calls, or credentials that are being
/// renewed.
fn is_early(code: &str) -> bool {
    let words = [
        "Throttl",
        "TooManyRequests",
        "SlowDown",
        "RequestLimitExceeded",
        "BandwidthLimitExceeded",
        "PriorRequestNotComplete",
    ];
    let credentials = ["ExpiredToken", "RequestExpired", "RequestTimeTooSkewed"];
    words.iter().chain(&credentials).any(|word| code.contains(word))
}

/// Whether ECS refuses what it will take a little later: another revision of the family is being registered at this
/// moment (seen in several trackers), or IAM has not spread yet (Terraform's provider repeats an Express update on
/// exactly these).
fn is_unsettled(code: &str, message: &str) -> bool {
    let words: &[&str] = match code {
        "ClientException" => &[
            "Too many concurrent attempts to create a new revision",
            "not able to validate the provided access credentials",
        ],
        _ if code.starts_with("AccessDenied") => &["Cannot assume role", "not authorized to perform: sts:AssumeRole"],
        _ => &[],
    };
    words.iter().any(|words| message.contains(words))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(code: &str, status: Option<u16>) -> FailureKind {
        kind_of(code, "", status)
    }

    #[test]
    fn codes_and_statuses_sort_into_kinds_of_failure() {
        assert_eq!(kind("ThrottlingException", Some(400)), FailureKind::Throttled);
        assert_eq!(kind("AccessDeniedException", Some(400)), FailureKind::Denied);
        assert_eq!(kind("ServiceNotFoundException", Some(400)), FailureKind::NotFound);
        assert_eq!(kind("ServerException", Some(500)), FailureKind::OutcomeUnknown);
        assert_eq!(kind("PreconditionFailed", Some(412)), FailureKind::Conflict);
        assert_eq!(kind("", Some(412)), FailureKind::Conflict);
        assert_eq!(kind("RequestTimeout", Some(400)), FailureKind::OutcomeUnknown);
        assert_eq!(kind("RequestTimeTooSkewed", Some(403)), FailureKind::Throttled);
        assert_eq!(kind("KMS.ThrottlingException", Some(400)), FailureKind::Throttled);
        assert_eq!(kind("UnrecognizedClientException", Some(403)), FailureKind::Rejected);
        assert_eq!(kind("ClientException", Some(400)), FailureKind::Rejected);
    }

    #[test]
    fn contention_and_permissions_that_have_not_spread_pass() {
        let kind = |code, message| kind_of(code, message, Some(400));
        let contention = "Too many concurrent attempts to create a new revision of the specified family.";
        let credentials = "ECS was not able to validate the provided access credentials";
        let role = "Cannot assume role arn:aws:iam::123456789012:role/infrastructure";
        let assume =
            "User: arn:aws:sts::1:assumed-role/r/f is not authorized to perform: sts:AssumeRole on resource: x";
        assert_eq!(kind("ClientException", contention), FailureKind::Throttled);
        assert_eq!(kind("ClientException", credentials), FailureKind::Throttled);
        assert_eq!(kind("AccessDeniedException", role), FailureKind::Throttled);
        assert_eq!(kind("AccessDeniedException", assume), FailureKind::Throttled);
        let other = "User: x is not authorized to perform: ecs:UpdateExpressGatewayService on resource: y";
        assert_eq!(kind("AccessDeniedException", other), FailureKind::Denied);
        assert_eq!(kind("ClientException", "Invalid revision number"), FailureKind::Rejected);
        assert_eq!(kind("InvalidParameterException", contention), FailureKind::Rejected);
    }

    #[test]
    fn a_denied_call_names_action_resource_and_next_step() {
        let failure =
            Failure::new("ecs:RegisterTaskDefinition", "web", FailureKind::Denied, "AccessDeniedException: no");
        assert!(failure.to_string().starts_with("ecs:RegisterTaskDefinition on web is denied: allow"));
        let said = |action, message| Failure::new(action, "x", FailureKind::Denied, message).to_string();
        let both = said("s3:GetObject", "AccessDenied: Access Denied");
        assert!(both.contains("the function's role") && both.contains("`bucket_owners`"), "{both}");
        let role = said("iam:PassRole", "AccessDeniedException: no");
        assert!(role.contains("`TaskRoleArns`") && role.contains("`InfrastructureRoleArn`"), "{role}");
    }

    #[test]
    fn a_key_that_may_not_be_used_is_named_and_so_is_a_role_that_may_not_be_passed() {
        let said = "AccessDenied: User: arn:aws:sts::1:assumed-role/r/f is not authorized to perform: kms:Decrypt on resource: \
            arn:aws:kms:eu-west-1:1:key/ab because no identity-based policy allows the kms:Decrypt action";
        assert_eq!(denied_beside(said), Some(("kms:Decrypt", "arn:aws:kms:eu-west-1:1:key/ab")));
        let nameless = "AccessDenied: not authorized to perform: kms:Decrypt";
        assert_eq!(denied_beside(nameless), Some(("kms:Decrypt", "the key of the bucket")));
        let role =
            "AccessDeniedException: User: f is not authorized to perform: iam:PassRole on resource: r because no";
        assert_eq!(denied_beside(role), Some(("iam:PassRole", "r")));
        assert_eq!(denied_beside("AccessDenied: not authorized to perform: s3:GetObject on resource: x"), None);
    }
}
