//! The sandbox's ECS and registry from the inside: what the service heads to, and what a person or a build does past the deployer.

use serde_json::{Value, json};

use super::facts::Landing;
use super::players::End;
use super::schedule::Schedule;
use super::story::{BY_HAND, Hand, Image};
use crate::SecondUpdate;
use crate::api::{ACCOUNT, REGION};
use crate::ecs::{CLUSTER, Context};
use crate::seed::{REPOSITORY, SERVICE};
use crate::state::World;

/// What the service heads to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Heading {
    /// The task definition.
    pub(super) definition: String,
    /// Whether a deployment runs.
    pub(super) is_busy: bool,
}

fn service_arn() -> String {
    format!("arn:aws:ecs:{REGION}:{ACCOUNT}:service/{CLUSTER}/{SERVICE}")
}

fn ask(world: &World, operation: &str, input: &Value) -> Value {
    let mut ecs = world.ecs();
    let context = Context { now: world.clock.now(), registry: &world.registry(), blindness: None };
    ecs.handle(operation, input, context).unwrap_or_default()
}

/// The target of the running deployment, else the active revision.
pub(super) fn heading(world: &World) -> Heading {
    let described = ask(world, "DescribeExpressGatewayService", &json!({"serviceArn": service_arn()}));
    let configurations = described.pointer("/service/activeConfigurations").and_then(Value::as_array);
    let last = configurations.and_then(|list| list.last()).and_then(|last| last.get("taskDefinitionArn"));
    Heading {
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

/// A person does something, where there is something to be done.
pub(super) fn act(schedule: &mut Schedule, what: Hand) {
    match what {
        Hand::Deploys { copies_tags } => deploy(schedule, copies_tags),
        Hand::RollsBack => roll_back(schedule),
        Hand::StopsExecution | Hand::EndsTime => {
            let end = if what == Hand::EndsTime { End::TimedOut } else { End::Stopped };
            let newest = schedule.players.iter().rposition(super::players::Player::is_on_its_way);
            if let Some(number) = newest {
                let world = std::sync::Arc::clone(&schedule.world);
                if let Some(player) = schedule.players.get_mut(number) {
                    player.stop(&world, end.clone());
                }
                schedule.note(&format!("x{number} is cut off: {end}"));
            }
        }
    }
}

fn deploy(schedule: &mut Schedule, copies_tags: bool) {
    let world = std::sync::Arc::clone(&schedule.world);
    let before = heading(&world);
    if before.is_busy && schedule.story.second_update == SecondUpdate::Refuses {
        return;
    }
    let mut document = schedule.story.document(0, BY_HAND, "yes");
    if copies_tags {
        let described =
            ask(&world, "DescribeTaskDefinition", &json!({"taskDefinition": before.definition, "include": ["TAGS"]}));
        let tags = described.get("tags").and_then(Value::as_array).filter(|tags| !tags.is_empty());
        if let Some(tags) = tags {
            document["tags"] = json!(tags);
        }
    }
    let answer = ask(&world, "RegisterTaskDefinition", &document);
    let arn = answer.pointer("/taskDefinition/taskDefinitionArn").cloned().unwrap_or_default();
    let update = json!({"serviceArn": service_arn(), "taskDefinitionArn": arn});
    ask(&world, "UpdateExpressGatewayService", &update);
    schedule.facts.landings.push(Landing::new(&world, None, before.definition));
    schedule.note(&format!("a person deploys {}", arn.as_str().unwrap_or_default()));
}

fn roll_back(schedule: &mut Schedule) {
    if heading(&schedule.world).is_busy {
        let arn = newest_deployment(&schedule.world);
        ask(&schedule.world, "StopServiceDeployment", &json!({"serviceDeploymentArn": arn, "stopType": "ROLLBACK"}));
        schedule.note(&format!("a person rolls {arn} back"));
    }
}
