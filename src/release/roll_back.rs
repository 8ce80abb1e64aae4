//! Going back to the previous revision: by stopping the deployment while it runs, by a new update once it is through.

use std::sync::Arc;

use aws_durable_execution_sdk::{DurableContext, StepContext, StepSemantics};
use serde::{Deserialize, Serialize};

use super::register::is_owner;
use super::step;
use super::story::Story;
use super::{Deployer, Ending, follow};
use crate::aws::{Failure, Trouble};
use crate::plan::Request;
use crate::report::Outcome;
use crate::rollout::{End, Status};
use crate::watch::{Decision, OPERATIONS_BACK, Watch};

/// What became of the wish to stop the deployment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Stop {
    /// It stops, or has stopped.
    Asked,
    /// It is through: only an update leads back.
    TooLate,
    /// A newer release owns the service: its deployment, not this one, is what counts.
    NotOurs,
}

/// Takes the service back to `previous`.
pub(super) async fn run(
    deployer: &Arc<Deployer>,
    ctx: &DurableContext,
    request: &Request,
    story: &mut Story,
    watch: &Watch,
    previous: &str,
    reason: &str,
) -> Result<Ending, Ending> {
    let superseded = || {
        Ending::new(
            Outcome::Superseded,
            format!("{reason}; the service was deployed anew since, so nothing was rolled back"),
        )
    };
    // Whatever goes wrong on the way back, the reason to go stays in the report.
    let because =
        |ending: Ending| Ending { reason: ending.reason.map(|then| format!("{reason}; then: {then}")), ..ending };
    story.rolling_back(previous);
    match stop(deployer, ctx, request, watch).await.map_err(because)? {
        Stop::NotOurs => return Err(superseded()),
        Stop::TooLate => {}
        Stop::Asked => {
            let again =
                Watch::of_rollback(&watch.target_revision, previous, watch.deployment_arn.as_deref(), OPERATIONS_BACK);
            let stopped = follow::run(deployer, ctx, request, again).await.map_err(because)?;
            story.followed_back(&stopped);
            match stopped.decision() {
                Decision::Ended(End::RolledBack) => return Ok(Ending::new(Outcome::RolledBack, reason)),
                Decision::Ended(End::Stopped) => return Err(superseded()),
                Decision::Ended(End::Successful) => {}
                Decision::Ended(End::Stuck) => {
                    return Err(Ending::failed(format!("{reason}; ECS could not roll back: {}", stopped.reason())));
                }
                Decision::Lost(lost) | Decision::Unproven(lost) => {
                    return Err(Ending::failed(format!("{reason}; then: {lost}")));
                }
            }
        }
    }
    let target = restore(deployer, ctx, request, watch, previous).await.map_err(because)?;
    let Some(target) = target else { return Err(superseded()) };
    let restored = follow::run(deployer, ctx, request, Watch::of_rollback(&target, previous, None, OPERATIONS_BACK))
        .await
        .map_err(because)?;
    story.followed_back(&restored);
    match restored.decision() {
        Decision::Ended(End::Successful) => Ok(Ending::new(Outcome::RolledBack, reason)),
        Decision::Ended(End::Stopped) => Err(superseded()),
        Decision::Ended(End::RolledBack | End::Stuck) => {
            Err(Ending::failed(format!("{reason}; the update back to {previous} failed: {}", restored.reason())))
        }
        Decision::Lost(lost) | Decision::Unproven(lost) => Err(Ending::failed(format!("{reason}; then: {lost}"))),
    }
}

/// Asks ECS to roll the deployment back while it runs. Asking twice does no harm, so this step may repeat.
async fn stop(
    deployer: &Arc<Deployer>,
    ctx: &DurableContext,
    request: &Request,
    watch: &Watch,
) -> Result<Stop, Ending> {
    let (deployer, request, execution) = (Arc::clone(deployer), request.clone(), ctx.execution_arn().to_owned());
    let (arn, target) = (watch.deployment_arn.clone(), watch.target_revision.clone());
    let work = move |_| async move { stop_running(&deployer, &request, &execution, arn, &target).await };
    step::run(ctx, "stop", StepSemantics::AtLeastOncePerRetry, work).await
}

async fn stop_running(
    deployer: &Deployer,
    request: &Request,
    execution: &str,
    arn: Option<String>,
    target_revision: &str,
) -> Result<Stop, Failure> {
    let (aws, service) = (&deployer.aws, &request.service.arn);
    let found = async {
        match arn {
            Some(arn) => Ok(Some(arn)),
            None => aws.find_deployment(service, target_revision).await,
        }
    };
    let (owns, arn) = tokio::try_join!(is_owner(deployer, request, execution), found)?;
    if !owns {
        return Ok(Stop::NotOurs);
    }
    let arn = arn.ok_or_else(|| Failure::not_listed(service.as_str()))?;
    let deployment = aws.deployment(service.region(), &arn).await?;
    match (deployment.status.end(), &deployment.status) {
        (Some(End::Successful), _) => Ok(Stop::TooLate),
        // It goes already, back or out of the way of another one.
        (Some(_), _) | (None, Status::StopRequested | Status::RollbackRequested | Status::RollbackInProgress) => {
            Ok(Stop::Asked)
        }
        (None, _) => match aws.stop(service.region(), &arn).await {
            Ok(()) => Ok(Stop::Asked),
            // It ended between the two calls; the look that follows sees how.
            Err(failure) if failure.kind == Trouble::Conflict => Ok(Stop::Asked),
            Err(failure) => Err(failure),
        },
    }
}

/// Updates the service back to the previous task definition; gives the service revision to follow, `None` when a newer release owns it.
async fn restore(
    deployer: &Arc<Deployer>,
    ctx: &DurableContext,
    request: &Request,
    watch: &Watch,
    previous: &str,
) -> Result<Option<String>, Ending> {
    let (deployer, request, execution) = (Arc::clone(deployer), request.clone(), ctx.execution_arn().to_owned());
    let (failed, previous) = (watch.target_revision.clone(), previous.to_owned());
    let work = move |attempt: StepContext| async move {
        let (aws, service) = (&deployer.aws, &request.service.arn);
        if attempt.attempt() > 1
            && let Some(target) = aws.find_restore(service, &previous, &failed).await?
        {
            return Ok(Some(target));
        }
        // Nobody else may have deployed since, with or without a head: a console, another tool.
        let (owns, is_newest) =
            tokio::try_join!(is_owner(&deployer, &request, &execution), aws.is_newest(service, &failed))?;
        match owns && is_newest {
            true => aws.update(service, &previous).await.map(Some),
            false => Ok(None),
        }
    };
    step::run(ctx, "restore", StepSemantics::AtMostOncePerRetry, work).await
}
