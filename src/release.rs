//! The flow: one durable async function that reads top to bottom. What happens between two steps is a pure function of the event and of
//! recorded results; clock and AWS live inside the step bodies, which are the modules below.

use std::fmt;
use std::sync::Arc;

use aws_durable_execution_sdk as durable;
use durable::builders::map_parallel::CompletionConfig;
use durable::{BoxError, DurableContext, StepSemantics};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::aws::Aws;
use crate::config::{Config, OnFailure};
use crate::plan::{Draft, Plan, Request};
use crate::report::{Outcome, ReleaseReport, Report, VerificationStatus};
use crate::rollout::End;
use crate::trigger::recognise;
use crate::watch::{Decision, OPERATIONS, Watch};

mod claim;
mod follow;
mod register;
mod roll_back;
mod situation;
mod step;
mod story;
mod write_report;

use story::Story;

/// What every release of one function shares.
pub struct Deployer {
    /// The configuration, as it is now.
    pub config: Config,
    /// The way to AWS.
    pub aws: Aws,
    /// Where a metric line goes: standard output on Lambda.
    pub metrics: fn(&str),
}

impl fmt::Debug for Deployer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Deployer").field("config", &self.config).finish_non_exhaustive()
    }
}

/// The services that one event concerns, or why there are none. Recorded first: a running release keeps its configuration.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum Concerned {
    Requests(Vec<Request>),
    Nobody(String),
}

/// The target of the log lines that tell what happens as it happens.
pub const PROGRESS: &str = "express_deployer::progress";

/// The releases that one execution runs; each takes about a dozen of its 3,000 operations.
const MAX_REQUESTS: usize = 100;

/// The services that are released side by side.
const MAX_CONCURRENCY: usize = 10;

/// Releases every service that an event concerns, side by side, and reports on each.
///
/// # Errors
/// Only when a report could not be written, or the durable service refuses a checkpoint: everything else is in the report.
pub async fn run(deployer: Arc<Deployer>, event: Box<RawValue>, ctx: DurableContext) -> Result<Report, BoxError> {
    let concerned = concern(&deployer.config, event.get());
    if let Concerned::Nobody(reason) = &concerned
        && !ctx.is_replaying()
    {
        tracing::info!(reason, "ignored");
        return Ok(Report::ignored(reason));
    }
    let recognised = step::run(&ctx, "recognise", StepSemantics::AtLeastOncePerRetry, |_| async { Ok(concerned) });
    let requests = match recognised.await.map_err(|ending| ending.reason.unwrap_or_default())? {
        Concerned::Requests(requests) => requests,
        Concerned::Nobody(reason) => return Ok(Report::ignored(reason)),
    };
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
    Ok(Report { releases: batch.results().into_iter().cloned().collect(), ignored: None })
}

/// Which services an event concerns: the only use of the configuration as it is now.
fn concern(config: &Config, event: &str) -> Concerned {
    let recognition = recognise(event);
    let mut reasons = recognition.ignored;
    let mut requests: Vec<Request> = Vec::new();
    for trigger in recognition.triggers {
        let before = requests.len();
        for service in config.services.iter().filter(|service| service.takes(&trigger)) {
            let request = Request {
                service: service.clone(),
                state_bucket: config.state_bucket.clone(),
                trigger: trigger.clone(),
            };
            // One batch can hold the same event twice.
            if !requests
                .iter()
                .any(|other| other.service.arn == request.service.arn && other.release() == request.release())
            {
                requests.push(request);
            }
        }
        if requests.len() == before {
            reasons.push(format!("no configured service takes the {trigger}"));
        }
    }
    if requests.len() > MAX_REQUESTS {
        tracing::warn!(requests = requests.len(), "one event concerns more services than an execution can release");
        requests.truncate(MAX_REQUESTS);
    }
    if requests.is_empty() { Concerned::Nobody(reasons.join("; ")) } else { Concerned::Requests(requests) }
}

/// One release, from the plan to the written report.
async fn release(deployer: Arc<Deployer>, ctx: DurableContext, request: Request) -> Result<ReleaseReport, BoxError> {
    let mut story = Story::of(&ctx, &request);
    let ending = match deploy(&deployer, &ctx, &request, &mut story).await {
        Ok(ending) | Err(ending) => ending,
    };
    let was_owner = story.is_owner();
    let report = story.end(ending);
    write_report::run(&deployer, &ctx, &request, &report, was_owner).await?;
    Ok(report)
}

/// How a release ends, with the reason for people. Returned as an error it ends the release early; it is the same to the report.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Ending {
    outcome: Outcome,
    reason: Option<String>,
}

