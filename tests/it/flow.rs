//! The whole function against the sandbox, through the production entry path of the durable SDK: successful rollouts,
//! failures, lost responses, crashes.

#![cfg(test)]

use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};

use express_deployer::aws::{Aws, Clock};
use express_deployer::config::Config;
use express_deployer::head::Outcome;
use express_deployer::release::{self, Configured, Deployer};
use express_deployer::report::{ReleaseReport, Report};
use express_deployer::verify::compare::CompareVerdict;
use express_deployer::verify::verification::VerificationStatus;
use sandbox::executions::{Execution, ExecutionOutcome};
use sandbox::{DeploymentTimes, Fault, FaultKind, Moment, Options, Sandbox, Scenario, SecondUpdate};
use serde_json::Value;

pub(crate) const CONFIG: &str = include_str!("../../deployer.example.toml");
pub(crate) const STATE: &str = "deployer-state-123456789012-ap-northeast-1";
pub(crate) const HEAD: &str = "services/123456789012/ap-northeast-1/default/express-mode-custom-td-f9de/head.json";
/// What the example configuration forbids.
const FORBID: &str = "forbid = [\"^thread '.*' panicked at\", \"^FATAL\"]";
pub(crate) const FAMILY: &str = "express-mode-custom-td";

/// A sandbox and the function in front of it.
pub(crate) struct Stage {
    pub(crate) sandbox: Sandbox,
    config: String,
    played: AtomicU32,
}

impl Stage {
    pub(crate) async fn of(scenario: Scenario) -> Self {
        Self::with(Options { scenario, ..Options::default() }).await
    }

    pub(crate) async fn with(options: Options) -> Self {
        Self::before(Sandbox::start(options).await.unwrap())
    }

    /// The function in front of a sandbox that somebody started.
    pub(crate) fn before(sandbox: Sandbox) -> Self {
        Self { sandbox, config: CONFIG.to_owned(), played: AtomicU32::new(0) }
    }

    /// With documents whose logs prove nothing, beside a live revision whose logs do.
    pub(crate) fn without_proof(self) -> Self {
        self.configured("allow = []", "allow = [\"lost-proof\"]")
    }

    pub(crate) fn configured(mut self, from: &str, to: &str) -> Self {
        assert!(self.config.contains(from), "{from}");
        self.config = self.config.replace(from, to);
        self
    }

    /// With other lines in `[service.guard]`, which is the last table of the configuration; `None` for no guard at all.
    pub(crate) fn guarded(mut self, lines: Option<&str>) -> Self {
        let before = self.config.split("[service.guard]").next().unwrap();
        let guard = lines.map(|lines| format!("[service.guard]\n{lines}\n")).unwrap_or_default();
        self.config = format!("{before}{guard}");
        self
    }

    /// Plays events in executions that run side by side.
    pub(crate) async fn play_all(&self, events: Vec<(String, String)>) -> Vec<Execution> {
        let clock = self.sandbox.clock();
        let aws = Aws::new(self.sandbox.sdk_config(), Clock::from_fn(move || clock.now()));
        let config =
            Config::parse(&self.config).map_or_else(|_| Configured::Unusable(self.config.clone()), Configured::from);
        let handler = release::handler(Deployer { config, aws, metrics: |_| {} }).unwrap();
        let executions = self.sandbox.executions().run(&handler, events).await.unwrap();
        self.assert_every_bucket_has_its_owner();
        executions
    }

    /// Every run of every test on this stage ends here: no request may go to a bucket whoever owns it.
    fn assert_every_bucket_has_its_owner(&self) {
        for call in self.sandbox.calls().iter().filter(|call| call.service == "s3") {
            assert!(call.bucket_owner.is_some(), "{call:?}");
        }
    }

    pub(crate) async fn play(&self, event: &str) -> Report {
        let name = format!("play-{}", self.played.fetch_add(1, Ordering::Relaxed));
        let executions = self.play_all(vec![(name, event.to_owned())]).await;
        report(&executions[0])
    }

    /// Plays an event that concerns one service.
    pub(crate) async fn release(&self, event: &str) -> ReleaseReport {
        let mut report = self.play(event).await;
        assert_eq!(report.releases.len(), 1, "{report}");
        report.releases.remove(0)
    }

    pub(crate) fn count(&self, operation: &str) -> usize {
        self.sandbox.calls().iter().filter(|call| call.operation == operation && call.status < 300).count()
    }

    pub(crate) fn head(&self) -> Value {
        self.try_head().unwrap()
    }

    /// Puts another head in its place, as whoever may write it does.
    pub(crate) fn put_head(&self, head: &Value) {
        self.sandbox.put_object(STATE, HEAD, head.to_string().into_bytes());
    }

    pub(crate) fn try_head(&self) -> Option<Value> {
        self.sandbox.object(STATE, HEAD).map(|head| serde_json::from_slice(&head).unwrap())
    }

    /// Deployments since the start; the first one made the seeded revision live.
    fn deployments(&self) -> usize {
        self.sandbox.deployments().len() - 1
    }

    pub(crate) fn revisions(&self) -> usize {
        self.sandbox.task_definitions(FAMILY).len()
    }
}

pub(crate) fn report(execution: &Execution) -> Report {
    match &execution.outcome {
        ExecutionOutcome::Succeeded(result) => serde_json::from_str(result).unwrap(),
        other => panic!("{other:?}"),
    }
}

pub(crate) fn event(file: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("events").join(file)).unwrap()
}

pub(crate) fn push() -> String {
    event("ecr-image-push.json")
}

/// The push event with another id, time and tag.
pub(crate) fn push_again(id: &str, time: &str, tag: &str) -> String {
    let mut event: Value = serde_json::from_str(&push()).unwrap();
    event["id"] = id.into();
    event["time"] = time.into();
    event["detail"]["image-tag"] = tag.into();
    event.to_string()
}

