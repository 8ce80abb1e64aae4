//! Holding the records of one object against the checks while its bytes come in. It decides which records count, not
//! when to stop waiting.

use std::cell::Cell;

use super::checks::{Checks, Pattern};
use super::evidence::{Evidence, MAX_DECODED, Object, Sample, Verdict};
use super::forbidden::shape;
use super::mask::mask;
use super::{S3Output, Writers};
use log_objects::event::Events;
use log_objects::level::{Level, Stated};
use log_objects::object::ObjectReader;
use log_objects::problem::Problem;
use log_objects::record::{Pieces, Record};
use sha2::{Digest as _, Sha256};

/// The longest text of a sample, in characters.
const SAMPLE: usize = 300;
/// How much of a sample stands before the match.
const SAMPLE_BEFORE: usize = 60;

/// The decoded bytes after which an object is left that holds records of other tasks alone. A log router serves one
/// task, so what follows is of that task, too.
const MAX_FOREIGN: u64 = 1 << 20;

/// What the end of an object leaves open: lines whose pieces have not all come, and events whose next lines may stand
/// in the next object of the same task.
#[derive(Debug, Default)]
pub struct Rest {
    pieces: Pieces,
    events: Events,
}

impl Rest {
    /// Whether what comes next may belong to it.
    pub fn is_open(&self) -> bool {
        !self.pieces.is_empty() || self.events.is_open()
    }
}

/// An object while it is read. Dropped before [`Reading::finish`] (the transfer broke off), the object stays unread and
/// is read again at the next poll; records may then count twice, which decides nothing.
#[derive(Debug)]
pub struct Reading<'a> {
    evidence: &'a mut Evidence,
    reader: ObjectReader,
    judge: Judge<'a>,
    events: Events,
    /// Whether the object was read before: only what its end leaves open is wanted.
    is_known: bool,
    /// Whether all records so far are other tasks'.
    is_foreign: bool,
}

impl<'a> Reading<'a> {
    /// Starts to read an object within what the verification's bounds leave.
    pub fn new(
        evidence: &'a mut Evidence,
        checks: &'a Checks,
        output: &'a S3Output,
        writers: &Writers<'a>,
        object: Object<'a>,
    ) -> Self {
        let reader = ObjectReader::new(output.lines, MAX_DECODED.saturating_sub(evidence.decoded_bytes));
        let reader = if output.is_snappy { reader.expecting_snappy() } else { reader };
        evidence.expected.resize(checks.expect().len(), false);
        let judge = Judge {
            checks,
            output,
            revision: writers.revision.to_string(),
            tasks: writers.tasks,
            object,
            number: Cell::new(0),
        };
        Self { evidence, reader, judge, events: Events::default(), is_known: false, is_foreign: true }
    }

    /// Goes on where the object before left off.
    #[must_use]
    pub fn following(mut self, rest: Rest) -> Self {
        self.reader = self.reader.following(rest.pieces);
        self.events = rest.events;
        self
    }

    /// Reads an object again, for what its end leaves open alone.
    #[must_use]
    pub fn again(mut self) -> Self {
        self.is_known = true;
        self
    }

    /// Whether the rest of the object can still change the verdict: stop the transfer when not.
    pub fn wants_more(&self) -> bool {
        let is_foreign = self.is_foreign && self.reader.decoded() > MAX_FOREIGN;
        (self.is_known || !self.is_settled()) && !is_foreign && self.reader.is_open()
    }

    fn is_settled(&self) -> bool {
        is_settled(self.evidence, self.judge.checks)
    }

    /// Takes the next bytes.
    pub fn push(&mut self, chunk: &[u8]) {
        let Self { evidence, reader, judge, events, is_known, is_foreign } = self;
        let (decoded, records) = (reader.decoded(), evidence.records);
        reader.push(chunk, &mut |record| {
            let writer = if *is_known { judge.pass(record, events) } else { judge.weigh(record, events, evidence) };
            *is_foreign &= writer == Writer::AnotherTask;
        });
        evidence.decoded_bytes += reader.decoded() - decoded;
        evidence.credit(&judge.output.container, evidence.records - records);
    }