impl Ending {
    fn new(outcome: Outcome, reason: impl Into<String>) -> Self {
        Self { outcome, reason: Some(reason.into()) }
    }

    fn failed(reason: impl Into<String>) -> Self {
        Self::new(Outcome::Failed, reason)
    }
}

/// Plan, claim, register, update, follow: the river.
async fn deploy(
    deployer: &Arc<Deployer>,
    ctx: &DurableContext,
    request: &Request,
    story: &mut Story,
) -> Result<Ending, Ending> {
    let draft = plan_and_claim(deployer, ctx, request, story).await?;

    let registered = register::run(deployer, ctx, request, &draft).await?;
    story.registered(&registered);

    let target_revision = register::update(deployer, ctx, request, &registered).await?;
    story.updated(&target_revision);

    let mut watch =
        Watch::new(&target_revision, &registered.task_definition_arn, &draft.logs, &request.service.verify, OPERATIONS);
    watch.compare_with(&draft.previous, &draft.previous_logs, &request.service.verify);
    let watch = follow::run(deployer, ctx, request, watch).await?;
    story.followed(&watch);

    match watch.decision() {
        Decision::Ended(End::Successful) => conclude(request, &watch),
        Decision::Ended(End::RolledBack) => {
            story.stopped(follow::diagnose(deployer, ctx, request, &registered.task_definition_arn).await);
            Ok(Ending::new(Outcome::RolledBack, format!("ECS rolled the deployment back: {}", watch.reason())))
        }
        Decision::Ended(End::Stopped) => {
            Ok(Ending::new(Outcome::Superseded, "another deployment took the place of this one"))
        }
        Decision::Ended(End::Stuck) => {
            story.stopped(follow::diagnose(deployer, ctx, request, &registered.task_definition_arn).await);
            Ok(Ending::failed(format!(
                "ECS could not roll the deployment back; a person is needed: {}",
                watch.reason()
            )))
        }
        Decision::Unproven(reason) => {
            story.stopped(follow::diagnose(deployer, ctx, request, &registered.task_definition_arn).await);
            match request.service.on_failure {
                OnFailure::Notify => {
                    Ok(Ending::failed(format!("{reason}; the service was left as it is (`on_failure = \"notify\"`)")))
                }
                OnFailure::Rollback => {
                    roll_back::run(deployer, ctx, request, story, &watch, &draft.previous, &reason).await
                }
            }
        }
        Decision::Lost(reason) => Ok(Ending::failed(reason)),
    }
}

/// The draft that this release may register, once it owns the service. When somebody else claims in between, the plan is made again.
async fn plan_and_claim(
    deployer: &Arc<Deployer>,
    ctx: &DurableContext,
    request: &Request,
    story: &mut Story,
) -> Result<Box<Draft>, Ending> {
    const MAX_CLAIMS: u32 = 5;
    for _ in 0..MAX_CLAIMS {
        let planned = situation::plan(deployer, ctx, request).await?;
        story.planned(&planned);
        let draft = match planned.plan {
            Plan::Release(draft) => draft,
            Plan::Rejected(_) => {
                return Err(Ending::new(Outcome::Rejected, "the task definition has errors; nothing was registered"));
            }
            Plan::NoChange(live) => return Err(Ending::new(Outcome::NoChange, format!("{live} runs exactly this"))),
            Plan::Superseded(reason) => return Err(Ending::new(Outcome::Superseded, reason)),
            Plan::Duplicate(release) => {
                return Err(Ending::new(Outcome::Duplicate, format!("release {release} does the same work")));
            }
        };
        if claim::run(deployer, ctx, request, planned.held).await? {
            story.claimed();
            return Ok(draft);
        }
    }
    Err(Ending::failed("other releases kept claiming the service; push or upload again"))
}

/// The end of a release whose deployment got through.
fn conclude(request: &Request, watch: &Watch) -> Result<Ending, Ending> {
    let verification = watch.verification();
    match verification.status {
        VerificationStatus::Failed => Err(Ending::failed(verification.detail.unwrap_or_default())),
        // The logs could not be read, or say nothing: the release runs, but nobody has proved that it works.
        VerificationStatus::NotReached | VerificationStatus::Inconclusive => {
            let detail = verification.detail.unwrap_or_else(|| "the logs were not reached".to_owned());
            Err(Ending::failed(format!(
                "the deployment of {} got through, unverified: {detail}",
                request.service.arn.name()
            )))
        }
        VerificationStatus::Passed | VerificationStatus::NotConfigured | VerificationStatus::NotVerifiable => {
            Ok(Ending { outcome: Outcome::Succeeded, reason: None })
        }
    }
}
