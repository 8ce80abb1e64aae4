//! What ECS does seldom, or is not known to do: options of the sandbox, and a person at the console.

use aws_sdk_ecs::types::{
    DeploymentLifecycleHookStatus as HookStatus, ServiceDeploymentLifecycleStage as Stages,
    ServiceDeploymentStatus as Status,
};
use sandbox::{DeploymentEnding, DeploymentTimes, Options, PauseHook, Scenario, SecondUpdate};

use super::stage::{SERVICE, Stage, pushed};

/// The service by its name, as a person knows it.
const NAME: &str = "express-mode-custom-td-f9de";

#[tokio::test]
async fn a_second_update_can_be_refused_while_a_deployment_runs() {
    let stage = Stage::with(Options { second_update: SecondUpdate::Refuses, ..Options::default() }).await;
    let first = stage.roll_out().await;
    let second = stage.next_revision(&pushed("v7")).await;
    let (code, message) = stage.update(&second).await.unwrap_err();
    assert_eq!(code, "ClientException");
    assert!(message.contains("deployment is in progress"), "{message}");
    let by_hand = stage.sandbox.deploy_by_hand(NAME, &second).unwrap_err().to_string();
    assert!(by_hand.contains("deployment is in progress"), "{by_hand}");
    stage.wait(500);
    assert_eq!(stage.status(&first).await, Status::Successful);
    stage.update(&second).await.unwrap();
}

#[tokio::test]
async fn a_person_deploys_and_rolls_back_without_a_call_in_the_list() {
    let stage = Stage::good().await;
    let definition = stage.next_revision(&pushed("v6")).await;
    let calls = stage.operations().len();
    assert!(!stage.sandbox.roll_back_by_hand(NAME), "nothing runs");
    let arn = stage.sandbox.deploy_by_hand(NAME, &definition).unwrap();
    assert!(stage.sandbox.deploy_by_hand(NAME, "arn:none").is_err());
    assert!(stage.sandbox.deploy_by_hand("nobody", &definition).is_err());
    stage.wait(100);
    assert!(stage.sandbox.roll_back_by_hand(NAME));
    assert_eq!(stage.operations().len(), calls);
    assert_eq!(stage.status(&arn).await, Status::RollbackRequested);
    stage.wait(60);
    let back = stage.deployment(&arn).await;
    assert_eq!(back.status, Some(Status::RollbackSuccessful));
    assert_eq!(back.status_reason(), Some("Service deployment rolled back by user."));
    stage.sandbox.deploy_by_hand(NAME, &definition).unwrap();
    stage.wait(490);
    assert_eq!(stage.live_definition().await, definition);
}

#[tokio::test]
async fn the_times_of_a_deployment_are_configured_and_shown() {
    let stage = Stage::with(Options {
        deployment: DeploymentTimes { canary_percent: 10.0, canary_bake: 1, bake: 1_440 },
        ..Options::default()
    })
    .await;
    let arn = stage.roll_out().await;
    let shown = stage.deployment(&arn).await.deployment_configuration.unwrap();
    let canary = shown.canary_configuration().unwrap();
    assert_eq!(shown.strategy().map(aws_sdk_ecs::types::DeploymentStrategy::as_str), Some("CANARY"));
    assert_eq!(shown.bake_time_in_minutes(), Some(1_440));
    assert_eq!(canary.canary_percent().map(f64::to_bits), Some(10.0_f64.to_bits()));
    assert_eq!(canary.canary_bake_time_in_minutes(), Some(1));
    stage.wait(86_000);
    assert_eq!(stage.deployment(&arn).await.lifecycle_stage(), Some(&Stages::BakeTime));
    stage.wait(600);
    assert_eq!(stage.status(&arn).await, Status::Successful);

    stage.sandbox.set_deployment_times(DeploymentTimes { canary_percent: 100.0, canary_bake: 0, bake: 0 });
    stage.update(&stage.next_revision(&pushed("v7")).await).await.unwrap();
    stage.wait(130);
    assert!(stage.live_definition().await.ends_with(":7"));
}

#[tokio::test]
async fn a_deployment_waits_in_a_hook_that_awaits_action() {
    let stage = Stage::with(Options {
        hook: Some(PauseHook { stage: "PRE_PRODUCTION_TRAFFIC_SHIFT".to_owned(), minutes: 30 }),
        unknown_stage: Some("PRE_PRODUCTION_TRAFFIC_SHIFT".to_owned()),
        ..Options::default()
    })
    .await;
    let arn = stage.roll_out().await;
    stage.wait(75);
    let waiting = stage.deployment(&arn).await;
    assert_eq!(waiting.lifecycle_stage().map(Stages::as_str), Some("PRE_PRODUCTION_TRAFFIC_SHIFT"));
    assert!(!Stages::values().contains(&"PRE_PRODUCTION_TRAFFIC_SHIFT"));
    let hook = &waiting.lifecycle_hook_details()[0];
    assert_eq!((hook.status(), hook.target_arn()), (Some(&HookStatus::AwaitingAction), None));
    assert_eq!(hook.expires_at().unwrap().secs() - waiting.created_at().unwrap().secs(), 73 + 1_800);
    stage.wait(1_805);
    let goes_on = stage.deployment(&arn).await;
    assert_eq!(goes_on.lifecycle_stage(), Some(&Stages::ProductionTrafficShift));
    assert!(goes_on.lifecycle_hook_details().is_empty());
}

