//! Following a deployment: one look after another as a durable wait, which costs nothing while it waits. A look never fails; what AWS says
//! no to becomes part of what was seen.

use std::sync::Arc;
use std::time::Duration;

use aws_durable_execution_sdk::builders::wait_for_condition::WaitDecision;
use aws_durable_execution_sdk::{DurableContext, StepSemantics};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use jiff::{SignedDuration, Timestamp};

use super::step;
use super::story;
use super::watch::{Seen, SeenLogs, Watch};
use super::{Deployer, Ending};
use crate::aws::ecs::Task;
use crate::aws::s3::Listed;
use crate::aws::{Aws, Failure, Trouble};
use crate::plan::Request;
use crate::report::StoppedTask;
use crate::verify::checks::Checks;
use crate::verify::evidence::{Evidence, MAX_KEYS, Object, Verdict};
use crate::verify::key_format::TaskKeys;
use crate::verify::reading::Reading;
use crate::verify::search::{Search, Window};
use crate::verify::{LogOutput, Revision};

/// Listings that are under way at once.
const MAX_IN_FLIGHT: usize = 16;

/// The decoded bytes after which a look leaves further objects to the next one: a small function must not be cut off while it reads.
const MAX_PER_LOOK: u64 = 32 * 1024 * 1024;

/// Looks at the deployment, and at its logs, until there is a decision.
pub(super) async fn run(
    deployer: &Arc<Deployer>,
    ctx: &DurableContext,
    request: &Request,
    watch: Watch,
) -> Result<Watch, Ending> {
    let verify = &request.service.verify;
    // The patterns were checked with the configuration; a recorded one that a later version refuses ends the release with a reason.
    let checks = Checks::new(&verify.expect, &verify.forbid).map_err(|error| Ending::failed(error.to_string()))?;
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
    let tasks = match aws.tasks(&request.service.arn, &watch.task_definition_arn).await {
        Ok(tasks) => tasks,
        Err(failure) => return unseen(&failure, false),
    };
    let started: Vec<Task> = tasks.into_iter().filter(|task| task.has_started).collect();
    if started.is_empty() && watch.logs.evidence.objects == 0 {
        return SeenLogs::NoTask;
    }
    let evidence = watch.logs.evidence.clone();
    match read_logs(aws, watch, checks, &started, evidence).await {
        Ok(evidence) => SeenLogs::Read(Box::new(evidence)),
        Err(failure) => unseen(&failure, true),
    }
}

fn unseen(failure: &Failure, has_task: bool) -> SeenLogs {
    match failure.kind {
        Trouble::Throttled | Trouble::Unclear => SeenLogs::Trouble { reason: failure.to_string(), has_task },
        Trouble::Denied | Trouble::Missing | Trouble::Conflict | Trouble::Refused => {
            SeenLogs::Denied(failure.to_string())
        }
    }
}

/// Lists what has landed, one request for each prefix, and reads what is new until there is a verdict.
async fn read_logs(
    aws: &Aws,
    watch: &Watch,
    checks: &Checks,
    tasks: &[Task],
    mut evidence: Evidence,
) -> Result<Evidence, Failure> {
    let Some(revision) = Revision::parse(&watch.task_definition_arn) else { return Ok(evidence) };
    let now = aws.clock().now();
    let places: Vec<Place<'_>> =
        watch.logs.outputs.iter().flat_map(|output| places(output, tasks, now, watch.elapsed)).collect();
    let mut lookups = Vec::new();
    for place in &places {
        lookups.push(list(aws, place, evidence.start_after(place.output, &place.search).map(str::to_owned)));
    }
    let listings: Vec<_> = stream::iter(lookups).buffered(MAX_IN_FLIGHT).try_collect().await?;
    let before = evidence.decoded_bytes;
    for (Place { output, search, owners }, (listed, is_truncated)) in places.iter().zip(listings) {
        for Listed { key, etag } in &listed {
            let Some((task, _)) = owners.iter().find(|(_, keys)| keys.matches(key)) else { continue };
            let object = Object { task, key, etag };
            // After a pass, what lies there already is still held against what must not be.
            let is_settled = match evidence.verdict(checks) {
                Verdict::Failed(_) => true,
                Verdict::Passed => checks.forbid().is_empty(),
                Verdict::Waiting { .. } => false,
            };
            if is_settled || evidence.decoded_bytes - before >= MAX_PER_LOOK {
                return Ok(evidence);
            }
            if evidence.wants(output, &object) {
                read_object(aws, checks, output, &revision, object, &mut evidence).await?;
            }
        }
        let last = listed.into_iter().next_back().filter(|_| is_truncated);
        evidence.searched(output, search, last.map(|last| last.key));
    }
    Ok(evidence)
}

/// A prefix to list, and the tasks whose objects may lie there.
struct Place<'a> {
    output: &'a LogOutput,
    search: Search,
    owners: Vec<(&'a str, TaskKeys)>,
}

async fn list(aws: &Aws, place: &Place<'_>, start_after: Option<String>) -> Result<(Vec<Listed>, bool), Failure> {
    let (output, search) = (place.output, &place.search);
    aws.list(&output.region, &output.bucket, &search.prefix, start_after.as_deref(), MAX_KEYS).await
}

/// The prefixes of an output, each once, whichever tasks share it. Time that AWS tells counts, and time that this release asked to wait: where
/// waits are skipped, the machine's clock stands behind.
fn places<'a>(output: &'a LogOutput, tasks: &'a [Task], now: Timestamp, elapsed: u64) -> Vec<Place<'a>> {
    let elapsed = SignedDuration::from_secs(i64::try_from(elapsed).unwrap_or(i64::MAX));
    let mut places: Vec<Place<'a>> = Vec::new();
    for task in tasks {
        let created = task.created.or_else(|| now.checked_sub(elapsed).ok()).unwrap_or(now);
        let window = Window::new(created, created.checked_add(elapsed).map_or(now, |then| then.max(now)));
        for search in output.searches(&task.id, &window) {
            let owner = (task.id.as_str(), output.keys_of(&task.id));
            match places.iter_mut().find(|place| place.search.prefix == search.prefix) {
                Some(place) => {
                    place.owners.push(owner);
                    place.search.start_after = place.search.start_after.take().min(search.start_after);
                }
                None => places.push(Place { output, search, owners: vec![owner] }),
            }
        }
    }
    places
}

async fn read_object(
    aws: &Aws,
    checks: &Checks,
    output: &LogOutput,
    revision: &Revision,
    object: Object<'_>,
    evidence: &mut Evidence,
) -> Result<(), Failure> {
    let mut reading = Reading::new(evidence, checks, output, revision, object);
    let take = |chunk: &[u8]| {
        reading.push(chunk);
        reading.wants_more()
    };
    if aws.read_object(&output.region, &output.bucket, object.key, take).await? {
        reading.finish();
    }
    Ok(())
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
