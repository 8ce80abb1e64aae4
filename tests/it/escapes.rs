//! Text of others, with everything in it that makes a terminal, a log or a workflow do something: whatever holds it
//! afterwards holds it escaped and bounded.

#![cfg(test)]

use std::sync::{Arc, Mutex};

use express_deployer::text::MAX_TEXT;
use sandbox::executions::{Execution, ExecutionOutcome};
use sandbox::{Fault, FaultKind, Moment, Scenario};
use serde_json::{Value, json};
use tracing::field::{Field, Visit};

use crate::flow::{FAMILY, STATE, Stage, event, push, push_again, upload_text};

const LIVE: &str = include_str!("../fixtures/task-definitions/firelens-s3.json");

/// Five kilobytes with an escape sequence, line breaks, a workflow command, and a mark that turns the direction.
fn hostile() -> String {
    format!("\u{1b}]0;x\u{7}\u{1b}[31m\r\n::error::x\u{202e}\u{2028}\u{0}{}", "A".repeat(5_000))
}

/// Members that are sent as arguments, and have to stay what they are.
const ARGUMENTS: [&str; 8] = ["key", "version", "etag", "sequencer", "event", "bucket", "object", "keys"];

fn check(place: &str, value: &Value) {
    match value {
        Value::String(text) => {
            let acts = |letter: char| letter.is_control() || matches!(letter, '\u{202e}' | '\u{2028}');
            assert!(!text.contains(acts), "{place}: {text:?}");
            // Our own words may stand around what somebody else wrote.
            let longest = MAX_TEXT + if place.ends_with("the answer") { 100 } else { 0 };
            assert!(text.len() <= longest, "{place} has {} bytes", text.len());
        }
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(index, item)| check(&format!("{place}/{index}"), item));
        }
        Value::Object(members) => {
            for (name, member) in members {
                check(&format!("{place}: a name"), &json!(name));
                if !ARGUMENTS.contains(&name.as_str()) {
                    check(&format!("{place}/{name}"), member);
                }
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// Checks a text that holds JSON, or is one.
fn check_text(place: &str, text: &str) {
    match serde_json::from_str(text) {
        // A step records its result as JSON, and an error as what Rust calls it.
        Ok(value) => check(place, &value),
        Err(_) => check(place, &json!(text)),
    }
}

/// The fields of log lines.
#[derive(Clone, Default)]
pub(crate) struct Lines(Arc<Mutex<Vec<(String, String)>>>);

impl Lines {
    /// What was logged: field and text.
    pub(crate) fn taken(&self) -> Vec<(String, String)> {
        self.0.lock().unwrap().clone()
    }
}

impl Visit for Lines {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.lock().unwrap().push((field.name().to_owned(), value.to_owned()));
    }
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        self.0.lock().unwrap().push((field.name().to_owned(), format!("{value:?}")));
    }
}

