//! Objects that real Fluent Bit releases stored, read back by their own configuration. What was stored is in
//! `tests/fixtures/firelens`.

#![cfg(test)]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use express_deployer::aws::{Aws, Clock};
use express_deployer::task_definition::TaskDefinition;
use express_deployer::verify::checks::Checks;
use express_deployer::verify::evidence::{Evidence, Object, Verdict};
use express_deployer::verify::reading::Reading;
use express_deployer::verify::{Expectation, Revision, S3Output, Writers, expect_logs};
use log_objects::object::{MAX_OBJECT, ObjectReader};
use log_objects::problem::Problem;
use log_objects::text::Lines;
use sandbox::Scenario;
use serde_json::{Map, Value, json};

use crate::flow::Stage;

const NEW_TASK: &str = "1f2e3d4c5b6a79880123456789abcdef";
/// What stands before a task's id in its ARN.
const TASKS: &str = "arn:aws:ecs:ap-northeast-1:123456789012:task/default/";
const OLD_TASK: &str = "707e0a68c4d94b3d9f1a2b3c4d5e6f70";

/// One variant of one version: its folder and `objects.json`.
struct Run {
    name: String,
    folder: PathBuf,
    objects: Vec<Value>,
}

fn runs() -> Vec<Run> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/firelens");
    let folders = |path: &Path| -> Vec<PathBuf> {
        fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_dir()).collect()
    };
    let mut runs: Vec<Run> = folders(&root)
        .iter()
        .flat_map(|variant| folders(variant))
        .map(|folder| {
            let listing: Value = serde_json::from_slice(&fs::read(folder.join("objects.json")).unwrap()).unwrap();
            let name = folder.strip_prefix(&root).unwrap().to_str().unwrap().to_owned();
            Run { name, folder, objects: listing["objects"].as_array().unwrap().clone() }
        })
        .collect();
    runs.sort_by(|left, right| left.name.cmp(&right.name));
    runs
}

impl Run {
    fn body(&self, object: &Value) -> Vec<u8> {
        fs::read(self.folder.join(object["file"].as_str().unwrap())).unwrap()
    }

    /// The output that the ECS agent would have been given to make this `[OUTPUT]` section.
    fn output(&self) -> S3Output {
        let file = if self.name.starts_with("two-revisions") { "fluent-bit.1f2e-rev6.conf" } else { "fluent-bit.conf" };
        let text = fs::read_to_string(self.folder.join(file)).unwrap();
        let section = text.split("[OUTPUT]").find(|section| section.contains("Name s3")).unwrap();
        let mut options: Map<String, Value> = section
            .lines()
            .filter_map(|line| line.trim().split_once(' '))
            .map(|(option, value)| (option.to_owned(), json!(value)))
            .collect();
        // The run wrote to a server of its own, and `Match` is the agent's.
        options.retain(|option, _| !matches!(option.as_str(), "endpoint" | "Match" | "tls"));
        let document = json!({"containerDefinitions": [
            {"name": "Main", "logConfiguration": {"logDriver": "awsfirelens", "options": options}},
            {"name": "log-router", "firelensConfiguration": {"type": "fluentbit"}},
        ]});
        match expect_logs(&TaskDefinition::parse(document.to_string().as_bytes()).unwrap(), "Main", &[]) {
            Expectation::Logs(mut outputs) => outputs.remove(0),
            other => panic!("{}: {other:?}", self.name),
        }
    }
}

/// How many records name which revision, all messages, and the problems.
fn decode(body: &[u8], lines: Lines) -> (BTreeMap<String, u64>, Vec<String>, Vec<Problem>) {
    let (mut by_revision, mut messages) = (BTreeMap::new(), Vec::new());
    let mut sink = |record: &log_objects::record::Record<'_>| {
        *by_revision.entry(record.task_definition.as_deref().unwrap_or("none").to_owned()).or_insert(0) += 1;
        messages.push(record.message.to_string());
    };
    let mut reader = ObjectReader::new(lines, MAX_OBJECT);
    reader.push(body, &mut sink);
    let problems = reader.finish(&mut sink);
    (by_revision, messages, problems)
}

#[test]
fn every_object_is_where_its_configuration_says() {
    let mut count = 0;
    for run in runs() {
        let output = run.output();
        for object in &run.objects {
            let key = object["key"].as_str().unwrap();
            let [ours, theirs] = [NEW_TASK, OLD_TASK].map(|task| output.keys_of(task));
            let (keys, others) = if key.contains(NEW_TASK) { (ours, theirs) } else { (theirs, ours) };
            assert!(key.starts_with(keys.prefix()) && keys.matches(key), "{}: {key}", run.name);
            assert!(!others.matches(key), "{}: {key}", run.name);
            count += 1;
        }
    }
    assert_eq!(count, 19);
}

