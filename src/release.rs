//! The flow: one durable async function that reads top to bottom. What happens between two steps is a pure function of
//! the event and of recorded results; clock and AWS live inside the step bodies, which are the modules below.

use std::sync::Arc;

use aws_durable_execution_sdk as durable;
use durable::builders::map_parallel::CompletionConfig;
use durable::lambda_runtime::{self, LambdaEvent};
use durable::{BoxError, DurableContext, InvocationPayload, InvocationResponse};
use futures_util::future::BoxFuture;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::config::{Config, MAX_SERVICES_PER_EVENT};
use crate::head::plausible::AHEAD;
use crate::plan::{MAX_OPERATIONS, Request};
use crate::report::{ReleaseReport, Report};
use crate::text::Text;
use crate::trigger::{Recognition, recognise};

mod act;
mod call;
mod deployer;
mod follow;
mod look;
mod play;
mod prepare;
mod run;
mod step;
mod timeline;
mod wait;
mod write_report;

pub use deployer::{Configured, Deployer};
use play::Play;
use run::Run;

/// The target of the log lines that tell what happens as it happens.
pub const PROGRESS: &str = "express_deployer::progress";

/// The services that are released side by side.
const MAX_CONCURRENCY: usize = 10;

/// What one event asks for. Recorded first: a running release keeps its configuration.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
struct Recognised {
    /// The services that it concerns.
    requests: Vec<Request>,
    /// Why parts of it release nothing.
    ignored: Vec<Text>,
    /// Parts that nobody knows: what came.
    unrecognised: Vec<Text>,
}

impl Recognised {
    /// The report of an event that releases nothing; the error is what came, where nobody knows it.
    fn without_releases(self) -> Result<Report, BoxError> {
        match self.refusal() {
            Some(refusal) => Err(refusal),
            None => Ok(Report::ignored(self.ignored.join("; "))),
        }
    }

    /// Why the execution fails, so that the event reaches the dead-letter queue and somebody hears of it.
    fn refusal(&self) -> Option<BoxError> {
        let (first, others) = self.unrecognised.split_first()?;
        let others = match others.len() {
            0 => String::new(),
            1 => " and one more part".to_owned(),
            more => format!(" and {more} more parts"),
        };
        let what = Text::from(format!("{first}{others}"));
        Some(format!("not recognised: {what}; events/README.md lists what releases a service").into())
    }
}

/// What one request led to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum Released {
    Report(Box<ReleaseReport>),
    Ignored(Text),
}

/// The answer of one invocation.
pub type Answer = BoxFuture<'static, Result<InvocationResponse, lambda_runtime::Error>>;

/// The function as Lambda runs it: every durable invocation goes through the flow below.
///
/// # Errors
/// When the engine refuses its options.
pub fn handler(
    deployer: Deployer,
) -> Result<impl Fn(LambdaEvent<InvocationPayload>) -> Answer + Send + Sync, BoxError> {
    let lambda = durable::LambdaClient::new(deployer.aws.config());
    let options = durable::Options::builder().lambda_client(lambda).build()?;
    let deployer = Arc::new(deployer);
    Ok(durable::wrap(move |event, ctx| run(Arc::clone(&deployer), event, ctx), options))
}

