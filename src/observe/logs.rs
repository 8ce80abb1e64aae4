//! One look at the logs of a revision: its prefixes listed, what is new there read into the evidence. It decides
//! nothing, and waits for nothing.

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use jiff::{SignedDuration, Timestamp};

use crate::aws::ecs::Task;
use crate::aws::s3::{Listed, OpenObject};
use crate::aws::{Aws, Failure};
use crate::config::ServiceArn;
use crate::firelens::key_format::TaskKeys;
use crate::verify::checks::Checks;
use crate::verify::evidence::{Evidence, MAX_KEYS, Object};
use crate::verify::reading::{Reading, is_settled};
use crate::verify::search::{Search, Window};
use crate::verify::{Revision, S3Output};
use crate::watch::logs::{LogWatch, SeenLogs};

/// Requests that are under way at once.
const MAX_IN_FLIGHT: usize = 16;

/// The decoded bytes after which a look leaves further objects to the next one: a small function must not be cut off
/// while it reads.
const MAX_PER_LOOK: u64 = 32 * 1024 * 1024;

/// Whose logs are looked at.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Target<'a> {
    /// Where they land.
    pub(crate) outputs: &'a [S3Output],
    /// The revision that the records must name.
    pub(crate) task_definition_arn: &'a str,
    /// Tasks that can have logged; those of other revisions are left out.
    pub(crate) tasks: &'a [Task],
    /// Only what was written from here on; everything since the tasks began where it is `None`.
    pub(crate) since: Option<Timestamp>,
    /// Seconds that this program asked to wait so far. Where waits are skipped, the machine's clock stands behind by as
    /// much.
    pub(crate) elapsed: u64,
}

/// A prefix to list, and the tasks whose objects may lie there.
#[derive(Debug)]
pub(crate) struct Place<'a> {
    pub(crate) output: &'a S3Output,
    pub(crate) search: Search,
    owners: Vec<(&'a str, TaskKeys)>,
}

