//! The end of a release: the report object, the outcome in the head, the metric line. One step.

use std::sync::Arc;

use aws_durable_execution_sdk::{BoxError, DurableContext, StepSemantics};

use super::Deployer;
use super::step;
use crate::aws::Failure;
use crate::head::Head;
use crate::plan::Request;
use crate::report::{Outcome, ReleaseReport};

/// How often the outcome is put into a head that changes under it.
const MAX_SWAPS: u32 = 5;

/// Writes everything down. A release that owned the service says what became of it; one that never did only speaks where nobody has: another
/// delivery of the same event has the same id and the same key.
pub(super) async fn run(
    deployer: &Arc<Deployer>,
    ctx: &DurableContext,
    request: &Request,
    report: &ReleaseReport,
    was_owner: bool,
) -> Result<(), BoxError> {
    let (deployer, request, execution) = (Arc::clone(deployer), request.clone(), ctx.execution_arn().to_owned());
    let report = report.clone();
    let work = move |_| async move {
        let put = deployer.aws.put_report(&request, &report, was_owner);
        let (written, settled) = tokio::join!(put, settle_head(&deployer, &request, &execution, &report));
        written?;
        match settled {
            Err(failure) if failure.is_passing() => return Err(failure),
            // The report says more than the head: a head that cannot be written costs no report.
            Err(failure) => tracing::warn!(%failure, release = %report.release, "the outcome is not in the head"),
            Ok(()) => {}
        }
        (deployer.metrics)(&report.metric_line(deployer.aws.clock().now()));
        Ok(())
    };
    let written = step::run(ctx, "report", StepSemantics::AtLeastOncePerRetry, work).await;
    written.map_err(|ending| ending.reason.unwrap_or_default().into())
}

/// Puts the outcome into the head, while it still is this release's.
async fn settle_head(
    deployer: &Deployer,
    request: &Request,
    execution: &str,
    report: &ReleaseReport,
) -> Result<(), Failure> {
    for _ in 0..MAX_SWAPS {
        let held = deployer.aws.head(&request.state_bucket, &request.service.arn).await?;
        let Some(held) = held.filter(|held| held.head.is_owned_by(&report.release, execution)) else { return Ok(()) };
        let last_good = match report.outcome {
            Outcome::Succeeded => report.task_definition_arn.clone(),
            _ => held.head.last_good.clone(),
        };
        let head = Head {
            task_definition_arn: report.task_definition_arn.clone(),
            outcome: Some(report.outcome),
            last_good,
            ..held.head
        };
        if deployer.aws.swap_head(&request.state_bucket, &request.service.arn, Some(&held.etag), &head).await?.is_some()
        {
            return Ok(());
        }
    }
    Ok(())
}