    /// Takes the end: the object is not read again, except for what it leaves open. After a settled verdict its end may
    /// be missing without being a flaw.
    pub fn finish(self) -> Rest {
        let is_enough = !self.wants_more() && self.reader.is_open();
        let Self { evidence, reader, judge, mut events, is_known, .. } = self;
        if is_known {
            let (_, pieces) = reader.finish_open(&mut |record| {
                judge.pass(record, &mut events);
            });
            return Rest { pieces, events };
        }
        let records = evidence.records;
        let (problems, pieces) = reader.finish_open(&mut |record| {
            judge.weigh(record, &mut events, evidence);
        });
        evidence.credit(&judge.output.container, evidence.records - records);
        let problems = if is_enough { Vec::new() } else { problems };
        evidence.cut += u64::from(problems.iter().any(leaves_records));
        for problem in problems {
            evidence.note(judge.object.key, problem.to_string());
        }
        evidence.remember(judge.output, &judge.object);
        let rest = Rest { pieces, events };
        evidence.leave_open(judge.output, &judge.object, rest.is_open());
        rest
    }
}

/// Whether no further record can change what the evidence says.
pub fn is_settled(evidence: &Evidence, checks: &Checks) -> bool {
    !checks.keeps_watching() && evidence.verdict(checks, None) == Verdict::Passed
}

/// What decides on a record of one object.
#[derive(Debug)]
struct Judge<'a> {
    checks: &'a Checks,
    output: &'a S3Output,
    revision: String,
    tasks: &'a [String],
    object: Object<'a>,
    /// How many records of the object were looked at.
    number: Cell<u64>,
}

/// Who wrote a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Writer {
    /// A task of the revision.
    Ours,
    /// Somebody who names the revision, and nothing that only its tasks have.
    ByName,
    /// Nobody says.
    Unnamed,
    /// Another revision or container.
    Another,
    /// A task that is not one of the revision's.
    AnotherTask,
}

impl Judge<'_> {
    /// Follows the events of a record that was weighed before.
    fn pass(&self, record: &Record<'_>, events: &mut Events) -> Writer {
        let writer = self.writer(record);
        if matches!(writer, Writer::Ours | Writer::ByName) {
            events.begins(record, Stated::of(&record.message, self.checks.rows()));
        }
        writer
    }

    fn weigh(&self, record: &Record<'_>, events: &mut Events, evidence: &mut Evidence) -> Writer {
        let writer = self.writer(record);
        self.number.update(|number| number + 1);
        match writer {
            Writer::Ours => self.hold(record, events, evidence),
            Writer::ByName => {
                let evidence = evidence.by_name.get_or_insert_default();
                evidence.expected.resize(self.checks.expect().len(), false);
                self.hold(record, events, evidence);
                evidence.credit(&self.output.container, 1);
            }
            Writer::Unnamed => evidence.unnamed += 1,
            Writer::Another | Writer::AnotherTask => evidence.others += 1,
        }
        writer
    }

    /// Holds a record of the revision against the checks.
    ///
    /// What goes on with the event before counts neither as an event nor as an error; patterns are looked for in it all
    /// the same.
    fn hold(&self, record: &Record<'_>, events: &mut Events, evidence: &mut Evidence) {
        let stated = Stated::of(&record.message, self.checks.rows());
        if events.begins(record, stated) {
            evidence.count(stated.map(|stated| stated.level));
            if let Some(Stated { level: Level::Error, row }) = stated
                && evidence.wants_error()
            {
                evidence.keep_error(Sample { row: Some(row.id().to_owned()), ..self.sample(record, None) });
            }
        } else {
            evidence.folded += 1;
        }
        if evidence.first.is_none() {
            evidence.first = Some(self.sample(record, None));
        }
        for (pattern, found) in self.checks.expect().iter().zip(&mut evidence.expected) {
            *found = *found || pattern.is_match(&record.message);
        }
        for pattern in self.checks.forbid() {
            let Some(at) = pattern.find(&record.message) else { continue };
            let shape = shape(record.message.get(..at).unwrap_or_default());
            let shape = if self.checks.shows_text { shape } else { digest(&shape) };
            evidence.forbid(pattern.as_str(), &shape, || self.sample(record, Some(pattern)));
        }
    }

    /// A record that names its task is believed, whatever revision it names. One that does not is ours where its key or
    /// its container's id carries the id of a task, unless it names another revision. A container's name counts only
    /// where it is one of the task definition: Docker on EC2 makes up its own.
    fn writer(&self, record: &Record<'_>) -> Writer {
        let is_another = |name: &str| self.output.other_containers.iter().any(|other| other == name);
        if record.container_name.as_deref().is_some_and(is_another) {
            return Writer::Another;
        }
        if let Some(arn) = record.task_arn.as_deref() {
            return if self.tasks.iter().any(|task| task == arn) { Writer::Ours } else { Writer::AnotherTask };
        }
        let named = record.task_definition.as_deref();
        if named.is_some_and(|named| named != self.revision) {
            return Writer::Another;
        }
        let is_of_task = self.object.key.contains(self.object.task)
            || record.container_id.as_deref().is_some_and(|id| self.tasks.iter().any(|task| is_of(id, task)));
        match named {
            _ if is_of_task => Writer::Ours,
            Some(_) => Writer::ByName,
            None => Writer::Unnamed,
        }
    }

    /// Masked before it is cut: half a secret would pass the mask.
    fn sample(&self, record: &Record<'_>, around: Option<&Pattern>) -> Sample {
        let date = record.date.as_deref().map(|date| date.chars().take(40).collect::<String>().into());
        let (bucket, key) = (self.output.bucket.clone(), self.object.key.to_owned());
        if !self.checks.shows_text {
            let text = format!("(record {} of the object; the configuration shows no text)", self.number.get()).into();
            return Sample { bucket, key, text, date, row: None };
        }
        let masked = mask(&record.message);
        let found = around.and_then(|pattern| pattern.find(&masked)).unwrap_or_default();
        let skipped = masked.get(..found).unwrap_or_default().chars().count().saturating_sub(SAMPLE_BEFORE);
        let text = masked.chars().skip(skipped).take(SAMPLE).collect::<String>().into();
        Sample { bucket, key, text, date, row: None }
    }
}

