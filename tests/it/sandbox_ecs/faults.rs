//! Every kind of fault, before and after the server acted.

use express_deployer::sandbox::{FaultKind, Moment};

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
