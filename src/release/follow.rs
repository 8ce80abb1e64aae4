//! Following a deployment: one look after another as a durable wait, which costs nothing while it waits. A look never fails; what AWS says
//! no to becomes part of what was seen.

use std::sync::Arc;
use std::time::Duration;

use aws_durable_execution_sdk::builders::wait_for_condition::WaitDecision;
use aws_durable_execution_sdk::{DurableContext, StepSemantics};
use jiff::Timestamp;

use super::log_watch::SeenLogs;
use super::logs::{self, Target};
use super::step;
use super::story;
use super::watch::{Seen, Watch};
use super::{Deployer, Ending};
use crate::aws::ecs::Task;
use crate::aws::{Aws, Failure, Trouble};
use crate::plan::Request;
use crate::report::StoppedTask;
use crate::verify::checks::Checks;
use crate::verify::evidence::Evidence;

/// Looks at the deployment, and at its logs, until there is a decision.
pub(super) async fn run(
    deployer: &Arc<Deployer>,
    ctx: &DurableContext,
    request: &Request,
    watch: Watch,
) -> Result<Watch, Ending> {
    let verify = &request.service.verify;
    // The patterns were checked with the configuration; a recorded one that a later version refuses ends the release with a reason.
    let mut checks = verify.checks().map_err(|error| Ending::failed(error.to_string()))?;
    checks.require(&watch.logs.outputs);
    let checks = Arc::new(checks);
    let (deployer, request) = (Arc::clone(deployer), Arc::new(request.clone()));
    let check = move |_, mut watch: Watch| {
        let (deployer, request, checks) = (Arc::clone(&deployer), Arc::clone(&request), Arc::clone(&checks));
        async move {
            let told = watch.phases.len();
            watch.awake();
            let (seen, logs) = look(&deployer.aws, &request, &watch, &checks).await;
            watch.note(seen, logs, &checks);
            for step in watch.phases.iter().skip(told) {
                story::tell(&request, &step.what, &step.detail);
            }
            Ok(watch)
        }
    };
    let strategy = |watch: Watch, _| match watch.is_decided() {
        true => WaitDecision::complete(),
        false => WaitDecision::continue_with(Duration::from_secs(watch.pause)),
    };
    let watched = ctx.wait_for_condition(check, watch).wait_strategy_fn(strategy).name("follow").await;
    watched.map_err(|error| Ending::failed(format!("the deployment could not be followed: {error}")))
}

/// One look: the deployment and the logs side by side, within what one invocation can take.
async fn look(aws: &Aws, request: &Request, watch: &Watch, checks: &Checks) -> (Seen, Option<SeenLogs>) {
    let too_long = || format!("no answer within {} s", step::BODY.as_secs());
    let deployment = async {
        let seen = tokio::time::timeout(step::BODY, look_at_deployment(aws, request, watch)).await;
        seen.unwrap_or_else(|_| Seen::Trouble(too_long()))
    };
    let logs = async {
        if !watch.wants_logs() {
            return None;
        }
        let seen = tokio::time::timeout(step::BODY, look_at_logs(aws, request, watch, checks)).await;
        Some(seen.unwrap_or_else(|_| SeenLogs::Trouble { reason: too_long(), has_task: false }))
    };
    tokio::join!(deployment, logs)
}

async fn look_at_deployment(aws: &Aws, request: &Request, watch: &Watch) -> Seen {
    let service = &request.service.arn;
    let seen = async {
        let arn = match &watch.deployment_arn {
            Some(arn) => Some(arn.clone()),
            None => aws.find_deployment(service, &watch.target_revision).await?,
        };
        match arn {
            Some(arn) => aws.deployment(service.region(), &arn).await.map(Seen::Deployment),
            None => Ok(Seen::NotListed),
        }
    };
    match seen.await {
        Ok(seen) => seen,
        // A deployment that was just listed may not be described yet.
        Err(failure) if failure.is_passing() || failure.kind == Trouble::Missing => Seen::Trouble(failure.to_string()),
        Err(failure) => Seen::Refused(failure.to_string()),
    }
}

async fn look_at_logs(aws: &Aws, request: &Request, watch: &Watch, checks: &Checks) -> SeenLogs {
    let tasks: Vec<Task> = match aws.tasks(&request.service.arn).await {
        Ok(tasks) => tasks.into_iter().filter(|task| task.has_started).collect(),
        Err(failure) => return unseen(&failure, false),
    };
    let ours = || tasks.iter().filter(|task| task.task_definition == watch.task_definition_arn);
    if ours().next().is_none() && watch.logs.evidence.objects == 0 {
        return SeenLogs::NoTask;
    }
    let target = Target {
        outputs: &watch.logs.outputs,
        task_definition_arn: &watch.task_definition_arn,
        tasks: &tasks,
        since: None,
        elapsed: watch.elapsed,
    };
    let first_task = ours().filter_map(|task| task.created).min();
    let (ours, theirs) = tokio::join!(
        logs::read(aws, target, checks, watch.logs.evidence.clone()),
        look_at_baseline(aws, watch, target, first_task)
    );
    match ours {
        Ok(evidence) => SeenLogs::Read { evidence: Box::new(evidence), baseline: theirs.map(Box::new) },
        Err(failure) => unseen(&failure, true),
    }
}

/// What the old revision's tasks have logged since the new one's began. It is read for a comparison alone: what cannot be read leaves it
/// undecided, and is tried again at the next look.
async fn look_at_baseline(
    aws: &Aws,
    watch: &Watch,
    target: Target<'_>,
    first_task: Option<Timestamp>,
) -> Option<Evidence> {
    let baseline = watch.logs.baseline.as_ref()?;
    let target = Target {
        outputs: &baseline.outputs,
        task_definition_arn: &baseline.task_definition_arn,
        since: Some(first_task?),
        ..target
    };
    logs::read(aws, target, &Checks::counting(), baseline.evidence.clone()).await.ok()
}

fn unseen(failure: &Failure, has_task: bool) -> SeenLogs {
    match failure.kind {
        Trouble::Throttled | Trouble::Unclear => SeenLogs::Trouble { reason: failure.to_string(), has_task },
        Trouble::Denied | Trouble::Missing | Trouble::Conflict | Trouble::Refused => {
            SeenLogs::Denied(failure.to_string())
        }
    }
}

/// Why tasks of the new revision stopped. Nothing that is found here changes how the release ends, so a failure shows as nothing found.
pub(super) async fn diagnose(
    deployer: &Arc<Deployer>,
    ctx: &DurableContext,
    request: &Request,
    task_definition_arn: &str,
) -> Vec<StoppedTask> {
    let (deployer, service, arn) = (Arc::clone(deployer), request.service.arn.clone(), task_definition_arn.to_owned());
    let work = move |_| async move { deployer.aws.stopped_tasks(&service, &arn).await };
    step::run(ctx, "diagnose", StepSemantics::AtLeastOncePerRetry, work).await.unwrap_or_default()
}
