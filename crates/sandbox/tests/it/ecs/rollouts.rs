//! Whole rollouts, with their tasks and log objects, by moving the clock.

use aws_sdk_ecs::types::ServiceDeploymentStatus as Status;
use sandbox::{Sandbox, Scenario};
use serde_json::json;

use super::stage::{FAMILY, LOGS, SERVICE, Stage, article, pushed, unpack};

#[tokio::test]
async fn a_rollout_passes_its_canary_and_ends_after_eight_minutes() {
    let stage = Stage::good().await;
    let arn = stage.roll_out().await;
    assert_eq!(stage.status(&arn).await, Status::Pending);
    stage.wait(45);
    let running = stage.deployment(&arn).await;
    assert_eq!(running.status, Some(Status::InProgress));
    assert_eq!(running.target_service_revision.unwrap().running_task_count(), 1);
    stage.wait(60);
    let canary = stage.deployment(&arn).await;
    let target = canary.target_service_revision().unwrap();
    assert_eq!(target.requested_production_traffic_weight().map(f64::to_bits), Some(5.0_f64.to_bits()));
    assert_eq!(
        canary.source_service_revisions()[0].requested_production_traffic_weight().map(f64::to_bits),
        Some(95.0_f64.to_bits())
    );
    let during =
        stage.ecs.describe_express_gateway_service().service_arn(SERVICE).send().await.unwrap().service.unwrap();
    assert_eq!(during.active_configurations().len(), 2);
    assert_eq!(during.current_deployment(), Some(arn.as_str()));
    stage.wait(200);
    let bake = stage.deployment(&arn).await;
    assert_eq!(
        bake.lifecycle_stage().map(aws_sdk_ecs::types::ServiceDeploymentLifecycleStage::as_str),
        Some("BAKE_TIME")
    );
    assert_eq!(bake.target_service_revision.unwrap().running_task_count(), 2);
    stage.wait(185);
    let done = stage.deployment(&arn).await;
    assert_eq!(done.status, Some(Status::Successful));
    assert_eq!(done.finished_at().unwrap().secs() - done.created_at().unwrap().secs(), 490);
    assert!(stage.live_definition().await.ends_with(":6"));
    stage.wait(15);
    let tasks = stage.ecs.list_tasks().family(FAMILY).desired_status("STOPPED".into()).send().await.unwrap();
    let stopped = stage.ecs.describe_tasks().set_tasks(tasks.task_arns).send().await.unwrap().tasks.unwrap();
    assert_eq!(stopped.len(), 2);
    assert!(
        stopped.iter().all(|task| task.task_definition_arn().unwrap().ends_with(":5") && task.stopped_at().is_some())
    );
}

#[tokio::test]
async fn a_stopped_deployment_rolls_back_and_cannot_be_stopped_again() {
    let stage = Stage::good().await;
    let arn = stage.roll_out().await;
    stage.wait(120);
    stage.ecs.stop_service_deployment().service_deployment_arn(&arn).send().await.unwrap();
    assert_eq!(stage.status(&arn).await, Status::RollbackRequested);
    stage.wait(10);
    let rolling = stage.deployment(&arn).await;
    assert_eq!(rolling.status, Some(Status::RollbackInProgress));
    assert!(rolling.rollback.unwrap().reason.unwrap().contains("rolled back by user"));
    stage.wait(60);
    assert_eq!(stage.status(&arn).await, Status::RollbackSuccessful);
    assert!(stage.live_definition().await.ends_with(":5"));
    let again = stage.ecs.stop_service_deployment().service_deployment_arn(&arn).send().await;
    assert!(again.unwrap_err().into_service_error().is_conflict_exception());
    let unknown = stage.ecs.stop_service_deployment().service_deployment_arn("arn:x").send().await;
    assert!(unknown.unwrap_err().into_service_error().is_service_deployment_not_found_exception());
}

#[tokio::test]
async fn a_second_update_supersedes_the_first() {
    let stage = Stage::good().await;
    let first = stage.roll_out().await;
    stage.wait(120);
    let definition = stage.next_revision(&pushed("v7")).await;
    stage.update(&definition).await.unwrap();
    assert_eq!(stage.status(&first).await, Status::StopRequested);
    stage.wait(6);
    assert_eq!(stage.status(&first).await, Status::Stopped);
    let listed = stage.ecs.list_service_deployments().service(SERVICE).send().await.unwrap();
    let second = listed.service_deployments()[0].service_deployment_arn().unwrap().to_owned();
    let described = stage.deployment(&second).await;
    assert_eq!(
        described.lifecycle_stage().map(aws_sdk_ecs::types::ServiceDeploymentLifecycleStage::as_str),
        Some("RECONCILE_SERVICE")
    );
    assert_eq!(described.source_service_revisions().len(), 2);
    stage.wait(490);
    assert_eq!(stage.status(&second).await, Status::Successful);
    assert_eq!(stage.live_definition().await, definition);
    assert_eq!(stage.ecs.list_tasks().send().await.unwrap().task_arns().len(), 2);
}

#[tokio::test]
async fn a_failing_canary_names_its_alarm_and_is_rolled_back() {
    let stage = Stage::on(Scenario::CanaryFails).await;
    let arn = stage.roll_out().await;
    stage.wait(170);
    let failing = stage.deployment(&arn).await;
    assert_eq!(failing.status, Some(Status::RollbackInProgress));
    assert_eq!(failing.alarms().unwrap().triggered_alarm_names().len(), 1);
    stage.wait(60);
    assert_eq!(stage.status(&arn).await, Status::RollbackSuccessful);
    let back = stage.live_definition().await;
    assert!(back.ends_with(":5"));
    // Going back to what was live before is not part of the scenario.
    stage.update(&back).await.unwrap();
    stage.wait(500);
    assert_eq!(stage.sandbox.deployments().pop().unwrap()["status"], "SUCCESSFUL");
}

