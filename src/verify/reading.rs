//! Holding the records of one object against the checks while its bytes come in. It decides which records count, not
//! when to stop waiting.

use super::checks::{Checks, Pattern};
use super::evidence::{Evidence, Forbidden, MAX_DECODED, Object, Sample, Verdict};
use super::mask::mask;
use super::{Revision, S3Output};
use log_objects::level::Level;
use log_objects::object::ObjectReader;
use log_objects::record::Record;

/// The longest text of a sample, in characters.
const SAMPLE: usize = 300;
/// How much of a sample stands before the match.
const SAMPLE_BEFORE: usize = 60;

/// An object while it is read. Dropped before [`Reading::finish`] (the transfer broke off), the object stays unread and
/// is read again at the next poll; records may then count twice, which decides nothing.
#[derive(Debug)]
pub struct Reading<'a> {
    evidence: &'a mut Evidence,
    reader: ObjectReader,
    judge: Judge<'a>,
}

impl<'a> Reading<'a> {
    /// Starts to read an object within what the verification's bounds leave.
    pub fn new(
        evidence: &'a mut Evidence,
        checks: &'a Checks,
        output: &'a S3Output,
        revision: &Revision,
        object: Object<'a>,
    ) -> Self {
        let reader = ObjectReader::new(output.lines, MAX_DECODED.saturating_sub(evidence.decoded_bytes));
        let reader = if output.is_snappy { reader.expecting_snappy() } else { reader };
        evidence.expected.resize(checks.expect().len(), false);
        Self { evidence, reader, judge: Judge { checks, output, revision: revision.to_string(), object } }
    }

    /// Whether the rest of the object can still change the verdict: stop the transfer when not.
    pub fn wants_more(&self) -> bool {
        !self.is_settled() && self.reader.is_open()
    }

    fn is_settled(&self) -> bool {
        is_settled(self.evidence, self.judge.checks)
    }

    /// Takes the next bytes.
    pub fn push(&mut self, chunk: &[u8]) {
        let Self { evidence, reader, judge } = self;
        let (decoded, records) = (reader.decoded(), evidence.records);
        reader.push(chunk, &mut |record| judge.weigh(record, evidence));
        evidence.decoded_bytes += reader.decoded() - decoded;
        evidence.credit(&judge.output.container, evidence.records - records);
    }

    /// Takes the end: the object is not read again. After a settled verdict its end may be missing without being a
    /// flaw.
    pub fn finish(self) {
        let is_settled = self.is_settled();
        let Self { evidence, reader, judge } = self;
        let records = evidence.records;
        let problems = reader.finish(&mut |record| judge.weigh(record, evidence));
        evidence.credit(&judge.output.container, evidence.records - records);
        for problem in problems.into_iter().filter(|_| !is_settled) {
            evidence.note(judge.object.key, problem.to_string());
        }
        evidence.remember(judge.output, &judge.object);
    }
}

/// Whether no further record can change what the evidence says.
pub fn is_settled(evidence: &Evidence, checks: &Checks) -> bool {
    match evidence.verdict(checks) {
        Verdict::Failed(_) => true,
        Verdict::Passed => !checks.keeps_watching(),
        Verdict::Waiting { .. } => false,
    }
}

/// What decides on a record of one object.
#[derive(Debug)]
struct Judge<'a> {
    checks: &'a Checks,
    output: &'a S3Output,
    revision: String,
    object: Object<'a>,
}

impl Judge<'_> {
    fn weigh(&self, record: &Record<'_>, evidence: &mut Evidence) {
        if !self.is_ours(record) {
            evidence.others += 1;
            return;
        }
        let level = Level::of(&record.message);
        evidence.count(level);
        if level == Some(Level::Error) && evidence.wants_error() {
            evidence.keep_error(self.sample(record, None));
        }
        if evidence.first.is_none() {
            evidence.first = Some(self.sample(record, None));
        }
        for (pattern, found) in self.checks.expect().iter().zip(&mut evidence.expected) {
            *found = *found || pattern.is_match(&record.message);
        }
        if evidence.forbidden.is_none()
            && let Some(pattern) = self.checks.forbid().iter().find(|pattern| pattern.is_match(&record.message))
        {
            let sample = self.sample(record, Some(pattern));
            evidence.forbidden = Some(Forbidden { pattern: pattern.as_str().to_owned(), sample });
        }
    }

    /// A record that names its revision is believed. One that does not (no metadata, `log_key`) is ours when its key
    /// carries the task's id. A container's name counts only where it is one of the task definition: Docker on EC2
    /// makes up its own.
    fn is_ours(&self, record: &Record<'_>) -> bool {
        let is_another = |name: &str| self.output.other_containers.iter().any(|other| other == name);
        if record.container_name.as_deref().is_some_and(is_another) {
            return false;
        }
        match record.task_definition.as_deref() {
            Some(named) => named == self.revision,
            None => self.object.key.contains(self.object.task),
        }
    }

    /// Masked before it is cut: half a secret would pass the mask.
    fn sample(&self, record: &Record<'_>, around: Option<&Pattern>) -> Sample {
        let masked = mask(&record.message);
        let found = around.and_then(|pattern| pattern.find(&masked)).unwrap_or_default();
        let skipped = masked.get(..found).unwrap_or_default().chars().count().saturating_sub(SAMPLE_BEFORE);
        let text = masked.chars().skip(skipped).take(SAMPLE).collect::<String>().into();
        let date = record.date.as_deref().map(|date| date.chars().take(40).collect::<String>().into());
        Sample { bucket: self.output.bucket.clone(), key: self.object.key.to_owned(), text, date }
    }
}

