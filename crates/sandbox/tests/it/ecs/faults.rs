//! Every kind of fault, before and after the server acted.

use aws_sdk_ecs::error::ProvideErrorMetadata as _;
use sandbox::{FaultKind, Moment};

use super::stage::{FAMILY, SERVICE, Stage, article, pushed};

#[tokio::test]
async fn transient_faults_are_retried_by_the_client() {
    for kind in [FaultKind::Throttle, FaultKind::ServerError, FaultKind::Drop] {
        let stage = Stage::good().await;
        stage.inject("DescribeExpressGatewayService", Moment::Before, kind);
        stage.ecs.describe_express_gateway_service().service_arn(SERVICE).send().await.unwrap();
        let statuses: Vec<u16> = stage.sandbox.calls().iter().map(|call| call.status).collect();
        let first = match kind {
            FaultKind::Throttle => 400,
            FaultKind::ServerError => 500,
            _ => 0,
        };
        assert_eq!(statuses, [first, 200], "{kind:?}");
    }
}

#[tokio::test]
async fn a_denied_call_is_not_retried_and_names_the_action() {
    let stage = Stage::good().await;
    stage.inject("UpdateExpressGatewayService", Moment::Before, FaultKind::AccessDenied);
    let (code, message) =
        stage.update("arn:aws:ecs:ap-northeast-1:123456789012:task-definition/x:1").await.unwrap_err();
    assert_eq!(code, "AccessDeniedException");
    assert!(message.contains("ecs:UpdateExpressGatewayService") && message.contains(SERVICE), "{message}");
    assert_eq!(stage.operations(), ["UpdateExpressGatewayService"]);
}

#[tokio::test]
async fn a_lost_answer_leaves_what_the_server_did() {
    for kind in [FaultKind::ServerError, FaultKind::Drop] {
        let stage = Stage::good().await;
        stage.inject("RegisterTaskDefinition", Moment::After, kind);
        // The client tries again, since it cannot know: two revisions are the proof that the first call acted.
        let arn = stage.next_revision(&pushed("v6")).await;
        assert!(arn.ends_with(":7"), "{arn}");
        assert_eq!(stage.sandbox.task_definitions(FAMILY).len(), 3);
    }
}

#[tokio::test]
async fn a_crash_withholds_the_reply_after_the_server_acted() {
    let stage = Stage::good().await;
    stage.inject("RegisterTaskDefinition", Moment::After, FaultKind::Crash);
    let document = article();
    let call = stage.register(&document);
    let acted = async {
        while stage.sandbox.calls().is_empty() {
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        answer = call => panic!("no answer was to come: {answer:?}"),
        () = acted => {}
    }
    assert_eq!(stage.sandbox.calls()[0].status, 0);
    assert_eq!(stage.sandbox.task_definitions(FAMILY).len(), 2);
}

#[tokio::test]
async fn a_stale_list_does_not_show_the_newest_deployment_yet() {
    let stage = Stage::good().await;
    let definition = stage.next_revision(&pushed("v6")).await;
    let revision = stage.update(&definition).await.unwrap();
    stage.inject("ListServiceDeployments", Moment::Before, FaultKind::Stale);
    let shows = async || {
        let listed = stage.ecs.list_service_deployments().service(SERVICE).send().await.unwrap();
        listed.service_deployments().iter().any(|brief| brief.target_service_revision_arn() == Some(&revision))
    };
    assert!(!shows().await);
    assert!(shows().await);
}

#[tokio::test]
async fn what_was_made_just_now_may_be_missing_still() {
    let stage = Stage::good().await;
    let definition = stage.next_revision(&pushed("v6")).await;
    let revision = stage.update(&definition).await.unwrap();
    let deployment = stage.sandbox.deployments()[1]["serviceDeploymentArn"].as_str().unwrap().to_owned();
    for operation in ["DescribeServiceDeployments", "DescribeServiceRevisions"] {
        stage.inject(operation, Moment::Before, FaultKind::Missing);
    }
    let deployments = || stage.ecs.describe_service_deployments().service_deployment_arns(&deployment).send();
    let missing = deployments().await.unwrap();
    assert!(missing.service_deployments().is_empty());
    assert_eq!((missing.failures()[0].arn(), missing.failures()[0].reason()), (Some(&*deployment), Some("MISSING")));
    assert_eq!(deployments().await.unwrap().service_deployments().len(), 1);
    let revisions = || stage.ecs.describe_service_revisions().service_revision_arns(&revision).send();
    assert_eq!(revisions().await.unwrap().failures()[0].reason(), Some("MISSING"));
    assert_eq!(revisions().await.unwrap().service_revisions().len(), 1);
}

#[tokio::test]
async fn contention_and_a_role_that_has_not_spread_pass() {
    let stage = Stage::good().await;
    stage.inject("RegisterTaskDefinition", Moment::Before, FaultKind::Contention);
    let (code, message) = stage.register(&article()).await.unwrap_err();
    assert_eq!(code, "ClientException");
    assert!(message.starts_with("Too many concurrent attempts to create a new revision"), "{message}");
    let definition = stage.next_revision(&pushed("v6")).await;
    stage.inject("UpdateExpressGatewayService", Moment::Before, FaultKind::RoleNotReady);
    let (code, message) = stage.update(&definition).await.unwrap_err();
    assert_eq!(code, "AccessDeniedException");
    assert!(message.contains("Cannot assume role"), "{message}");
    stage.update(&definition).await.unwrap();
}

#[tokio::test]
async fn asking_for_an_execution_is_a_call_like_any_other_and_can_fail_as_lambda_does() {
    let stage = Stage::good().await;
    let lambda = aws_sdk_lambda::Client::new(&stage.sandbox.sdk_config());
    let arn = "arn:aws:lambda:ap-northeast-1:123456789012:function:f:1/durable-execution/gone/1";
    let get = || lambda.get_durable_execution().durable_execution_arn(arn).send();
    assert!(get().await.unwrap_err().into_service_error().is_resource_not_found_exception());
    stage.inject("GetDurableExecution", Moment::Before, FaultKind::AccessDenied);
    let denied = get().await.unwrap_err().into_service_error();
    assert_eq!(denied.code(), Some("AccessDeniedException"));
    assert!(denied.message().unwrap().contains("lambda:GetDurableExecution on resource: arn:aws:lambda"), "{denied}");
    stage.inject("GetDurableExecution", Moment::Before, FaultKind::Throttle);
    get().await.unwrap_err();
    let calls = stage.sandbox.calls();
    let seen: Vec<_> = calls.iter().map(|call| (call.service, call.operation.as_str(), call.status)).collect();
    let asked = |status| ("lambda", "GetDurableExecution", status);
    assert_eq!(seen, [asked(404), asked(403), asked(429), asked(404)]);
}
