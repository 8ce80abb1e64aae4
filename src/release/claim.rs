//! Claiming the service: the head changes hands by compare-and-swap, or somebody else was faster. One step.

use std::sync::Arc;

use aws_durable_execution_sdk::{DurableContext, StepSemantics};

use super::situation::Held;
use super::step;
use super::{Deployer, Ending};
use crate::aws::Failure;
use crate::head::Head;
use crate::plan::Request;

/// Whether this release owns the service now.
pub(super) async fn run(
    deployer: &Arc<Deployer>,
    ctx: &DurableContext,
    request: &Request,
    held: Held,
) -> Result<bool, Ending> {
    let (deployer, request, execution) = (Arc::clone(deployer), request.clone(), ctx.execution_arn().to_owned());
    let work = move |_| async move { claim(&deployer, &request, &execution, &held).await };
    step::run(ctx, "claim", StepSemantics::AtLeastOncePerRetry, work).await
}

async fn claim(deployer: &Deployer, request: &Request, execution: &str, held: &Held) -> Result<bool, Failure> {
    let head = Head::claim(&request.trigger, execution, deployer.aws.clock().now(), held.head.as_ref());
    let swapped =
        deployer.aws.swap_head(&request.state_bucket, &request.service.arn, held.etag.as_deref(), &head).await?;
    if swapped.is_some() {
        return Ok(true);
    }
    // A refused swap may be our own, from an attempt whose answer was lost: then our name is on the head.
    let now = deployer.aws.head(&request.state_bucket, &request.service.arn).await?;
    Ok(now.is_some_and(|now| now.head.is_owned_by(&request.release(), execution)))
}