/// The bytes of an object after it lay in the sandbox's bucket and was found and fetched there.
async fn fetch(stage: &Stage, aws: &Aws, output: &S3Output, key: &str, body: Vec<u8>) -> Vec<u8> {
    let S3Output { region, bucket, .. } = output;
    stage.sandbox.put_object(bucket, key, body);
    let (listed, _) = aws.list(region, bucket, key, None, 1).await.unwrap();
    let mut fetched = Vec::new();
    let object = aws.open_object(region, bucket, &listed[0].key).await.unwrap().unwrap();
    let take = |chunk: &[u8]| {
        fetched.extend_from_slice(chunk);
        true
    };
    object.read(take).await.unwrap();
    fetched
}

#[tokio::test]
async fn every_object_decodes_to_the_records_it_was_made_from() {
    let stage = Stage::of(Scenario::Good).await;
    let clock = stage.sandbox.clock();
    let aws = Aws::new(stage.sandbox.sdk_config(), Clock::from_fn(move || clock.now()));
    for run in runs() {
        let output = run.output();
        let lines = output.lines;
        for object in &run.objects {
            let decoded = &object["decoded"];
            let body = fetch(&stage, &aws, &output, object["key"].as_str().unwrap(), run.body(object)).await;
            let (by_revision, messages, problems) = decode(&body, lines);
            assert_eq!(problems, [], "{}", run.name);
            if lines == Lines::Bare {
                // The last line has no newline: a NUL byte ended it.
                assert_eq!(messages.len() as u64, decoded["newlines"].as_u64().unwrap() + 1, "{}", run.name);
            } else if run.name.starts_with("partial-message") {
                assert_eq!(messages.len(), 2, "{}: three pieces are one line", run.name);
                assert!(messages[1].starts_with("BBB") && messages[1].ends_with(" end") && messages[1].len() > 32_768);
            } else {
                let expected: BTreeMap<String, u64> =
                    serde_json::from_value(decoded["jsonRecordsByTaskDefinition"].clone()).unwrap();
                assert_eq!(by_revision, expected, "{}", run.name);
            }
        }
    }
}

#[test]
fn both_versions_give_the_same_messages() {
    let messages = |name: &str| -> Vec<String> {
        let run = runs().into_iter().find(|run| run.name == name).unwrap();
        decode(&run.body(&run.objects[0]), run.output().lines).1
    };
    for variant in ["blog", "default-key", "log-key", "no-uuid", "partial-message", "plain"] {
        let old = messages(&format!("{variant}/1.9.10"));
        assert_eq!(old, messages(&format!("{variant}/5.1.1")), "{variant}");
        assert_eq!(old[0], "Starting server on :8080");
    }
    for version in ["1.9.10", "5.1.1"] {
        let broken = messages(&format!("bad-utf8/{version}"));
        assert_eq!((broken.len(), broken[0].as_str(), broken[4].as_str()), (5, "ok before", "ok after"));
    }
}

#[test]
fn only_the_new_revisions_objects_prove_the_release() {
    let checks = Checks::new(&["Starting server".to_owned()], &[]).unwrap();
    for (variant, revision, passes) in [
        ("blog", "express-mode-custom-td:6", true),
        ("blog", "express-mode-custom-td:7", false),
        ("two-revisions", "express-mode-custom-td:6", true),
        ("log-key", "express-mode-custom-td:6", true),
    ] {
        for run in runs().iter().filter(|run| run.name.split('/').next() == Some(variant)) {
            let (output, revision) = (run.output(), Revision::parse(revision).unwrap());
            // A record is its task's, whatever revision it names: that of another revision is none of these tasks.
            let id = if passes { NEW_TASK } else { OLD_TASK };
            let tasks = [format!("{TASKS}{id}")];
            let writers = Writers { revision: &revision, tasks: &tasks };
            let keys = output.keys_of(NEW_TASK);
            let mut evidence = Evidence::default();
            for listed in run.objects.iter().filter(|object| keys.matches(object["key"].as_str().unwrap())) {
                let object = Object {
                    task: NEW_TASK,
                    key: listed["key"].as_str().unwrap(),
                    etag: listed["etag"].as_str().unwrap(),
                };
                assert!(evidence.wants(&output, &object));
                let mut reading = Reading::new(&mut evidence, &checks, &output, &writers, object);
                for chunk in run.body(listed).chunks(100) {
                    reading.push(chunk);
                }
                reading.finish();
                assert!(!evidence.wants(&output, &object));
            }
            assert_eq!(evidence.objects, 1, "{}: the old task's object is not looked at", run.name);
            assert_eq!(evidence.verdict(&checks, None) == Verdict::Passed, passes, "{} {revision}", run.name);
        }
    }
}
