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
use crate::verify::reading::{Reading, Rest, is_settled};
use crate::verify::search::{Search, Window};
use crate::verify::{Revision, S3Output, Writers};
use crate::watch::logs::{Interest, LogWatch, SeenLogs};

/// Requests that are under way at once.
const MAX_IN_FLIGHT: usize = 16;

/// How far the clocks of S3 and ECS may differ, in seconds: nothing that was written so long before a revision's first
/// task was created is its own.
const CLOCKS: i64 = 60;

/// How many times as large as an object its text is taken to be before it is read: about what gzip makes of logs.
const COMPRESSION: u64 = 10;

/// Whose logs are looked at.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Target<'a> {
    /// Where they land.
    pub(crate) outputs: &'a [S3Output],
    /// The revision that the records must name.
    pub(crate) task_definition_arn: &'a str,
    /// The service's tasks that can have logged; those of other revisions are left out.
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

    /// The tasks of the revision.
    fn own_tasks(&self) -> impl Iterator<Item = &'a Task> + use<'a> {
        let definition = self.task_definition_arn;
        self.tasks.iter().filter(move |task| task.definition_arn == definition)
    }

    /// Before which nothing is read.
    fn earliest(&self) -> Option<Timestamp> {
        // Without a time, which comes first, there is no bound.
        let first = self.own_tasks().map(|task| task.created).min().flatten();
        let first = first.and_then(|first| first.checked_sub(SignedDuration::from_secs(CLOCKS)).ok());
        self.since.max(first)
    }

    fn places_of(&self, output: &'a S3Output, now: Timestamp) -> Vec<Place<'a>> {
        let elapsed = SignedDuration::from_secs(i64::try_from(self.elapsed).unwrap_or(i64::MAX));
        let mut places: Vec<Place<'a>> = Vec::new();
        for task in self.own_tasks() {
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
    /// Whose logs are looked at, given the service's tasks.
    pub(crate) fn target(&self, tasks: &'a [Task]) -> Target<'a> {
        let Self { logs, task_definition_arn, since, elapsed } = *self;
        Target { outputs: &logs.outputs, task_definition_arn, tasks, since, elapsed }
    }

    /// The service's tasks that can have logged: those that ECS names, and those of the revision that it named once. A
    /// task that died is named for an hour, and what it said last is worth the most.
    pub(crate) async fn tasks(&self, aws: &Aws, service: &ServiceArn) -> Result<Vec<Task>, Failure> {
        let mut tasks = aws.tasks(service).await?;
        tasks.retain(|task| task.has_started);
        for (arn, created) in &self.logs.tasks {
            if tasks.iter().all(|task| task.arn != *arn) {
                tasks.push(Task::known(self.task_definition_arn, arn, *created));
            }
        }
        Ok(tasks)
    }
}

/// One look. It never fails: what AWS says no to is what was seen.
pub(crate) async fn look(aws: &Aws, service: &ServiceArn, look: Look<'_>, checks: &Checks) -> SeenLogs {
    let tasks = match look.tasks(aws, service).await {
        Ok(tasks) => tasks,
        Err(failure) => return unseen(&failure, false),
    };
    let target = look.target(&tasks);
    let first_task = target.own_tasks().map(|task| task.created).min();
    if first_task.is_none() && look.logs.evidence.objects == 0 {
        return SeenLogs::NoTask;
    }
    let evidence = match read(aws, target, checks, look.logs.evidence.clone()).await {
        Ok(evidence) => evidence,
        Err(failure) => return unseen(&failure, true),
    };
    let old = look_at_old(aws, &look, target, first_task.flatten(), checks, &evidence).await;
    let tasks = target.own_tasks().map(|task| (task.arn.clone(), task.created)).collect();
    SeenLogs::Read { evidence: Box::new(evidence), old: old.map(Box::new), tasks }
}

/// What the old revision's tasks have logged since the new one's began, where that is asked for: what cannot be read
/// leaves it open, and is tried again at the next look.
async fn look_at_old(
    aws: &Aws,
    look: &Look<'_>,
    target: Target<'_>,
    first_task: Option<Timestamp>,
    checks: &Checks,
    evidence: &Evidence,
) -> Option<Evidence> {
    let interest = look.logs.interest_in_old(checks, evidence, look.elapsed)?;
    let old = look.logs.old.as_ref()?;
    let since = target.since.or(first_task)?;
    let (since, known) = match interest {
        Interest::Comparison => (since, old.evidence.clone()),
        // Startup lines, and whatever else came before, are uploaded within that time.
        Interest::Silence { after } => {
            let after = SignedDuration::from_secs(i64::try_from(after).unwrap_or(i64::MAX));
            (since.checked_add(after).ok()?, Evidence::default())
        }
    };
    let task_definition_arn = &old.task_definition_arn;
    let target = Target { outputs: &old.outputs, task_definition_arn, since: Some(since), ..target };
    read(aws, target, &checks.counting(), known).await.ok()
}

fn unseen(failure: &Failure, has_task: bool) -> SeenLogs {
    SeenLogs::Trouble { reason: failure.to_string(), has_task, needs_somebody: !failure.is_transient() }
}

/// An object to read, and the place that it was listed under.
struct Found<'a> {
    output: &'a S3Output,
    object: Object<'a>,
    modified: Option<Timestamp>,
    size: u64,
}

/// Lists what has landed, one request for each prefix, and reads what is new until nothing more can change what the
/// evidence says, or the look has taken its share of what the bounds leave.
pub(crate) async fn read(
    aws: &Aws,
    target: Target<'_>,
    checks: &Checks,
    mut evidence: Evidence,
) -> Result<Evidence, Failure> {
    let Some(revision) = Revision::parse(target.task_definition_arn) else { return Ok(evidence) };
    let arns: Vec<String> = target.own_tasks().map(|task| task.arn.clone()).collect();
    let writers = Writers { revision: &revision, tasks: &arns };
    let places = target.places(aws.clock().now());
    let mut lookups = Vec::new();
    for place in &places {
        lookups.push(list(aws, place, evidence.start_after(place.output, &place.search).map(str::to_owned)));
    }
    let listings: Vec<_> = stream::iter(lookups).buffered(MAX_IN_FLIGHT).try_collect().await?;
    let earliest = target.earliest();
    let mut found = Vec::new();
    for (place, (listed, _)) in places.iter().zip(&listings) {
        let is_new = |listed: &&Listed| earliest.is_none_or(|since| listed.modified.is_none_or(|at| at >= since));
        for listed in listed.iter().filter(is_new) {
            let Some((task, _)) = place.owners.iter().find(|(_, keys)| keys.matches(&listed.key)) else { continue };
            let object = Object { task, key: &listed.key, etag: &listed.etag };
            if evidence.wants(place.output, &object) {
                found.push(Found { output: place.output, object, modified: listed.modified, size: listed.size });
            }
        }
    }
    let mut left = found.len();
    let (objects, bytes) = evidence.allowance();
    let chosen = choose(in_turn(found), objects, bytes);
    let opening: Vec<_> = chosen.into_iter().map(|found| open(aws, found.output, found.object)).collect();
    let mut opened = stream::iter(opening).buffered(MAX_IN_FLIGHT);
    let before = evidence.decoded_bytes;
    // What the end of an object leaves open goes on in the next one of the task.
    let (mut rest, mut last) = (Rest::default(), None);
    while !is_settled(&evidence, checks) && evidence.decoded_bytes - before < bytes {
        let Some(next) = opened.next().await else { break };
        let (output, object, body) = next?;
        left -= 1;
        let Some(body) = body else { continue };
        let stream = (output.bucket.as_str(), object.task);
        if last.replace(stream) != Some(stream) {
            rest = read_again(aws, output, object.task, checks, &writers, &mut evidence).await?;
        }
        let reading = Reading::new(&mut evidence, checks, output, &writers, object).following(rest);
        rest = read_body(body, reading).await?;
    }
    if left == 0 {
        note_cursors(&mut evidence, &places, &listings);
    }
    let more = listings.iter().filter(|(_, is_truncated)| *is_truncated).count();
    evidence.unread = u64::try_from(left + more).unwrap_or(u64::MAX);
    Ok(evidence)
}

async fn read_body(body: OpenObject, mut reading: Reading<'_>) -> Result<Rest, Failure> {
    let take = |chunk: &[u8]| {
        reading.push(chunk);
        reading.wants_more()
    };
    body.read(take).await?;
    Ok(reading.finish())
}

/// What the last object of a task left open that an earlier look read: it is read once more rather than remembered,
/// since it may hold anything.
async fn read_again(
    aws: &Aws,
    output: &S3Output,
    task: &str,
    checks: &Checks,
    writers: &Writers<'_>,
    evidence: &mut Evidence,
) -> Result<Rest, Failure> {
    let Some(end) = evidence.open_end(output, task).cloned() else { return Ok(Rest::default()) };
    let object = Object { task, key: &end.key, etag: &end.etag };
    let body = aws.open_object(&output.region, &output.bucket, &end.key).await?;
    let Some(body) = body.filter(|body| body.etag == end.etag) else { return Ok(Rest::default()) };
    read_body(body, Reading::new(evidence, checks, output, writers, object).again()).await
}

/// What of this one look reads, in the order in which it was written: an object may go on where the one before of its
/// task ends. At least one is read, however large.
fn choose(found: Vec<Found<'_>>, objects: usize, bytes: u64) -> Vec<Found<'_>> {
    let mut taken = 0;
    let mut chosen: Vec<Found<'_>> = found
        .into_iter()
        .take(objects)
        .take_while(|found| {
            let fits = taken < bytes;
            taken += found.size.saturating_mul(COMPRESSION);
            fits
        })
        .collect();
    let order = |found: &Found<'_>| (found.output.bucket.clone(), found.object.task.to_owned(), found.modified);
    chosen.sort_by_cached_key(|found| (order(found), found.object.key.to_owned()));
    chosen
}

/// The order in which objects are chosen, so that no task takes what others need: of each task the newest, then of each
/// the next. The small ones of a turn come first.
fn in_turn(mut found: Vec<Found<'_>>) -> Vec<Found<'_>> {
    found.sort_by(|one, other| (one.object.task, other.modified).cmp(&(other.object.task, one.modified)));
    let (mut task, mut turn) = ("", 0);
    let mut turns: Vec<(usize, Found<'_>)> = Vec::with_capacity(found.len());
    for found in found {
        turn = if found.object.task == task { turn + 1 } else { 0 };
        task = found.object.task;
        turns.push((turn, found));
    }
    turns.sort_by_key(|(turn, found)| (*turn, found.size));
    turns.into_iter().map(|(_, found)| found).collect()
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::task_definition::TaskDefinition;
    use crate::verify::{Expectation, expect_logs};

    fn output() -> S3Output {
        let document = include_bytes!("../../events/task-definitions/firelens.json");
        match expect_logs(&TaskDefinition::parse(document).unwrap(), "Main", &[]) {
            Expectation::Logs(mut outputs) => outputs.remove(0),
            other => panic!("{other:?}"),
        }
    }

    fn found<'a>(output: &'a S3Output, objects: &[(&'a str, &'a str, i64, u64)]) -> Vec<Found<'a>> {
        let of = |(task, key, modified, size): &(&'a str, &'a str, i64, u64)| Found {
            output,
            object: Object { task, key, etag: "e" },
            modified: Timestamp::from_second(*modified).ok(),
            size: *size,
        };
        objects.iter().map(of).collect()
    }

    fn keys<'a>(found: &[Found<'a>]) -> Vec<&'a str> {
        found.iter().map(|found| found.object.key).collect()
    }

    #[test]
    fn no_task_takes_what_others_need_and_what_is_read_is_read_in_its_order() {
        let output = output();
        // A loud task with three objects, and two quiet ones.
        let objects =
            [("a", "a1", 1, 900), ("a", "a2", 2, 900), ("a", "a3", 3, 900), ("b", "b1", 2, 10), ("c", "c1", 1, 20)];
        let turns = in_turn(found(&output, &objects));
        assert_eq!(keys(&turns), ["b1", "c1", "a3", "a2", "a1"], "each task's newest first, small ones before");
        assert_eq!(keys(&choose(turns, 3, u64::MAX)), ["a3", "b1", "c1"]);
        assert_eq!(keys(&choose(in_turn(found(&output, &objects)), 5, u64::MAX)), ["a1", "a2", "a3", "b1", "c1"]);
        // As many as fit, by what their text may come to, and one in any case.
        assert_eq!(keys(&choose(in_turn(found(&output, &objects)), 5, 301)), ["a3", "b1", "c1"]);
        assert_eq!(keys(&choose(in_turn(found(&output, &objects)), 5, 1)), ["b1"]);
    }
}