#[tokio::test]
async fn what_fails_without_a_rollback_is_stopped_and_no_newer_deployment_is_the_cause() {
    let ending = DeploymentEnding::StoppedByFailure;
    let stage = Stage::with(Options { scenario: Scenario::CanaryFails, ending, ..Options::default() }).await;
    let arn = stage.roll_out().await;
    stage.wait(180);
    let stopped = stage.deployment(&arn).await;
    assert_eq!((stopped.status(), stopped.rollback()), (Some(&Status::Stopped), None));
    assert!(stopped.status_reason().unwrap().contains("alarms were triggered"));
    assert!(stopped.stopped_at().is_some());
    assert_eq!(stage.sandbox.deployments().len(), 2);
    assert!(stage.live_definition().await.ends_with(":5"));

    // With all the traffic, what failed is what serves.
    stage.sandbox.set_deployment_times(DeploymentTimes { canary_bake: 0, ..DeploymentTimes::default() });
    stage.update(&stage.next_revision(&pushed("v7")).await).await.unwrap();
    stage.wait(180);
    assert!(stage.live_definition().await.ends_with(":7"));
}

#[tokio::test]
async fn a_rollback_that_fails_and_an_early_stop_are_final() {
    for (ending, status) in [
        (DeploymentEnding::RollbackFailed, Status::RollbackFailed),
        (DeploymentEnding::StoppedWhilePending, Status::Stopped),
    ] {
        let stage = Stage::with(Options { scenario: Scenario::TaskNeverStarts, ending, ..Options::default() }).await;
        let arn = stage.roll_out().await;
        stage.wait(300);
        assert_eq!(stage.status(&arn).await, status);
        let described =
            stage.ecs.describe_express_gateway_service().service_arn(SERVICE).send().await.unwrap().service.unwrap();
        assert_eq!(described.current_deployment(), None);
        let stop = stage.ecs.stop_service_deployment().service_deployment_arn(&arn).send().await;
        assert!(stop.unwrap_err().into_service_error().is_conflict_exception());
        // What was live before knows the usual way alone.
        stage.update(&stage.live_definition().await).await.unwrap();
        stage.wait(500);
        assert_eq!(stage.sandbox.deployments().pop().unwrap()["status"], "SUCCESSFUL");
    }
}

#[tokio::test]
async fn a_new_revision_can_run_on_another_processor_than_its_definition_names() {
    let stage = Stage::with(Options { architecture_override: Some("X86_64".to_owned()), ..Options::default() }).await;
    let definition = stage.next_revision(&pushed("v6")).await;
    let revision = stage.update(&definition).await.unwrap();
    let described = stage.ecs.describe_service_revisions().service_revision_arns(revision).send().await.unwrap();
    let overrides = described.service_revisions()[0].overrides().unwrap();
    assert_eq!(overrides.runtime_platform().unwrap().cpu_architecture(), Some("X86_64"));
}

#[tokio::test]
async fn an_update_keeps_the_settings_that_it_does_not_name() {
    let stage = Stage::good().await;
    let definition = stage.next_revision(&pushed("v6")).await;
    let update = || stage.ecs.update_express_gateway_service().service_arn(SERVICE).task_definition_arn(&definition);
    update().health_check_path("/ready").send().await.unwrap();
    let again = update().send().await.unwrap().service.unwrap().target_configuration.unwrap();
    assert_eq!(again.health_check_path(), Some("/ready"));
}

#[tokio::test]
async fn a_service_made_from_a_bare_image_runs_a_task_definition_of_ecs_s_own() {
    for names_definitions in [true, false] {
        let stage = Stage::with(Options { names_definitions, ..Options::default() }).await;
        let own = stage.sandbox.make_from_image("bare", &pushed("v5")).unwrap();
        assert!(own.ends_with("task-definition/default-bare:1"), "{own}");
        let arn = SERVICE.replace(NAME, "bare");
        let describe = || stage.ecs.describe_express_gateway_service().service_arn(&arn).send();
        let described = describe().await.unwrap().service.unwrap().active_configurations.unwrap();
        let shown = described[0].task_definition_arn();
        assert_eq!(shown, names_definitions.then_some(own.as_str()));
        let revision = described[0].service_revision_arn().unwrap();
        let revisions = stage.ecs.describe_service_revisions().service_revision_arns(revision).send().await.unwrap();
        assert_eq!(revisions.service_revisions()[0].task_definition(), Some(own.as_str()));
        let definition = stage.sandbox.task_definitions("default-bare").remove(0);
        let main = &definition["containerDefinitions"][0];
        assert_eq!((&main["name"], &main["portMappings"][0]["name"]), (&"Main".into(), &"main-8080-tcp".into()));

        let next = stage.sandbox.deploy_image_by_hand("bare", &pushed("v6")).unwrap();
        assert!(next.ends_with("task-definition/default-bare:2"), "{next}");
        stage.wait(100);
        assert_eq!(describe().await.unwrap().service.unwrap().active_configurations().len(), 2);
        stage.wait(500);
        assert_eq!(describe().await.unwrap().service.unwrap().active_configurations().len(), 1);
        assert!(stage.sandbox.deploy_image_by_hand("nobody", &pushed("v6")).is_err());
    }
}
