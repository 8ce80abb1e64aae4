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
use crate::text::Text;

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

/// What the head said when the end was put into it.
#[derive(Clone, Debug, Default)]
struct InHead {
    is_owner: bool,
    /// What a newer release led the service back to, past what this one proved too late.
    led_back_to: Option<String>,
}

/// Writes everything down, and gives what a person should know besides, where the head says so. A release that owned
/// the service says what became of it; one that never did only speaks where nobody has: another delivery of the same
/// event has the same id and the same key.
pub(super) async fn run(
    deployer: &Arc<Deployer>,
    ctx: &DurableContext,
    request: &Request,
    report: &ReleaseReport,
    written: Written,
) -> Result<Option<Text>, BoxError> {
    let (deployer, request, report) = (Arc::clone(deployer), request.clone(), report.clone());
    let work = move |_| async move {
        // A release that lost the service to another execution of its event leaves the report to that one.
        let (put, ended) = if written.has_claimed && !leaves_the_work(report.outcome) {
            let put = deployer.aws.put_report(&request, &report, true);
            tokio::join!(put, end_in_head(&deployer, &request, &report, &written))
        } else {
            // A step that failed took with it whether it had claimed: the head knows.
            let ended = end_in_head(&deployer, &request, &report, &written).await;
            let is_owner = ended.as_ref().is_ok_and(|ended| ended.is_owner);
            (put_unclaimed(&deployer, &request, &report, is_owner).await, ended)
        };
        put?;
        let mut report = report;
        match ended {
            Err(failure) if failure.is_transient() => return Err(failure),
            // The report says more than the head: a head that cannot be written costs no report.
            Err(failure) => {
                tracing::warn!(failure = %failure.to_text(), release = %report.release, "the outcome is not in the head");
            }
            Ok(InHead { led_back_to: Some(back), .. }) => {
                report.attention.get_or_insert_with(|| passed_over(&back).into());
                deployer.aws.put_report(&request, &report, true).await?;
            }
            Ok(_) => {}
        }
        (deployer.metrics)(&report.metric_line(deployer.aws.clock().now()));
        Ok(report.attention)
    };
    let done = step::run(ctx, "report", work).await;
    done.map_err(|ending| String::from(ending.reason.unwrap_or_default()).into())
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

fn passed_over(back: &str) -> String {
    format!(
        "before this release was verified, a newer one had led the service back to {back}: what this one deployed does \
         not run any more"
    )
}

/// Puts the outcome into the head, until it is written, and gives what the head said. One that neither owned
/// the service nor deployed anything leaves no trace there, and where that is sure nothing is read.
async fn end_in_head(
    deployer: &Deployer,
    request: &Request,
    report: &ReleaseReport,
    written: &Written,
) -> Result<InHead, Failure> {
    if leaves_the_work(report.outcome) && !written.has_claimed {
        return Ok(InHead::default());
    }
    let (aws, bucket, arn) = (&deployer.aws, &request.state_bucket, &request.service.arn);
    for _ in 0..MAX_SWAPS {
        let Some(held) = aws.head(request, &written.me.execution).await? else { return Ok(InHead::default()) };
        let is_owner = held.head.is_owned_by(&written.me);
        if !is_owner && !written.has_claimed {
            return Ok(InHead::default());
        }
        let next = next_head(&held.head, request, report, written);
        if next == held.head || aws.swap_head(bucket, arn, Some(&held.etag), &next).await?.is_some() {
            let led_back_to = held.head.led_back_past(&written.me, written.good.as_ref()).cloned();
            return Ok(InHead { is_owner, led_back_to });
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
        trigger: request.trigger.to_string().into(),
        image: report.image.as_ref().map(|image| image.after.clone()),
        digest: me.image.clone(),
        task_definition_arn: report.task_definition_arn.clone(),
        outcome: report.outcome,
        at: report.timeline.last().map_or(request.at, |last| last.at),
    });
    next
}
