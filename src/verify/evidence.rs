//! What the objects read so far prove, as a small value that travels between polls, and the verdict on it. It finds no
//! objects by itself.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::S3Output;
use super::checks::Checks;
use super::forbidden::{self, Accusation, Forbidden};
use super::search::Search;
use crate::text::Text;
use log_objects::level::{Level, LevelCounts};

/// The most decoded bytes that one verification reads.
pub const MAX_DECODED: u64 = 256 << 20;
/// The most keys under one prefix that are looked at in one poll: one page of `ListObjectsV2`.
pub const MAX_KEYS: i32 = 1000;
/// The most objects that one verification reads, which bounds what travels between polls.
pub const MAX_OBJECTS: usize = 2000;
/// The part of what is left that one look may take: whatever comes late still finds room.
const SHARE: u64 = 8;

/// The records below which a share of errors says nothing.
pub const MIN_FOR_RATIO: u64 = 20;

/// The most objects whose end is remembered as open: of a few tasks the last one of each output.
const MAX_OPEN: usize = 16;

/// The most problems that are kept.
const MAX_PROBLEMS: usize = 5;
/// The most records of errors that are kept.
const MAX_EXAMPLES: usize = 5;
/// The records of errors that are looked at for that.
const MAX_CANDIDATES: u64 = 100;

/// An object that was listed.
#[derive(Clone, Copy, Debug)]
pub struct Object<'a> {
    /// The id of the task whose prefix it was found under.
    pub task: &'a str,
    /// Its key.
    pub key: &'a str,
    /// Its `ETag`: a static path, or a second upload in the same minute, puts new text under an old key.
    pub etag: &'a str,
}

/// A record as a report shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sample {
    /// The bucket of the object that holds it.
    #[serde(default)]
    pub bucket: String,
    /// The key of the object that holds it.
    pub key: String,
    /// Its message: secrets masked, at most 300 characters.
    pub text: Text,
    /// Its own time, as it writes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub date: Option<Text>,
    /// Where it is an error: the row of the table by which it was read as one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub row: Option<String>,
}

impl Sample {
    /// The object that holds it, as `s3://bucket/key`.
    pub fn url(&self) -> String {
        format!("s3://{}/{}", self.bucket, self.key)
    }
}

/// An object whose end leaves something open: a line of which pieces are missing, or a stack trace.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenEnd {
    /// The bucket that it lies in.
    pub bucket: String,
    /// The task that wrote it.
    pub task: String,
    /// Its key.
    pub key: String,
    /// Its `ETag`.
    pub etag: String,
}

/// Something wrong with an object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Flaw {
    /// The object's key.
    pub key: String,
    /// What is wrong.
    pub problem: Text,
}

/// What the evidence says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Not enough yet.
    Waiting {
        /// Expected patterns without a match, though somebody said that the revision would log them.
        missing: Vec<String>,
        /// Records that did not come: of no container in particular, or of one of several. A service without traffic
        /// may have none.
        silent: Vec<String>,
    },
    /// Everything expected was found.
    Passed,
    /// A forbidden record was found, or too many errors: which and where.
    Failed(String),
}

/// All that is known from the objects read so far.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    /// Records of the new revision.
    pub records: u64,
    /// Lines that belong to those records: of a stack trace all but the first.
    #[serde(default)]
    pub folded: u64,
    /// Records of other revisions, tasks and containers.
    pub others: u64,
    /// Records that name neither a task nor a revision, in objects that do not name a task either.
    #[serde(default)]
    pub unnamed: u64,
    /// What those records say that name the revision and nothing that only its tasks have. Another service may run a
    /// family of that name, so they count only where nothing else came.
    #[serde(default)]
    pub(super) by_name: Option<Box<Evidence>>,
    /// Objects that were listed, and not read by the end of the last look.
    #[serde(default)]
    pub unread: u64,
    /// Objects of which only the first part was read.
    #[serde(default)]
    pub cut: u64,
    /// Objects read to the end, or to a limit.
    pub objects: u64,
    /// Decoded bytes, those of interrupted reads included.
    pub decoded_bytes: u64,
    /// The first record that counted.
    pub first: Option<Sample>,
    /// For each expected pattern whether a record matched it.
    pub expected: Vec<bool>,
    /// Records that must not be, one of each kind.
    pub forbidden: Vec<Forbidden>,
    /// How many records of the new revision have which level.
    #[serde(default)]
    pub levels: LevelCounts,
    /// Records of the new revision by container.
    #[serde(default)]
    pub containers: BTreeMap<String, u64>,
    /// At most five records of errors, each saying something else.
    #[serde(default)]
    pub errors: Vec<Sample>,
    /// At most five flaws of objects.
    pub flaws: Vec<Flaw>,
    /// Which objects were read, as 32 bits of a hash each.
    ///
    /// The last key would not do to go on from: keys of one minute end in random characters, so a later object may sort
    /// before an earlier one, and an old key may get new content. So each poll lists the whole prefix (one request, at
    /// most [`MAX_KEYS`] keys; `cursors` for the rest) and leaves out what is in here. At [`MAX_OBJECTS`] entries an
    /// object is taken for a read one by mistake once in two million.
    seen: BTreeSet<u32>,
    /// Objects whose end leaves something open: they are read again before the next object of their task.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    open: Vec<OpenEnd>,
    /// For a prefix with more than a page of keys the key to go on behind at the next poll; from the end it starts
    /// again.
    #[serde(default)]
    cursors: BTreeMap<String, String>,
}

