//! What a person does past the deployer, at the console or with AWS's command line.

use serde_json::json;

use super::facts::Landing;
use super::inside::{ask, desired, newest_deployment, service_arn};
use super::players::{End, Player};
use super::story::{BY_HAND, Hand, Story};
use crate::SecondUpdate;
use crate::state::World;

/// What a person did.
pub(super) struct Done {
    /// It, in words.
    pub(super) what: String,
    /// The update that it was, if it was one.
    pub(super) landing: Option<Landing>,
}

/// A person does something, where there is something to be done.
pub(super) fn act(world: &World, story: &Story, players: &mut [Player], what: Hand) -> Option<Done> {
    match what {
        Hand::Deploys { copies_tags } => deploy(world, story, copies_tags),
        Hand::RollsBack => roll_back(world),
        Hand::StopsExecution => cut_off(world, players, &End::Stopped),
        Hand::EndsTime => cut_off(world, players, &End::TimedOut),
    }
}

fn cut_off(world: &World, players: &mut [Player], end: &End) -> Option<Done> {
    let (number, player) = players.iter_mut().enumerate().rfind(|(_, player)| player.is_on_its_way())?;
    player.stop(world, end.clone());
    Some(Done { what: format!("x{number} is cut off: {end}"), landing: None })
}

fn deploy(world: &World, story: &Story, copies_tags: bool) -> Option<Done> {
    let before = desired(world);
    if before.is_busy && story.second_update == SecondUpdate::Refuses {
        return None;
    }
    let mut document = story.document(0, BY_HAND, "yes");
    if copies_tags {
        let described =
            ask(world, "DescribeTaskDefinition", &json!({"taskDefinition": before.definition, "include": ["TAGS"]}));
        let tags = described.get("tags").and_then(|tags| tags.as_array()).filter(|tags| !tags.is_empty());
        if let Some(tags) = tags {
            document["tags"] = json!(tags);
        }
    }
    let answer = ask(world, "RegisterTaskDefinition", &document);
    let arn = answer.pointer("/taskDefinition/taskDefinitionArn").cloned().unwrap_or_default();
    let update = json!({"serviceArn": service_arn(), "taskDefinitionArn": arn});
    ask(world, "UpdateExpressGatewayService", &update);
    let landing = Some(Landing::new(world, None, before.definition));
    Some(Done { what: format!("a person deploys {}", arn.as_str().unwrap_or_default()), landing })
}

fn roll_back(world: &World) -> Option<Done> {
    if !desired(world).is_busy {
        return None;
    }
    let arn = newest_deployment(world);
    ask(world, "StopServiceDeployment", &json!({"serviceDeploymentArn": arn, "stopType": "ROLLBACK"}));
    Some(Done { what: format!("a person rolls {arn} back"), landing: None })
}