#[tokio::test]
async fn a_pushed_image_becomes_a_verified_release() {
    let stage = Stage::of(Scenario::Good).await;
    let before = stage.revisions();
    let release = stage.release(&push()).await;
    assert_eq!(release.outcome, Outcome::Succeeded, "{release}");
    assert_eq!(release.verification.status, VerificationStatus::Passed, "{release}");
    assert!(release.verification.record.as_ref().unwrap().contains("Starting server"), "{release}");
    assert_eq!(release.changes.len(), 1, "only the image changes: {:?}", release.changes);
    assert_eq!(stage.revisions(), before + 1);
    assert_eq!(stage.count("UpdateExpressGatewayService"), 1);
    let head = stage.head();
    assert_eq!(head["outcome"], "succeeded");
    assert_eq!(head["lastGood"]["taskDefinitionArn"], Value::from(release.task_definition_arn.clone()));
    let stored: ReleaseReport = serde_json::from_slice(&stage.sandbox.object(STATE, &release.key()).unwrap()).unwrap();
    assert_eq!(stored, release);
}

#[tokio::test]
async fn the_new_revision_keeps_every_field_and_tag() {
    let stage = Stage::of(Scenario::Good).await;
    let live = stage.sandbox.task_definitions(FAMILY).into_iter().next_back().unwrap();
    stage.release(&push()).await;
    let new = stage.sandbox.task_definitions(FAMILY).into_iter().next_back().unwrap();
    for (member, value) in live.as_object().unwrap() {
        if ["taskDefinitionArn", "revision", "registeredAt", "containerDefinitions", "tags"].contains(&member.as_str())
        {
            continue;
        }
        assert_eq!(&new[member], value, "{member}");
    }
    let image = |definition: &Value| definition["containerDefinitions"][0]["image"].clone();
    assert_ne!(image(&live), image(&new));
    assert!(image(&new).as_str().unwrap().contains("@sha256:"));
}

#[tokio::test]
async fn an_image_without_an_index_is_released_after_a_look_at_its_configuration() {
    let stage = Stage::of(Scenario::Good).await;
    let release = stage.release(&event("ecr-image-push-single-manifest.json")).await;
    assert_eq!(release.outcome, Outcome::Succeeded, "{release}");
    assert_eq!(stage.count("GetDownloadUrlForLayer"), 1);
}

#[tokio::test]
async fn an_upload_that_would_go_unproven_is_rejected_where_proof_is_asked_for() {
    let stage = Stage::of(Scenario::Good).await;
    let release = stage.release(&upload(&stage, "plain-arm64")).await;
    assert_eq!(release.outcome, Outcome::Rejected, "{release}");
    assert!(release.findings.iter().any(|finding| finding.rule == "lost-proof"), "{release}");
    // Where nothing is asked of the logs, nothing is lost.
    let nothing = Stage::of(Scenario::Good)
        .await
        .configured("expect = [\"Starting server\"]", "")
        .configured(FORBID, "")
        .configured("max_error_ratio = 0.2", "");
    let release = nothing.release(&upload(&nothing, "plain-arm64")).await;
    assert_eq!(release.outcome, Outcome::Succeeded, "{release}");
}

#[tokio::test]
async fn every_task_definition_of_the_article_deploys_by_upload() {
    for file in ["plain-arm64", "datadog-sidecar", "health-check", "firelens"] {
        let stage = Stage::of(Scenario::Good).await.without_proof();
        let release = stage.release(&upload(&stage, file)).await;
        assert_eq!(release.outcome, Outcome::Succeeded, "{file}: {release}");
        let expected = if file == "firelens" { VerificationStatus::Passed } else { VerificationStatus::NotConfigured };
        assert_eq!(release.verification.status, expected, "{file}: {release}");
        assert!(release.image.unwrap().after.contains("@sha256:"), "{file}: the tag is pinned");
    }
}

/// The article's definition with another value for an option of its S3 output.
fn with_log_option(option: &str, value: &str) -> String {
    let mut document: Value = serde_json::from_str(&event("task-definitions/firelens.json")).unwrap();
    for container in document["containerDefinitions"].as_array_mut().unwrap() {
        if container["logConfiguration"]["logDriver"] == "awsfirelens" {
            container["logConfiguration"]["options"][option] = value.into();
        }
    }
    document.to_string()
}

#[tokio::test]
async fn logs_are_read_in_every_compression() {
    for compression in ["gzip", "zstd", "snappy", "none"] {
        let stage = Stage::of(Scenario::Good).await;
        let release = stage.release(&upload_text(&stage, &with_log_option("compression", compression))).await;
        assert_eq!(release.outcome, Outcome::Succeeded, "{compression}: {release}");
        assert_eq!(release.verification.status, VerificationStatus::Passed, "{compression}: {release}");
    }
}

#[tokio::test]
async fn logs_are_found_under_every_layout_of_keys() {
    for format in [
        "/logs/%Y/%m/%d/%H/%M/$TAG/$UUID.gz",
        "/logs/%Y/%m/%d/%H/$UUID",
        "/%F/$TAG[2]/$INDEX",
        "/year=%Y/month=%m/day=%d/$TAG-%H%M",
    ] {
        let stage = Stage::of(Scenario::Good).await;
        let release = stage.release(&upload_text(&stage, &with_log_option("s3_key_format", format))).await;
        assert_eq!(release.verification.status, VerificationStatus::Passed, "{format}: {release}");

        let silent = Stage::of(Scenario::NoLogs).await;
        let release = silent.release(&upload_text(&silent, &with_log_option("s3_key_format", format))).await;
        assert_eq!(release.outcome, Outcome::RolledBack, "{format}: the old revision's logs prove nothing: {release}");
    }
}

#[tokio::test]
async fn strangers_under_the_same_prefix_are_passed_by_a_page_a_look() {
    let stage = Stage::of(Scenario::Good).await;
    for number in 0..3_500 {
        stage.sandbox.put_object("your-log-bucket", &format!("2026-07-02/+{number:05}"), b"{}".to_vec());
    }
    let release = stage.release(&upload_text(&stage, &with_log_option("s3_key_format", "/%F/$UUID"))).await;
    assert_eq!(release.verification.status, VerificationStatus::Passed, "{release}");
}

#[tokio::test]
async fn too_many_errors_roll_the_canary_back() {
    let stage = Stage::of(Scenario::ErrorLogs).await;
    let release = stage.release(&push()).await;
    assert_eq!(release.outcome, Outcome::RolledBack, "{release}");
    let verification = release.verification;
    assert!(verification.detail.as_ref().unwrap().contains("at most 20 % may be"), "{verification}");
    let levels = verification.levels.unwrap();
    assert!(levels.error * 5 > levels.total() && levels.total() >= 20, "{levels}");
    assert!((1..=5).contains(&verification.errors.len()), "{verification}");
    assert!(verification.errors.iter().all(|error| error.contains("no route to the database")), "{verification}");
    assert_eq!(stage.sandbox.deployments().last().unwrap()["status"], "ROLLBACK_SUCCESSFUL");
}

