//! One line of a log object.

use serde_json::{Map, Value, json};

use super::output::Output;
use super::{Line, Source};

/// The record as text with its newline; none where `log_key` names a member that the record does not have.
pub(super) fn render(source: &Source, output: &Output, line: &Line, number: usize) -> Option<String> {
    let record = record(source, output, line, number);
    match &output.log_key {
        None => Some(format!("{}\n", Value::Object(record))),
        Some(key) => match record.get(key)? {
            Value::String(text) => Some(format!("{text}\n")),
            other => Some(format!("{other}\n")),
        },
    }
}

fn record(source: &Source, output: &Output, line: &Line, number: usize) -> Map<String, Value> {
    let mut record = Map::new();
    if let Some(key) = &output.date_key {
        record.insert(key.clone(), date(line, &output.date_format));
    }
    let mut members = [
        ("container_id", json!(format!("{}-3141592653", source.task_id))),
        ("container_name", json!(output.container)),
        ("source", json!(line.stream)),
        ("log", json!(line.text)),
    ];
    // The log driver packs an unordered map, so the order differs from record to record.
    members.rotate_left(number % 4);
    record.extend(members.map(|(name, value)| (name.to_owned(), value)));
    if output.metadata {
        record.insert("ecs_cluster".to_owned(), json!(source.cluster));
        record.insert("ecs_task_arn".to_owned(), json!(source.task_arn));
        record.insert("ecs_task_definition".to_owned(), json!(source.definition));
    }
    record
}

fn date(line: &Line, format: &str) -> Value {
    match format {
        "epoch" => json!(line.at.as_second()),
        "epoch_ms" => json!(line.at.as_millisecond()),
        #[expect(clippy::cast_precision_loss, reason = "microseconds of this age fit into 53 bits")]
        "double" => json!(line.at.as_microsecond() as f64 / 1e6),
        "java_sql_timestamp" => json!(line.at.strftime("%Y-%m-%d %H:%M:%S%.6f").to_string()),
        _ => json!(line.at.strftime("%Y-%m-%dT%H:%M:%S%.6fZ").to_string()),
    }
}
