//! The head of a service: the release protocol's object in the state bucket, with the names that ECS and this program
//! give to things. What it means, and how it changes, is `release-protocol`'s; reading and swapping it is the shell's
//! work.

use jiff::Timestamp;
use release_protocol::Names;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::config::ServiceArn;
use crate::image::Digest;
use crate::plan::Request;
use crate::text::Text;
use crate::trigger::{Order, ReleaseId, Trigger};

pub mod plausible;

pub use release_protocol::Outcome;

/// The largest head that is read, in bytes.
pub const MAX_HEAD: usize = 64 * 1024;

/// The releases that a head remembers.
pub const MAX_RECENT: usize = 20;

/// The names of ECS, ECR and Lambda, for the release protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Aws;

impl Names for Aws {
    type Order = Order;
    type Event = ReleaseId;
    /// The ARN of a durable execution.
    type Execution = String;
    type Image = Digest;
    /// The ARN of a task definition.
    type Definition = String;
    /// The ARN of a service revision.
    type Revision = String;
    type FenceId = String;
    type About = About;
    type Memory = Memory;
}

/// The object at `services/<account>/<region>/<cluster>/<service>/head.json`.
pub type Head = release_protocol::head::Head<Aws>;

/// A release, and the execution that carries it.
pub type Release = release_protocol::Release<Aws>;

/// What a head says of its owner for people, and for whoever may not ask for its execution.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct About {
    /// The trigger.
    pub trigger: Text,
    /// When the release claimed the service; by its own clock.
    pub claimed_at: Timestamp,
}

/// What a head remembers beside the members that the protocol changes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Memory {
    /// Releases that have ended, the newest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub recent: Vec<Recent>,
    /// Members that a later version wrote.
    #[serde(flatten)]
    pub others: Map<String, Value>,
}

impl release_protocol::Memory<ReleaseId, String> for Memory {
    fn names(&self, definition: &String) -> bool {
        self.recent.iter().any(|release| release.task_definition_arn.as_ref() == Some(definition))
    }

    fn has_decided(&self, event: &ReleaseId) -> bool {
        let is_decided = |outcome| matches!(outcome, Outcome::Succeeded | Outcome::RolledBack);
        self.recent.iter().any(|release| release.release == *event && is_decided(release.outcome))
    }
}

/// A release that has ended.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Recent {
    /// The release.
    pub release: ReleaseId,
    /// Its place in the order.
    pub order: Order,
    /// What started it.
    pub trigger: Text,
    /// The image of the container.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<Text>,
    /// The digest that was pushed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<Digest>,
    /// The revision that it registered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task_definition_arn: Option<String>,
    /// How it ended.
    pub outcome: Outcome,
    /// When.
    pub at: Timestamp,
}

impl Memory {
    /// The image that a release put into this task definition.
    pub fn image_of(&self, task_definition_arn: &str) -> Option<&str> {
        let is_of = |release: &&Recent| release.task_definition_arn.as_deref() == Some(task_definition_arn);
        self.recent.iter().find(is_of)?.image.as_deref()
    }

    /// Remembers a release, in place of what was known of it before; what did the work is not forgotten for an
    /// execution of the same event that left it to that one.
    pub fn remember(&mut self, release: Recent) {
        let has_worked = |other: &Recent| other.release == release.release && other.outcome != Outcome::Duplicate;
        if leaves_the_work(release.outcome) && self.recent.iter().any(has_worked) {
            return;
        }
        self.recent.retain(|other| other.release != release.release);
        self.recent.insert(0, release);
        self.recent.truncate(MAX_RECENT);
    }
}

/// Whether a release that ended so left the work to another one, or to another execution of its own event.
pub const fn leaves_the_work(outcome: Outcome) -> bool {
    matches!(outcome, Outcome::Duplicate | Outcome::Superseded)
}

/// Where the state of a service lies below `services/` and `releases/`.
pub fn place(service: &ServiceArn) -> String {
    format!("{}/{}/{}/{}", service.account(), service.region(), service.cluster(), service.name())
}

/// The key of a service's head.
pub fn key(service: &ServiceArn) -> String {
    format!("services/{}/head.json", place(service))
}