impl Evidence {
    /// Whether the object was not read yet.
    pub fn wants(&self, output: &S3Output, object: &Object<'_>) -> bool {
        !self.seen.contains(&fingerprint(output, object))
    }

    /// What the evidence rests on: what is certainly the revision's own, and only where there is none what bears its
    /// name alone.
    pub fn counted(&self) -> &Self {
        self.by_name.as_deref().filter(|_| self.records == 0).unwrap_or(self)
    }

    /// Whether something was listed that was not read, so that nothing follows from what was not found.
    pub fn is_partial(&self) -> bool {
        self.unread > 0 || self.cut > 0
    }

    /// The objects and the decoded bytes that one look may take of what the bounds leave.
    pub fn allowance(&self) -> (usize, u64) {
        let objects = MAX_OBJECTS.saturating_sub(self.seen.len());
        let bytes = MAX_DECODED.saturating_sub(self.decoded_bytes);
        (objects.div_ceil(usize::try_from(SHARE).unwrap_or(1)), bytes.div_ceil(SHARE))
    }

    /// Behind which key the next page of a search begins.
    pub fn start_after<'a>(&'a self, output: &S3Output, search: &'a Search) -> Option<&'a str> {
        let cursor = self.cursors.get(&place(output, search));
        cursor.map(String::as_str).or(search.start_after.as_deref())
    }

    /// Takes note of how far a search got: the last key of a page that others follow, nothing when it was the last
    /// page.
    pub fn searched(&mut self, output: &S3Output, search: &Search, last: Option<String>) {
        let place = place(output, search);
        match last {
            Some(last) => self.cursors.insert(place, last),
            None => self.cursors.remove(&place),
        };
    }

    /// Takes note that an object was read, so that it is not read again.
    pub(super) fn remember(&mut self, output: &S3Output, object: &Object<'_>) {
        self.objects += 1;
        self.seen.insert(fingerprint(output, object));
    }

    /// Takes note of whether an object's end leaves something open; the one before of the same task does no longer.
    pub(super) fn leave_open(&mut self, output: &S3Output, object: &Object<'_>, is_open: bool) {
        self.open.retain(|open| open.bucket != output.bucket || open.task != object.task);
        if is_open && self.open.len() < MAX_OPEN {
            self.open.push(OpenEnd {
                bucket: output.bucket.clone(),
                task: object.task.to_owned(),
                key: object.key.to_owned(),
                etag: object.etag.to_owned(),
            });
        }
    }

    /// The object of a task whose end is open.
    pub fn open_end(&self, output: &S3Output, task: &str) -> Option<&OpenEnd> {
        self.open.iter().find(|open| open.bucket == output.bucket && open.task == task)
    }

    /// What the evidence says now: a forbidden record decides at once, too many errors as soon as all that was listed
    /// is read; without expected patterns any record of the revision will do. What the old revision writes as well
    /// decides nothing: see [`Self::shared`].
    pub fn verdict(&self, checks: &Checks, old: Option<&Self>) -> Verdict {
        let failure = self.accusations(checks).into_iter().find(|accusation| !accusation.holds_for(self, old));
        if let Some(failure) = failure {
            return Verdict::Failed(failure.to_string());
        }
        let found = |index: usize| self.expected.get(index).copied().unwrap_or_default();
        let open = checks.expect().iter().enumerate().filter(|(index, _)| !found(*index));
        let missing: Vec<String> = open.map(|(_, pattern)| pattern.as_str().to_owned()).collect();
        let silent = self.silent(checks);
        if missing.is_empty() && silent.is_empty() { Verdict::Passed } else { Verdict::Waiting { missing, silent } }
    }

