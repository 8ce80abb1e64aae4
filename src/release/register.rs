//! Registering the draft and updating the service: two steps, each of which looks for its own effect before it acts a second time.

use std::sync::Arc;

use aws_durable_execution_sdk::{DurableContext, StepContext, StepSemantics};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::step;
use super::{Deployer, Ending};
use crate::aws::Failure;
use crate::aws::ecs::RELEASE_TAG;
use crate::plan::{Draft, Request};
use crate::report::Outcome;
use crate::trigger::Trigger;

/// A registered revision.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Registered {
    pub(super) task_definition_arn: String,
    /// Whether the head, read beside the registration, still named this release, and when; `None` when it could not be read.
    ownership: Option<(bool, Timestamp)>,
}

/// How long what the head said stays true enough to update on, in seconds: two steps that follow each other at once, but not a crash between.
const FRESH: i64 = 10;

/// Registers the draft, tagged with the release.
pub(super) async fn run(
    deployer: &Arc<Deployer>,
    ctx: &DurableContext,
    request: &Request,
    draft: &Draft,
) -> Result<Registered, Ending> {
    let (deployer, request, execution) = (Arc::clone(deployer), request.clone(), ctx.execution_arn().to_owned());
    let mut definition = draft.definition.clone();
    // One push can release several services with one family: the tag names the service as well.
    let service = &request.service.arn;
    let mark = format!("{}@{}/{}", request.release(), service.cluster(), service.name());
    definition.set_tag(RELEASE_TAG, &mark);
    let work = move |attempt: StepContext| async move {
        let (aws, region) = (&deployer.aws, request.service.arn.region());
        let ownership =
            async { Ok(is_owner(&deployer, &request, &execution).await.ok().map(|owner| (owner, aws.clock().now()))) };
        let revision = async {
            let family = definition.family().unwrap_or_default();
            if attempt.attempt() > 1
                && let Some(found) = aws.find_registered(region, family, &mark).await?
            {
                return Ok(found);
            }
            aws.register(region, &definition).await
        };
        let (task_definition_arn, ownership) = tokio::try_join!(revision, ownership)?;
        Ok(Registered { task_definition_arn, ownership })
    };
    step::run(ctx, "register", StepSemantics::AtMostOncePerRetry, work).await
}

/// Makes the service head to the registered revision and gives the service revision to follow.
pub(super) async fn update(
    deployer: &Arc<Deployer>,
    ctx: &DurableContext,
    request: &Request,
    registered: &Registered,
) -> Result<String, Ending> {
    let (deployer, execution) = (Arc::clone(deployer), ctx.execution_arn().to_owned());
    let (owned_request, registered) = (request.clone(), registered.clone());
    let work = move |attempt: StepContext| async move {
        let is_first = attempt.attempt() == 1;
        update_once(&deployer, &owned_request, &execution, &registered, is_first).await
    };
    let target = step::run(ctx, "update", StepSemantics::AtMostOncePerRetry, work).await?;
    target.ok_or_else(|| {
        let lost = match request.trigger {
            Trigger::ImagePush(_) => "",
            Trigger::Upload(_) => "; what was uploaded is not part of it: upload it again if it should be",
        };
        Ending::new(Outcome::Superseded, format!("a newer release claimed the service before the update{lost}"))
    })
}

/// The target revision; `None` when another release owns the service.
async fn update_once(
    deployer: &Deployer,
    request: &Request,
    execution: &str,
    registered: &Registered,
    is_first: bool,
) -> Result<Option<String>, Failure> {
    let (aws, service) = (&deployer.aws, &request.service.arn);
    let arn = registered.task_definition_arn.as_str();
    if !is_first && let Some(target) = aws.find_update(service, arn).await? {
        return Ok(Some(target));
    }
    let is_fresh = |at: Timestamp| aws.clock().now().duration_since(at).as_secs() < FRESH;
    let is_owner = match registered.ownership {
        Some((is_owner, at)) if is_first && is_fresh(at) => is_owner,
        _ => is_owner(deployer, request, execution).await?,
    };
    if is_owner { aws.update(service, arn).await.map(Some) } else { Ok(None) }
}

/// Whether the head still names this release of this execution.
pub(super) async fn is_owner(deployer: &Deployer, request: &Request, execution: &str) -> Result<bool, Failure> {
    let held = deployer.aws.head(&request.state_bucket, &request.service.arn).await?;
    Ok(held.is_some_and(|held| held.head.is_owned_by(&request.release(), execution)))
}
