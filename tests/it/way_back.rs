//! The way back, looked at before it is needed: what it finds, that nothing waits for it, and that it fails no release.

#![cfg(test)]

use std::time::Duration;

use express_deployer::config::Config;
use express_deployer::head::Outcome;
use express_deployer::report::ReleaseReport;
use express_deployer::validate::Severity;
use sandbox::{DeploymentTimes, Fault, FaultKind, Moment, Options, Scenario};
use serde_json::{Value, json};

use crate::flow::{FAMILY, Stage, event, fault, push, push_again, upload_text};

const SERVICE: &str = "express-mode-custom-td-f9de";
const REQUIRED: (&str, &str) = ("[service.guard]", "[service.guard]\nrequire_way_back = true");

fn image(tag: &str) -> String {
    format!("123456789012.dkr.ecr.ap-northeast-1.amazonaws.com/{FAMILY}:{tag}")
}

async fn good() -> Stage {
    Stage::of(Scenario::Good).await
}

/// The document that is live.
fn live(stage: &Stage) -> Value {
    let mut document = stage.sandbox.task_definitions(FAMILY).pop().unwrap();
    let read_only = ["taskDefinitionArn", "revision", "status", "registeredAt", "registeredBy"];
    document.as_object_mut().unwrap().retain(|member, _| !read_only.contains(&member.as_str()));
    document
}

/// Makes what is live name its image by this tag.
fn tag_live(stage: &Stage, tag: &str) {
    let mut document = live(stage);
    document["containerDefinitions"][0]["image"] = json!(image(tag));
    stage.sandbox.set_live(SERVICE, &document).unwrap();
}

/// Another image, the bytes of `v7` under a new digest, with this tag.
fn push_other(stage: &Stage, tag: &str) -> String {
    let manifest = include_str!("../../crates/sandbox/src/seed/images/v7.manifest.json");
    stage.sandbox.put_image(FAMILY, &[tag], format!("{manifest}\n").as_bytes())
}

/// What the report says is lost.
fn lost(release: &ReleaseReport) -> Option<&str> {
    let finding = release.findings.iter().find(|finding| finding.rule == "no-way-back");
    finding.map(|finding| finding.message.as_str())
}

/// What the report says was not looked at.
fn not_looked_at(release: &ReleaseReport) -> Vec<&str> {
    let lines = release.timeline.iter().filter(|moment| moment.what == "way back");
    lines.map(|moment| moment.detail.as_str()).collect()
}

fn calls(stage: &Stage, operation: &str) -> usize {
    stage.sandbox.calls().iter().filter(|call| call.operation == operation).count()
}

#[tokio::test]
async fn an_image_that_is_gone_is_a_warning_in_the_first_lines() {
    let stage = good().await;
    assert!(stage.sandbox.delete_image(FAMILY, "v5"));
    let release = stage.release(&push()).await;
    assert_eq!(release.outcome, Outcome::Succeeded, "{release}");
    let message = lost(&release).unwrap();
    assert!(message.contains("express-mode-custom-td:5") && message.contains("`Main`"), "{message}");
    let text = release.to_string();
    let line = text.lines().position(|line| line.contains("warning[no-way-back]")).unwrap();
    assert_eq!(line, 2, "after the outcome and the trigger: {text}");
    assert_eq!(text.matches("no-way-back").count(), 1, "{text}");
}

#[tokio::test]
async fn a_way_back_that_is_open_costs_one_call_and_says_nothing_of_it() {
    let stage = good().await;
    let release = stage.release(&push()).await;
    assert_eq!(lost(&release), None, "{release}");
    assert_eq!(calls(&stage, "BatchGetImage"), 2);
    let [line] = not_looked_at(&release)[..] else { panic!("{release}") };
    assert!(line.contains("log-router (public.ecr.aws is not a private ECR registry)"), "{line}");
    assert!(!line.contains("Main"), "{line}");
}

#[tokio::test]
async fn an_image_by_tag_is_the_one_that_the_service_revision_recorded() {
    for is_deleted in [true, false] {
        let stage = good().await;
        let recorded = push_other(&stage, "moving");
        tag_live(&stage, "moving");
        stage.sandbox.put_image(
            FAMILY,
            &["moving"],
            include_bytes!("../../crates/sandbox/src/seed/images/v5.manifest.json"),
        );
        assert!(!is_deleted || stage.sandbox.delete_image(FAMILY, &recorded));
        let release = stage.release(&push()).await;
        assert_eq!(release.outcome, Outcome::Succeeded, "{release}");
        assert_eq!(lost(&release).is_some(), is_deleted, "{release}");
    }
}

#[tokio::test]
async fn every_container_counts() {
    let stage = good().await;
    let digest = push_other(&stage, "sidecar");
    let mut document = live(&stage);
    document["containerDefinitions"]
        .as_array_mut()
        .unwrap()
        .push(json!({"name": "sidecar", "image": image("sidecar")}));
    stage.sandbox.set_live(SERVICE, &document).unwrap();
    assert!(stage.sandbox.delete_image(FAMILY, &digest));
    let release = stage.release(&push()).await;
    let message = lost(&release).unwrap();
    assert!(message.contains("`sidecar`") && !message.contains("`Main`"), "{message}");
    assert_eq!(calls(&stage, "BatchGetImage"), 2, "one call for all images of a repository");
}

