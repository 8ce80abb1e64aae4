//! What the function needs to be allowed: a fixed list of runs, every kind of release and every end, against the
//! sandbox, which notes what IAM would check. `tests/fixtures/permissions.json` has the list, by which
//! `.ci/policies.py` judges the template's role. `UPDATE_DOCS=1 cargo test --test it permissions` writes it anew.

#![cfg(test)]

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use express_deployer::aws::{Aws, Clock};
use express_deployer::config::BucketOwners;
use express_deployer::head::Outcome;
use express_deployer::release::Configured;
use regex::Regex;
use sandbox::{DeploymentTimes, Fault, FaultKind, Moment, Options, Permission, Scenario, SecondUpdate};
use serde_json::json;

use crate::edges::STRANGER;
use crate::flow::{FAMILY, STATE, Stage, event, fault, push, push_again, upload, upload_text, with_worker};

const SERVICE: &str = "express-mode-custom-td-f9de";

/// Both bakes in two minutes, so that a run has few looks.
const SHORT: DeploymentTimes = DeploymentTimes { canary_percent: 5.0, canary_bake: 1, bake: 1 };
const AT_ONCE: DeploymentTimes = DeploymentTimes { canary_percent: 100.0, canary_bake: 0, bake: 0 };

fn options(scenario: Scenario) -> Options {
    Options { scenario, deployment: SHORT, ..Options::default() }
}

fn with_fault(fault: Fault) -> Options {
    Options { faults: vec![fault], ..options(Scenario::Good) }
}

