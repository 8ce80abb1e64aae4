//! Forged state and forged events, played against releases: they hold a release back, loudly, and choose nothing.

#![cfg(test)]

use std::time::Duration;

use express_deployer::head::Outcome;
use express_deployer::report::ReleaseReport;
use sandbox::Scenario;
use serde_json::{Value, json};

use crate::flow::{HEAD, STATE, Stage, push, push_again};

const AGAIN: &str = "2026-11-23T10:30:00Z";

/// A service whose first release was good, with another one's event.
async fn released() -> (Stage, String) {
    let stage = Stage::of(Scenario::Good).await;
    let first = stage.release(&push()).await;
    assert_eq!(first.outcome, Outcome::Succeeded, "{first}");
    stage.sandbox.clock().advance(Duration::from_hours(1));
    (stage, push_again("13cde686-328b-6117-af20-0e5566167001", AGAIN, "v6"))
}

/// The version of the head that was written last.
async fn version(stage: &Stage) -> String {
    let client = aws_sdk_s3::Client::new(&stage.sandbox.sdk_config());
    let head = client.head_object().bucket(STATE).key(HEAD).expected_bucket_owner("123456789012");
    let head = head.send().await.unwrap();
    head.version_id().unwrap().to_owned()
}

/// Plays a release against a forged head: it fails, names the version before it, and nothing is deployed. With that
/// version put back, the same release is good.
async fn refused(forge: impl Fn(&mut Value)) -> ReleaseReport {
    let (stage, event) = released().await;
    let (good, version) = (stage.head(), version(&stage).await);
    let mut forged = good.clone();
    forge(&mut forged);
    stage.put_head(&forged);
    let (deployments, revisions) = (stage.sandbox.deployments().len(), stage.revisions());
    let report = stage.release(&event).await;
    assert_eq!(report.outcome, Outcome::Failed, "{report}");
    let reason = report.reason.as_deref().unwrap();
    assert!(reason.contains("no release can have written this head"), "{reason}");
    assert!(reason.contains(&format!("can have written is {version}: copy that over it")), "{reason}");
    assert_eq!((stage.sandbox.deployments().len(), stage.revisions()), (deployments, revisions));
    assert_eq!(stage.head(), forged);
    stage.put_head(&good);
    let other = stage.release(&event.replace("13cde686", "23cde686")).await;
    assert!(other.outcome.is_well(), "{other}");
    report
}

#[tokio::test]
async fn head_future_holds_a_release_back_and_names_the_version_to_go_back_to() {
    let report = refused(|head| head["order"]["at"] = "2036-01-01T00:00:00Z".into()).await;
    assert!(report.reason.as_deref().unwrap().contains("ahead of the clock"), "{report}");
    let report = refused(|head| head["lastGood"]["order"]["at"] = "2036-01-01T00:00:00Z".into()).await;
    assert!(report.reason.as_deref().unwrap().contains("lastGood.order.at is 2036"), "{report}");
}

#[tokio::test]
async fn head_garbage_holds_a_release_back_and_names_the_version_to_go_back_to() {
    for garbage in [json!(null), json!({}), json!([[[[1]]]]), json!("\u{1b}[31m")] {
        refused(|head| *head = garbage.clone()).await;
    }
    refused(|head| head["phase"] = "paused".into()).await;
    let report = refused(|head| head["hold"] = "x".repeat(70_000).into()).await;
    assert!(report.reason.as_deref().unwrap().contains("larger than 65536 bytes"), "{report}");
    let function = "arn:aws:lambda:ap-northeast-1:123456789012:function:other:1/durable-execution/a/b";
    let report = refused(|head| head["owner"]["execution"] = function.into()).await;
    assert!(report.reason.as_deref().unwrap().contains("no execution of this function"), "{report}");
}

#[tokio::test]
async fn forged_region_is_refused_in_a_head_and_leads_nowhere_in_an_event() {
    let foreign = "arn:aws:ecs:eu-west-1:123456789012:task-definition/other:1";
    let report = refused(|head| head["lastGood"]["taskDefinitionArn"] = foreign.into()).await;
    assert!(report.reason.as_deref().unwrap().contains(foreign), "{report}");
    let (stage, event) = released().await;
    let mut event: Value = serde_json::from_str(&event).unwrap();
    event["region"] = "eu-west-1".into();
    let report = stage.release(&event.to_string()).await;
    assert_eq!(report.outcome, Outcome::Rejected, "{report}");
    assert!(report.findings.iter().any(|finding| finding.rule == "foreign-registry"), "{report}");
}

#[tokio::test]
async fn forged_tag_of_an_event_deploys_nothing_that_the_tag_does_not_name() {
    let (stage, event) = released().await;
    let arm = br#"{"manifests":[{"platform":{"os":"linux","architecture":"arm64"},"n":1}]}"#;
    let digest = stage.sandbox.put_image("express-mode-custom-td", &["experiment"], arm);
    let mut forged: Value = serde_json::from_str(&event).unwrap();
    forged["detail"]["image-digest"] = digest.into();
    let deployments = stage.sandbox.deployments().len();
    let report = stage.release(&forged.to_string()).await;
    assert_eq!(report.outcome, Outcome::Superseded, "{report}");
    forged["detail"]["image-tag"] = "v404".into();
    let report = stage.release(&forged.to_string()).await;
    assert_eq!(report.outcome, Outcome::Rejected, "{report}");
    assert_eq!(stage.sandbox.deployments().len(), deployments);
}