const COMPARED: &str = "[service.verify.compare]\nmargin = 0.05\n[service.rules]";

#[tokio::test]
async fn a_revision_that_logs_worse_than_the_old_one_beside_it_rolls_back() {
    let stage = Stage::of(Scenario::ErrorLogs).await.configured("max_error_ratio = 0.2", "");
    let stage = stage.configured("[service.rules]", COMPARED);
    let release = stage.release(&push()).await;
    assert_eq!(release.outcome, Outcome::RolledBack, "{release}");
    let verification = release.verification;
    assert_eq!(verification.comparison.unwrap().decision, CompareVerdict::Worse, "{verification}");
    let (new, old) = (verification.levels.unwrap(), verification.previous_levels.unwrap());
    assert!(new.error > 10 && old.error == 0 && old.total() >= 50, "{verification}");
}

#[tokio::test]
async fn too_few_records_of_either_revision_compare_nothing() {
    let stage = Stage::of(Scenario::Good).await.configured("[service.rules]", COMPARED);
    let release = stage.release(&push()).await;
    assert_eq!(release.outcome, Outcome::Succeeded, "{release}");
    assert_eq!(release.verification.comparison.unwrap().decision, CompareVerdict::TooFew, "{release}");
}

#[tokio::test]
async fn a_service_that_prints_nothing_is_left_as_it_is_and_reported() {
    let silent = |on_silence: &'static str| async move {
        let stage = Stage::of(Scenario::NoLogs).await.configured("expect = [\"Starting server\"]", "");
        let stage = stage.configured("on_silence = \"inconclusive\"", on_silence);
        let release = stage.release(&push()).await;
        (release.outcome, release.verification.status)
    };
    assert_eq!(silent("on_silence = \"inconclusive\"").await, (Outcome::Failed, VerificationStatus::Inconclusive));
    assert_eq!(silent("on_silence = \"pass\"").await, (Outcome::Succeeded, VerificationStatus::Passed));
    assert_eq!(silent("on_silence = \"fail\"").await, (Outcome::RolledBack, VerificationStatus::Failed));
}

/// The article's definition with a second container that logs to a bucket of its own.
pub(crate) fn with_worker(region: &str) -> String {
    let mut document: Value = serde_json::from_str(&event("task-definitions/firelens.json")).unwrap();
    let containers = document["containerDefinitions"].as_array_mut().unwrap();
    let mut worker = containers.iter().find(|container| container["name"] == "Main").unwrap().clone();
    worker["name"] = "worker".into();
    worker["logConfiguration"]["options"]["bucket"] = "worker-logs".into();
    worker["logConfiguration"]["options"]["region"] = region.into();
    worker.as_object_mut().unwrap().retain(|member, _| !["portMappings", "healthCheck"].contains(&member.as_str()));
    containers.push(worker);
    document.to_string()
}

#[tokio::test]
async fn each_container_is_verified_by_its_own_output() {
    let sidecars = |stage: Stage| {
        let stage = stage.configured("# containers = [\"worker\"]", "containers = [\"worker\"]");
        stage.configured("\"bucket=your-log-bucket\"", "\"bucket=*-log*\", \"region=*\"")
    };
    let stage = sidecars(Stage::of(Scenario::Good).await);
    stage.sandbox.put_object("worker-logs", "logs/of/others", Vec::new());
    let release = stage.release(&upload_text(&stage, &with_worker("eu-west-1"))).await;
    assert_eq!(release.verification.status, VerificationStatus::Passed, "{release}");
    let listed = |bucket: &str| stage.sandbox.calls().iter().any(|call| call.resource.contains(bucket));
    assert!(listed("your-log-bucket") && listed("worker-logs"));

    let without = sidecars(Stage::of(Scenario::Good).await);
    let release = without.release(&push()).await;
    assert_eq!(release.verification.status, VerificationStatus::NotVerifiable, "{release}");
    assert!(release.verification.detail.unwrap().contains("`worker`"));
}

/// The S3 calls of a release about its logs: how many listings, and the keys that were read.
fn log_calls(stage: &Stage) -> (usize, Vec<String>) {
    let calls = stage.sandbox.calls();
    let of_logs = || calls.iter().filter(|call| call.resource.contains("your-log-bucket"));
    let listings = of_logs().filter(|call| call.operation == "ListObjectsV2").count();
    let read = of_logs().filter(|call| call.operation == "GetObject").map(|call| call.resource.clone()).collect();
    (listings, read)
}

#[tokio::test]
async fn a_million_other_keys_cost_no_request_and_each_object_is_read_once() {
    let alone = Stage::of(Scenario::Good).await;
    alone.release(&push()).await;
    let crowded = Stage::of(Scenario::Good).await;
    for number in 0..1_000_000_u32 {
        let other = number.wrapping_mul(0x9e37_79b9);
        let key = format!("logs/Main-firelens-{other:032x}/2026/07/02/03/{:02}/{number:08}.gz", number % 60);
        crowded.sandbox.put_object("your-log-bucket", &key, Vec::new());
    }
    let release = crowded.release(&push()).await;
    assert_eq!(release.verification.status, VerificationStatus::Passed, "{release}");
    let (listings, mut read) = log_calls(&crowded);
    assert_eq!((listings, read.len()), (log_calls(&alone).0, log_calls(&alone).1.len()));
    let count = read.len();
    read.sort_unstable();
    read.dedup();
    assert_eq!(read.len(), count, "an object was read twice");
}

#[tokio::test]
async fn a_large_object_in_the_way_is_read_to_its_limit_and_what_comes_after_still_counts() {
    let stage = Stage::of(Scenario::Good).await;
    let known = stage.release(&push()).await.verification.object.unwrap();
    let (folder, _) = known.strip_prefix("s3://your-log-bucket/").unwrap().rsplit_once('/').unwrap();

    // The same events make the same tasks; the object lies there before their own ones do.
    let stage = Stage::of(Scenario::Good).await;
    let line = format!("{{\"log\":\"{}\",\"container_name\":\"log-router\"}}\n", "x".repeat(60_000));
    stage.sandbox.put_object("your-log-bucket", &format!("{folder}/00000000.gz"), line.repeat(1_750).into_bytes());
    let release = stage.release(&push()).await;
    assert_eq!(release.verification.status, VerificationStatus::Passed, "{release}");
    assert!(release.verification.problems[0].contains("only the first 67108864 decoded bytes"), "{release}");
}

