//! The log objects that Fluent Bit's S3 output would write for the tasks that run: same keys, same encoding, same records. The lines in them
//! are the stand-in's own and harmless.

use std::collections::BTreeSet;
use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};

use super::ecs::{Task, Voice};
use super::s3::Buckets;

/// Which objects were written: task, container and how many before.
pub(super) type LogState = BTreeSet<(String, String, usize)>;

/// Objects that a task writes: enough to show that later ones follow.
const OBJECTS: usize = 2;

/// Writes what a task's containers have due by now.
pub(super) fn write(
    task: &Task<'_>,
    definition: &Map<String, Value>,
    now: Timestamp,
    buckets: &Buckets,
    written: &mut LogState,
) {
    let (Some(started), Voice::Good | Voice::Panics) = (task.started(), task.voice()) else { return };
    let containers = definition.get("containerDefinitions").and_then(Value::as_array).into_iter().flatten();
    for container in containers.filter(|container| container["logConfiguration"]["logDriver"] == "awsfirelens") {
        let Some(output) = Output::of(container) else { continue };
        for nth in 0..OBJECTS {
            let first = after(started, 1 + i64::try_from(nth).unwrap_or(0) * output.period());
            let due = after(first, output.period());
            let name = container["name"].as_str().unwrap_or_default().to_owned();
            let is_alive = task.stopped().is_none_or(|stopped| first < stopped);
            if due <= now && is_alive && written.insert((task.id.clone(), name.clone(), nth)) {
                let metadata = !has_metadata_off(definition);
                let body =
                    output.encode(&records(task, definition, &name, first, nth, metadata), output.log_key.as_deref());
                let key = output.key(&name, &task.id, first, nth);
                buckets.put(&output.bucket, &key, body, output.is_gzip.then_some("gzip"));
            }
        }
    }
}

fn after(time: Timestamp, seconds: i64) -> Timestamp {
    time.checked_add(SignedDuration::from_secs(seconds)).unwrap_or(time)
}

/// The `s3` output of a container.
struct Output {
    bucket: String,
    format: String,
    delimiters: String,
    upload_timeout: i64,
    is_gzip: bool,
    is_static: bool,
    log_key: Option<String>,
}

impl Output {
    fn of(container: &Value) -> Option<Self> {
        let options = container["logConfiguration"]["options"].as_object()?;
        options.get("Name").and_then(Value::as_str).filter(|name| name.eq_ignore_ascii_case("s3"))?;
        let option = |wanted: &str| {
            options.iter().find(|(name, _)| name.eq_ignore_ascii_case(wanted)).and_then(|(_, value)| value.as_str())
        };
        Some(Self {
            bucket: option("bucket")?.to_owned(),
            format: option("s3_key_format").unwrap_or("/fluent-bit-logs/$TAG/%Y/%m/%d/%H/%M/%S").to_owned(),
            delimiters: option("s3_key_format_tag_delimiters").unwrap_or(".").to_owned(),
            upload_timeout: seconds(option("upload_timeout").unwrap_or("10m")),
            is_gzip: option("compression") == Some("gzip"),
            is_static: option("static_file_path")
                .is_some_and(|value| ["on", "true"].contains(&value.to_lowercase().as_str())),
            log_key: option("log_key").map(str::to_owned),
        })
    }

    /// Seconds from a record to its upload: the timeout, noticed at the next tick of the upload timer (`cb_s3_upload` in `plugins/out_s3/s3.c`).
    fn period(&self) -> i64 {
        let tick = (self.upload_timeout / 6).clamp(6, 60);
        (self.upload_timeout + tick) / tick * tick
    }

