//! The sandbox's ECS and registry from the inside: what the service is to run and what there is, and a build's push. It
//! knows of no release.

use serde_json::{Value, json};

use super::story::Image;
use crate::api::{ACCOUNT, REGION};
use crate::ecs::{CLUSTER, Context};
use crate::seed::{REPOSITORY, SERVICE};
use crate::state::World;

/// The task definition that a service is to run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Desired {
    /// The task definition.
    pub(super) definition: String,
    /// Whether a deployment runs.
    pub(super) is_busy: bool,
}

pub(super) fn service_arn() -> String {
    format!("arn:aws:ecs:{REGION}:{ACCOUNT}:service/{CLUSTER}/{SERVICE}")
}

pub(super) fn ask(world: &World, operation: &str, input: &Value) -> Value {
    let mut ecs = world.ecs();
    let context = Context { now: world.clock.now(), registry: &world.registry(), blindness: None };
    ecs.handle(operation, input, context).unwrap_or_default()
}

/// The target of the running deployment, else the active revision.
pub(super) fn desired(world: &World) -> Desired {
    let described = ask(world, "DescribeExpressGatewayService", &json!({"serviceArn": service_arn()}));
    let configurations = described.pointer("/service/activeConfigurations").and_then(Value::as_array);
    let last = configurations.and_then(|list| list.last()).and_then(|last| last.get("taskDefinitionArn"));
    Desired {
        definition: last.and_then(Value::as_str).unwrap_or_default().to_owned(),
        is_busy: described.pointer("/service/currentDeployment").is_some(),
    }
}

/// The newest deployment's ARN.
pub(super) fn newest_deployment(world: &World) -> String {
    let deployments = world.ecs().all_deployments(world.clock.now());
    let arn = deployments.last().and_then(|newest| newest.get("serviceDeploymentArn")).and_then(Value::as_str);
    arn.unwrap_or_default().to_owned()
}

/// The newest task definition of the service's family.
pub(super) fn newest_definition(world: &World) -> String {
    let family = world.ecs().definitions.family(REPOSITORY);
    let arn = family.last().and_then(|newest| newest.get("taskDefinitionArn")).and_then(Value::as_str);
    arn.unwrap_or_default().to_owned()
}

/// Pushes an image: its blob, its manifests, its tags.
pub(super) fn push(world: &World, repository: &str, image: &Image, tags: &[&str]) {
    let mut registry = world.registry();
    registry.put_blob(repository, image.blob.as_bytes());
    for manifest in &image.manifests {
        let tags = if image.manifests.last() == Some(manifest) { tags } else { &[] };
        registry.put_image(repository, tags, manifest.as_bytes(), world.clock.now());
    }
}
