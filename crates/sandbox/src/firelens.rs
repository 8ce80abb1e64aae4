//! What Fluent Bit's S3 output would store for a task whose containers log through FireLens: when, under which key,
//! with which bytes. Written from the observed behaviour of `out_s3` (put mode), not from the code that verifies it.
//! What is stored in columns (Arrow, Parquet) is stored as plain text here.

mod key;
mod output;
mod record;

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

pub(crate) use output::{Compression, Output, defect, outputs};

use super::rollout::later;

/// What the application says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LogBehaviour {
    /// A start line and requests.
    Normal,
    /// Nothing arrives.
    Silent,
    /// A start line, then a panic.
    Panicking,
    /// A start line and many requests.
    Busy,
    /// The same, and every third request fails.
    Failing,
    /// A start line and requests, and a panic right before the end.
    Dying,
    /// A start line and requests, some of which read like a panic.
    Visited,
    /// The same, with a panic.
    VisitedAndPanicking,
}

/// A task as its log router sees it.
#[derive(Clone, Debug)]
pub(crate) struct Source {
    /// The last segment of the task's ARN.
    pub(crate) task_id: String,
    pub(crate) task_arn: String,
    pub(crate) cluster: String,
    /// `family:revision`.
    pub(crate) definition: String,
    pub(crate) started: Timestamp,
    /// When it is told to stop.
    pub(crate) stopping: Option<Timestamp>,
    /// Requests are logged from here on, or from the start if that is later.
    pub(crate) busy_from: Timestamp,
    pub(crate) behaviour: LogBehaviour,
}

/// An object that is due.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LogObject {
    pub(crate) due: Timestamp,
    pub(crate) bucket: String,
    pub(crate) key: String,
    pub(crate) body: Vec<u8>,
    pub(crate) encoding: Option<&'static str>,
}

/// One line that a container printed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Line {
    at: Timestamp,
    stream: &'static str,
    text: String,
}

/// Minutes for which a task logs requests, one a minute: more would say nothing new.
const REQUESTS: i64 = 30;

/// Requests a minute of a busy service, enough to compare two revisions while the canary bakes.
const BUSY: i64 = 20;

/// The objects that the task's log router has stored by `until`, in order of time. `wanted` is asked for each bucket
/// and key first, so that nothing is written out twice.
pub(crate) fn objects(
    source: &Source,
    definition: &Value,
    until: Timestamp,
    wanted: &mut dyn FnMut(&str, &str) -> bool,
) -> Vec<LogObject> {
    let mut objects = Vec::new();
    for output in outputs(definition) {
        let lines: Vec<Line> = speak(source).into_iter().filter(|line| output.lets_through(&line.text)).collect();
        for (index, (due, batch)) in batches(&lines, output.upload_timeout, source.stopping).into_iter().enumerate() {
            let Some(first) = batch.first().filter(|_| due <= until) else { continue };
            let key = key::build(&output, &source.task_id, first.at, index);
            if wanted(&output.bucket, &key) {
                objects.extend(store(source, &output, due, key, &batch));
            }
        }
    }
    objects.sort_by_key(|object| object.due);
    objects
}

/// One upload; none where no record has anything to say.
fn store(source: &Source, output: &Output, due: Timestamp, key: String, batch: &[Line]) -> Option<LogObject> {
    let text: String =
        batch.iter().enumerate().filter_map(|(number, line)| record::render(source, output, line, number)).collect();
    if text.is_empty() {
        return None;
    }
    let encoding = output.compression.map(Compression::content_encoding);
    let body = match output.compression {
        Some(compression) => compression.compress(text.as_bytes())?,
        None => text.into_bytes(),
    };
    Some(LogObject { due, bucket: output.bucket.clone(), key, body, encoding })
}

/// What the application prints, up to its end.
fn speak(source: &Source) -> Vec<Line> {
    if source.behaviour == LogBehaviour::Silent {
        return Vec::new();
    }
    let line = |at: Timestamp, stream: &'static str, text: &str| Line { at, stream, text: text.to_owned() };
    let millis =
        |time: Timestamp, millis: i64| time.saturating_add(SignedDuration::from_millis(millis)).unwrap_or(time);
    let mut lines = vec![line(millis(source.started, 1_204), "stdout", "Starting server on :8080")];
    let visit = r#"10.0.1.7 "GET /?q=thread+main+panicked at+src HTTP/1.1" 404"#;
    if matches!(source.behaviour, LogBehaviour::Visited | LogBehaviour::VisitedAndPanicking) {
        let opened = source.started.max(source.busy_from);
        lines.extend((0..REQUESTS * 4).map(|number| line(millis(later(opened, number * 15), 5_123), "stdout", visit)));
    }
    if let (LogBehaviour::Dying, Some(end)) = (source.behaviour, source.stopping) {
        let panic = "thread 'worker' panicked at src/cart.rs:41:9: no route to the database";
        lines.push(line(millis(end, -400), "stderr", panic));
    }
    if matches!(source.behaviour, LogBehaviour::Panicking | LogBehaviour::VisitedAndPanicking) {
        lines.push(line(
            millis(source.started, 1_911),
            "stderr",
            "thread 'main' panicked at src/main.rs:12:5: index out of bounds",
        ));
    }
    let request = r#"{"level":"info","msg":"request","path":"/health","status":200}"#;
    let failure = r#"{"level":"error","msg":"request","path":"/cart","status":500,"error":"no route to the database"}"#;
    let busy = source.started.max(source.busy_from);
    let a_minute = if matches!(source.behaviour, LogBehaviour::Busy | LogBehaviour::Failing) { BUSY } else { 1 };
    lines.extend((0..REQUESTS * a_minute).map(|number| {
        let at = millis(later(busy, number / a_minute * 60), 3_317 + number % a_minute * 40);
        let fails = source.behaviour == LogBehaviour::Failing && number % 3 == 0;
        line(at, "stdout", if fails { failure } else { request })
    }));
    lines.sort_by_key(|line| line.at);
    lines.retain(|line| source.stopping.is_none_or(|end| line.at < end));
    lines
}