#[tokio::test]
async fn a_task_definition_that_is_inactive_is_no_way_back() {
    let stage = good().await;
    let ecs = aws_sdk_ecs::Client::new(&stage.sandbox.sdk_config());
    ecs.deregister_task_definition().task_definition("express-mode-custom-td:5").send().await.unwrap();
    let release = stage.release(&push()).await;
    assert_eq!(release.outcome, Outcome::Succeeded, "{release}");
    assert!(lost(&release).unwrap().contains("INACTIVE"), "{release}");
}

#[tokio::test]
async fn while_a_deployment_runs_the_way_back_is_what_still_serves() {
    for is_serving in [true, false] {
        let stage = good().await;
        let mut document = live(&stage);
        document["containerDefinitions"][0]["image"] = json!(image("v7"));
        let ecs = stage.sandbox.set_live("scratch", &document).unwrap();
        stage.sandbox.deploy_by_hand(SERVICE, &ecs).unwrap();
        assert!(stage.sandbox.delete_image(FAMILY, if is_serving { "v5" } else { "v7" }));
        let release = stage.release(&push()).await;
        let case = format!("serving {is_serving}: {release}");
        assert_eq!(release.outcome, Outcome::Succeeded, "{case}");
        assert_eq!(lost(&release).is_some(), is_serving, "{case}");
    }
}

#[tokio::test]
async fn what_cannot_be_looked_at_is_one_line_and_fails_no_release() {
    let kinds =
        [FaultKind::AccessDenied, FaultKind::Throttle, FaultKind::ServerError, FaultKind::Drop, FaultKind::Crash];
    for (is_required, operation) in
        [(false, "BatchGetImage"), (true, "BatchGetImage"), (false, "DescribeServiceRevisions")]
    {
        for kind in kinds {
            let first = if operation == "BatchGetImage" { 2 } else { 1 };
            let times = if kind == FaultKind::Crash { 1 } else { 3 };
            let fault = Fault { times, ..fault(operation, first, Moment::Before, kind) };
            let stage = Stage::with(Options { faults: vec![fault], ..Options::default() }).await;
            let stage = if is_required { stage.configured(REQUIRED.0, REQUIRED.1) } else { stage };
            tag_live(&stage, "v5");
            stage.sandbox.delete_image(FAMILY, "v7");
            let release = stage.release(&push()).await;
            let case = format!("required {is_required}, {operation} {kind:?}: {release}");
            assert_eq!(release.outcome, Outcome::Succeeded, "{case}");
            assert_eq!(lost(&release), None, "{case}");
            let [line] = not_looked_at(&release)[..] else { panic!("one line: {case}") };
            let action =
                if operation == "BatchGetImage" { "ecr:BatchGetImage" } else { "ecs:DescribeServiceRevisions" };
            assert_eq!(line.contains(&format!("Main ({action}")), kind != FaultKind::Crash, "{case}");
        }
    }
}

#[tokio::test]
async fn a_required_way_back_that_is_lost_rejects_the_release_before_anything_is_changed() {
    let denied = ("deny = [\"late-log-upload\"]", "deny = [\"no-way-back\"]");
    for (from, to) in [REQUIRED, denied] {
        let stage = good().await.configured(from, to);
        stage.sandbox.delete_image(FAMILY, "v5");
        let release = stage.release(&push()).await;
        assert_eq!(release.outcome, Outcome::Rejected, "{release}");
        let finding = release.findings.iter().find(|finding| finding.rule == "no-way-back").unwrap();
        assert_eq!(finding.severity, Severity::Error);
        assert_eq!(calls(&stage, "RegisterTaskDefinition"), 0);
        assert!(stage.try_head().is_none(), "{release}");

        let stage = good().await.configured(from, to);
        let release = stage.release(&push()).await;
        assert_eq!(release.outcome, Outcome::Succeeded, "{release}");
    }
}

#[tokio::test]
async fn nobody_looks_where_the_finding_is_allowed() {
    let stage = good().await.configured("allow = []", "allow = [\"no-way-back\"]");
    stage.sandbox.delete_image(FAMILY, "v5");
    let release = stage.release(&push()).await;
    assert_eq!((release.outcome, lost(&release)), (Outcome::Succeeded, None), "{release}");
    assert_eq!(calls(&stage, "BatchGetImage"), 1);
    assert!(not_looked_at(&release).is_empty(), "{release}");
    let both = include_str!("../../deployer.example.toml").replace("allow = []", "allow = [\"no-way-back\"]");
    let problems = Config::parse(&both.replace(REQUIRED.0, REQUIRED.1)).unwrap_err().to_string();
    assert!(problems.contains("cannot be allowed"), "{problems}");
}

