//! The end of a release: the report object, the outcome in the head, the metric line. One step.

use std::sync::Arc;

use aws_durable_execution_sdk::{BoxError, DurableContext, StepSemantics};

use super::act;
use super::run::Deployer;
use super::step;
use crate::aws::{Failure, Trouble};
use crate::head::{Head, Recent, Release};
use crate::plan::Request;
use crate::report::ReleaseReport;

/// How often the outcome is put into a head that changes under it, before the step is tried again.
const MAX_SWAPS: u32 = 10;

/// Who writes.
#[derive(Clone, Debug)]
pub(super) struct Written {
    /// The release and its execution.
    pub(super) me: Release,
    /// What it deployed and proved.
    pub(super) good: Option<String>,
    /// Whether it has owned the service.
    pub(super) has_claimed: bool,
}

/// Writes everything down. A release that owned the service says what became of it; one that never did only speaks where nobody has: another
/// delivery of the same event has the same id and the same key.
pub(super) async fn run(
    deployer: &Arc<Deployer>,
    ctx: &DurableContext,
    request: &Request,
    report: &ReleaseReport,
    written: Written,
) -> Result<(), BoxError> {
    let (deployer, request, report) = (Arc::clone(deployer), request.clone(), report.clone());
    let work = move |_| async move {
        let put = deployer.aws.put_report(&request, &report, written.has_claimed);
        let ended = end_in_head(&deployer, &request, &report, &written);
        let (put, ended) = tokio::join!(put, ended);
        put?;
        match ended {
            Err(failure) if failure.is_passing() => return Err(failure),
            // The report says more than the head: a head that cannot be written costs no report.
            Err(failure) => tracing::warn!(%failure, release = %report.release, "the outcome is not in the head"),
            Ok(()) => {}
        }
        (deployer.metrics)(&report.metric_line(deployer.aws.clock().now()));
        Ok(())
    };
    let done = step::run(ctx, "report", StepSemantics::AtLeastOncePerRetry, work).await;
    done.map_err(|ending| ending.reason.unwrap_or_default().into())
}

/// Puts the outcome into the head, until it is written; a release that neither owned the service nor deployed anything leaves no trace there.
async fn end_in_head(
    deployer: &Deployer,
    request: &Request,
    report: &ReleaseReport,
    written: &Written,
) -> Result<(), Failure> {
    if !written.has_claimed && written.good.is_none() {
        return Ok(());
    }
    let (aws, bucket, arn) = (&deployer.aws, &request.state_bucket, &request.service.arn);
    for _ in 0..MAX_SWAPS {
        let Some(held) = aws.head(bucket, arn).await? else { return Ok(()) };
        let next = next_head(&held.head, request, report, written);
        if next == held.head || aws.swap_head(bucket, arn, Some(&held.etag), &next).await?.is_some() {
            return Ok(());
        }
    }
    Err(Failure::new("s3:PutObject", arn.as_str(), Trouble::Throttled, "the head of the service keeps changing"))
}

fn next_head(head: &Head, request: &Request, report: &ReleaseReport, written: &Written) -> Head {
    let me = &written.me;
    let ended = act::end(report.outcome, written.good.clone()).apply(Some(head), me);
    let mut next = ended.unwrap_or_else(|| head.clone());
    next.memory.remember(Recent {
        release: report.release.clone(),
        order: me.order.clone(),
        trigger: request.trigger.to_string(),
        image: report.image.as_ref().map(|image| image.after.clone()),
        digest: me.image.clone(),
        task_definition_arn: report.task_definition_arn.clone(),
        outcome: report.outcome,
        at: report.timeline.last().map_or(request.at, |last| last.at),
    });
    next
}
