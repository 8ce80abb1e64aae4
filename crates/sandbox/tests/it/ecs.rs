//! The sandbox's ECS and ECR, seen by the real SDK clients over the wire: what it holds, what it stores and what it
//! refuses. S3 and the durable calls have tests of their own.

mod control;
mod faults;
mod images;
mod options;
mod rollouts;
mod stage;

use aws_sdk_ecs::types::{ExpressGatewayContainer, SortOrder, TaskDefinitionField};
use serde_json::{Value, json};

use stage::{FAMILY, SERVICE, Stage, article, pushed};

#[tokio::test]
async fn the_seeded_service_is_live_at_revision_five() {
    let stage = Stage::good().await;
    let described =
        stage.ecs.describe_express_gateway_service().service_arn(SERVICE).send().await.unwrap().service.unwrap();
    assert_eq!(described.active_configurations().len(), 1);
    assert_eq!(described.current_deployment(), None);
    let arn = described.active_configurations()[0].task_definition_arn().unwrap();
    assert!(arn.ends_with("task-definition/express-mode-custom-td:5"), "{arn}");
    let definition =
        stage.ecs.describe_task_definition().task_definition(arn).send().await.unwrap().task_definition.unwrap();
    assert_eq!(definition.container_definitions().len(), 2);
    let tasks = stage.ecs.list_tasks().service_name("express-mode-custom-td-f9de").send().await.unwrap();
    assert_eq!(tasks.task_arns().len(), 2);
    let tasks = stage.ecs.describe_tasks().set_tasks(tasks.task_arns).send().await.unwrap().tasks.unwrap();
    assert_eq!((tasks[0].last_status(), tasks[0].attributes()[0].value()), (Some("RUNNING"), Some("arm64")));
    let digest = tasks[0].containers()[0].image_digest().unwrap();
    assert!(definition.container_definitions()[0].image().unwrap().ends_with(digest));
}

#[tokio::test]
async fn a_registration_keeps_members_that_nobody_knows_and_fills_defaults() {
    let stage = Stage::good().await;
    let mut document = article();
    document["quantumIsolation"] = json!({"level": 3});
    document["containerDefinitions"][0]["mood"] = json!("calm");
    document["cpu"] = json!(".5 vCPU");
    document["tags"] = json!([{"key": "team", "value": "shop"}]);
    let arn = stage.register(&document).await.unwrap();
    assert!(arn.ends_with(":6"));
    let stored = stage.sandbox.task_definitions(FAMILY).pop().unwrap();
    assert_eq!(stored["quantumIsolation"], json!({"level": 3}));
    assert_eq!(stored["containerDefinitions"][0]["mood"], "calm");
    assert_eq!(stored["cpu"], "512");
    assert_eq!(stored["containerDefinitions"][0]["portMappings"][0]["hostPort"], 8080);
    assert_eq!(stored["containerDefinitions"][1]["environment"], json!([]));
    assert_eq!(stored["compatibilities"], json!(["EC2", "FARGATE"]));
    let described = stage
        .ecs
        .describe_task_definition()
        .task_definition(&arn)
        .include(TaskDefinitionField::Tags)
        .send()
        .await
        .unwrap();
    assert_eq!((described.tags()[0].key(), described.tags()[0].value()), (Some("team"), Some("shop")));
    let definition = described.task_definition.unwrap();
    assert_eq!((definition.revision(), definition.container_definitions()[0].cpu()), (6, 0));
    let listed = stage
        .ecs
        .list_task_definitions()
        .family_prefix(FAMILY)
        .sort(SortOrder::Desc)
        .max_results(1)
        .send()
        .await
        .unwrap();
    assert_eq!(listed.task_definition_arns(), [arn]);
    assert!(listed.next_token().is_some());
}