impl<'a> Target<'a> {
    /// The prefixes to list, each once, whichever tasks share it.
    pub(crate) fn places(&self, now: Timestamp) -> Vec<Place<'a>> {
        self.outputs.iter().flat_map(|output| self.places_of(output, now)).collect()
    }

    fn places_of(&self, output: &'a S3Output, now: Timestamp) -> Vec<Place<'a>> {
        let elapsed = SignedDuration::from_secs(i64::try_from(self.elapsed).unwrap_or(i64::MAX));
        let mut places: Vec<Place<'a>> = Vec::new();
        for task in self.tasks.iter().filter(|task| task.definition_arn == self.task_definition_arn) {
            let created = task.created.or_else(|| now.checked_sub(elapsed).ok()).unwrap_or(now);
            let seen = created.checked_add(elapsed).map_or(now, |then| then.max(now));
            let searches = match self.since.filter(|since| *since > created) {
                Some(since) => output.searches_since(&task.id, &Window::new(since, seen)),
                None => output.searches(&task.id, &Window::new(created, seen)),
            };
            for search in searches {
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
}

/// What a look goes by: what is known already, whose logs they are, and since when.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Look<'a> {
    pub(crate) logs: &'a LogWatch,
    pub(crate) task_definition_arn: &'a str,
    pub(crate) since: Option<Timestamp>,
    pub(crate) elapsed: u64,
}

impl<'a> Look<'a> {
    /// Whose logs are looked at, given the tasks that run.
    pub(crate) fn target(&self, tasks: &'a [Task]) -> Target<'a> {
        let Self { logs, task_definition_arn, since, elapsed } = *self;
        Target { outputs: &logs.outputs, task_definition_arn, tasks, since, elapsed }
    }
}

/// One look. It never fails: what AWS says no to is what was seen.
pub(crate) async fn look(aws: &Aws, service: &ServiceArn, look: Look<'_>, checks: &Checks) -> SeenLogs {
    let tasks: Vec<Task> = match aws.tasks(service).await {
        Ok(tasks) => tasks.into_iter().filter(|task| task.has_started).collect(),
        Err(failure) => return unseen(&failure, false),
    };
    let target = look.target(&tasks);
    let first_task = tasks.iter().filter(|task| task.definition_arn == target.task_definition_arn);
    let first_task = first_task.map(|task| task.created).min();
    if first_task.is_none() && look.logs.evidence.objects == 0 {
        return SeenLogs::NoTask;
    }
    let (ours, theirs) = tokio::join!(
        read(aws, target, checks, look.logs.evidence.clone()),
        look_at_baseline(aws, look.logs, target, first_task.flatten())
    );
    match ours {
        Ok(evidence) => SeenLogs::Read { evidence: Box::new(evidence), baseline: theirs.map(Box::new) },
        Err(failure) => unseen(&failure, true),
    }
}

/// What the old revision's tasks have logged since the new one's began. It is read for a comparison alone: what cannot
/// be read leaves it undecided, and is tried again at the next look.
async fn look_at_baseline(
    aws: &Aws,
    logs: &LogWatch,
    target: Target<'_>,
    first_task: Option<Timestamp>,
) -> Option<Evidence> {
    let baseline = logs.baseline.as_ref()?;
    let target = Target {
        outputs: &baseline.outputs,
        task_definition_arn: &baseline.task_definition_arn,
        since: Some(target.since.or(first_task)?),
        ..target
    };
    read(aws, target, &Checks::counting(), baseline.evidence.clone()).await.ok()
}

fn unseen(failure: &Failure, has_task: bool) -> SeenLogs {
    SeenLogs::Trouble { reason: failure.to_string(), has_task, needs_somebody: !failure.is_transient() }
}

/// Lists what has landed, one request for each prefix, and reads what is new until nothing more can change what the
/// evidence says.
pub(crate) async fn read(
    aws: &Aws,
    target: Target<'_>,
    checks: &Checks,
    mut evidence: Evidence,
) -> Result<Evidence, Failure> {
    let Some(revision) = Revision::parse(target.task_definition_arn) else { return Ok(evidence) };
    let places = target.places(aws.clock().now());
    let mut lookups = Vec::new();
    for place in &places {
        lookups.push(list(aws, place, evidence.start_after(place.output, &place.search).map(str::to_owned)));
    }
    let listings: Vec<_> = stream::iter(lookups).buffered(MAX_IN_FLIGHT).try_collect().await?;
    let mut opening = Vec::new();
    for (place, (listed, _)) in places.iter().zip(&listings) {
        let is_new = |listed: &&Listed| target.since.is_none_or(|since| listed.modified.is_none_or(|at| at >= since));
        for listed in listed.iter().filter(is_new) {
            let Some((task, _)) = place.owners.iter().find(|(_, keys)| keys.matches(&listed.key)) else { continue };
            let object = Object { task, key: &listed.key, etag: &listed.etag };
            if evidence.wants(place.output, &object) {
                opening.push(open(aws, place.output, object));
            }
        }
    }
    // After a pass, what lies there already is still checked for what must not be.
    let before = evidence.decoded_bytes;
    let is_enough = |evidence: &Evidence| {
        is_settled(evidence, checks) || !evidence.has_room() || evidence.decoded_bytes - before >= MAX_PER_LOOK
    };
    let mut opened = stream::iter(opening).buffered(MAX_IN_FLIGHT);
    while !is_enough(&evidence) {
        let Some(next) = opened.next().await else {
            note_cursors(&mut evidence, &places, &listings);
            break;
        };
        let (output, object, body) = next?;
        if let Some(body) = body {
            let mut reading = Reading::new(&mut evidence, checks, output, &revision, object);
            let take = |chunk: &[u8]| {
                reading.push(chunk);
                reading.wants_more()
            };
            body.read(take).await?;
            reading.finish();
        }
    }
    Ok(evidence)
}

async fn list(aws: &Aws, place: &Place<'_>, start_after: Option<String>) -> Result<(Vec<Listed>, bool), Failure> {
    let (output, search) = (place.output, &place.search);
    aws.list(&output.region, &output.bucket, &search.prefix, start_after.as_deref(), MAX_KEYS).await
}

async fn open<'a>(
    aws: &Aws,
    output: &'a S3Output,
    object: Object<'a>,
) -> Result<(&'a S3Output, Object<'a>, Option<OpenObject>), Failure> {
    let body = aws.open_object(&output.region, &output.bucket, object.key).await?;
    Ok((output, object, body))
}

/// Everything listed was read: the next look goes on behind it where a prefix has more keys than a page.
fn note_cursors(evidence: &mut Evidence, places: &[Place<'_>], listings: &[(Vec<Listed>, bool)]) {
    for (place, (listed, is_truncated)) in places.iter().zip(listings) {
        let last = listed.last().filter(|_| *is_truncated);
        evidence.searched(place.output, &place.search, last.map(|last| last.key.clone()));
    }
}