    /// The object's key (`flb_get_s3_key` in `src/aws/flb_aws_util.c`): tag parts, tag, index, UUID, time, suffix, in this order.
    fn key(&self, container: &str, task: &str, time: Timestamp, nth: usize) -> String {
        let tag = format!("{container}-firelens-{task}");
        let mut key = self.format.clone();
        for (index, part) in
            tag.split(|c| self.delimiters.contains(c)).filter(|part| !part.is_empty()).take(10).enumerate()
        {
            key = key.replace(&format!("$TAG[{index}]"), part);
        }
        key = key.replace("$TAG", &tag).replace("$INDEX", &nth.to_string());
        let random = random(&format!("{task}{nth}"));
        let is_unique = key.contains("$UUID") || self.format.contains("$INDEX") || self.is_static;
        key = time.strftime(&key.replace("$UUID", &random)).to_string();
        if !is_unique {
            key = format!("{key}-object{random}");
        }
        key.strip_prefix('/').unwrap_or(&key).to_owned()
    }

    fn encode(&self, records: &[Value], log_key: Option<&str>) -> Vec<u8> {
        let mut text = Vec::new();
        for record in records {
            let line = match log_key {
                Some(key) => record[key].as_str().unwrap_or_default().to_owned(),
                None => record.to_string(),
            };
            text.extend_from_slice(line.as_bytes());
            text.push(b'\n');
        }
        if !self.is_gzip {
            return text;
        }
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        let encoded = encoder.write_all(&text).and_then(|()| encoder.finish());
        encoded.unwrap_or_default()
    }
}

fn has_metadata_off(definition: &Map<String, Value>) -> bool {
    let containers = definition.get("containerDefinitions").and_then(Value::as_array).into_iter().flatten();
    containers
        .into_iter()
        .any(|container| container["firelensConfiguration"]["options"]["enable-ecs-log-metadata"] == "false")
}

/// The records of one object, shaped like those that Fluent Bit 1.9 and later write on Fargate.
fn records(
    task: &Task<'_>,
    definition: &Map<String, Value>,
    container: &str,
    first: Timestamp,
    nth: usize,
    metadata: bool,
) -> Vec<Value> {
    let lines: &[&str] = match (nth, task.voice()) {
        (0, Voice::Panics) => {
            &["Starting server on :8080", "panic: thread 'main' panicked at src/cart.rs:42: index out of bounds"]
        }
        (0, _) => &["Starting server on :8080", "GET /health 200 0.4ms"],
        _ => &["GET /health 200 0.3ms", "GET / 200 1.2ms"],
    };
    let family = definition.get("family").and_then(Value::as_str).unwrap_or_default();
    let revision = definition.get("revision").and_then(Value::as_u64).unwrap_or_default();
    lines
        .iter()
        .zip(0_i32..)
        .map(|(line, offset)| {
            let time = after(first, i64::from(offset));
            let mut record = json!({
                "date": time.strftime("%Y-%m-%dT%H:%M:%S.427703Z").to_string(),
                "container_id": format!("{}-0527074092", task.id), "container_name": container, "source": "stdout", "log": line,
            });
            if metadata {
                record["ecs_cluster"] = json!("default");
                record["ecs_task_arn"] = json!(task.arn());
                record["ecs_task_definition"] = json!(format!("{family}:{revision}"));
            }
            record
        })
        .collect()
}

/// Eight characters of letters and digits that look random and are not.
fn random(seed: &str) -> String {
    const ALPHABET: &[u8] = b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
    Sha256::digest(seed).iter().take(8).map(|byte| char::from(ALPHABET[usize::from(*byte) % ALPHABET.len()])).collect()
}

/// Seconds of an option: the last character is the unit, anything else counts as seconds (`flb_utils_time_to_seconds` in `src/flb_utils.c`).
fn seconds(text: &str) -> i64 {
    let digits: String = text.chars().take_while(char::is_ascii_digit).collect();
    let number = digits.parse::<i64>().unwrap_or(0).min(1_000_000);
    match text.chars().last() {
        Some('m') => number * 60,
        Some('h') => number * 3600,
        Some('d') => number * 86_400,
        _ => number,
    }
}