/// Releases every service that an event concerns, side by side, and reports on each.
///
/// # Errors
/// When the configuration is unusable, when nobody knows a part of the event, when an event concerns more services than
/// one execution can release, when a report could not be written, or when the durable service refuses a checkpoint:
/// everything else is in the report.
async fn run(deployer: Arc<Deployer>, event: Box<RawValue>, ctx: DurableContext) -> Result<Report, BoxError> {
    if !ctx.is_replaying()
        && let Some(config) = deployer.config.read()
    {
        let recognised = recognise_services(config, event.get(), None);
        if recognised.requests.is_empty() {
            let [ignored, unrecognised] =
                [&recognised.ignored, &recognised.unrecognised].map(|parts| Text::from(parts.join("; ")));
            tracing::info!(%ignored, %unrecognised, "nothing to release");
            return recognised.without_releases();
        }
    }
    let recogniser = Arc::clone(&deployer);
    let work = move |_| async move {
        let config = match recogniser.config.read() {
            Some(config) => config.clone(),
            None => recogniser.config.read_again(&recogniser.aws).await?,
        };
        Ok(recognise_services(&config, event.get(), Some(recogniser.aws.clock().now())))
    };
    let recognised = step::run(&ctx, "recognise", work).await;
    let mut recognised: Recognised = recognised.map_err(|ending| String::from(ending.reason.unwrap_or_default()))?;
    let requests = std::mem::take(&mut recognised.requests);
    if requests.is_empty() {
        return recognised.without_releases();
    }
    if requests.len() > MAX_SERVICES_PER_EVENT {
        let (found, most) = (requests.len(), MAX_SERVICES_PER_EVENT);
        return Err(format!(
            "one event asks for {found} releases; an execution can carry {most}: send fewer events in one batch"
        )
        .into());
    }
    let released = release_all(&deployer, &ctx, requests).await?;
    // What nobody knows fails the execution only now: the rest of the batch is released and reported.
    match recognised.refusal() {
        Some(refusal) => Err(refusal),
        None => Ok(report_of(released)),
    }
}

fn report_of(released: Vec<Released>) -> Report {
    let (mut releases, mut ignored) = (Vec::new(), Vec::new());
    for released in released {
        match released {
            Released::Report(report) => releases.push(*report),
            Released::Ignored(reason) => ignored.push(reason),
        }
    }
    let ignored = (releases.is_empty() && !ignored.is_empty()).then(|| ignored.join("; ").into());
    Report { releases, ignored }
}

/// One release runs by itself; several cost the operations of a map.
async fn release_all(
    deployer: &Arc<Deployer>,
    ctx: &DurableContext,
    mut requests: Vec<Request>,
) -> Result<Vec<Released>, BoxError> {
    if requests.len() == 1
        && let Some(request) = requests.pop()
    {
        return Ok(vec![release(Arc::clone(deployer), ctx.clone(), request).await?]);
    }
    let deployer = Arc::clone(deployer);
    let batch = ctx
        .map(requests, move |ctx, request, _| release(Arc::clone(&deployer), ctx, request))
        .name("releases")
        .max_concurrency(MAX_CONCURRENCY)
        .completion(CompletionConfig::with_tolerated_failure_percentage(100))
        .await_batch()
        .await?;
    if let Some(error) = batch.errors().into_iter().next() {
        return Err(format!("a report could not be written: {}", error.message).into());
    }
    Ok(batch.results().into_iter().cloned().collect())
}

/// Which services an event concerns: the only use of the configuration as it is now. `now` is the time of the first
/// delivery that gets here.
fn recognise_services(config: &Config, event: &str, now: Option<Timestamp>) -> Recognised {
    let Recognition { triggers, mut ignored, unrecognised, .. } = recognise(event);
    let mut requests: Vec<Request> = Vec::new();
    for trigger in triggers {
        let takers = config.takers(&trigger);
        if takers.is_empty() {
            ignored.push(config.why_nobody_takes(&trigger).into());
        }
        for service in takers {
            let mut request = Request::of(config, service, trigger.clone());
            let latest = now.and_then(|now| now.checked_add(AHEAD).ok().map(|latest| (now, latest)));
            if let Some((now, _)) = latest.filter(|(_, latest)| request.at > *latest) {
                request.at = now;
            }
            // One batch can hold the same event twice.
            let is_known =
                |other: &Request| other.service.arn == request.service.arn && other.release() == request.release();
            if !requests.iter().any(is_known) {
                requests.push(request);
            }
        }
    }
    let share = MAX_OPERATIONS / u32::try_from(requests.len()).unwrap_or(u32::MAX).max(1);
    for request in &mut requests {
        request.share = share;
    }
    Recognised { requests, ignored, unrecognised }
}

/// One release, from the plan to the written report.
async fn release(deployer: Arc<Deployer>, ctx: DurableContext, request: Request) -> Result<Released, BoxError> {
    let mut play = Play::of(Run::new(deployer.expecting(request.owners()), ctx, request));
    let ending = play.play().await;
    if play.is_ignored() {
        return Ok(Released::Ignored(ending.reason.unwrap_or_default()));
    }
    let report = play.finish(ending).await?;
    Ok(Released::Report(Box::new(report)))
}