#[tokio::test]
async fn tasks_that_never_start_trip_the_circuit_breaker() {
    let stage = Stage::on(Scenario::TaskNeverStarts).await;
    let arn = stage.roll_out().await;
    stage.wait(60);
    assert_eq!(stage.deployment(&arn).await.deployment_circuit_breaker().unwrap().failure_count(), 1);
    stage.wait(100);
    let failing = stage.deployment(&arn).await;
    let breaker = failing.deployment_circuit_breaker().unwrap();
    assert_eq!((breaker.failure_count(), breaker.threshold()), (3, 3));
    assert!(failing.status_reason().unwrap().contains("circuit breaker"));
    let tasks = stage.ecs.list_tasks().desired_status("STOPPED".into()).send().await.unwrap();
    let stopped = stage.ecs.describe_tasks().set_tasks(tasks.task_arns).send().await.unwrap().tasks.unwrap();
    assert_eq!(stopped.len(), 3);
    assert_eq!(stopped[0].stopped_reason(), Some("Essential container in task exited"));
    assert_eq!(stopped[0].containers()[0].exit_code(), Some(1));
}

#[tokio::test]
async fn images_for_another_processor_do_not_run() {
    let stage = Stage::on(Scenario::Amd64Only).await;
    for (tag, reason) in [("v6", "descriptor matching platform 'linux/arm64'"), ("v7", "exec format error")] {
        let definition = stage.next_revision(&pushed(tag)).await;
        stage.update(&definition).await.unwrap();
        stage.wait(60);
        let tasks = stage.ecs.list_tasks().desired_status("STOPPED".into()).send().await.unwrap();
        let stopped = stage.ecs.describe_tasks().set_tasks(tasks.task_arns).send().await.unwrap().tasks.unwrap();
        let of_this = stopped.iter().find(|task| task.task_definition_arn() == Some(definition.as_str())).unwrap();
        assert!(of_this.stopped_reason().unwrap().contains(reason), "{:?}", of_this.stopped_reason());
    }
}

#[tokio::test]
async fn log_objects_of_both_revisions_arrive_under_their_tasks() {
    let stage = Stage::good().await;
    let before = stage.sandbox.objects(LOGS).len();
    stage.roll_out().await;
    stage.wait(60);
    let new_task = |sandbox: &Sandbox| {
        let keys = sandbox.objects(LOGS).into_iter().filter(|key| key.contains("/2026/11/23/10/"));
        keys.filter(|key| {
            unpack(&sandbox.object(LOGS, key).unwrap())[0]["ecs_task_definition"] == "express-mode-custom-td:6"
        })
        .collect::<Vec<_>>()
    };
    assert_eq!(new_task(&stage.sandbox), [""; 0]);
    assert!(stage.sandbox.objects(LOGS).len() > before, "the old revision goes on logging");
    stage.wait(15);
    let keys = new_task(&stage.sandbox);
    assert_eq!(keys.len(), 1);
    let records = unpack(&stage.sandbox.object(LOGS, &keys[0]).unwrap());
    assert_eq!(records[0]["log"], "Starting server on :8080");
    let task = records[0]["ecs_task_arn"].as_str().unwrap();
    let id = task.rsplit_once('/').unwrap().1;
    assert!(keys[0].starts_with(&format!("logs/Main-firelens-{id}/2026/11/23/10/00/")), "{}", keys[0]);
    let described = stage.ecs.describe_tasks().tasks(task).send().await.unwrap();
    assert!(described.tasks()[0].task_definition_arn().unwrap().ends_with(":6"));
}

#[tokio::test]
async fn bad_days_show_in_the_logs_of_the_new_revision_alone() {
    for (scenario, expected) in [(Scenario::NoLogs, 0), (Scenario::BadLogs, 2)] {
        let stage = Stage::on(scenario).await;
        stage.roll_out().await;
        stage.wait(400);
        let (mut panics, mut calm) = (0, 0);
        for key in stage.sandbox.objects(LOGS) {
            for record in unpack(&stage.sandbox.object(LOGS, &key).unwrap()) {
                let panicked = record["log"].as_str().unwrap().contains("panicked at");
                match (record["ecs_task_definition"].as_str().unwrap(), panicked) {
                    ("express-mode-custom-td:6", true) => panics += 1,
                    ("express-mode-custom-td:6", false) => assert_eq!(scenario, Scenario::BadLogs),
                    (_, true) => panic!("the old revision panics"),
                    (_, false) => calm += 1,
                }
            }
        }
        assert_eq!(panics, expected, "{scenario}");
        assert!(calm > 0);
    }
}

#[tokio::test]
async fn a_log_router_that_refuses_its_options_takes_the_task_down() {
    let stage = Stage::good().await;
    let mut document = article();
    document["containerDefinitions"][0]["logConfiguration"]["options"]["s3_key_format"] = json!("logs/$TAG/$UUID.gz");
    let definition = stage.register(&document).await.unwrap();
    stage.update(&definition).await.unwrap();
    stage.wait(60);
    let tasks = stage.ecs.list_tasks().desired_status("STOPPED".into()).send().await.unwrap();
    let stopped = stage.ecs.describe_tasks().set_tasks(tasks.task_arns).send().await.unwrap().tasks.unwrap();
    let exits: Vec<_> =
        stopped[0].containers().iter().map(|container| (container.name().unwrap(), container.exit_code())).collect();
    assert_eq!(exits, [("Main", Some(0)), ("log-router", Some(255))]);
}
