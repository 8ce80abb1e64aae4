//! What comes in and what goes out: events that nobody wants or knows, pushes and uploads that belong to somebody else,
//! and buckets that do.

#![cfg(test)]

use express_deployer::aws::{Aws, Clock};
use express_deployer::config::{BucketOwners, Config};
use express_deployer::head::Outcome;
use express_deployer::release::Configured;
use express_deployer::verify::verification::VerificationStatus;
use sandbox::executions::{Execution, ExecutionOutcome};
use sandbox::{FaultKind, Moment, Options, Sandbox, Scenario};
use serde_json::Value;

use crate::flow::{CONFIG, FAMILY, STATE, Stage, event, fault, push, push_again, report, upload_text};

/// An account that is not the sandbox's.
pub(crate) const STRANGER: &str = "210987654321";

fn failure(execution: &Execution) -> &str {
    match &execution.outcome {
        ExecutionOutcome::Failed { message, .. } => message,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn every_request_to_s3_names_the_account_that_has_to_own_the_bucket() {
    let owner = Some("123456789012".to_owned());
    for (scenario, file) in [
        (Scenario::Good, "ecr-image-push.json"),
        (Scenario::Good, "s3-object-created.json"),
        (Scenario::NoLogs, "ecr-image-push.json"),
        (Scenario::Amd64Only, "ecr-image-push.json"),
    ] {
        let stage = Stage::of(scenario).await;
        stage.release(&event(file)).await;
        stage.release(&event(file)).await;
        let calls = stage.sandbox.calls();
        let to_s3: Vec<_> = calls.iter().filter(|call| call.service == "s3").collect();
        assert!(to_s3.len() > 4 && to_s3.iter().all(|call| call.bucket_owner == owner), "{to_s3:?}");
    }
}

#[tokio::test]
async fn a_bucket_of_another_account_is_not_read_unless_the_configuration_names_it() {
    let named = |bucket: &str| format!("[bucket_owners]\n\"{bucket}\" = \"{STRANGER}\"\n\n[[service]]");
    for (bucket, event) in [(STATE, push()), (STATE, event("s3-object-created.json")), ("your-log-bucket", push())] {
        let stage = Stage::of(Scenario::Good).await;
        stage.sandbox.give_bucket(bucket, STRANGER);
        let executions = stage.play_all(vec![("a".to_owned(), event.clone())]).await;
        // Without its state bucket a release has nowhere to put its report.
        let said =
            if bucket == STATE { failure(&executions[0]).to_owned() } else { report(&executions[0]).to_string() };
        assert!(said.contains("AccessDenied") && said.contains("`bucket_owners`") && said.contains(bucket), "{said}");
        assert_eq!(stage.count("UpdateExpressGatewayService"), usize::from(bucket != STATE), "{said}");

        let stage = Stage::of(Scenario::Good).await.configured("[[service]]", &named(bucket));
        stage.sandbox.give_bucket(bucket, STRANGER);
        let release = stage.release(&event).await;
        assert_eq!(release.outcome, Outcome::Succeeded, "{release}");
        assert_eq!(release.verification.status, VerificationStatus::Passed, "{release}");
    }
}

#[tokio::test]
async fn the_configuration_is_read_from_a_bucket_of_the_named_account_alone() {
    let sandbox = Sandbox::start(Options::default()).await.unwrap();
    sandbox.put_object(STATE, "config/deployer.toml", CONFIG.as_bytes().to_vec());
    let aws = Aws::new(sandbox.sdk_config(), Clock::system());
    let read = async |account: Option<&str>| {
        let owners = |account: &str| BucketOwners { account: account.to_owned(), ..BucketOwners::default() };
        let aws = account.map_or_else(|| aws.clone(), |account| aws.expecting(owners(account)));
        Configured::from_source(&aws, format!("s3://{STATE}/config/deployer.toml")).await.read().cloned()
    };
    assert_eq!(read(Some("123456789012")).await, Config::parse(CONFIG).ok());
    for refused in [None, Some(STRANGER)] {
        assert_eq!(read(refused).await, None, "{refused:?}");
    }
    let asked: Vec<Option<String>> = sandbox.calls().into_iter().map(|call| call.bucket_owner).collect();
    assert_eq!(asked, [Some("123456789012".to_owned()), Some(STRANGER.to_owned())]);
}

#[tokio::test]
async fn a_role_that_may_not_be_passed_is_named_with_its_parameter() {
    for operation in ["RegisterTaskDefinition", "UpdateExpressGatewayService"] {
        let fault = fault(operation, 1, Moment::Before, FaultKind::RoleNotPassed);
        let stage = Stage::with(Options { faults: vec![fault], ..Options::default() }).await;
        let release = stage.release(&push()).await;
        assert_eq!(release.outcome, Outcome::Failed, "{release}");
        let reason = release.reason.unwrap();
        let denied = "iam:PassRole on arn:aws:iam::123456789012:role/ecsInfrastructureRoleForExpressServices is denied";
        assert!(reason.contains(denied) && reason.contains("`InfrastructureRoleArn`"), "{operation}: {reason}");
    }
}

#[tokio::test]
async fn an_upload_to_a_bucket_without_versions_is_read_by_its_entity_tag() {
    let mut event: Value = serde_json::from_str(&event("s3-object-created.json")).unwrap();
    event["detail"]["object"].as_object_mut().unwrap().remove("version-id");
    let report = Stage::of(Scenario::Good).await.release(&event.to_string()).await;
    assert_eq!(report.outcome, Outcome::Succeeded, "{report}");
    event["detail"]["object"]["etag"] = "0".repeat(32).into();
    let report = Stage::of(Scenario::Good).await.release(&event.to_string()).await;
    assert_eq!(report.outcome, Outcome::Superseded, "a later upload is not deployed in its name: {report}");
}

#[tokio::test]
async fn an_artifact_that_only_its_manifest_tells_from_an_image_leaves_no_trace() {
    let config = |kind: &str| serde_json::json!({"mediaType": kind, "digest": format!("sha256:{:064}", 7), "size": 2});
    let image = config("application/vnd.oci.image.config.v1+json");
    let layer = |kind: &str| serde_json::json!([{"mediaType": kind, "digest": format!("sha256:{:064}", 8), "size": 2}]);
    for manifest in [
        serde_json::json!({"schemaVersion": 2, "config": config("application/vnd.cncf.helm.config.v1+json"), "layers": []}),
        serde_json::json!({"schemaVersion": 2, "config": image, "layers": layer("application/vnd.dev.cosign.simplesigning.v1+json")}),
        serde_json::json!({"schemaVersion": 2, "config": image, "artifactType": "application/spdx+json", "layers": []}),
        serde_json::json!({"schemaVersion": 2, "artifactType": "application/vnd.example.index", "manifests": []}),
    ] {
        let stage = Stage::of(Scenario::Good).await;
        let digest = stage.sandbox.put_image(FAMILY, &["v8"], manifest.to_string().as_bytes());
        let mut event: Value = serde_json::from_str(&push_again("artifact", "2026-07-02T05:00:00Z", "v8")).unwrap();
        event["detail"]["image-digest"] = digest.into();
        let report = stage.play(&event.to_string()).await;
        assert!(report.releases.is_empty(), "{report}");
        assert!(report.ignored.as_ref().is_some_and(|reason| reason.contains("is not an image")), "{report}");
        assert_eq!(stage.count("PutObject"), 0, "neither head nor report: {manifest}");
    }
}

/// A push of an image of its own, at a second of a minute.
fn push_at(stage: &Stage, second: u8) -> String {
    let tag = format!("v1.{second}");
    let index = format!(r#"{{"manifests":[{{"platform":{{"os":"linux","architecture":"arm64"}},"note":{second}}}]}}"#);
    let digest = stage.sandbox.put_image(FAMILY, &[&tag], index.as_bytes());
    let id = format!("13cde686-328b-6117-af20-0e55661670{second:02}");
    let mut event: Value =
        serde_json::from_str(&push_again(&id, &format!("2026-07-05T15:21:{second:02}Z"), &tag)).unwrap();
    event["detail"]["image-digest"] = digest.into();
    event.to_string()
}

#[tokio::test]
async fn pushes_of_one_service_in_one_batch_are_releases_of_their_own() {
    for seconds in [[10, 20, 30], [30, 20, 10], [20, 30, 10], [10, 30, 20]] {
        let stage = Stage::of(Scenario::Good).await;
        let events = seconds.map(|second| push_at(&stage, second));
        let report = stage.play(&format!("[{}]", events.join(","))).await;
        assert_eq!(report.releases.len(), 3, "{report}");
        for (second, release) in seconds.iter().zip(&report.releases) {
            let expected = if *second == 30 { Outcome::Succeeded } else { Outcome::Superseded };
            assert_eq!(release.outcome, expected, "{seconds:?}: {report}");
        }
        let head = stage.head();
        assert_eq!(head["lastGood"]["taskDefinitionArn"], head["target"]["taskDefinitionArn"], "{head}");
    }
}

#[tokio::test]
async fn what_nobody_knows_fails_the_execution_after_the_rest_of_its_batch_was_released() {
    let stage = Stage::of(Scenario::Good).await;
    let batch = event("sqs-with-a-stranger.json");
    for outcome in ["succeeded", "duplicate"] {
        let executions = stage.play_all(vec![(outcome.to_owned(), batch.clone())]).await;
        let message = failure(&executions[0]);
        assert!(message.contains("not recognised: an event of unknown shape, with `order`, `status`"), "{message}");
        // The queue delivers the whole batch again.
        assert_eq!((stage.revisions(), stage.count("UpdateExpressGatewayService")), (2, 1), "{outcome}");
        assert_eq!(stage.head()["recent"][0]["outcome"], "succeeded", "{outcome}");
    }
    let reports = stage.sandbox.objects(STATE).into_iter().filter(|key| key.starts_with("releases/"));
    assert_eq!(reports.count(), 1);
}

#[tokio::test]
async fn a_push_in_another_registry_is_rejected_without_a_word_to_it_and_taken_where_it_is_named() {
    let forwarded = event("ecr-forwarded-push.json");
    let stage = Stage::of(Scenario::Good).await;
    let report = stage.release(&forwarded).await;
    assert_eq!(report.outcome, Outcome::Rejected, "{report}");
    let rules: Vec<String> = report.findings.iter().map(|finding| finding.rule.to_string()).collect();
    assert_eq!(rules, ["foreign-registry"], "{report}");
    assert_eq!(stage.count("BatchGetImage"), 0);
    let named = "repository = \"111122223333.dkr.ecr.ap-northeast-1.amazonaws.com/express-mode-custom-td\"";
    assert!(report.findings[0].help.contains(named), "{report}");
    let stage = Stage::of(Scenario::Good).await.configured("repository = \"express-mode-custom-td\"", named);
    let report = stage.release(&push()).await;
    assert_eq!(report.findings[0].rule, "foreign-registry", "the service's own registry is another one now: {report}");
}

#[tokio::test]
async fn an_upload_that_changes_the_family_is_rejected_unless_the_guard_allows_it() {
    let other = |stage: &Stage| {
        let document = event("task-definitions/firelens.json");
        upload_text(stage, &document.replacen("\"family\": \"express-mode-custom-td\"", "\"family\": \"web\"", 1))
    };
    let stage = Stage::of(Scenario::Good).await;
    let report = stage.release(&other(&stage)).await;
    assert_eq!(report.outcome, Outcome::Rejected, "{report}");
    assert!(
        report
            .findings
            .iter()
            .any(|finding| finding.rule == "changed-family" && finding.help.contains("families = [\"web\"]")),
        "{report}"
    );
    let stage = Stage::of(Scenario::Good).await.configured("[service.guard]", "[service.guard]\nfamilies = [\"w*\"]");
    let report = stage.release(&other(&stage)).await;
    assert_eq!(report.outcome, Outcome::Succeeded, "{report}");
}

#[tokio::test]
async fn events_that_are_not_ours_end_without_a_call() {
    let stage = Stage::of(Scenario::Good).await;
    for file in ["ecr-image-delete.json", "ecr-untagged-child.json", "ecr-other-repository.json", "s3-test-event.json"]
    {
        let report = stage.play(&event(file)).await;
        assert!(report.releases.is_empty() && report.ignored.is_some(), "{file}: {report}");
    }
    let stage = stage.configured("tags = [\"latest\", \"v*\"]", "tags = [\"release-*\"]");
    assert!(stage.play(&push()).await.ignored.is_some());
    assert_eq!(stage.sandbox.calls(), []);
}
