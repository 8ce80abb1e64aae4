//! What the sandbox has beyond AWS: its own paths, and a clock that moves with each observation.

use std::time::Duration;

use sandbox::{Advance, Options, Sandbox};
use serde_json::{Value, json};

use super::stage::{SERVICE, Stage, pushed, request};

#[tokio::test]
async fn the_list_of_calls_the_clock_and_faults_are_within_reach_of_any_client() {
    let stage = Stage::good().await;
    let endpoint = stage.sandbox.endpoint();
    let (status, body) = request("POST", &format!("{endpoint}/_sandbox/clock"), r#"{"advanceSeconds": 90}"#).await;
    assert_eq!((status, body.as_slice()), (200, &br#"{"now":"2026-11-23T10:01:30Z"}"#[..]));
    let fault = json!({"operation": "DescribeExpressGatewayService", "kind": "access-denied"}).to_string();
    assert_eq!(request("POST", &format!("{endpoint}/_sandbox/faults"), &fault).await.0, 200);
    stage.ecs.describe_express_gateway_service().service_arn(SERVICE).send().await.unwrap_err();
    let (_, body) = request("GET", &format!("{endpoint}/_sandbox/calls"), "").await;
    assert_eq!(
        serde_json::from_slice::<Value>(&body).unwrap(),
        json!([{"service": "ecs", "operation": "DescribeExpressGatewayService", "resource": SERVICE, "status": 400, "at": "2026-11-23T10:01:30Z"}])
    );
    assert_eq!(request("POST", &format!("{endpoint}/_sandbox/faults"), r#"{"operation": 1}"#).await.0, 400);
    assert_eq!(request("GET", &format!("{endpoint}/_sandbox/nothing"), "").await.0, 404);
}

#[tokio::test]
async fn an_unknown_operation_and_a_broken_body_are_refused_as_aws_does() {
    let stage = Stage::good().await;
    let call = async |operation: &str, body: &str| {
        let headers = format!("x-amz-target: AmazonEC2ContainerServiceV20141113.{operation}\r\n");
        let (status, answer) = super::stage::request_with("POST", &stage.sandbox.endpoint(), &headers, body).await;
        (status, serde_json::from_slice::<Value>(&answer).unwrap()["__type"].as_str().unwrap().to_owned())
    };
    assert_eq!(call("CreateDaemon", "{}").await, (400, "UnknownOperationException".to_owned()));
    assert_eq!(call("DescribeTasks", "{").await, (400, "SerializationException".to_owned()));
}

#[tokio::test]
async fn the_clock_can_move_with_each_observation_of_a_deployment() {
    let advance = Advance::PerObservation(Duration::from_secs(30));
    let stage = Stage::of(Sandbox::start(Options { advance, ..Options::default() }).await.unwrap());
    let definition = stage.next_revision(&pushed("v6")).await;
    stage.update(&definition).await.unwrap();
    let arn = stage.sandbox.deployments()[1]["serviceDeploymentArn"].as_str().unwrap().to_owned();
    for _ in 0..17 {
        stage.deployment(&arn).await;
    }
    assert_eq!(stage.sandbox.deployments()[1]["status"], "SUCCESSFUL");
}