#[tokio::test]
async fn registrations_that_aws_refuses_are_refused() {
    let stage = Stage::good().await;
    let refused = [
        ("/cpu", json!("300"), "ClientException", "No Fargate configuration exists for given values"),
        ("/cpu", json!(512), "SerializationException", "NUMBER_VALUE can not be converted to a String"),
        ("/networkMode", json!("bridge"), "ClientException", "Fargate only supports network mode 'awsvpc'."),
        ("/executionRoleArn", Value::Null, "ClientException", "to have execution role ARN to support ECR images."),
        ("/family", json!(""), "ClientException", "Family should not be null or empty."),
        ("/containerDefinitions", json!([]), "ClientException", "Container list cannot be empty."),
        ("/containerDefinitions/1/name", json!("Main"), "ClientException", "Container names must be unique"),
        ("/containerDefinitions/0/portMappings/0/hostPort", json!(80), "ClientException", "must match."),
        (
            "/containerDefinitions/0/dependsOn/0/containerName",
            json!("x"),
            "ClientException",
            "because it does not exist",
        ),
        (
            "/containerDefinitions/0/dependsOn/0/condition",
            json!("HEALTHY"),
            "ClientException",
            "health check configured",
        ),
        (
            "/containerDefinitions/0/dependsOn/0/condition",
            json!("COMPLETE"),
            "ClientException",
            "cannot be an essential",
        ),
        ("/containerDefinitions/1/firelensConfiguration", Value::Null, "ClientException", "awsfirelens log driver"),
        ("/containerDefinitions/0/image", json!("a b"), "ClientException", "invalid characters"),
        ("/containerDefinitions/0/image", json!("a/b:sha256:1f2e"), "ClientException", "invalid characters"),
        ("/containerDefinitions/0/environment", json!([{"value": "x"}]), "ClientException", "cannot be null or blank"),
        (
            "/containerDefinitions/0/secrets",
            json!([{"name": "A", "valueFrom": "x"}, {"name": "A", "valueFrom": "y"}]),
            "ClientException",
            "duplicate secret names were found",
        ),
        ("/containerDefinitions/1/user", json!("root"), "ClientException", "then the UID has to be 0"),
        ("/containerDefinitions/0/memory", json!(4096), "ClientException", "exceeds the memory of the task"),
        ("/taskRoleArn", json!("arn:aws:iam::ACCOUNT_ID:role/x"), "ClientException", "Role is not valid"),
        (
            "/containerDefinitions/0/command",
            json!(["x".repeat(65_536)]),
            "ClientException",
            "Max allowed length is '65536'",
        ),
    ];
    for (pointer, value, code, message) in refused {
        let mut document = article();
        let (parent, member) = pointer.rsplit_once('/').unwrap();
        document.pointer_mut(parent).unwrap()[member] = value;
        let (found_code, found) = stage.register(&document).await.unwrap_err();
        assert_eq!(found_code, code, "{pointer}: {found}");
        assert!(found.contains(message), "{pointer}: {found}");
    }
    let mut document = article();
    document["tags"] = (0..51).map(|number| json!({"key": format!("k{number}"), "value": ""})).collect();
    assert_eq!(stage.register(&document).await.unwrap_err().0, "InvalidParameterException");
    assert_eq!(stage.sandbox.task_definitions(FAMILY).len(), 1);
}

#[tokio::test]
async fn updates_that_aws_refuses_are_refused() {
    let stage = Stage::good().await;
    let definition = stage.next_revision(&pushed("v6")).await;
    let mixed = stage
        .ecs
        .update_express_gateway_service()
        .service_arn(SERVICE)
        .task_definition_arn(&definition)
        .primary_container(ExpressGatewayContainer::builder().image("x").build().unwrap())
        .send()
        .await;
    assert!(mixed.unwrap_err().into_service_error().is_invalid_parameter_exception());
    let unknown = stage
        .ecs
        .update_express_gateway_service()
        .service_arn(SERVICE.replace("f9de", "aaaa"))
        .task_definition_arn(&definition);
    assert!(unknown.send().await.unwrap_err().into_service_error().is_service_not_found_exception());
    assert_eq!(stage.update(&definition.replace(":6", ":99")).await.unwrap_err().0, "ClientException");

    let describe = stage.ecs.describe_express_gateway_service().service_arn(SERVICE.replace("f9de", "aaaa"));
    assert!(describe.send().await.unwrap_err().into_service_error().is_resource_not_found_exception());
    let cluster = stage.ecs.list_service_deployments().service(SERVICE).cluster("other");
    assert!(cluster.send().await.unwrap_err().into_service_error().is_cluster_not_found_exception());

    for (pointer, value) in [
        ("/containerDefinitions/0/name", json!("App")),
        ("/containerDefinitions/0/portMappings", json!([])),
        ("/containerDefinitions/0/portMappings/0/protocol", json!("udp")),
        ("/containerDefinitions/0/portMappings/0/name", Value::Null),
        ("/requiresCompatibilities", json!(["EC2"])),
    ] {
        let mut document = article();
        *document.pointer_mut(pointer).unwrap() = value;
        let arn = stage.register(&document).await.unwrap();
        assert_eq!(stage.update(&arn).await.unwrap_err().0, "InvalidParameterException", "{pointer}");
    }
    stage.ecs.deregister_task_definition().task_definition(&definition).send().await.unwrap();
    assert_eq!(
        stage.update(&definition).await.unwrap_err(),
        ("ClientException".to_owned(), "TaskDefinition is inactive".to_owned())
    );
    assert!(stage.sandbox.set_service_status("express-mode-custom-td-f9de", "DRAINING"));
    assert_eq!(stage.update(&definition).await.unwrap_err().0, "ServiceNotActiveException");
    assert_eq!(stage.sandbox.deployments().len(), 1);
}

#[tokio::test]
async fn several_services_can_be_live_side_by_side() {
    let stage = Stage::good().await;
    let mut document = article();
    document["family"] = json!("shop");
    let arn = stage.sandbox.set_live("shop-1a2b", &document).unwrap();
    let service = SERVICE.replace("express-mode-custom-td-f9de", "shop-1a2b");
    let described =
        stage.ecs.describe_express_gateway_service().service_arn(service).send().await.unwrap().service.unwrap();
    assert_eq!(described.active_configurations()[0].task_definition_arn(), Some(arn.as_str()));
    document["containerDefinitions"][0]["name"] = json!("App");
    let refused = stage.sandbox.set_live("shop-1a2b", &document).unwrap_err().to_string();
    assert!(refused.contains("must have a container named 'Main'"), "{refused}");
}
