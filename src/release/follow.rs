//! Following a deployment: one look after another as a durable wait, which costs nothing while it waits. A look never
//! fails; what AWS says no to becomes part of what was seen.

use std::sync::Arc;

use super::look;
use super::run::{Ending, Run};
use super::step;
use super::timeline;
use crate::aws::{Aws, Failure};
use crate::config::Logs;
use crate::head;
use crate::observe::live::describe_deployments;
use crate::observe::logs::{self, Look};
use crate::plan::{self, Request};
use crate::rollout::StoppedTask;
use crate::verify::Expectation;
use crate::verify::checks::Checks;
use crate::verify::tasks::ExpectedTasks;
use crate::watch::logs::SeenLogs;
use crate::watch::{Seen, SeenRevision, SeenTasks, Watch};
use release_protocol::follow::{Listed, replaced};
use release_protocol::head::Target;
use release_protocol::plan::Past;

/// Looks at the deployment, and at its logs, until there is a decision.
pub(super) async fn run(run: &Run, watch: Watch) -> Result<Watch, Ending> {
    let verify = &run.request.service.verify;
    // The patterns were checked with the configuration; a recorded one that a later version refuses ends the release
    // with a reason.
    let mut checks = verify.checks().map_err(|error| Ending::failed(error.to_string()))?;
    checks.require(&watch.logs.outputs);
    let checks = Arc::new(checks);
    let (deployer, request) = (Arc::clone(&run.deployer), Arc::new(run.request.clone()));
    let past = Arc::new(run.under_way.course.past.clone());
    let execution: Arc<str> = run.ctx.execution_arn().into();
    let look = move |mut watch: Watch| {
        let (deployer, request, checks) = (Arc::clone(&deployer), Arc::clone(&request), Arc::clone(&checks));
        let (past, execution) = (Arc::clone(&past), Arc::clone(&execution));
        async move {
            let told = watch.phases.len();
            watch.resume();
            let looked = Box::pin(look_once(&deployer.aws, &request, &watch, &checks)).await;
            if watch.replaced.is_none() {
                watch.replaced = replaced_by(&deployer.aws, &request, &execution, &past, &watch).await;
            }
            if let Some(revision) = looked.revision {
                watch.observe_revision(revision);
            }
            if let Some(tasks) = looked.tasks {
                watch.observe_tasks(tasks);
            }
            watch.observe(looked.deployment, looked.logs, &checks);
            for step in watch.phases.iter().skip(told) {
                timeline::tell(&request, &step.what, &step.detail);
            }
            watch
        }
    };
    let pause = |watch: &Watch| (!watch.is_decided()).then_some(watch.pause);
    look::until_last(&run.ctx, "follow", watch, look, pause).await
}

/// What one look saw; what is not looked at any more, or not yet, is `None`.
struct Looked {
    deployment: Seen,
    logs: Option<SeenLogs>,
    revision: Option<SeenRevision>,
    tasks: Option<SeenTasks>,
}

/// One look: the deployment, its revision and the logs side by side, within what one invocation can take.
async fn look_once(aws: &Aws, request: &Request, watch: &Watch, checks: &Checks) -> Looked {
    let too_long = || format!("no answer within {} s", step::BODY.as_secs());
    let deployment = async {
        let seen = tokio::time::timeout(step::BODY, look_at_deployment(aws, request, watch)).await;
        seen.unwrap_or_else(|_| Seen::Trouble(too_long()))
    };
    let logs = async {
        if !watch.wants_logs() {
            return None;
        }
        let seen =
            tokio::time::timeout(step::BODY, logs::look(aws, &request.service.arn, look_of(watch), checks)).await;
        Some(seen.unwrap_or_else(|_| SeenLogs::Trouble { reason: too_long(), has_task: false, needs_somebody: false }))
    };
    let revision = async {
        if !watch.wants_revision() {
            return None;
        }
        let wanted = std::slice::from_ref(&watch.target_revision);
        let looking = aws.service_revisions(&request.service.arn, wanted);
        let revision = match tokio::time::timeout(step::BODY, looking).await {
            Ok(Ok(mut described)) => described.pop(),
            _ => None,
        };
        Some(revision.map_or(SeenRevision::Trouble, |revision| SeenRevision::Read {
            architecture_override: revision.architecture_override,
        }))
    };
    let tasks = async {
        if !watch.wants_tasks() {
            return None;
        }
        let seen = tokio::time::timeout(step::BODY, look_at_tasks(aws, request, watch)).await;
        Some(seen.ok().flatten().unwrap_or(SeenTasks::Trouble))
    };
    let (deployment, logs, revision, tasks) = tokio::join!(deployment, logs, revision, tasks);
    Looked { deployment, logs, revision, tasks }
}