#[cfg(test)]
mod tests {
    use super::super::evidence::tests::{TASK, checks, land, output};
    use super::*;

    const KEY: &str = "logs/Main-firelens-1f2e3d4c5b6a79880123456789abcdef/2026/11/23/06/32/LGLJ3HET";

    fn read(lines: &[&str], key: &str) -> Evidence {
        let mut evidence = Evidence::default();
        let (checks, output, revision) = (checks(&[], &[]), output(), Revision::parse("web:6").unwrap());
        let mut reading =
            Reading::new(&mut evidence, &checks, &output, &revision, Object { task: TASK, key, etag: "e" });
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
            Sample { bucket: "b".to_owned(), key: KEY.to_owned(), text: "new".into(), date: None }
        );
    }

    #[test]
    fn without_metadata_the_task_in_the_key_decides() {
        let line = r#"{"log":"no metadata"}"#;
        assert_eq!(read(&[line], KEY).records, 1);
        assert_eq!(read(&[line], "logs/Main-firelens-707e0a68c4d94b3d9f1a2b3c4d5e6f70/x").records, 0);
    }

    #[test]
    fn a_sample_is_masked_cut_and_taken_around_the_match() {
        let checks = checks(&[], &["FATAL"]);
        let mut evidence = Evidence::default();
        let message = format!("{} password=hunter2 FATAL {}", "é".repeat(1000), "y".repeat(1000));
        land(&mut evidence, &checks, "k", &message);
        let text = evidence.forbidden.unwrap().sample.text;
        assert_eq!(text.chars().count(), SAMPLE);
        assert!(text.contains("password=*** FATAL y") && !text.contains("hunter2"), "{text}");
        assert_eq!(*evidence.first.unwrap().text, *"é".repeat(SAMPLE));
    }

    #[test]
    fn the_transfer_may_stop_when_nothing_can_change() {
        let (output, revision) = (output(), Revision::parse("web:6").unwrap());
        let line = b"{\"log\":\"hello\",\"ecs_task_definition\":\"web:6\"}\nrest of";
        for (forbid, wants_more) in [(&[][..], false), (&["bad"][..], true), (&["hello"][..], false)] {
            let (mut evidence, checks) = (Evidence::default(), checks(&[], forbid));
            let object = Object { task: TASK, key: KEY, etag: "e" };
            let mut reading = Reading::new(&mut evidence, &checks, &output, &revision, object);
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
        Reading::new(&mut evidence, &checks, &output, &revision, object).push(b"{\"log\":\"a\"}\n{\"lo");
        assert_eq!((evidence.objects, evidence.decoded_bytes), (0, 16));
        assert!(evidence.wants(&output, &object));
    }

    #[test]
    fn the_bytes_of_a_verification_are_bounded() {
        let (output, checks, revision) = (output(), checks(&["x"], &[]), Revision::parse("web:6").unwrap());
        let mut evidence = Evidence::default();
        evidence.decoded_bytes = MAX_DECODED - 10;
        let object = Object { task: TASK, key: KEY, etag: "e" };
        let mut reading = Reading::new(&mut evidence, &checks, &output, &revision, object);
        reading.push(b"{\"log\":\"a\"}\n{\"log\":\"b\"}\n");
        assert!(!reading.wants_more());
        reading.finish();
        assert_eq!((evidence.decoded_bytes, evidence.records, evidence.has_room()), (MAX_DECODED, 0, false));
        assert_eq!(evidence.flaws[0].problem, "only the first 10 decoded bytes were read");
    }
}
