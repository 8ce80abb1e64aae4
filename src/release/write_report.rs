//! The end of a release: the report object, the outcome in the head, the metric line. One step.

use std::sync::Arc;

use aws_durable_execution_sdk::{BoxError, DurableContext};
use release_protocol::head::Change;

use super::deployer::Deployer;
use super::step;
use crate::aws::{Failure, FailureKind};
use crate::head::{Head, Outcome, Recent, Release, leaves_the_work};
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

/// Writes everything down. A release that owned the service says what became of it; one that never did only speaks
/// where nobody has: another delivery of the same event has the same id and the same key.
pub(super) async fn run(
    deployer: &Arc<Deployer>,
    ctx: &DurableContext,
    request: &Request,
    report: &ReleaseReport,
    written: Written,
) -> Result<(), BoxError> {
    let (deployer, request, report) = (Arc::clone(deployer), request.clone(), report.clone());
    let work = move |_| async move {
        // A release that lost the service to another execution of its event leaves the report to that one.
        let (put, ended) = if written.has_claimed && !leaves_the_work(report.outcome) {
            let put = deployer.aws.put_report(&request, &report, true);
            tokio::join!(put, end_in_head(&deployer, &request, &report, &written))
        } else {
            // A step that failed took with it whether it had claimed: the head knows.
            let ended = end_in_head(&deployer, &request, &report, &written).await;
            let is_owner = matches!(ended, Ok(true));
            (put_unclaimed(&deployer, &request, &report, is_owner).await, ended)
        };
        put?;
        match ended {
            Err(failure) if failure.is_transient() => return Err(failure),
            // The report says more than the head: a head that cannot be written costs no report.
            Err(failure) => tracing::warn!(%failure, release = %report.release, "the outcome is not in the head"),
            Ok(_) => {}
        }
        (deployer.metrics)(&report.metric_line(deployer.aws.clock().now()));
        Ok(())
    };
    let done = step::run(ctx, "report", work).await;
    done.map_err(|ending| ending.reason.unwrap_or_default().into())
}

/// Writes the report of a release that is not known to have owned its service: where nothing lies, or only the report
/// of a duplicate, which says that another one does the work.
async fn put_unclaimed(
    deployer: &Deployer,
    request: &Request,
    report: &ReleaseReport,
    is_owner: bool,
) -> Result<(), Failure> {
    let aws = &deployer.aws;
    let is_quiet = report.outcome == Outcome::Duplicate;
    let overwrites = is_owner || !is_quiet && aws.stored_outcome(request, report).await? == Some(Outcome::Duplicate);
    aws.put_report(request, report, overwrites).await
}

/// Puts the outcome into the head, until it is written; says whether this release was the owner. One that neither owned
/// the service nor deployed anything leaves no trace there, and where that is sure nothing is read.
async fn end_in_head(
    deployer: &Deployer,
    request: &Request,
    report: &ReleaseReport,
    written: &Written,
) -> Result<bool, Failure> {
    if leaves_the_work(report.outcome) && !written.has_claimed {
        return Ok(false);
    }
    let (aws, bucket, arn) = (&deployer.aws, &request.state_bucket, &request.service.arn);
    for _ in 0..MAX_SWAPS {
        let Some(held) = aws.head(bucket, arn).await? else { return Ok(false) };
        let is_owner = held.head.is_owned_by(&written.me);
        if !is_owner && !written.has_claimed {
            return Ok(false);
        }
        let next = next_head(&held.head, request, report, written);
        if next == held.head || aws.swap_head(bucket, arn, Some(&held.etag), &next).await?.is_some() {
            return Ok(is_owner);
        }
    }
    Err(Failure::new("s3:PutObject", arn.as_str(), FailureKind::Throttled, "the head of the service keeps changing"))
}

fn next_head(head: &Head, request: &Request, report: &ReleaseReport, written: &Written) -> Head {
    let me = &written.me;
    let ended = Change::End { outcome: report.outcome, good: written.good.clone() }.apply(Some(head), me);
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