    /// What would fail the revision if the old one did not write it as well, at a comparable rate.
    pub fn shared(&self, checks: &Checks, old: Option<&Self>) -> Option<String> {
        let accusations = self.accusations(checks);
        let shared = accusations.iter().find(|accusation| accusation.holds_for(self, old))?;
        Some(format!("{shared}; but the old revision's logs of the same time say that, too, and as often"))
    }

    /// Whether anything speaks against the revision, whoever else writes it.
    pub(crate) fn is_accused(&self, checks: &Checks) -> bool {
        !self.accusations(checks).is_empty()
    }

    /// What speaks against the revision, whoever else writes it.
    fn accusations(&self, checks: &Checks) -> Vec<Accusation<'_>> {
        let forbidden = self.forbidden.iter().map(Accusation::Forbidden);
        // The order in which records are read must not decide: as long as some are unread, a share says nothing.
        let ratio = checks.max_error_ratio.filter(|most| {
            let is_enough = self.unread == 0 && self.levels.total() >= MIN_FOR_RATIO;
            is_enough && self.levels.error_ratio() > *most
        });
        forbidden.chain(ratio.map(|most| Accusation::Errors { levels: &self.levels, most })).collect()
    }

    /// Whose records did not come.
    fn silent(&self, checks: &Checks) -> Vec<String> {
        let least = checks.min_records.max(1);
        if self.records < least {
            return vec![match least {
                1 => "any record".to_owned(),
                _ => format!("{} more records", least - self.records),
            }];
        }
        let without = checks.containers().iter().filter(|name| !self.containers.contains_key(*name));
        without.map(|name| format!("any record of container `{name}`")).collect()
    }

    /// Counts a record of the new revision.
    pub(super) fn count(&mut self, level: Option<Level>) {
        self.records += 1;
        self.levels.count(level);
    }

    /// Counts records that were counted above as those of a container.
    pub(super) fn credit(&mut self, container: &str, records: u64) {
        if records > 0 {
            *self.containers.entry(container.to_owned()).or_default() += records;
        }
    }

    /// Takes note of a record that matches a pattern which must not match; `sample` makes the record of a new kind.
    pub(super) fn forbid(&mut self, pattern: &str, shape: &str, sample: impl FnOnce() -> Sample) {
        forbidden::count(&mut self.forbidden, pattern, shape, sample);
    }

    /// Whether a record of an error may be worth keeping. Masking costs time, so only the first ones are looked at.
    pub(super) fn wants_error(&self) -> bool {
        self.errors.len() < MAX_EXAMPLES && self.levels.error <= MAX_CANDIDATES
    }

    /// Keeps a record of an error that says something new.
    pub(super) fn keep_error(&mut self, sample: Sample) {
        if self.errors.iter().all(|kept| kept.text != sample.text) {
            self.errors.push(sample);
        }
    }

    /// Keeps a flaw, while there are few.
    pub(super) fn note(&mut self, key: &str, problem: impl Into<Text>) {
        if self.flaws.len() < MAX_PROBLEMS {
            self.flaws.push(Flaw { key: key.to_owned(), problem: problem.into() });
        }
    }
}

fn place(output: &S3Output, search: &Search) -> String {
    format!("{}/{}", output.bucket, search.prefix)
}