/// What stands for a text where none may be kept.
fn digest(text: &str) -> String {
    let hash = Sha256::digest(text);
    format!("{:016x}", hash.first_chunk().map_or(0, |first| u64::from_be_bytes(*first)))
}

/// Whether there are records behind the place at which the reading of an object ended.
fn leaves_records(problem: &Problem) -> bool {
    match problem {
        Problem::Encoding(_) | Problem::Damaged(..) | Problem::Members | Problem::TooLarge(_) => true,
        Problem::Truncated(_) | Problem::NotJson(_) | Problem::LongLines(_) | Problem::LongRecords(_) => false,
    }
}

/// Whether a container's id is one that Fargate gives to the containers of a task: `<task id>-<number>`.
fn is_of(container: &str, task: &str) -> bool {
    let id = task.rsplit('/').next().unwrap_or(task);
    !id.is_empty() && container.strip_prefix(id).is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
}

#[cfg(test)]
mod tests {
    use super::super::Revision;
    use super::super::evidence::tests::{TASK, TASK_ARN, checks, land, output, writers};
    use super::*;

    const KEY: &str = "logs/Main-firelens-1f2e3d4c5b6a79880123456789abcdef/2026/11/23/06/32/LGLJ3HET";

    fn read(lines: &[&str], key: &str) -> Evidence {
        let mut evidence = Evidence::default();
        let (checks, output, revision) = (checks(&[], &[]), output(), Revision::parse("web:6").unwrap());
        let mut reading =
            Reading::new(&mut evidence, &checks, &output, &writers(&revision), Object { task: TASK, key, etag: "e" });
        reading.push(lines.join("\n").as_bytes());
        reading.finish();
        evidence
    }

    #[test]
    fn only_records_of_the_new_revision_and_the_container_count() {
        let evidence = read(
            &[
                r#"{"log":"old","ecs_task_definition":"web:5"}"#,
                r#"{"log":"longer number","ecs_task_definition":"web:60"}"#,
                r#"{"log":"side","container_name":"agent","ecs_task_definition":"web:6"}"#,
                r#"{"log":"new","container_name":"Main","ecs_task_definition":"web:6"}"#,
                r#"{"log":"ec2","container_name":"/ecs-web-6-main-a0b1","ecs_task_definition":"web:6","date":"now"}"#,
            ],
            KEY,
        );
        assert_eq!((evidence.records, evidence.others, evidence.objects), (2, 3, 1));
        assert_eq!(
            evidence.first.unwrap(),
            Sample { bucket: "b".to_owned(), key: KEY.to_owned(), text: "new".into(), date: None, row: None }
        );
    }