/// A run: its name, and everything that IAM checked in it.
type Run = (&'static str, BTreeSet<Permission>);

/// One event, and how its release ends.
async fn run(name: &'static str, stage: Stage, events: &[String], outcome: Outcome) -> Run {
    let mut last = None;
    for event in events {
        last = Some(stage.release(event).await);
    }
    let last = last.unwrap();
    assert_eq!(last.outcome, outcome, "{name}: {last}");
    (name, stage.sandbox.permissions())
}

async fn good(name: &'static str, event: String) -> Run {
    run(name, Stage::with(options(Scenario::Good)).await, &[event], Outcome::Succeeded).await
}

async fn bad(name: &'static str, options: Options, outcome: Outcome) -> Run {
    run(name, Stage::with(options).await, &[push()], outcome).await
}

/// An execution environment reads its configuration before there is any event: in the state bucket, or elsewhere.
async fn configuration() -> Run {
    let stage = Stage::with(options(Scenario::Good)).await;
    let aws = Aws::new(stage.sandbox.sdk_config(), Clock::system());
    let text = include_bytes!("../../deployer.example.toml");
    stage.sandbox.put_object(STATE, "config/deployer.toml", text.to_vec());
    stage.sandbox.put_object("central-config", "deployer.toml", text.to_vec());
    stage.sandbox.give_bucket("central-config", STRANGER);
    let own = "123456789012";
    let places = [(STATE, "config/deployer.toml", own), ("central-config", "deployer.toml", STRANGER)];
    for (bucket, key, owner) in places.into_iter().chain([(STATE, "config/missing.toml", own)]) {
        let aws = aws.expecting(BucketOwners { account: owner.to_owned(), ..BucketOwners::default() });
        let is_read = Configured::from_source(&aws, format!("s3://{bucket}/{key}")).await.read().is_some();
        assert_eq!(is_read, key != "config/missing.toml");
    }
    ("configuration", stage.sandbox.permissions())
}

/// A second container logs to a bucket of another account, in another region.
async fn logs_elsewhere() -> Run {
    let owners = format!("bucket_owners = {{ worker-logs = \"{STRANGER}\" }}\n[[service]]");
    let stage = Stage::with(options(Scenario::Good)).await.configured("[[service]]", &owners);
    let stage = stage.configured("# containers = [\"worker\"]", "containers = [\"worker\"]");
    let places = "log_destinations = [\"bucket=worker-logs\", \"region=eu-west-1\", ";
    let stage = stage.configured("log_destinations = [", places);
    stage.sandbox.give_bucket("worker-logs", STRANGER);
    let event = upload_text(&stage, &with_worker("eu-west-1"));
    run("upload with logs in another account", stage, &[event], Outcome::Succeeded).await
}

async fn two_services() -> Run {
    let second = "arn:aws:ecs:ap-northeast-1:123456789012:service/default/second";
    let stage = Stage::with(options(Scenario::Good)).await;
    let document = stage.sandbox.task_definitions(FAMILY).remove(0);
    stage.sandbox.set_live("second", &document).unwrap();
    let services = format!("[[service]]\narn = \"{second}\"\nrepository = \"{FAMILY}\"\n\n[[service]]");
    let stage = stage.configured("[[service]]", &services);
    let report = stage.play(&push()).await;
    assert!(report.releases.len() == 2 && report.is_well(), "{report}");
    ("push for two services", stage.sandbox.permissions())
}

/// What an execution that was stopped left is taken over: its owner is asked for.
async fn taken_over() -> Run {
    let stop = fault("UpdateExpressGatewayService", 1, Moment::Before, FaultKind::Stop);
    let stage = Stage::with(with_fault(stop)).await;
    stage.play_all(vec![("stopped".into(), push())]).await;
    run("push after a stopped execution", stage, &[push()], Outcome::Succeeded).await
}

async fn waits() -> Run {
    let stage = Stage::with(Options { second_update: SecondUpdate::Refuses, ..options(Scenario::Good) }).await;
    let live = stage.sandbox.task_definitions(FAMILY).into_iter().next_back().unwrap();
    let arn = live["taskDefinitionArn"].as_str().unwrap().to_owned();
    stage.sandbox.deploy_by_hand(SERVICE, &arn).unwrap();
    run("push that waits for a deployment", stage, &[push()], Outcome::Succeeded).await
}

async fn compared() -> Run {
    let stage = Stage::with(options(Scenario::Good)).await;
    let stage = stage.configured("[service.rules]", "[service.verify.compare]\nmargin = 0.05\n[service.rules]");
    run("push whose logs are compared", stage, &[push()], Outcome::Succeeded).await
}

async fn notified() -> Run {
    let stage = Stage::with(options(Scenario::BadLogs)).await;
    let stage = stage.configured("on_failure = \"rollback\"", "on_failure = \"notify\"");
    run("push that only notifies", stage, &[push()], Outcome::Failed).await
}

/// A bucket without versions; the logs do not go to S3.
async fn uploaded() -> Run {
    let stage = Stage::with(options(Scenario::Good)).await.without_proof();
    let event = upload(&stage, "datadog-sidecar");
    run("upload without a version", stage, &[event], Outcome::Succeeded).await
}

async fn uploaded_elsewhere() -> Run {
    let place = ("uploads = \"task-definitions/", "uploads = \"s3://team-uploads/task-definitions/");
    let stage = Stage::with(options(Scenario::Good)).await.configured(place.0, place.1);
    let key = "task-definitions/express-mode-custom-td/firelens.json";
    stage.sandbox.put_object("team-uploads", key, event("task-definitions/firelens.json").into_bytes());
    let gone = event("s3-object-created.json").replace("firelens.json", "deleted.json");
    let events = [gone, upload(&stage, "firelens")].map(|event| event.replace(STATE, "team-uploads"));
    run("uploads to another bucket", stage, &events, Outcome::Succeeded).await
}

async fn missing_document() -> Run {
    let gone = event("s3-object-created.json").replace("firelens.json", "deleted.json");
    run("upload that was deleted", Stage::with(options(Scenario::Good)).await, &[gone], Outcome::Rejected).await
}

/// The document names an image in another registry, which the sandbox does not have.
async fn image_elsewhere() -> Run {
    let stage = Stage::with(options(Scenario::Good)).await;
    let document = event("task-definitions/plain-arm64.json");
    let own = format!("123456789012.dkr.ecr.ap-northeast-1.amazonaws.com/{FAMILY}");
    assert!(document.contains(&own), "{document}");
    let other = format!("{STRANGER}.dkr.ecr.eu-west-1.amazonaws.com/shared/base");
    let event = upload_text(&stage, &document.replace(&own, &other));
    run("upload with an image of another registry", stage, &[event], Outcome::Rejected).await
}

/// Somebody has written a head that no release can have written: its versions are looked at.
async fn forged_head() -> Run {
    let stage = Stage::with(options(Scenario::Good)).await;
    assert_eq!(stage.release(&push()).await.outcome, Outcome::Succeeded);
    stage.put_head(&json!("forged"));
    run("push against a forged head", stage, &[push()], Outcome::Failed).await
}

/// Only its manifest tells that it is a chart; nothing is written about it.
async fn no_image() -> Run {
    let stage = Stage::with(options(Scenario::Good)).await;
    let config = json!({"mediaType": "application/vnd.cncf.helm.config.v1+json", "digest": FAMILY, "size": 2});
    let manifest = json!({"schemaVersion": 2, "config": config, "layers": []}).to_string();
    let digest = stage.sandbox.put_image(FAMILY, &["v8"], manifest.as_bytes());
    let mut event: serde_json::Value =
        serde_json::from_str(&push_again("chart", "2026-07-02T05:00:00Z", "v8")).unwrap();
    event["detail"]["image-digest"] = digest.into();
    let report = stage.play(&event.to_string()).await;
    assert!(report.releases.is_empty() && report.ignored.is_some(), "{report}");
    ("push of a chart", stage.sandbox.permissions())
}

/// Nothing is deployed unless the images of what serves are there, of every container and by tag, too.
async fn way_back() -> Run {
    let stage = Stage::with(options(Scenario::Good)).await;
    let stage = stage.configured("[service.guard]", "[service.guard]\nrequire_way_back = true");
    let mut document = stage.sandbox.task_definitions(FAMILY).remove(0);
    document["containerDefinitions"][0]["image"] = json!(image("v5"));
    stage.sandbox.set_live(SERVICE, &document).unwrap();
    run("push that requires a way back", stage, &[push()], Outcome::Succeeded).await
}

fn image(tag: &str) -> String {
    format!("123456789012.dkr.ecr.ap-northeast-1.amazonaws.com/{FAMILY}:{tag}")
}

/// ECS describes the service without the ARN of its own task definition, and a person's deployment runs.
async fn bare_image() -> Run {
    let stage = Stage::with(Options { names_definitions: false, ..options(Scenario::Good) }).await;
    let stage = stage.configured(&format!("service/default/{SERVICE}"), "service/default/bare");
    stage.sandbox.make_from_image("bare", &image("v5")).unwrap();
    stage.sandbox.deploy_image_by_hand("bare", &image("v6")).unwrap();
    run("push for a service made from a bare image", stage, &[push()], Outcome::Succeeded).await
}

async fn runs() -> Vec<Run> {
    let lost = |operation| with_fault(fault(operation, 1, Moment::After, FaultKind::Drop));
    let denied = with_fault(fault("UpdateExpressGatewayService", 1, Moment::Before, FaultKind::RoleNotPassed));
    let again = |time, tag| push_again("another", time, tag);
    let stage = || async { Stage::with(options(Scenario::Good)).await };
    vec![
        configuration().await,
        good("push", push()).await,
        good("push without an index", event("ecr-image-push-single-manifest.json")).await,
        good("upload", event("s3-object-created.json")).await,
        uploaded().await,
        uploaded_elsewhere().await,
        missing_document().await,
        image_elsewhere().await,
        logs_elsewhere().await,
        two_services().await,
        compared().await,
        waits().await,
        taken_over().await,
        bare_image().await,
        way_back().await,
        forged_head().await,
        no_image().await,
        run("push to another registry", stage().await, &[event("ecr-forwarded-push.json")], Outcome::Rejected).await,
        bad("push whose registration was lost", lost("RegisterTaskDefinition"), Outcome::Succeeded).await,
        bad("push whose update was lost", lost("UpdateExpressGatewayService"), Outcome::Succeeded).await,
        bad("push whose update is denied", denied, Outcome::Failed).await,
        run(
            "push that changes nothing",
            stage().await,
            &[push(), again("2026-07-02T05:00:00Z", "latest")],
            Outcome::NoChange,
        )
        .await,
        run("late push", stage().await, &[push(), again("2026-07-01T00:00:00Z", "v6")], Outcome::Superseded).await,
        run("push that comes twice", stage().await, &[push(), push()], Outcome::Duplicate).await,
        bad("push for another architecture", options(Scenario::Amd64Only), Outcome::Rejected).await,
        bad("push that is stopped", options(Scenario::BadLogs), Outcome::RolledBack).await,
        bad("push that ECS rolls back", options(Scenario::CanaryFails), Outcome::RolledBack).await,
        bad("push that goes back", Options { deployment: AT_ONCE, ..options(Scenario::NoLogs) }, Outcome::RolledBack)
            .await,
        bad("push whose tasks never start", options(Scenario::TaskNeverStarts), Outcome::RolledBack).await,
        notified().await,
    ]
}

/// One row of the list. Ids that AWS draws are not written out: no policy looks at them.
fn row(run: &str, permission: Permission) -> String {
    let Permission { action, resource, mut conditions } = permission;
    let drawn = [
        "(?:service-deployment|service-revision|task)/[^/]+/(?:[^/]+/)?([^/]+)$",
        "/durable-execution/(.+)$",
        // A task's id in the keys of its log objects, and what comes behind it.
        "(?::s3:::|^).*?([0-9a-f]{32}.*)$",
    ];
    let masked = |text: &str| {
        let mut ids = drawn.iter().filter_map(|pattern| Regex::new(pattern).unwrap().captures(text)?.get(1));
        let before = ids.find_map(|id| text.get(..id.start()));
        before.map_or_else(|| text.to_owned(), |before| format!("{before}ID"))
    };
    for value in conditions.values_mut() {
        *value = masked(value);
    }
    serde_json::json!([run, action, masked(&resource), conditions]).to_string()
}

#[tokio::test]
async fn the_function_needs_what_the_list_of_permissions_says() {
    let mut lines = Vec::new();
    for (run, permissions) in runs().await {
        let rows: BTreeSet<String> = permissions.into_iter().map(|permission| row(run, permission)).collect();
        lines.extend(rows);
    }
    let text = format!("[\n{}\n]\n", lines.join(",\n"));
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/permissions.json");
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs::write(&path, &text).unwrap();
    }
    let written = fs::read_to_string(&path).unwrap();
    assert!(written == text, "permissions.json is out of date: UPDATE_DOCS=1 cargo test --test it permissions");
}
