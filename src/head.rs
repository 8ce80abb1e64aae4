//! The head: who owns a service now. One object per service, changed only by compare-and-swap; here is what it says and what follows from
//! it for a release. Reading and writing it is the shell's work.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::config::ServiceArn;
use crate::image::Digest;
use crate::report::Outcome;
use crate::trigger::{Order, ReleaseId, Trigger};

/// The largest head that is read, in bytes.
pub const MAX_HEAD: usize = 64 * 1024;

/// The object at `services/<cluster>/<service>/head.json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Head {
    /// The release that owns the service.
    pub release: ReleaseId,
    /// The durable execution that runs the release.
    pub execution: String,
    /// The release's place in the order.
    pub order: Order,
    /// When the release claimed the service.
    pub claimed_at: Timestamp,
    /// The trigger, for people.
    pub trigger: String,
    /// The digest on its way, of a pushed image.
    #[serde(default)]
    pub digest: Option<Digest>,
    /// The revision that the release registered.
    #[serde(default)]
    pub task_definition_arn: Option<String>,
    /// How the release ended; absent while it runs.
    #[serde(default)]
    pub outcome: Option<Outcome>,
    /// The last task definition that ran and was verified.
    #[serde(default)]
    pub last_good: Option<String>,
}

/// How long after its claim a release can still be on its way; the durable execution ends before (`ExecutionTimeout` in template.yaml).
const ON_ITS_WAY: SignedDuration = SignedDuration::from_hours(8);

/// What a head means for a release.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Nobody else is in the way: the release may claim the service.
    Free,
    /// This very release, of this very execution, owns the service: a claim got through.
    Ours,
    /// Another release, or another delivery of the event, does the same work.
    Duplicate(ReleaseId),
    /// A newer release owns the service.
    Superseded(ReleaseId),
}

/// The key of a service's head.
pub fn key(service: &ServiceArn) -> String {
    format!("services/{}/{}/head.json", service.cluster(), service.name())
}

impl Head {
    /// The head with which a release claims a service; what the last head knew to be good is kept.
    pub fn claim(trigger: &Trigger, execution: &str, at: Timestamp, last: Option<&Self>) -> Self {
        Self {
            release: trigger.release(),
            execution: execution.to_owned(),
            order: trigger.order(),
            claimed_at: at,
            trigger: trigger.to_string(),
            digest: match trigger {
                Trigger::ImagePush(push) => Some(push.digest.clone()),
                Trigger::Upload(_) => None,
            },
            task_definition_arn: None,
            outcome: None,
            last_good: last.and_then(|head| head.last_good.clone()),
        }
    }

    /// Whether this release of this execution owns the service.
    pub fn is_owned_by(&self, release: &ReleaseId, execution: &str) -> bool {
        self.release == *release && self.execution == execution
    }
}

/// Compares a release with the head. The order decides; a digest counts only while it is on its way: after a rollback a newer event for the
/// same digest deploys it again, because somebody asked.
pub fn standing(head: Option<&Head>, trigger: &Trigger, execution: &str, now: Timestamp) -> Standing {
    let Some(head) = head else { return Standing::Free };
    let release = trigger.release();
    if head.is_owned_by(&release, execution) {
        return Standing::Ours;
    }
    let is_on_its_way = head.outcome.is_none() && now.duration_since(head.claimed_at) < ON_ITS_WAY;
    // An execution that died without an outcome may be started again with its event.
    if head.release == release {
        let is_dead = head.outcome.is_none() && !is_on_its_way;
        return if is_dead { Standing::Free } else { Standing::Duplicate(head.release.clone()) };
    }
    let same_digest = matches!(trigger, Trigger::ImagePush(push) if head.digest.as_ref() == Some(&push.digest));
    if same_digest && is_on_its_way {
        return Standing::Duplicate(head.release.clone());
    }
    if head.order > trigger.order() {
        return Standing::Superseded(head.release.clone());
    }
    Standing::Free
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trigger::ImagePush;

    fn now() -> Timestamp {
        "2026-11-23T10:01:00Z".parse().unwrap()
    }

    fn push(event: &str, second: u32, digest: char) -> Trigger {
        Trigger::ImagePush(ImagePush {
            event: event.into(),
            at: format!("2026-11-23T10:00:{second:02}Z").parse().unwrap(),
            account: "123456789012".into(),
            region: "eu-west-1".into(),
            repository: "web".into(),
            tag: "v1".into(),
            digest: Digest::parse(&format!("sha256:{}", digest.to_string().repeat(64))).unwrap(),
        })
    }

    #[test]
    fn the_order_decides_whatever_comes_first() {
        let newer = Head::claim(&push("b", 5, 'b'), "x", now(), None);
        assert_eq!(standing(Some(&newer), &push("a", 1, 'a'), "y", now()), Standing::Superseded(newer.release.clone()));
        assert_eq!(standing(Some(&newer), &push("c", 9, 'c'), "y", now()), Standing::Free);
        assert_eq!(standing(None, &push("a", 1, 'a'), "y", now()), Standing::Free);
    }

    #[test]
    fn a_second_delivery_and_a_second_tag_are_duplicates() {
        let head = Head::claim(&push("a", 1, 'a'), "x", now(), None);
        assert_eq!(standing(Some(&head), &push("a", 1, 'a'), "y", now()), Standing::Duplicate(head.release.clone()));
        assert_eq!(standing(Some(&head), &push("b", 2, 'a'), "y", now()), Standing::Duplicate(head.release.clone()));
        assert_eq!(standing(Some(&head), &push("a", 1, 'a'), "x", now()), Standing::Ours);
    }

    #[test]
    fn a_release_that_died_blocks_its_digest_for_hours_and_not_for_ever() {
        let claimed_at = now().checked_sub(ON_ITS_WAY).unwrap();
        let head = Head { claimed_at, ..Head::claim(&push("a", 1, 'a'), "x", now(), None) };
        assert_eq!(standing(Some(&head), &push("a", 1, 'a'), "y", now()), Standing::Free);
        assert_eq!(standing(Some(&head), &push("b", 2, 'a'), "y", now()), Standing::Free);
    }

    #[test]
    fn a_newer_event_deploys_a_rolled_back_digest_again() {
        let head = Head { outcome: Some(Outcome::RolledBack), ..Head::claim(&push("a", 1, 'a'), "x", now(), None) };
        assert_eq!(standing(Some(&head), &push("b", 2, 'a'), "y", now()), Standing::Free);
        assert_eq!(standing(Some(&head), &push("a", 1, 'a'), "y", now()), Standing::Duplicate(head.release.clone()));
    }
}