    #[test]
    fn without_metadata_the_task_in_the_key_decides() {
        let line = r#"{"log":"no metadata"}"#;
        assert_eq!(read(&[line], KEY).records, 1);
        let elsewhere = read(&[line], "logs/Main-firelens-707e0a68c4d94b3d9f1a2b3c4d5e6f70/x");
        assert_eq!((elsewhere.records, elsewhere.unnamed), (0, 1));
    }

    #[test]
    fn a_record_that_names_its_task_is_believed_and_no_other_tasks_counts_whatever_revision_it_names() {
        let record = |task: &str, revision: &str| {
            format!(r#"{{"log":"x","ecs_task_arn":"{task}","ecs_task_definition":"{revision}"}}"#)
        };
        let neighbours = [":r:", ":1:", "/default/"].map(|part| TASK_ARN.replace(part, ":other:"));
        for key in [KEY, "logs/2026/11/23/06/LGLJ3HET"] {
            assert_eq!(read(&[&record(&TASK_ARN, "web:6"), &record(&TASK_ARN, "web:5")], key).records, 2, "{key}");
            for neighbour in &neighbours {
                let evidence = read(&[&record(neighbour, "web:6")], key);
                assert_eq!((evidence.records, evidence.others), (0, 1), "{neighbour} {key}");
            }
        }
    }

    #[test]
    fn a_revisions_name_alone_counts_only_where_nothing_else_came() {
        let dated = "logs/2026/11/23/06/LGLJ3HET";
        let alone = r#"{"log":"theirs","ecs_task_definition":"web:6"}"#;
        let evidence = read(&[alone], dated);
        assert_eq!((evidence.records, evidence.counted().records), (0, 1));
        let own = format!(r#"{{"log":"own","container_id":"{TASK}-17","ecs_task_definition":"web:6"}}"#);
        let evidence = read(&[alone, &own], dated);
        assert_eq!((evidence.records, evidence.counted().records), (1, 1));
        assert_eq!(evidence.counted().first.as_ref().unwrap().text, *"own");
        assert_eq!(read(&[alone], KEY).records, 1, "the key names the task");
    }

    #[test]
    fn an_object_of_another_task_is_left_after_its_first_mebibyte() {
        let (output, checks, revision) = (output(), checks(&["x"], &["bad"]), Revision::parse("web:6").unwrap());
        let mut evidence = Evidence::default();
        let object = Object { task: TASK, key: "logs/2026/11/23/06/LGLJ3HET", etag: "e" };
        let mut reading = Reading::new(&mut evidence, &checks, &output, &writers(&revision), object);
        let line = b"{\"log\":\"bad\",\"ecs_task_arn\":\"arn:aws:ecs:r:1:task/other/2\"}\n";
        let mut pushed = 0;
        while reading.wants_more() {
            reading.push(line);
            pushed += line.len() as u64;
        }
        assert!((MAX_FOREIGN..MAX_FOREIGN + 100).contains(&pushed), "{pushed}");
        reading.finish();
        assert!(evidence.flaws.is_empty() && !evidence.is_partial() && evidence.forbidden.is_empty());
    }

    #[test]
    fn a_sample_is_masked_cut_and_taken_around_the_match() {
        let checks = checks(&[], &["FATAL"]);
        let mut evidence = Evidence::default();
        let message = format!("{} password=hunter2 FATAL {}", "é".repeat(1000), "y".repeat(1000));
        land(&mut evidence, &checks, "k", &message);
        let text = evidence.forbidden.remove(0).sample.text;
        assert_eq!(text.chars().count(), SAMPLE);
        assert!(text.contains("password=*** FATAL y") && !text.contains("hunter2"), "{text}");
        assert_eq!(*evidence.first.unwrap().text, *"é".repeat(SAMPLE));
    }

    #[test]
    fn the_transfer_may_stop_when_nothing_can_change() {
        let (output, revision) = (output(), Revision::parse("web:6").unwrap());
        let line = b"{\"log\":\"hello\",\"ecs_task_definition\":\"web:6\"}\nrest of";
        for (forbid, wants_more) in [(&[][..], false), (&["bad"][..], true), (&["hello"][..], true)] {
            let (mut evidence, checks) = (Evidence::default(), checks(&[], forbid));
            let object = Object { task: TASK, key: KEY, etag: "e" };
            let mut reading = Reading::new(&mut evidence, &checks, &output, &writers(&revision), object);
            assert!(reading.wants_more());
            reading.push(line);
            assert_eq!(reading.wants_more(), wants_more, "{forbid:?}");
            reading.finish();
            assert_eq!(
                evidence.flaws.len(),
                usize::from(wants_more),
                "the missing end is a flaw only where it was wanted"
            );
        }
    }

    #[test]
    fn a_transfer_that_breaks_off_leaves_the_object_unread_and_its_bytes_counted() {
        let (output, checks, revision) = (output(), checks(&["x"], &[]), Revision::parse("web:6").unwrap());
        let mut evidence = Evidence::default();
        let object = Object { task: TASK, key: KEY, etag: "e" };
        Reading::new(&mut evidence, &checks, &output, &writers(&revision), object).push(b"{\"log\":\"a\"}\n{\"lo");
        assert_eq!((evidence.objects, evidence.decoded_bytes), (0, 16));
        assert!(evidence.wants(&output, &object));
    }

    /// A stream of numbers that looks like chance.
    fn dice(seed: u64) -> impl FnMut(usize) -> usize {
        let mut state = seed;
        move |sides| {
            state = state.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(0x1405_7b7e_f767_814f);
            usize::try_from(state >> 33).unwrap() % sides
        }
    }

    /// Reads objects one after another, as a look does, in chunks.
    fn read_all(objects: &[String], checks: &Checks, mut dice: impl FnMut(usize) -> usize) -> Evidence {
        let (output, revision) = (output(), Revision::parse("web:6").unwrap());
        let (mut evidence, mut rest) = (Evidence::default(), Rest::default());
        for (number, body) in objects.iter().enumerate() {
            let key = format!("logs/Main-firelens-{TASK}/{number:04}");
            let object = Object { task: TASK, key: &key, etag: "e" };
            let mut reading = Reading::new(&mut evidence, checks, &output, &writers(&revision), object).following(rest);
            let mut bytes = body.as_bytes();
            while !bytes.is_empty() {
                let (chunk, after) = bytes.split_at_checked(1 + dice(bytes.len())).unwrap();
                reading.push(chunk);
                bytes = after;
            }
            rest = reading.finish();
        }
        evidence
    }

    /// Events of one and of several lines, cut ones among them.
    fn events(errors: usize) -> Vec<String> {
        let line = |log: &str| {
            format!("{{\"source\":\"stdout\",\"log\":{},\"ecs_task_definition\":\"web:6\"}}\n", serde_json::json!(log))
        };
        let long = format!("{{\"msg\":\"{}\",\"level\":\"error\"}}", "x".repeat(20_000));
        (0..60)
            .map(|number| match number {
                _ if number >= errors => line(&format!("{{\"level\":\"info\",\"msg\":\"request {number}\"}}")),
                number if number % 3 == 0 => {
                    ["TypeError: x", "    at run (a.js:1:1)", "    at main (a.js:2:1)"].map(line).concat()
                }
                number if number % 3 == 1 => {
                    let (first, second) = long.split_at_checked(16_384).unwrap();
                    line(first) + &line(second)
                }
                _ => line("{\"level\":\"error\",\"msg\":\"no stock\"}"),
            })
            .collect()
    }

    /// Records in any order, cut into any chunks and spread over any objects, wherever those cut an event.
    #[test]
    fn no_order_no_chunks_and_no_objects_change_a_verdict() {
        for (errors, fails) in [(0, false), (11, false), (13, true), (60, true)] {
            let mut checks = checks(&[], &[]);
            checks.max_error_ratio = Some(0.2);
            for seed in 0..40 {
                let mut dice = dice(seed * 97 + 1);
                let mut events = events(errors);
                for at in (1..events.len()).rev() {
                    events.swap(at, dice(at + 1));
                }
                let mut objects = vec![String::new()];
                for line in events.concat().split_inclusive('\n') {
                    if dice(8) == 0 {
                        objects.push(String::new());
                    }
                    objects.last_mut().unwrap().push_str(line);
                }
                let evidence = read_all(&objects, &checks, &mut dice);
                assert_eq!((evidence.records, evidence.levels.error), (60, errors as u64), "{seed}: {objects:?}");
                assert_eq!(matches!(evidence.verdict(&checks, None), Verdict::Failed(_)), fails, "{errors} {seed}");
            }
        }
    }

    #[test]
    fn an_object_that_is_read_again_counts_nothing_and_knows_what_its_end_left_open() {
        let (output, checks, revision) = (output(), checks(&["x"], &[]), Revision::parse("web:6").unwrap());
        let full = format!("{{\"log\":\"{}\"}}\n", "x".repeat(16_384));
        let mut evidence = Evidence::default();
        let object = Object { task: TASK, key: KEY, etag: "e" };
        let mut reading = Reading::new(&mut evidence, &checks, &output, &writers(&revision), object);
        reading.push(full.as_bytes());
        assert!(reading.finish().is_open());
        assert_eq!((evidence.records, evidence.objects), (0, 1));
        let end = evidence.open_end(&output, TASK).unwrap().clone();
        assert_eq!((end.key.as_str(), end.etag.as_str()), (KEY, "e"));
        let mut again = Reading::new(&mut evidence, &checks, &output, &writers(&revision), object).again();
        again.push(full.as_bytes());
        let rest = again.finish();
        assert_eq!((evidence.records, evidence.objects), (0, 1));
        let key = format!("logs/Main-firelens-{TASK}/next");
        let next = Object { task: TASK, key: &key, etag: "e" };
        let mut reading = Reading::new(&mut evidence, &checks, &output, &writers(&revision), next).following(rest);
        let line = format!("{{\"log\":\"end\",\"ecs_task_arn\":\"{}\"}}\n", *TASK_ARN);
        reading.push(line.as_bytes());
        assert!(!reading.finish().is_open());
        assert_eq!((evidence.records, evidence.open_end(&output, TASK)), (1, None));
    }

    #[test]
    fn without_texts_a_report_says_where_a_record_stands_and_not_what_it_says() {
        let mut checks = checks(&[], &["secret plan"]);
        checks.shows_text = false;
        let mut evidence = Evidence::default();
        land(&mut evidence, &checks, "k", "ERROR secret plan 7 failed");
        let kept = serde_json::to_string(&evidence).unwrap();
        let kept = kept.replace("\"secret plan\"", "the pattern");
        assert!(!kept.contains("secret") && !kept.contains("failed"), "{kept}");
        assert!(kept.contains("record 1 of the object"), "{kept}");
    }

    #[test]
    fn a_row_that_is_ignored_reads_no_level() {
        let mut checks = checks(&[], &[]);
        checks.ignore("capitals-first");
        let mut evidence = Evidence::default();
        land(&mut evidence, &checks, "k", "ERROR no stock");
        land(&mut evidence, &checks, "l", "error: no stock");
        assert_eq!((evidence.levels.error, evidence.levels.unknown), (1, 1));
        assert_eq!(evidence.errors[0].row.as_deref(), Some("colon"));
    }

    #[test]
    fn the_bytes_of_a_verification_are_bounded() {
        let (output, checks, revision) = (output(), checks(&["x"], &[]), Revision::parse("web:6").unwrap());
        let mut evidence = Evidence::default();
        evidence.decoded_bytes = MAX_DECODED - 10;
        let object = Object { task: TASK, key: KEY, etag: "e" };
        let mut reading = Reading::new(&mut evidence, &checks, &output, &writers(&revision), object);
        reading.push(b"{\"log\":\"a\"}\n{\"log\":\"b\"}\n");
        assert!(!reading.wants_more());
        reading.finish();
        assert_eq!((evidence.decoded_bytes, evidence.records, evidence.allowance().1), (MAX_DECODED, 0, 0));
        assert!(evidence.is_partial(), "nothing follows from what was not read");
        assert_eq!(evidence.flaws[0].problem, "only the first 10 decoded bytes were read");
    }
}