fn fingerprint(output: &S3Output, object: &Object<'_>) -> u32 {
    let hash = [&output.bucket, object.key, object.etag]
        .iter()
        .fold(Sha256::new(), |hash, part| hash.chain_update(part.len().to_le_bytes()).chain_update(part));
    hash.finalize().first_chunk().map_or(0, |first| u32::from_le_bytes(*first))
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::checks::Checks;
    use super::super::reading::Reading;
    use std::sync::LazyLock;

    use super::super::{Expectation, Revision, Writers, expect_logs};
    use super::*;
    use crate::task_definition::TaskDefinition;

    pub(in super::super) const TASK: &str = "1f2e3d4c5b6a79880123456789abcdef";

    pub(in super::super) static TASK_ARN: LazyLock<String> =
        LazyLock::new(|| format!("arn:aws:ecs:r:1:task/default/{TASK}"));

    pub(in super::super) fn output() -> S3Output {
        let document =
            br#"{"containerDefinitions":[{"name":"Main","logConfiguration":{"logDriver":"awsfirelens","options":
            {"Name":"s3","bucket":"b","s3_key_format":"/logs/$TAG/%Y/%m/%d/%H/%M/$UUID"}}},{"name":"agent","firelensConfiguration":{"type":"fluentbit"}}]}"#;
        match expect_logs(&TaskDefinition::parse(document).unwrap(), "Main", &[]) {
            Expectation::Logs(mut outputs) => outputs.remove(0),
            other => panic!("{other:?}"),
        }
    }

    pub(in super::super) fn checks(expect: &[&str], forbid: &[&str]) -> Checks {
        let own = |patterns: &[&str]| patterns.iter().map(|pattern| (*pattern).to_owned()).collect::<Vec<_>>();
        Checks::new(&own(expect), &own(forbid)).unwrap()
    }

    /// The revision, as run by the one task.
    pub(in super::super) fn writers(revision: &Revision) -> Writers<'_> {
        Writers { revision, tasks: std::slice::from_ref(&*TASK_ARN) }
    }

    /// Reads one record of revision 6 with this message, as an object under `key`.
    pub(in super::super) fn land(evidence: &mut Evidence, checks: &Checks, key: &str, message: &str) {
        let log = serde_json::json!(message);
        let body = format!("{{\"log\":{log},\"ecs_task_arn\":\"{}\",\"ecs_task_definition\":\"web:6\"}}\n", *TASK_ARN);
        let (output, revision) = (output(), Revision::parse("web:6").unwrap());
        let object = Object { task: TASK, key, etag: "e" };
        let mut reading = Reading::new(evidence, checks, &output, &writers(&revision), object);
        reading.push(body.as_bytes());
        reading.finish();
    }

    #[test]
    fn without_patterns_any_record_passes() {
        let checks = checks(&[], &[]);
        let mut evidence = Evidence::default();
        assert_eq!(
            evidence.verdict(&checks, None),
            Verdict::Waiting { missing: vec![], silent: vec!["any record".to_owned()] }
        );
        land(&mut evidence, &checks, "k", "hello");
        assert_eq!(evidence.verdict(&checks, None), Verdict::Passed);
    }

    #[test]
    fn every_expected_pattern_must_be_found_over_any_number_of_objects_and_polls() {
        let checks = checks(&["Starting server", "ready$"], &["panicked at"]);
        let mut evidence = Evidence::default();
        land(&mut evidence, &checks, "1", "Starting server on :8080");
        assert_eq!(
            evidence.verdict(&checks, None),
            Verdict::Waiting { missing: vec!["ready$".to_owned()], silent: vec![] }
        );
        let mut evidence: Evidence = serde_json::from_str(&serde_json::to_string(&evidence).unwrap()).unwrap();
        land(&mut evidence, &checks, "2", "now ready");
        assert_eq!(evidence.verdict(&checks, None), Verdict::Passed);
        land(&mut evidence, &checks, "3", "thread 'main' panicked at src/main.rs:12:5");
        let Verdict::Failed(reason) = evidence.verdict(&checks, None) else { panic!("a forbidden record decides") };
        assert_eq!(
            reason,
            "a record in 3 matches the forbidden pattern `panicked at`: thread 'main' panicked at src/main.rs:12:5"
        );
    }

    #[test]
    fn an_object_that_sorts_before_the_last_one_is_still_wanted() {
        let (output, checks) = (output(), checks(&[], &[]));
        let mut evidence = Evidence::default();
        let object = |key, etag| Object { task: TASK, key, etag };
        land(&mut evidence, &checks, "logs/06/32/zzzz", "late in the alphabet");
        assert!(!evidence.wants(&output, &object("logs/06/32/zzzz", "e")));
        assert!(evidence.wants(&output, &object("logs/06/32/AAAA", "e")), "same minute, earlier name");
        assert!(evidence.wants(&output, &object("logs/06/32/zzzz", "e2")), "overwritten");
        let elsewhere = S3Output { bucket: "other".to_owned(), ..output };
        assert!(evidence.wants(&elsewhere, &object("logs/06/32/zzzz", "e")), "another bucket");
    }

    #[test]
    fn what_travels_between_polls_stays_small() {
        let checks = checks(&["never"], &[]);
        let mut evidence = Evidence::default();
        for number in 0..MAX_OBJECTS {
            assert!(evidence.allowance().0 > 0);
            land(&mut evidence, &checks, &format!("key {number}"), &"x".repeat(500));
        }
        assert_eq!(evidence.allowance().0, 0);
        assert!(serde_json::to_string(&evidence).unwrap().len() < 24 << 10);
    }

    #[test]
    fn few_flaws_are_kept() {
        let mut evidence = Evidence::default();
        (0..100).for_each(|number| evidence.note("k", number.to_string()));
        assert_eq!(evidence.flaws.len(), MAX_PROBLEMS);
    }
}
