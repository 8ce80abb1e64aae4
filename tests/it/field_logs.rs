//! Log objects as public bug reports show them, verified by the command line against a live service. What is right was
//! written down before the product was asked.

#![cfg(test)]

use std::path::{Path, PathBuf};
use std::process::Command;

use express_deployer::aws::Clock;
use express_deployer::verify::verification::{Verification, VerificationStatus};
use sandbox::{Options, Sandbox};
use serde_json::Value;

const SERVICE: &str = "express-mode-custom-td-f9de";
const CONFIG: &str = r#"state_bucket = "deployer-state-123456789012-ap-northeast-1"
[[service]]
arn = "arn:aws:ecs:ap-northeast-1:123456789012:service/default/express-mode-custom-td-f9de"
repository = "express-mode-custom-td"
[service.verify]
"#;

fn folder(case: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/field-logs").join(case)
}

/// A live service whose tasks say nothing by themselves, and the name and the id of its definition and one of its
/// tasks.
async fn live(definition: Option<&Value>) -> (Sandbox, String, String) {
    let options = Options { start: Clock::system().now(), tasks_log: false, ..Options::default() };
    let sandbox = Sandbox::start(options).await.unwrap();
    if let Some(definition) = definition {
        sandbox.set_live(SERVICE, definition).unwrap();
    }
    let ecs = aws_sdk_ecs::Client::new(&sandbox.sdk_config());
    let listed = ecs.list_tasks().service_name(SERVICE).send().await.unwrap();
    let task = listed.task_arns().first().unwrap().clone();
    let described = ecs.describe_tasks().tasks(&task).send().await.unwrap();
    let arn = described.tasks()[0].task_definition_arn().unwrap().to_owned();
    let name = |arn: &str| arn.rsplit('/').next().unwrap().to_owned();
    (sandbox, name(&arn), name(&task))
}

/// Puts an object whose key and lines name the task and the revision.
fn put(sandbox: &Sandbox, key: &str, lines: &str, revision: &str, task: &str) {
    let now = sandbox.clock().now().strftime(key).to_string();
    let key = now.replace("{tag}", &format!("Main-firelens-{task}")).replace("{task}", task);
    sandbox.put_object("your-log-bucket", &key, lines.replace("{rev}", revision).replace("{task}", task).into_bytes());
}

async fn verify(sandbox: &Sandbox, config: &str) -> Verification {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("deployer.toml");
    std::fs::write(&path, config).unwrap();
    let endpoint = sandbox.endpoint();
    let output = tokio::task::spawn_blocking(move || {
        Command::new(env!("CARGO_BIN_EXE_express-deployer"))
            .args(["verify", SERVICE, "--timeout", "0s", "--json", "--config"])
            .arg(path)
            .env_clear()
            .env("AWS_ENDPOINT_URL", endpoint)
            .env("AWS_REGION", "ap-northeast-1")
            .env("AWS_ACCESS_KEY_ID", "test")
            .env("AWS_SECRET_ACCESS_KEY", "test")
            .output()
            .unwrap()
    });
    let output = output.await.unwrap();
    serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&output.stderr)))
}