/// Puts a document of `events/task-definitions` where its event says, and gives the event.
pub(crate) fn upload(stage: &Stage, file: &str) -> String {
    upload_text(stage, &event(&format!("task-definitions/{file}.json")))
}

pub(crate) fn upload_text(stage: &Stage, document: &str) -> String {
    let mut event: Value = serde_json::from_str(&event("s3-object-created.json")).unwrap();
    let key = event["detail"]["object"]["key"].as_str().unwrap().to_owned();
    let bucket = event["detail"]["bucket"]["name"].as_str().unwrap().to_owned();
    stage.sandbox.put_object(&bucket, &key, document.as_bytes().to_vec());
    let object = event["detail"]["object"].as_object_mut().unwrap();
    object.remove("version-id");
    object.remove("etag");
    event.to_string()
}

#[tokio::test]
async fn what_is_live_already_is_no_change() {
    let stage = Stage::of(Scenario::Good).await;
    assert_eq!(stage.release(&push()).await.outcome, Outcome::Succeeded);
    let revisions = stage.revisions();
    let release = stage.release(&push_again("another", "2026-07-02T05:00:00Z", "latest")).await;
    assert_eq!(release.outcome, Outcome::NoChange, "{release}");
    assert_eq!(stage.revisions(), revisions);
}

#[tokio::test]
async fn logs_that_do_not_come_roll_the_canary_back() {
    let stage = Stage::of(Scenario::NoLogs).await;
    let release = stage.release(&push()).await;
    assert_eq!(release.outcome, Outcome::RolledBack, "{release}");
    assert_eq!(release.verification.status, VerificationStatus::Failed);
    assert_eq!(stage.head()["outcome"], "rolled_back");
}

#[tokio::test]
async fn a_forbidden_record_stops_the_canary_while_it_runs() {
    let stage = Stage::of(Scenario::BadLogs).await;
    let release = stage.release(&push()).await;
    assert_eq!(release.outcome, Outcome::RolledBack, "{release}");
    assert!(release.reason.as_ref().unwrap().contains("panicked at"), "{release}");
    assert_eq!(stage.count("StopServiceDeployment"), 1);
    assert_eq!(stage.count("UpdateExpressGatewayService"), 1, "no second deployment was needed");
}

#[tokio::test]
async fn a_failed_verification_only_tells_where_notify_is_configured() {
    let stage = Stage::of(Scenario::BadLogs).await.configured("on_failure = \"rollback\"", "on_failure = \"notify\"");
    let release = stage.release(&push()).await;
    assert_eq!(release.outcome, Outcome::Failed, "{release}");
    assert_eq!(stage.count("StopServiceDeployment"), 0);
}

#[tokio::test]
async fn a_canary_that_raises_an_alarm_is_reported_with_it() {
    let stage = Stage::of(Scenario::CanaryFails).await;
    let release = stage.release(&push()).await;
    assert_eq!(release.outcome, Outcome::RolledBack, "{release}");
    assert!(!release.rollout.unwrap().triggered_alarms.is_empty());
}

#[tokio::test]
async fn a_task_that_never_starts_is_reported_with_its_exit_code() {
    let stage = Stage::of(Scenario::TaskNeverStarts).await;
    let release = stage.release(&push()).await;
    assert_eq!(release.outcome, Outcome::RolledBack, "{release}");
    let rollout = release.rollout.unwrap();
    assert!(!rollout.stopped_tasks.is_empty());
    assert!(rollout.circuit_breaker.unwrap().failures > 0);
}

#[tokio::test]
async fn an_image_for_another_architecture_is_rejected_before_anything_is_registered() {
    let stage = Stage::of(Scenario::Amd64Only).await;
    let before = stage.revisions();
    let release = stage.release(&push()).await;
    assert_eq!(release.outcome, Outcome::Rejected, "{release}");
    assert_eq!(stage.revisions(), before);
    assert_eq!(stage.count("UpdateExpressGatewayService"), 0);
}

#[tokio::test]
async fn what_ecs_refuses_is_told_with_the_help_of_the_rule_that_had_warned() {
    let stage = Stage::of(Scenario::Good).await;
    let mut document: Value =
        serde_json::from_str(include_str!("../../events/task-definitions/firelens.json")).unwrap();
    document["containerDefinitions"][0]["stopTimeout"] = serde_json::json!(300);
    let release = stage.release(&upload_text(&stage, &document.to_string())).await;
    assert_eq!(release.outcome, Outcome::Failed, "{release}");
    let reason = release.reason.unwrap();
    assert!(reason.contains("is refused (ClientException"), "{reason}");
    assert!(reason.contains("`out-of-range-timeout` had warned: "), "{reason}");
}

