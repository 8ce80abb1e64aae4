//! Services that Express Mode made from a bare image are released like any other, whether or not ECS names their task
//! definitions when it describes them.

#![cfg(test)]

use express_deployer::head::Outcome;
use sandbox::{DeploymentTimes, FaultKind, Moment, Options, Scenario};
use serde_json::{Value, json};

use crate::flow::{Stage, event, fault, push, upload_text};

const SERVICE: &str = "bare";
/// ECS's own family: the cluster and the service.
const FAMILY: &str = "default-bare";

fn image(tag: &str) -> String {
    format!("123456789012.dkr.ecr.ap-northeast-1.amazonaws.com/express-mode-custom-td:{tag}")
}

/// A sandbox with such a service, and the function that looks after it.
async fn stage(options: Options) -> Stage {
    let stage = Stage::with(options).await;
    let stage = stage.configured("service/default/express-mode-custom-td-f9de", "service/default/bare");
    stage.sandbox.make_from_image(SERVICE, &image("v5")).unwrap();
    stage
}

/// The article's definition with FireLens, in ECS's own family.
fn upload(stage: &Stage) -> String {
    let mut document: Value = serde_json::from_str(&event("task-definitions/firelens.json")).unwrap();
    document["family"] = json!(FAMILY);
    upload_text(stage, &document.to_string())
}

/// The task definitions that the service's deployments brought, oldest first.
fn deployed(stage: &Stage) -> Vec<String> {
    let deployments = stage.sandbox.deployments();
    let of_service =
        deployments.iter().filter(|deployment| deployment["serviceArn"].as_str().unwrap().ends_with("/bare"));
    let name =
        |deployment: &Value| deployment["taskDefinition"].as_str().unwrap().rsplit('/').next().unwrap().to_owned();
    of_service.map(name).collect()
}

#[tokio::test]
async fn a_push_and_an_upload_release_it_at_rest_and_while_a_deployment_runs() {
    for names_definitions in [true, false] {
        for is_busy in [false, true] {
            for is_push in [true, false] {
                let stage = stage(Options { names_definitions, ..Options::default() }).await;
                if is_busy {
                    stage.sandbox.deploy_image_by_hand(SERVICE, &image("amd64-only")).unwrap();
                }
                let event = if is_push { push() } else { upload(&stage) };
                let release = stage.release(&event).await;
                let case = format!("named {names_definitions}, busy {is_busy}, push {is_push}: {release}");
                assert_eq!(release.outcome, Outcome::Succeeded, "{case}");
                // What is on its way is the base of the draft.
                let base = release.timeline.iter().find(|moment| moment.what == "planned").unwrap();
                assert!(base.detail.ends_with(if is_busy { "/default-bare:2" } else { "/default-bare:1" }), "{case}");
                let brought = deployed(&stage);
                assert_eq!(
                    brought.last().unwrap(),
                    if is_busy { "default-bare:3" } else { "default-bare:2" },
                    "{case}"
                );
                let before = release.previous_task_definition_arn.as_ref().unwrap();
                assert!(before.ends_with("/default-bare:1"), "what serves is not what is on its way: {case}");
                if is_push {
                    assert_eq!(release.changes.len(), 1, "only the image changes: {case}");
                    let document = stage.sandbox.task_definitions(FAMILY).pop().unwrap();
                    assert_eq!(
                        document["containerDefinitions"][0]["portMappings"][0]["name"], "main-8080-tcp",
                        "{case}"
                    );
                }
            }
        }
    }
}

#[tokio::test]
async fn the_way_back_leads_to_the_task_definition_of_ecs_s_own() {
    const AT_ONCE: DeploymentTimes = DeploymentTimes { canary_percent: 100.0, canary_bake: 0, bake: 0 };
    for names_definitions in [true, false] {
        // The canary is stopped while it runs, or the bad revision is through and another update leads back.
        for (deployment, updates) in [(DeploymentTimes::default(), 1), (AT_ONCE, 2)] {
            let options = Options { scenario: Scenario::NoLogs, deployment, names_definitions, ..Options::default() };
            let stage = stage(options).await;
            let release = stage.release(&upload(&stage)).await;
            let case = format!("named {names_definitions}, {updates} updates: {release}");
            assert_eq!(release.outcome, Outcome::RolledBack, "{case}");
            assert_eq!(stage.count("UpdateExpressGatewayService"), updates, "{case}");
            let expected: &[&str] = if updates == 1 {
                &["default-bare:1", "default-bare:2"]
            } else {
                &["default-bare:1", "default-bare:2", "default-bare:1"]
            };
            assert_eq!(deployed(&stage), expected, "{case}");
        }
    }
}

#[tokio::test]
async fn a_revision_that_is_not_known_yet_is_asked_for_again_and_a_denial_is_named() {
    let cases = [(FaultKind::Missing, Outcome::Succeeded), (FaultKind::AccessDenied, Outcome::Failed)];
    for (kind, expected) in cases {
        let fault = fault("DescribeServiceRevisions", 1, Moment::Before, kind);
        let stage = stage(Options { names_definitions: false, faults: vec![fault], ..Options::default() }).await;
        let release = stage.release(&push()).await;
        assert_eq!(release.outcome, expected, "{kind:?}: {release}");
        let is_named = release.reason.as_ref().is_some_and(|reason| reason.contains("ecs:DescribeServiceRevisions"));
        assert_eq!(is_named, kind == FaultKind::AccessDenied, "{release}");
    }
}

#[tokio::test]
async fn a_service_whose_task_definition_is_not_named_costs_one_call_more_before_the_update() {
    let mut asked = Vec::new();
    for names_definitions in [true, false] {
        let stage = stage(Options { names_definitions, ..Options::default() }).await;
        stage.release(&push()).await;
        let calls = stage.sandbox.calls();
        let update = calls.iter().position(|call| call.operation == "UpdateExpressGatewayService").unwrap();
        asked.push(calls[..update].iter().filter(|call| call.operation == "DescribeServiceRevisions").count());
    }
    assert_eq!(asked[1], asked[0] + 1);
}