async fn play(case: &str) -> Verification {
    let folder = folder(case);
    let text = |name: &str| std::fs::read_to_string(folder.join(name)).ok();
    let definition: Option<Value> = text("definition.json").map(|text| serde_json::from_str(&text).unwrap());
    let (sandbox, revision, task) = live(definition.as_ref()).await;
    let objects: Value = serde_json::from_str(&text("objects.json").unwrap()).unwrap();
    for object in objects.as_array().unwrap() {
        let lines = text(object["lines"].as_str().unwrap()).unwrap();
        put(&sandbox, object["key"].as_str().unwrap(), &lines, &revision, &task);
    }
    verify(&sandbox, &format!("{CONFIG}{}", text("verify.toml").unwrap_or_default())).await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_people_met_with_is_verified_as_they_would() {
    use VerificationStatus::{Failed, Inconclusive, Passed};
    let mut wrong = Vec::new();
    for (case, status, records, errors) in [
        ("02-two-records-on-one-line", Failed, 4, 1),
        ("03-unmarked-pieces", Passed, 2, 1),
        ("04-pieces-in-two-objects", Passed, 2, 1),
        ("06-parsed-json-has-its-own-log-member", Passed, 1, 0),
        ("08-multiline-filter-drops-members", Passed, 2, 1),
        ("09-parser-drops-metadata-task-in-key", Passed, 1, 0),
        ("10-parser-drops-metadata-dates-only", Inconclusive, 0, 0),
        ("15-record-accessor-in-key", Passed, 1, 0),
        ("18-tag-parts-hive", Passed, 1, 0),
        ("22-laravel-bad-release", Failed, 30, 24),
        ("24-labelled-good-release", Passed, 30, 0),
        ("26-node-stack-traces-bad-release", Failed, 20, 20),
        ("27-variable-behind-the-tag", Passed, 1, 0),
        ("35-carriage-returns", Passed, 1, 0),
        ("36-raw-lines-by-log-key", Passed, 4, 2),
        ("37-static-path-with-tag", Passed, 1, 0),
    ] {
        let verification = play(case).await;
        let levels = verification.levels.unwrap_or_default();
        if (verification.status, verification.records, levels.error) != (status, records, errors) {
            wrong.push(format!("{case}: {status:?}, {records} records, {errors} errors, but {verification:#?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// One entry of 415 kB in 26 pieces, of which the first and the last matter
/// (<https://github.com/aws/aws-for-fluent-bit/issues/932>).
#[tokio::test(flavor = "multi_thread")]
async fn a_long_entry_is_one_record_with_the_level_at_its_end() {
    let (sandbox, revision, task) = live(None).await;
    let entry = format!("{{\"message\":\"order 7 {}\",\"level\":\"error\"}}", "z".repeat(415_000));
    let count = entry.len().div_ceil(16_384);
    let lines: Vec<String> = entry
        .as_bytes()
        .chunks(16_384)
        .zip(1..)
        .map(|(piece, number)| {
            let record = serde_json::json!({
                "container_id": "{task}-0527074092", "source": "stdout", "log": std::str::from_utf8(piece).unwrap(),
                "partial_message": "true", "partial_id": "9f2c", "partial_ordinal": number.to_string(),
                "partial_last": (number == count).to_string(), "ecs_task_definition": "{rev}",
            });
            format!("{record}\n")
        })
        .collect();
    put(&sandbox, "logs/{tag}/%Y/%m/%d/%H/%M/aB3dE6gH.gz", &lines.concat(), &revision, &task);
    let verification = verify(&sandbox, &format!("{CONFIG}expect = ['order 7 z+.*\"level\":\"error\"']\n")).await;
    assert_eq!(verification.status, VerificationStatus::Passed, "{verification:?}");
    assert_eq!((verification.records, verification.levels.unwrap().error), (1, 1));
}

#[test]
fn what_keeps_logs_from_proving_anything_is_said_before_the_deploy() {
    for (case, rules) in [
        ("11-storage-class-glacier", &["unverifiable-logs"][..]),
        ("12-init-image-variables-in-key", &["unverifiable-logs"]),
        ("13-init-variable-with-plain-image", &["unrouted-logs", "ignored-init-variable"]),
        ("14-s3-arn-under-init-file", &["misplaced-init-arn"]),
        ("15-record-accessor-in-key", &["unreplaced-key-part"]),
        ("16-small-file-large-chunk", &["invalid-s3-chunk-size"]),
        ("17-config-file-on-the-application", &["missing-output-name", "unverifiable-logs"]),
        ("18-tag-parts-hive", &["missing-tag-part"]),
        ("19-datadog-and-own-s3-output", &["unverifiable-logs"]),
        ("20-all-known-options", &[]),
        ("21-interface-endpoint-and-alias", &[]),
        ("27-variable-behind-the-tag", &[]),
        ("29-minimize-log-loss-file", &[]),
        ("30-relative-key", &["relative-s3-key-format", "unverifiable-logs"]),
        ("31-other-store", &["unverifiable-logs"]),
        ("32-time-offset-option", &["unknown-s3-option"]),
        ("37-static-path-with-tag", &["overwritten-log-objects"]),
        ("38-blob-options-on-2-x", &["newer-s3-option"]),
    ] {
        let definition = folder(case).join("definition.json");
        let output = Command::new(env!("CARGO_BIN_EXE_express-deployer"))
            .args(["check", "--format", "json"])
            .arg(&definition)
            .output()
            .unwrap();
        let report: Value = serde_json::from_slice(&output.stdout).unwrap();
        let findings = report.pointer("/files/0/findings").and_then(Value::as_array).unwrap();
        let found: Vec<&str> = findings.iter().map(|finding| finding["rule"].as_str().unwrap()).collect();
        // What has nothing to do with logs.
        let others = ["health-check-tool", "mutable-image"];
        let mut found: Vec<&str> = found.into_iter().filter(|rule| !others.contains(rule)).collect();
        found.dedup();
        assert_eq!(found, rules, "{case}");
    }
}