#[tokio::test]
async fn documents_that_are_none_are_rejected_with_their_place() {
    let stage = Stage::of(Scenario::Good).await;
    let (large, long) = (format!(r#"{{"family": "{}"}}"#, "x".repeat(70_000)), " ".repeat(1_100_000));
    for (document, word) in [("{\n  \"family\" 1\n}", "line 2"), ("[]", "array"), (&large, "65536"), (&long, "1048576")]
    {
        let release = stage.release(&upload_text(&stage, document)).await;
        assert_eq!(release.outcome, Outcome::Rejected, "{release}");
        assert!(release.findings[0].message.contains(word), "{release}");
    }
    assert_eq!(stage.count("RegisterTaskDefinition"), 0);
}

#[tokio::test]
async fn a_second_delivery_is_a_duplicate_and_registers_nothing() {
    let stage = Stage::of(Scenario::Good).await;
    let before = stage.revisions();
    let executions = stage.play_all(vec![("a".into(), push()), ("b".into(), push())]).await;
    let mut outcomes: Vec<String> =
        executions.iter().map(|execution| report(execution).releases[0].outcome.to_string()).collect();
    outcomes.sort();
    assert_eq!(outcomes, ["duplicate", "succeeded"]);
    assert_eq!(stage.revisions(), before + 1);
    let stored = stage.sandbox.objects(STATE).into_iter().filter(|key| key.starts_with("releases/")).count();
    assert_eq!(stored, 1, "the report is written once");
}

#[tokio::test]
async fn two_tags_of_one_push_are_one_release() {
    let stage = Stage::of(Scenario::Good).await;
    let events = vec![("a".into(), push()), ("b".into(), push_again("b", "2026-07-02T03:10:06Z", "latest"))];
    let executions = stage.play_all(events).await;
    let well = executions.iter().all(|execution| report(execution).is_well());
    assert!(well);
    assert_eq!(stage.count("UpdateExpressGatewayService"), 1);
}

#[tokio::test]
async fn an_older_event_that_comes_late_is_superseded() {
    let stage = Stage::of(Scenario::Good).await;
    assert_eq!(stage.release(&event("ecr-image-push-single-manifest.json")).await.outcome, Outcome::Succeeded);
    let release = stage.release(&push_again("old", "2026-07-01T00:00:00Z", "v6")).await;
    assert_eq!(release.outcome, Outcome::Superseded, "{release}");
}

#[tokio::test]
async fn one_push_releases_every_service_that_takes_it() {
    let stage = Stage::of(Scenario::Good).await;
    let document = stage.sandbox.task_definitions(FAMILY).remove(0);
    stage.sandbox.set_live("second", &document).unwrap();
    let second = "arn:aws:ecs:ap-northeast-1:123456789012:service/default/second";
    let config =
        format!("{}\n[[service]]\narn = \"{second}\"\nrepository = \"express-mode-custom-td\"\n", stage.config);
    let report = Stage { config, ..stage }.play(&push()).await;
    let outcomes: Vec<Outcome> = report.releases.iter().map(|release| release.outcome).collect();
    assert_eq!(outcomes, [Outcome::Succeeded, Outcome::Succeeded], "{report}");
    assert_ne!(
        report.releases[0].task_definition_arn, report.releases[1].task_definition_arn,
        "each has a revision of its own"
    );
}

#[tokio::test]
async fn several_services_are_released_side_by_side_and_one_failure_loses_no_other() {
    let stage = Stage::of(Scenario::Good).await;
    let second = "\n[[service]]\narn = \"arn:aws:ecs:ap-northeast-1:123456789012:service/default/missing\"\nrepository = \"express-mode-custom-td\"\n";
    let stage = Stage { config: format!("{}{second}", stage.config), ..stage };
    let report = stage.play(&push()).await;
    let outcomes: Vec<Outcome> = report.releases.iter().map(|release| release.outcome).collect();
    assert_eq!(outcomes, [Outcome::Succeeded, Outcome::Failed], "{report}");
    assert!(report.releases[1].reason.as_ref().unwrap().contains("service/default/missing: not found"), "{report}");
}

const OPERATIONS: [&str; 12] = [
    "DescribeExpressGatewayService",
    "ListServiceDeployments",
    "DescribeTaskDefinition",
    "BatchGetImage",
    "GetObject",
    "PutObject",
    "RegisterTaskDefinition",
    "UpdateExpressGatewayService",
    "DescribeServiceDeployments",
    "ListTasks",
    "DescribeTasks",
    "ListObjectsV2",
];

pub(crate) fn fault(operation: &str, nth: u32, moment: Moment, kind: FaultKind) -> Fault {
    Fault { operation: operation.to_owned(), nth, times: 1, moment, kind }
}

#[tokio::test]
async fn trouble_on_any_call_still_ends_with_one_revision_one_update_and_success() {
    let troubles = [
        (Moment::Before, FaultKind::Throttle),
        (Moment::Before, FaultKind::ServerError),
        (Moment::After, FaultKind::ServerError),
        (Moment::Before, FaultKind::Drop),
        (Moment::After, FaultKind::Drop),
    ];
    // A second call of an operation is another place in the flow; the lost answer is the trouble that asks most of it.
    let first = troubles.map(|trouble| (1, trouble));
    let second = (2, (Moment::After, FaultKind::Drop));
    for operation in OPERATIONS {
        for (nth, (moment, kind)) in first.into_iter().chain([second]) {
            let faults = vec![fault(operation, nth, moment, kind)];
            let stage = Stage::with(Options { faults, ..Options::default() }).await;
            let before = stage.revisions();
            let release = stage.release(&push()).await;
            let case = format!("{operation} {nth} {moment:?} {kind:?}: {release}");
            assert_eq!(release.outcome, Outcome::Succeeded, "{case}");
            assert_eq!(stage.revisions(), before + 1, "{case}");
            assert_eq!(stage.deployments(), 1, "{case}");
        }
    }
}

#[tokio::test]
async fn a_denied_call_ends_the_release_with_the_action_and_no_storm() {
    let actions = [
        ("DescribeExpressGatewayService", "ecs:DescribeExpressGatewayService"),
        ("ListServiceDeployments", "ecs:ListServiceDeployments"),
        ("DescribeTaskDefinition", "ecs:DescribeTaskDefinition"),
        ("BatchGetImage", "ecr:BatchGetImage"),
        ("RegisterTaskDefinition", "ecs:RegisterTaskDefinition"),
        ("UpdateExpressGatewayService", "ecs:UpdateExpressGatewayService"),
        ("DescribeServiceDeployments", "ecs:DescribeServiceDeployments"),
        ("ListTasks", "ecs:ListTasks"),
        ("ListObjectsV2", "s3:ListBucket"),
    ];
    for (operation, action) in actions {
        let fault = Fault { times: 1_000, ..fault(operation, 1, Moment::Before, FaultKind::AccessDenied) };
        let stage = Stage::with(Options { faults: vec![fault], ..Options::default() }).await;
        let release = stage.release(&push()).await;
        assert_eq!(release.outcome, Outcome::Failed, "{operation}: {release}");
        assert!(release.reason.as_ref().unwrap().contains(action), "{operation}: {release}");
        let asked =
            stage.sandbox.calls().iter().filter(|call| call.operation == operation && call.status >= 400).count();
        // What is only looked at may be allowed again within a quarter of an hour; before the update a denial ends the
        // release.
        let is_watched = ["DescribeServiceDeployments", "ListTasks", "ListObjectsV2"].contains(&operation);
        assert!(asked <= if is_watched { 60 } else { 2 }, "{operation} was asked {asked} times");
    }
}

#[tokio::test]
async fn a_second_delivery_leaves_the_report_to_the_release_that_works() {
    let stage = Stage::of(Scenario::Good).await;
    stage.play_all(vec![("a".into(), push()), ("b".into(), push())]).await;
    let key = stage.sandbox.objects(STATE).into_iter().find(|key| key.starts_with("releases/")).unwrap();
    let stored: ReleaseReport = serde_json::from_slice(&stage.sandbox.object(STATE, &key).unwrap()).unwrap();
    assert_eq!(stored.outcome, Outcome::Succeeded, "{stored}");
}

#[tokio::test]
async fn a_deployment_that_is_listed_late_is_still_followed() {
    let fault = Fault { times: 3, ..fault("ListServiceDeployments", 2, Moment::Before, FaultKind::Stale) };
    let stage = Stage::with(Options { faults: vec![fault], ..Options::default() }).await;
    let release = stage.release(&push()).await;
    assert_eq!(release.outcome, Outcome::Succeeded, "{release}");
}

#[tokio::test]
async fn no_environment_value_reaches_the_report() {
    let stage = Stage::of(Scenario::Good).await.without_proof();
    let secret = "hunter2-and-more";
    let document = event("task-definitions/datadog-sidecar.json").replace("\"true\"", &format!("\"{secret}\""));
    assert!(document.contains(secret));
    let release = stage.release(&upload_text(&stage, &document)).await;
    assert_eq!(release.outcome, Outcome::Succeeded, "{release}");
    assert!(!release.to_string().contains(secret) && !serde_json::to_string(&release).unwrap().contains(secret));
}

#[tokio::test]
async fn a_good_release_costs_six_checkpoints_and_two_for_each_look() {
    // 400 s: both bakes, and what starting and cleaning up take.
    let deployment = DeploymentTimes { canary_bake: 2, bake: 2, ..DeploymentTimes::default() };
    let stage = Stage::with(Options { deployment, ..Options::default() }).await;
    let executions = stage.play_all(vec![("a".into(), push())]).await;
    let execution = &executions[0];
    let release = report(execution).releases.remove(0);
    assert_eq!(release.outcome, Outcome::Succeeded);
    let (began, ended) = (release.timeline.first().unwrap().at, release.timeline.last().unwrap().at);
    println!("{} s: {execution:?}", ended.duration_since(began).as_secs());
    assert_eq!(execution.operations.len(), 4, "recognise, deploy, follow, report: {:?}", execution.operations);
    let looks = execution.metered - 3;
    assert!(execution.checkpoints <= 6 + 2 * looks, "{} for {looks} looks", execution.checkpoints);
    assert!(execution.checkpoints <= 38, "{}", execution.checkpoints);
    assert!(execution.invocations <= 16, "{}", execution.invocations);
}

#[tokio::test]
async fn what_a_stopped_execution_left_is_taken_over_by_the_next_delivery() {
    for operation in ["RegisterTaskDefinition", "UpdateExpressGatewayService", "DescribeServiceDeployments"] {
        for moment in [Moment::Before, Moment::After] {
            let stop = fault(operation, 1, moment, FaultKind::Stop);
            let stage = Stage::with(Options { faults: vec![stop], ..Options::default() }).await;
            let before = stage.revisions();
            let stopped = stage.play_all(vec![("first".into(), push())]).await;
            let case = format!("{operation} {moment:?}");
            assert_eq!(stopped[0].outcome, ExecutionOutcome::Stopped, "{case}");
            let release = stage.release(&push()).await;
            assert_eq!(release.outcome, Outcome::Succeeded, "{case}: {release}");
            assert_eq!((stage.revisions(), stage.deployments()), (before + 1, 1), "{case}: {release}");
        }
    }
}

#[tokio::test]
async fn a_release_that_was_denied_is_tried_again_by_the_same_event() {
    let denied = fault("UpdateExpressGatewayService", 1, Moment::Before, FaultKind::AccessDenied);
    let stage = Stage::with(Options { faults: vec![denied], ..Options::default() }).await;
    let before = stage.revisions();
    assert_eq!(stage.release(&push()).await.outcome, Outcome::Failed);
    assert_eq!(stage.head()["phase"], "ended");
    let release = stage.release(&push()).await;
    assert_eq!(release.outcome, Outcome::Succeeded, "{release}");
    assert_eq!(stage.deployments(), 1, "{release}");
    assert_eq!(stage.revisions(), before + 1, "{release}");
}

#[tokio::test]
async fn an_update_that_is_refused_while_a_deployment_runs_waits_for_its_end() {
    let options = Options { second_update: SecondUpdate::Refuses, ..Options::default() };
    let stage = Stage::with(options).await;
    let live = stage.sandbox.task_definitions(FAMILY).into_iter().next_back().unwrap();
    let arn = live["taskDefinitionArn"].as_str().unwrap();
    stage.sandbox.deploy_by_hand("express-mode-custom-td-f9de", arn).unwrap();
    let release = stage.release(&push()).await;
    assert_eq!(release.outcome, Outcome::Succeeded, "{release}");
    assert_eq!(stage.deployments(), 2, "{release}");
}

#[tokio::test]
async fn a_new_event_fails_with_the_problems_of_the_configuration() {
    let stage = Stage::of(Scenario::Good).await.configured("[[service]]", "[[service]]\nrepositry = \"web\"");
    let executions = stage.play_all(vec![("a".into(), push())]).await;
    let ExecutionOutcome::Failed { message, .. } = &executions[0].outcome else { panic!("{executions:?}") };
    assert!(message.contains("repositry"), "{message}");
}

#[tokio::test]
async fn one_repository_or_prefix_with_too_many_services_is_a_problem_that_names_the_number() {
    let service = |number| {
        format!(
            "\n[[service]]\narn = \"arn:aws:ecs:ap-northeast-1:123456789012:service/default/s{number}\"\nrepository = \"express-mode-custom-td\"\n"
        )
    };
    let stage = Stage::of(Scenario::Good).await;
    for (more, is_refused) in [(19, false), (20, true)] {
        let config = stage.config.clone() + &(0..more).map(service).collect::<String>();
        let problems = Config::parse(&config).err().map(|problems| problems.to_string()).unwrap_or_default();
        assert_eq!(problems.contains("21 services") && problems.contains("can release 20"), is_refused, "{problems}");
    }
    assert!(stage.sandbox.calls().is_empty());
}

/// The event with another time.
fn at(event: &str, time: &str) -> String {
    let mut event: Value = serde_json::from_str(event).unwrap();
    event["time"] = time.into();
    event.to_string()
}

#[tokio::test]
async fn an_event_from_the_future_counts_as_of_now_and_says_so() {
    let stage = Stage::of(Scenario::Good).await;
    let ahead = stage.release(&at(&push(), "2026-12-24T00:00:00Z")).await;
    assert_eq!(ahead.outcome, Outcome::Succeeded, "{ahead}");
    let said = ahead.timeline.iter().any(|moment| moment.detail.contains("ahead of the clock"));
    assert!(said, "{ahead}");
    let next = stage.release(&at(&event("ecr-image-push-single-manifest.json"), "2026-11-23T10:05:00Z")).await;
    assert_eq!(next.outcome, Outcome::Succeeded, "what is pushed after it wins: {next}");
    assert!(next.timeline.iter().all(|moment| !moment.detail.contains("ahead of the clock")), "{next}");
}

#[tokio::test]
async fn an_upload_that_a_push_superseded_is_loud_and_one_that_a_newer_upload_superseded_is_not() {
    for (newer, is_loud) in [(true, true), (false, false)] {
        let stage = Stage::of(Scenario::Good).await;
        let push = at(&event("ecr-image-push-single-manifest.json"), "2026-11-23T10:00:00Z");
        let newest = if newer { push } else { at(&upload(&stage, "firelens"), "2026-11-23T10:00:00Z") };
        let by = stage.release(&newest).await;
        assert!([Outcome::Succeeded, Outcome::NoChange].contains(&by.outcome), "{by}");
        let late = stage.release(&at(&upload(&stage, "datadog-sidecar"), "2026-11-23T09:00:00Z")).await;
        assert_eq!(late.outcome, Outcome::Superseded, "{late}");
        assert_eq!(late.attention.is_some(), is_loud, "{late}");
        assert!(late.reason.as_ref().unwrap().contains(&by.release.to_string()), "it names by what: {late}");
    }
}

#[tokio::test]
async fn a_release_under_way_goes_on_when_the_configuration_breaks() {
    let stage = Stage::of(Scenario::Good).await;
    let clock = stage.sandbox.clock();
    let aws = Aws::new(stage.sandbox.sdk_config(), Clock::from_fn(move || clock.now()));
    let handler = |config| release::handler(Deployer { config, aws: aws.clone(), metrics: |_| {} }).unwrap();
    let (good, broken) = (handler(Config::parse(CONFIG).unwrap().into()), handler(Configured::Unusable("?".into())));
    let invocations = AtomicU32::new(0);
    let both = move |event| {
        let is_first = invocations.fetch_add(1, Ordering::Relaxed) == 0;
        if is_first { good(event) } else { broken(event) }
    };
    let executions = stage.sandbox.executions().run(&both, vec![("a".into(), push())]).await.unwrap();
    assert!(executions[0].invocations > 3);
    assert_eq!(report(&executions[0]).releases[0].outcome, Outcome::Succeeded);
}

/// A person deploys while an update is on the wire: the release's own, or the one that leads back. The process dies
/// after that call, after what is written of it, or before any checkpoint.
#[tokio::test]
async fn what_a_person_deployed_at_the_same_second_is_named_also_after_a_crash() {
    const AT_ONCE: DeploymentTimes = DeploymentTimes { canary_percent: 100.0, canary_bake: 0, bake: 0 };
    let way_back = Options { scenario: Scenario::NoLogs, deployment: AT_ONCE, ..Options::default() };
    for (options, update, expected) in [(Options::default(), 1, Outcome::Succeeded), (way_back, 2, Outcome::RolledBack)]
    {
        let (call, mut replaced) = (("UpdateExpressGatewayService", update), 0);
        let after = [call, ("PutObject", 2 * update + 1)].map(|(operation, nth)| (operation, nth, Moment::After));
        let checkpoints = (1..=26).map(|nth| ("CheckpointDurableExecution", nth, Moment::Before));
        for (operation, nth, moment) in after.into_iter().chain(checkpoints) {
            let stage = Stage::with(options.clone()).await;
            stage.sandbox.inject(fault(call.0, update, Moment::Before, FaultKind::ByHand));
            stage.sandbox.inject(fault(operation, nth, moment, FaultKind::Crash));
            let release = stage.release(&push()).await;
            let case = format!("update {update}, crash {moment:?} {operation} {nth}: {release}");
            assert_eq!(release.outcome, expected, "{case}");
            // A bad canary that is seen before it is through is stopped: nothing leads back then.
            let deployments = stage.sandbox.deployments();
            let Some(by_hand) = deployments.get(usize::try_from(update).unwrap()) else { continue };
            let persons = by_hand["taskDefinition"].as_str().unwrap();
            let said = release.attention.iter().chain(&release.reason).map(ToString::to_string).collect::<String>();
            assert!(said.contains(&format!("{persons}, deployed by somebody else")), "{case}");
            replaced += 1;
        }
        assert!(replaced > 10, "{replaced}");
    }
}

#[tokio::test]
async fn what_was_verified_after_a_newer_release_had_led_the_service_back_says_so() {
    let stage = Stage::of(Scenario::Good).await;
    // A newer release has taken the service, failed, and gone back past this one while it was still verified.
    let lead_back = async {
        let mut head = loop {
            match stage.try_head().filter(|head| head["phase"] == "deploying") {
                Some(head) => break head,
                None => tokio::task::yield_now().await,
            }
        };
        let (me, back) = (head["owner"].clone(), head["base"]["taskDefinitionArn"].clone());
        head["owner"]["execution"] = format!("{}-another", me["execution"].as_str().unwrap()).into();
        head["owner"]["release"] = "20260702T031105Z-00000000".into();
        head["phase"] = "ended".into();
        head["outcome"] = "rolled_back".into();
        head["displaced"] = serde_json::json!([
            {"execution": me["execution"], "release": me["release"], "ledBackToArn": back}
        ]);
        stage.sandbox.put_object(STATE, HEAD, head.to_string().into_bytes());
        back.as_str().unwrap().to_owned()
    };
    let event = push();
    let (report, back) = tokio::join!(stage.release(&event), lead_back);
    assert_eq!(report.outcome, Outcome::Succeeded, "{report}");
    assert!(report.attention.as_ref().is_some_and(|attention| attention.contains(&back)), "{report}");
    let stored: Value = serde_json::from_slice(&stage.sandbox.object(STATE, &report.key()).unwrap()).unwrap();
    assert_eq!(stored["attention"], *report.attention.unwrap(), "the stored report says it as well");
}

/// What a task said last is worth the most, and it is listed as stopped by then.
#[tokio::test]
async fn a_canary_that_panics_and_dies_is_rolled_back_while_it_has_its_share_of_the_traffic() {
    let stage = Stage::of(Scenario::CanaryDies).await;
    let release = stage.release(&push()).await;
    assert_eq!((release.outcome, release.verification.status), (Outcome::RolledBack, VerificationStatus::Failed));
    let detail = release.verification.detail.as_ref().unwrap().to_string();
    assert!(detail.contains("panicked at src/cart.rs"), "{detail}");
    assert!(!release.to_string().contains("shifted: 100 %"), "{release}");
    assert_eq!(stage.count("StopServiceDeployment"), 1, "{release}");
}

/// The article's definition with keys by date alone, under which every task's objects lie side by side.
async fn release_with_keys_by_date(scenario: Scenario) -> ReleaseReport {
    let stage = Stage::of(scenario).await;
    let document = with_log_option("s3_key_format", "/logs/%Y/%m/%d/%H/$UUID.gz");
    stage.release(&upload_text(&stage, &document)).await
}

#[tokio::test]
async fn a_neighbour_of_the_same_name_proves_nothing() {
    let release = release_with_keys_by_date(Scenario::Neighbour).await;
    assert_eq!(release.verification.records, 0, "{release}");
    assert_ne!(release.verification.status, VerificationStatus::Passed, "{release}");
}

#[tokio::test]
async fn a_crowd_of_other_tasks_hides_nothing() {
    let release = release_with_keys_by_date(Scenario::Crowd).await;
    assert_eq!(
        (release.outcome, release.verification.status),
        (Outcome::Succeeded, VerificationStatus::Passed),
        "{release}"
    );
}

#[tokio::test]
async fn what_visitors_write_into_the_logs_of_both_revisions_undoes_no_release_and_a_panic_does() {
    let loose = "forbid = [\"panicked at\"]";
    let release = Stage::of(Scenario::Visitors).await.configured(FORBID, loose).release(&push()).await;
    assert_eq!(release.verification.status, VerificationStatus::Inconclusive, "{release}");
    assert!(
        release
            .verification
            .detail
            .as_ref()
            .unwrap()
            .contains("the old revision's logs of the same time say that, too")
    );
    assert_ne!(release.outcome, Outcome::RolledBack, "{release}");
    let release = Stage::of(Scenario::VisitorsAndPanic).await.configured(FORBID, loose).release(&push()).await;
    assert_eq!(
        (release.outcome, release.verification.status),
        (Outcome::RolledBack, VerificationStatus::Failed),
        "{release}"
    );
    assert!(release.verification.detail.as_ref().unwrap().contains("src/main.rs:12:5"), "{release}");
    // A pattern that says where it stands does not see the visitors at all.
    let release = Stage::of(Scenario::Visitors).await.release(&push()).await;
    assert_eq!(
        (release.outcome, release.verification.status),
        (Outcome::Succeeded, VerificationStatus::Passed),
        "{release}"
    );
}

/// What the article checks by hand, whatever is asked of the logs.
#[tokio::test]
async fn the_tasks_prove_their_processor_and_their_image() {
    let release = Stage::of(Scenario::Good).await.release(&push()).await;
    let tasks = release.verification.tasks;
    assert_eq!(tasks.len(), 2, "the canary's and the one that follows: {tasks:#?}");
    for task in &tasks {
        assert_eq!(task.architecture.as_deref(), Some("arm64"));
        let main = task.containers.iter().find(|container| container.name == *"Main").unwrap();
        assert_eq!((main.status.as_deref(), main.health.as_deref()), (Some("RUNNING"), Some("HEALTHY")));
        assert_eq!(main.is_planned, Some(true), "{main:?}");
    }
    let off = ("logs = \"if-configured\"", "logs = \"off\"");
    for (from, to) in [off, ("", "")] {
        let options = Options { architecture_override: Some("X86_64".to_owned()), ..Options::default() };
        let release = Stage::with(options).await.configured(from, to).release(&push()).await;
        assert_eq!(
            (release.outcome, release.verification.status),
            (Outcome::RolledBack, VerificationStatus::Failed),
            "{release}"
        );
        let detail = release.verification.detail.unwrap();
        assert!(detail.contains("runs on x86_64, and its task definition says arm64"), "{detail}");
    }
}

#[tokio::test]
async fn an_image_of_the_planned_index_is_the_planned_one_and_any_other_is_rolled_back() {
    let stranger = format!("sha256:{}", "ab".repeat(32));
    let options = Options { image_override: Some(stranger.clone()), ..Options::default() };
    let release = Stage::with(options).await.release(&push()).await;
    assert_eq!(
        (release.outcome, release.verification.status),
        (Outcome::RolledBack, VerificationStatus::Failed),
        "{release}"
    );
    assert!(release.verification.detail.unwrap().contains(&stranger));
    // The manifest for ARM64 that the pushed index names.
    let stage = Stage::of(Scenario::Good).await;
    let ecr = aws_sdk_ecr::Client::new(&stage.sandbox.sdk_config());
    let id = aws_sdk_ecr::types::ImageIdentifier::builder().image_tag("v6").build();
    let answer = ecr.batch_get_image().repository_name("express-mode-custom-td").image_ids(id).send().await.unwrap();
    let index: Value = serde_json::from_str(answer.images()[0].image_manifest().unwrap()).unwrap();
    let child = index["manifests"][0]["digest"].as_str().unwrap().to_owned();
    let options = Options { image_override: Some(child.clone()), ..Options::default() };
    let release = Stage::with(options).await.release(&push()).await;
    assert_eq!(release.outcome, Outcome::Succeeded, "{release}");
    let main = &release.verification.tasks[0].containers[0];
    assert_eq!((main.image_digest.as_deref(), main.is_planned), (Some(child.as_str()), Some(true)));
}