/// Cuts the lines into uploads. A buffer opens with a line's flush and is due when its age has passed the timeout,
/// which the next flush or the next tick of the upload timer notices (`cb_s3_flush`, `cb_s3_upload`); at SIGTERM
/// everything is stored at once.
fn batches(lines: &[Line], timeout: i64, stopping: Option<Timestamp>) -> Vec<(Timestamp, Vec<Line>)> {
    let flushed = |line: &Line| line.at.saturating_add(SignedDuration::from_millis(300)).unwrap_or(line.at);
    let Some(timer) = lines.first().map(flushed) else { return Vec::new() };
    let period = (timeout / 6).clamp(6, 60);
    let mut batches = Vec::new();
    let mut rest = lines;
    while let Some(first) = rest.first() {
        let ripe = later(flushed(first), timeout);
        let ticks =
            (ripe.duration_since(timer).as_millis() + i128::from(period) * 1000 - 1) / (i128::from(period) * 1000);
        let tick = later(timer, i64::try_from(ticks).unwrap_or(i64::MAX / 1000) * period);
        let flush = rest.iter().map(flushed).find(|flush| *flush >= ripe);
        let mut due = flush.map_or(tick, |flush| flush.min(tick));
        if let Some(stopping) = stopping {
            due = due.min(later(stopping, 1));
        }
        let count = rest.iter().take_while(|line| flushed(line) <= due).count().max(1);
        let (batch, remaining) = rest.split_at_checked(count).unwrap_or((rest, &[]));
        batches.push((due, batch.to_vec()));
        rest = remaining;
    }
    batches
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use serde_json::json;

    use super::*;

    fn source(behaviour: LogBehaviour) -> Source {
        let started = "2026-11-23T10:00:40Z".parse().unwrap();
        Source {
            task_id: "1f2e3d4c5b6a79880123456789abcdef".to_owned(),
            task_arn: "arn:aws:ecs:ap-northeast-1:123456789012:task/default/1f2e3d4c5b6a79880123456789abcdef"
                .to_owned(),
            cluster: "default".to_owned(),
            definition: "express-mode-custom-td:6".to_owned(),
            started,
            stopping: None,
            busy_from: started,
            behaviour,
        }
    }

    fn objects(source: &Source, definition: &Value) -> Vec<LogObject> {
        super::objects(source, definition, Timestamp::MAX, &mut |_, _| true)
    }

    fn definition(options: &Value) -> Value {
        json!({"containerDefinitions": [
            {"name": "Main", "logConfiguration": {"logDriver": "awsfirelens", "options": options}},
            {"name": "log-router", "firelensConfiguration": {"type": "fluentbit"}},
        ]})
    }

    fn article() -> Value {
        definition(&json!({
            "Name": "s3", "region": "ap-northeast-1", "bucket": "your-log-bucket", "total_file_size": "1M",
            "upload_timeout": "30s", "s3_key_format": "/logs/$TAG/%Y/%m/%d/%H/%M/$UUID.gz", "compression": "gzip",
        }))
    }

    #[test]
    fn the_first_object_is_due_a_timeout_after_the_first_line() {
        let source = source(LogBehaviour::Normal);
        let first = objects(&source, &article()).remove(0);
        let delay = first.due.duration_since(source.started);
        assert!((31..34).contains(&delay.as_secs()), "{delay:?}");
        let prefix = "logs/Main-firelens-1f2e3d4c5b6a79880123456789abcdef/2026/11/23/10/00/";
        let rest = first.key.strip_prefix(prefix).unwrap();
        assert_eq!((rest.len(), rest.get(8..) == Some(".gz")), (11, true));
        assert_eq!((first.bucket.as_str(), first.encoding), ("your-log-bucket", Some("gzip")));
    }

    #[test]
    fn records_have_the_shape_that_fluent_bit_writes() {
        let body = objects(&source(LogBehaviour::Panicking), &article()).remove(0).body;
        let mut text = String::new();
        flate2::read::GzDecoder::new(body.as_slice()).read_to_string(&mut text).unwrap();
        let records: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(records[0]["log"], "Starting server on :8080");
        assert_eq!(records[0]["date"], "2026-11-23T10:00:41.204000Z");
        assert_eq!(records[0]["ecs_task_definition"], "express-mode-custom-td:6");
        assert!(records[1]["log"].as_str().unwrap().contains("panicked at"));
        assert!(text.starts_with("{\"date\":"));
    }

    #[test]
    fn a_silent_task_stores_nothing() {
        assert_eq!(objects(&source(LogBehaviour::Silent), &article()), []);
    }

    #[test]
    fn a_task_that_is_stopped_early_still_delivers() {
        let mut source = source(LogBehaviour::Normal);
        source.stopping = Some(later(source.started, 10));
        let objects = objects(&source, &article());
        assert_eq!(objects.len(), 1);
        assert_eq!(objects[0].due, later(source.started, 11));
    }

    #[test]
    fn every_line_is_stored_once() {
        let source = source(LogBehaviour::Normal);
        let options = json!({"Name": "s3", "bucket": "b", "upload_timeout": "1m", "log_key": "log"});
        let stored: usize = objects(&source, &definition(&options))
            .iter()
            .map(|object| String::from_utf8_lossy(&object.body).lines().count())
            .sum();
        assert_eq!(stored, speak(&source).len());
    }
}