/// The release that a request is, in this execution. `claimed_at` goes into the head with a claim; `tag_is_current`
/// says whether the pushed tag was seen to point to the pushed digest.
pub fn release(request: &Request, execution: &str, claimed_at: Timestamp, tag_is_current: bool) -> Release {
    let image = match &request.trigger {
        Trigger::ImagePush(push) => Some(push.digest.clone()),
        Trigger::Upload(_) => None,
    };
    Release {
        event: request.release(),
        execution: execution.to_owned(),
        order: request.order(tag_is_current),
        image,
        about: About { trigger: request.trigger.to_string().into(), claimed_at },
    }
}

#[cfg(test)]
mod tests {
    use release_protocol::Memory as _;
    use release_protocol::head::{Base, Change};

    use super::Outcome::{Duplicate, RolledBack, Succeeded, Superseded};
    use super::*;

    fn request(event: &str) -> Request {
        let config = crate::config::Config::parse(include_str!("../deployer.example.toml")).unwrap();
        let trigger = crate::trigger::recognise(event).triggers.remove(0);
        Request::of(&config, &config.services[0], trigger)
    }

    fn claimed() -> (Head, Release) {
        let request = request(include_str!("../events/ecr-image-push.json"));
        let me = release(&request, "arn:execution", Timestamp::UNIX_EPOCH, true);
        let base = Base { definition: "web:5".to_owned(), newest: Some("revision".to_owned()) };
        (Change::Claim(base).apply(None, &me).unwrap(), me)
    }

    #[test]
    fn a_head_survives_its_way_into_the_bucket_and_back() {
        let (head, _) = claimed();
        let text = serde_json::to_string_pretty(&head).unwrap();
        assert_eq!(serde_json::from_str::<Head>(&text).unwrap(), head, "{text}");
        for word in ["\"phase\": \"claimed\"", "\"claimedAt\"", "\"base\"", "\"newestRevisionArn\"", "\"execution\""] {
            assert!(text.contains(word), "{word} is not in {text}");
        }
    }

    #[test]
    fn members_of_a_later_version_survive_a_rewrite() {
        let (head, me) = claimed();
        let mut value = serde_json::to_value(&head).unwrap();
        value["hold"] = serde_json::json!({"reason": "freeze"});
        let head: Head = serde_json::from_value(value).unwrap();
        let next = Change::End { outcome: Outcome::Failed, good: None }.apply(Some(&head), &me).unwrap();
        assert_eq!(serde_json::to_value(&next).unwrap()["hold"]["reason"], "freeze");
    }

    #[test]
    fn twenty_releases_are_remembered_each_once() {
        let (head, me) = claimed();
        let recent = |number: usize| Recent {
            release: serde_json::from_value(format!("release-{number}").into()).unwrap(),
            order: me.order.clone(),
            trigger: Text::default(),
            image: None,
            digest: None,
            task_definition_arn: Some(format!("web:{number}")),
            outcome: Succeeded,
            at: Timestamp::UNIX_EPOCH,
        };
        let mut memory = head.memory;
        for number in 0..30 {
            memory.remember(recent(number));
        }
        memory.remember(recent(29));
        assert_eq!(memory.recent.len(), MAX_RECENT);
        assert!(memory.names(&"web:29".to_owned()) && !memory.names(&"web:9".to_owned()));
    }

    #[test]
    fn an_execution_that_left_the_work_to_another_one_does_not_speak_for_it() {
        let (head, me) = claimed();
        let ended = |outcome| Recent {
            release: me.event.clone(),
            order: me.order.clone(),
            trigger: Text::default(),
            image: None,
            digest: None,
            task_definition_arn: None,
            outcome,
            at: Timestamp::UNIX_EPOCH,
        };
        let outcomes = |told: &[Outcome]| {
            let mut memory = head.memory.clone();
            for outcome in told {
                memory.remember(ended(*outcome));
            }
            memory.recent.iter().map(|recent| recent.outcome).collect::<Vec<_>>()
        };
        assert_eq!(outcomes(&[Succeeded, Duplicate]), [Succeeded]);
        assert_eq!(outcomes(&[RolledBack, Superseded]), [RolledBack]);
        assert_eq!(outcomes(&[Duplicate, Superseded, Succeeded]), [Succeeded]);
        assert_eq!(outcomes(&[Duplicate, Superseded, Duplicate]), [Superseded]);
    }
}