/// A round trip that is long beside what a machine needs for the work between two of them.
const LATENCY: Duration = Duration::from_millis(150);

/// A release whose calls take time, up to its update or, where it `ends`, as quickly as may be.
async fn slow(required: bool, ends: bool) -> Stage {
    let deployment = DeploymentTimes { canary_percent: 100.0, canary_bake: 0, bake: 0 };
    let faults = (!ends).then(|| fault(UPDATE, 1, Moment::Before, FaultKind::Stop)).into_iter().collect();
    let stage = Stage::with(Options { latency: LATENCY, deployment, faults, ..Options::default() }).await;
    let stage = stage.configured("logs = \"if-configured\"", "logs = \"off\"");
    if required { stage.configured(REQUIRED.0, REQUIRED.1) } else { stage }
}

const UPDATE: &str = "UpdateExpressGatewayService";
/// The first write of a head.
const CLAIM: &str = "PutObject";

/// The round trips from one call to another, each the nth of its operation since the first `skip` calls.
fn round_trips(stage: &Stage, skip: usize, from: (&str, usize), to: (&str, usize)) -> f64 {
    let arrivals = stage.sandbox.arrivals();
    let at = |(operation, nth): (&str, usize)| {
        let mut named = arrivals[skip..].iter().filter(|arrival| arrival.operation == operation);
        named.nth(nth - 1).unwrap_or_else(|| panic!("{operation} did not come {nth} times")).at
    };
    let (from, to) = (at(from), at(to));
    let seconds = to.saturating_duration_since(from).as_secs_f64() - from.saturating_duration_since(to).as_secs_f64();
    (seconds / LATENCY.as_secs_f64()).round()
}

fn assert_trips(stage: &Stage, skip: usize, from: (&str, usize), to: (&str, usize), expected: f64) {
    let trips = round_trips(stage, skip, from, to);
    assert!((trips - expected).abs() < 0.5, "{trips} round trips from {from:?} to {to:?}, not {expected}");
}

#[tokio::test]
async fn nothing_waits_for_the_look_and_the_look_waits_for_nothing_but_the_service() {
    let stage = slow(false, false).await;
    stage.play_all(vec![("a".into(), push())]).await;
    assert_trips(&stage, 0, ("DescribeTaskDefinition", 1), (CLAIM, 1), 1.0);
    assert_trips(&stage, 0, (CLAIM, 1), ("BatchGetImage", 2), 0.0);
    assert_trips(&stage, 0, (CLAIM, 1), (UPDATE, 1), 3.0);

    // An image by tag takes two calls; the second one is beside the registration.
    let stage = slow(false, false).await;
    tag_live(&stage, "v5");
    stage.play_all(vec![("a".into(), push())]).await;
    assert_trips(&stage, 0, (CLAIM, 1), ("DescribeServiceRevisions", 1), 0.0);
    assert_trips(&stage, 0, ("RegisterTaskDefinition", 1), ("BatchGetImage", 2), 0.0);
    assert_trips(&stage, 0, (CLAIM, 1), (UPDATE, 1), 3.0);
}

#[tokio::test]
async fn a_required_look_costs_one_round_trip_and_none_where_the_head_knows_the_image() {
    let unknown = slow(true, false).await;
    tag_live(&unknown, "v5");
    unknown.play_all(vec![("a".into(), push())]).await;
    assert_trips(&unknown, 0, ("DescribeTaskDefinition", 1), ("BatchGetImage", 2), 1.0);
    assert_trips(&unknown, 0, ("DescribeTaskDefinition", 1), (CLAIM, 1), 2.0);

    let stage = slow(true, true).await;
    let first = stage.release(&event("ecr-image-push-single-manifest.json")).await;
    assert_eq!(first.outcome, Outcome::Succeeded, "{first}");

    // What serves now was pushed by a release that the head remembers.
    let skip = stage.sandbox.arrivals().len();
    stage.sandbox.inject(fault(UPDATE, 1, Moment::Before, FaultKind::Stop));
    stage.play_all(vec![("second".into(), push_again("second", "2026-11-23T10:00:00Z", "v6"))]).await;
    assert_trips(&stage, skip, ("DescribeTaskDefinition", 1), ("BatchGetImage", 2), 0.0);
    assert_trips(&stage, skip, ("DescribeTaskDefinition", 1), (CLAIM, 1), 1.0);
    assert_eq!(calls(&stage, "BatchGetImage"), 4, "one for each pushed image, one for each that served");
}

#[tokio::test]
async fn an_upload_is_looked_at_like_a_push() {
    let stage = good().await.configured(REQUIRED.0, REQUIRED.1);
    stage.sandbox.delete_image(FAMILY, "v5");
    let document = event("task-definitions/firelens.json");
    let release = stage.release(&upload_text(&stage, &document)).await;
    assert_eq!(release.outcome, Outcome::Rejected, "{release}");
    assert!(lost(&release).is_some(), "{release}");
}