impl tracing::Subscriber for Lines {
    fn enabled(&self, metadata: &tracing::Metadata<'_>) -> bool {
        metadata.target().starts_with("express_deployer")
    }
    fn new_span(&self, _: &tracing::span::Attributes<'_>) -> tracing::span::Id {
        tracing::span::Id::from_u64(1)
    }
    fn record(&self, _: &tracing::span::Id, _: &tracing::span::Record<'_>) {}
    fn record_follows_from(&self, _: &tracing::span::Id, _: &tracing::span::Id) {}
    fn event(&self, event: &tracing::Event<'_>) {
        event.record(&mut self.clone());
    }
    fn enter(&self, _: &tracing::span::Id) {}
    fn exit(&self, _: &tracing::span::Id) {}
}

/// What an execution came to.
pub(crate) fn result_of(execution: &Execution) -> String {
    match &execution.outcome {
        ExecutionOutcome::Succeeded(result) => result.clone(),
        ExecutionOutcome::Failed { message, .. } => message.clone(),
        other => panic!("{other:?}"),
    }
}

/// Plays an event, and checks everything that it leaves: report and head, what was recorded, the answer, log lines.
async fn play_and_check(stage: &Stage, name: &str, event: &str) -> String {
    let lines = Lines::default();
    let guard = tracing::subscriber::set_default(lines.clone());
    let executions = stage.play_all(vec![("hostile".to_owned(), event.to_owned())]).await;
    drop(guard);
    let answer = result_of(&executions[0]);
    check_text(&format!("{name}, the answer"), &answer);
    for key in
        stage.sandbox.objects(STATE).iter().filter(|key| key.starts_with("services/") || key.starts_with("releases/"))
    {
        let object = String::from_utf8(stage.sandbox.object(STATE, key).unwrap()).unwrap();
        check_text(&format!("{name}, {key}"), &object);
    }
    for recorded in stage.sandbox.recorded() {
        let place = format!("{name}, recorded by {:?}", recorded.name);
        assert!(recorded.text.len() <= 64 * 1024, "{place}: {} bytes", recorded.text.len());
        check_text(&place, &recorded.text);
    }
    for (field, line) in lines.taken() {
        check(&format!("{name}, the log's {field}"), &json!(line));
    }
    answer
}

/// Every place of a value that holds text.
fn texts(pointer: &str, value: &Value, found: &mut Vec<String>) {
    let step = |name: &str| format!("{pointer}/{}", name.replace('~', "~0").replace('/', "~1"));
    match value {
        Value::String(_) => found.push(pointer.to_owned()),
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(index, item)| texts(&step(&index.to_string()), item, found));
        }
        Value::Object(members) => members.iter().for_each(|(name, member)| texts(&step(name), member, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// The value with hostile text in one place, for each of its texts; and with a hostile name beside.
fn spoilt(value: &Value) -> Vec<(String, Value)> {
    let mut places = Vec::new();
    texts("", value, &mut places);
    let spoil = |place: String| {
        let mut spoilt = value.clone();
        *spoilt.pointer_mut(&place).unwrap() = hostile().into();
        (place, spoilt)
    };
    let mut all: Vec<_> = places.into_iter().map(spoil).collect();
    let mut named = value.clone();
    if let Some(members) = named.as_object_mut() {
        members.insert(hostile(), hostile().into());
        all.push(("a name".to_owned(), named));
    }
    all
}

#[tokio::test]
async fn artifact_esc_in_every_text_of_an_event() {
    for file in ["ecr-image-push.json", "s3-object-created.json", "s3-notification.json", "sns-ecr-image-push.json"] {
        for (place, event) in spoilt(&serde_json::from_str(&event(file)).unwrap()) {
            let stage = Stage::of(Scenario::Good).await;
            play_and_check(&stage, &format!("{file} {place}"), &event.to_string()).await;
        }
    }
}

#[tokio::test]
async fn artifact_esc_in_every_text_of_a_document() {
    for (place, document) in spoilt(&serde_json::from_str(LIVE).unwrap()) {
        let stage = Stage::of(Scenario::Good).await;
        let event = upload_text(&stage, &document.to_string());
        play_and_check(&stage, &format!("document {place}"), &event).await;
    }
    // In all of them at once.
    let mut places = Vec::new();
    let mut document: Value = serde_json::from_str(LIVE).unwrap();
    texts("", &document, &mut places);
    for place in places.iter().filter(|place| !place.ends_with("/name") && *place != "/family") {
        *document.pointer_mut(place).unwrap() = format!("\u{1b}[31m\n::error::{}", "A".repeat(500)).into();
    }
    let stage = Stage::of(Scenario::Good).await;
    let event = upload_text(&stage, &document.to_string());
    play_and_check(&stage, "document, all", &event).await;
    let stage = Stage::of(Scenario::Good).await;
    let event = upload_text(&stage, &format!("{{\"family\": \"{}\u{1b}", "A".repeat(5_000)));
    play_and_check(&stage, "document, broken", &event).await;
}

#[tokio::test]
async fn artifact_esc_in_every_text_of_a_manifest() {
    let oci = "application/vnd.oci.image.config.v1+json";
    let manifests = [
        json!({"artifactType": "x"}),
        json!({"config": {"mediaType": "x", "digest": "sha256:00", "size": 2}}),
        json!({"config": {"mediaType": oci, "digest": "x", "size": 2}}),
        json!({"config": {"mediaType": oci, "digest": "x", "size": 2}, "layers": [{"mediaType": "x"}]}),
        json!({"manifests": [{"platform": {"os": "linux", "architecture": "x"}}]}),
    ];
    for manifest in manifests {
        for (place, manifest) in spoilt(&manifest) {
            let stage = Stage::of(Scenario::Good).await;
            let digest = stage.sandbox.put_image(FAMILY, &["v7"], manifest.to_string().as_bytes());
            let mut event: Value = serde_json::from_str(&push_again("1", "2026-07-02T05:00:00Z", "v7")).unwrap();
            event["detail"]["image-digest"] = digest.into();
            play_and_check(&stage, &format!("manifest {place}"), &event.to_string()).await;
        }
    }
}

#[tokio::test]
async fn artifact_esc_in_the_live_service_and_the_bucket() {
    let stage = Stage::of(Scenario::Good).await;
    let mut live = stage.sandbox.task_definitions(FAMILY).pop().unwrap();
    live["containerDefinitions"][0]["environment"] = json!([{"name": hostile(), "value": hostile()}]);
    live["containerDefinitions"][0]["dockerLabels"] = json!({hostile(): hostile()});
    live["tags"] = json!([{"key": "team", "value": "\u{1b}[31m"}]);
    let arn = stage.sandbox.register(&live).unwrap();
    stage.sandbox.deploy_by_hand("express-mode-custom-td-f9de", &arn).unwrap();
    stage.sandbox.clock().advance(std::time::Duration::from_hours(1));
    play_and_check(&stage, "live", &push()).await;
    let stage = Stage::of(Scenario::Good).await;
    for number in 0..40 {
        let key =
            format!("logs/Main-firelens-17df687c5519bd056cfec40db5a90053/2026/11/23/10/00/{number}\u{1b}[31m\n.gz");
        stage.sandbox.put_object("your-log-bucket", &key, hostile().into_bytes());
    }
    play_and_check(&stage, "log keys", &push()).await;
}

#[tokio::test]
async fn artifact_esc_in_an_error_of_aws() {
    for operation in [
        "BatchGetImage",
        "DescribeTaskDefinition",
        "RegisterTaskDefinition",
        "UpdateExpressGatewayService",
        "GetObject",
        "ListServiceDeployments",
    ] {
        let stage = Stage::of(Scenario::Good).await;
        let kind = FaultKind::OddWords;
        stage.sandbox.inject(Fault { operation: operation.into(), nth: 1, times: 1_000, moment: Moment::Before, kind });
        play_and_check(&stage, operation, &push()).await;
    }
}