/// What the tasks are to be, and what they are; nothing where AWS does not say.
async fn look_at_tasks(aws: &Aws, request: &Request, watch: &Watch) -> Option<SeenTasks> {
    let service = &request.service.arn;
    let expected = match watch.expected_tasks() {
        Some(expected) => expected.clone(),
        None => ExpectedTasks::of(&aws.task_definition(service.region(), &watch.task_definition_arn).await.ok()?),
    };
    let tasks = aws.task_proofs(service, &watch.task_definition_arn, &expected).await.ok()?;
    Some(SeenTasks::Read { expected, tasks })
}

/// What a look at the logs goes by.
fn look_of(watch: &Watch) -> Look<'_> {
    Look { logs: &watch.logs, task_definition_arn: &watch.task_definition_arn, since: None, elapsed: watch.elapsed }
}

async fn look_at_deployment(aws: &Aws, request: &Request, watch: &Watch) -> Seen {
    let service = &request.service.arn;
    // What has ended does not change any more; only its logs are still waited for.
    if let Some(ended) = watch.deployment.as_ref().filter(|deployment| deployment.status.end().is_some()) {
        return Seen::Deployment(Box::new(ended.clone()));
    }
    let seen = async {
        let arn = match &watch.deployment_arn {
            Some(arn) => Some(arn.clone()),
            None => aws.find_deployment(service, &watch.target_revision).await?,
        };
        match arn {
            Some(arn) => aws.deployment(service.region(), &arn).await.map(|found| Seen::Deployment(Box::new(found))),
            None => Ok(Seen::NotListed),
        }
    };
    let seen: Result<Seen, Failure> = seen.await;
    seen.unwrap_or_else(|failure| Seen::Trouble(failure.to_string()))
}

/// Whose deployments came between the last look before the update and the update: it took their place. `None` where
/// that could not be read yet; it is looked at again then.
async fn replaced_by(
    aws: &Aws,
    request: &Request,
    execution: &str,
    past: &Past<head::Aws>,
    watch: &Watch,
) -> Option<Vec<String>> {
    let arn = &request.service.arn;
    let Some(newest) = &past.newest else { return Some(Vec::new()) };
    let listed = aws.deployments(arn).await.ok()?;
    let own = listed.iter().position(|deployment| deployment.target == watch.target_revision)?;
    let between = listed.get(own + 1).is_some_and(|before| before.target != *newest);
    if !between {
        return Some(Vec::new());
    }
    let held = aws.head(request, execution).await.ok()?;
    let deployments = describe_deployments(aws, arn, &listed).await.ok()?;
    let target = Target { definition: watch.task_definition_arn.clone(), revision: watch.target_revision.clone() };
    let replaced = replaced(past, held.as_ref().map(|held| &held.head), &target, &deployments);
    Some(name_replaced(replaced))
}

/// Whose place was taken: task definitions, or service revisions where no more is known.
pub(super) fn name_replaced(replaced: Vec<Listed<head::Aws>>) -> Vec<String> {
    replaced.into_iter().map(|other| other.definition.unwrap_or(other.revision)).collect()
}

/// What logs a deployment should write that this release did not draft: that of an execution which died.
pub(super) async fn expect_logs(run: &Run, target: &Target<head::Aws>) -> Result<Expectation, Ending> {
    let (deployer, service, arn) = (Arc::clone(&run.deployer), run.request.service.clone(), target.definition.clone());
    let work = move |_| async move {
        if service.verify.logs == Logs::Off {
            return Ok(Expectation::switched_off());
        }
        let definition = deployer.aws.task_definition(service.arn.region(), &arn).await?;
        Ok(plan::expect_logs(&service, &definition))
    };
    step::run(&run.ctx, "read the definition", work).await
}

/// Why tasks of the new revision stopped: one try. Nothing that is found here changes how the release ends, so a
/// failure shows as nothing found.
pub(super) async fn diagnose(run: &Run, task_definition_arn: &str) -> Vec<StoppedTask> {
    let (deployer, service, arn) =
        (Arc::clone(&run.deployer), run.request.service.arn.clone(), task_definition_arn.to_owned());
    let work = move |_| async move { Ok(deployer.aws.stopped_tasks(&service, &arn).await.unwrap_or_default()) };
    step::run(&run.ctx, "diagnose", work).await.unwrap_or_default()
}
