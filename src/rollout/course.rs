//! The course that a deployment's own configuration gives it: the canary's share, the bakes, the hooks; and so how long
//! it may take.

use serde::{Deserialize, Serialize};

/// The longest that a deployment may take, in seconds: 30 days (Amazon ECS developer guide, "Amazon ECS deployment
/// lifecycle stages").
pub(crate) const LONGEST: u64 = 30 * DAY;

/// What a deployment may take beside its bakes and its hooks, in seconds. A stage may last up to 24 hours by the rules
/// of ECS, yet all stages of an Express Mode deployment together take 6 to 20 minutes: what takes so much longer hangs,
/// and needs a person.
pub(crate) const SLACK: u64 = 2 * 3600;

/// The part of the slack that the wait for logs may use, in seconds; the rest is for the deployment to begin.
const PATIENCE: u64 = SLACK - 30 * 60;

const DAY: u64 = 24 * 3600;

/// The longest that ECS lets a `PAUSE` hook hold a deployment, in seconds.
const LONGEST_PAUSE: u64 = 14 * DAY;

/// `deploymentConfiguration` of a service deployment, as far as it says how the deployment goes on. The times of an
/// Express Mode service can be changed (`UpdateService`), its strategy cannot.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Course {
    /// The canary's share of production traffic, in percent.
    pub canary_percent: Option<f64>,
    /// How long the canary bakes, in minutes.
    pub canary_bake: Option<u64>,
    /// How long the new revision bakes with all traffic, in minutes.
    pub bake: Option<u64>,
    /// What is called, or waits for a person, on the way.
    pub hooks: Vec<Hook>,
}

/// A lifecycle hook.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hook {
    /// Whether it waits for a person (`PAUSE`), not for a function.
    pub is_pause: bool,
    /// The stages at which it runs, in the words of ECS.
    pub stages: Vec<String>,
    /// How long ECS waits for it, in minutes.
    pub timeout: Option<u64>,
}

impl Course {
    /// How long the canary bakes, in seconds, where that is known.
    pub fn canary_bake(&self) -> Option<u64> {
        self.canary_bake.map(seconds)
    }

    /// How long the deployment may take when no hook holds it, in seconds.
    pub fn longest(&self) -> u64 {
        (self.bakes() + SLACK).min(LONGEST)
    }

    /// How long the deployment may take when every hook holds it as long as it may, in seconds.
    pub fn longest_with_hooks(&self) -> u64 {
        self.hooks.iter().map(Hook::longest).fold(self.longest(), u64::saturating_add).min(LONGEST)
    }

    /// How long logs may take to land after the first task of the new revision runs, in seconds: not longer than the
    /// deployment is followed.
    pub fn longest_timeout(&self) -> u64 {
        self.bakes() + PATIENCE
    }

    /// Why the canary gives nobody the time to go back while it has a small share of the traffic, if it does not.
    pub fn lacks_a_canary(&self) -> Option<String> {
        let judged = "nothing can be judged while the new revision has a small share of the traffic";
        match (self.canary_percent, self.canary_bake) {
            (Some(percent), _) if percent >= 100.0 => {
                Some(format!("the canary has {percent} % of the traffic: {judged}"))
            }
            (_, Some(0)) => Some(format!("the canary does not bake: {judged}")),
            _ => None,
        }
    }

    fn bakes(&self) -> u64 {
        [self.canary_bake, self.bake].into_iter().flatten().map(|minutes| seconds(minutes).min(DAY)).sum()
    }
}

impl Hook {
    /// How long it may hold the deployment, in seconds, at all of its stages together. The stages around the shift of
    /// traffic come once for the canary and once for the rest.
    fn longest(&self) -> u64 {
        let times = self.stages.iter().map(|stage| if stage.ends_with("PRODUCTION_TRAFFIC_SHIFT") { 2 } else { 1 });
        let longest = if self.is_pause { LONGEST_PAUSE } else { DAY };
        let once = self.timeout.map_or(DAY, seconds).min(longest);
        once.saturating_mul(times.sum())
    }
}

fn seconds(minutes: u64) -> u64 {
    minutes.saturating_mul(60)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn course(canary_percent: f64, canary_bake: u64, bake: u64) -> Course {
        Course {
            canary_percent: Some(canary_percent),
            canary_bake: Some(canary_bake),
            bake: Some(bake),
            hooks: Vec::new(),
        }
    }

    fn hook(is_pause: bool, stages: &[&str], timeout: Option<u64>) -> Hook {
        Hook { is_pause, stages: stages.iter().map(|&stage| stage.to_owned()).collect(), timeout }
    }

    #[test]
    fn the_bakes_say_how_long_a_deployment_may_take() {
        assert_eq!(Course::default().longest(), 2 * 3600);
        assert_eq!(course(5.0, 3, 3).longest(), 2 * 3600 + 360);
        assert_eq!(course(5.0, 1440, 1440).longest(), 2 * DAY + 2 * 3600);
        assert_eq!(course(5.0, 1440, 1440).longest_timeout(), 2 * DAY + 90 * 60);
    }

    #[test]
    fn hooks_add_what_they_may_hold_and_a_deployment_ends_after_thirty_days() {
        let with = |hook: Hook| Course { hooks: vec![hook], ..course(5.0, 0, 0) }.longest_with_hooks();
        assert_eq!(with(hook(false, &["POST_SCALE_UP"], Some(10))), SLACK + 600);
        assert_eq!(with(hook(false, &["POST_SCALE_UP", "PRE_PRODUCTION_TRAFFIC_SHIFT"], None)), SLACK + 3 * DAY);
        assert_eq!(with(hook(true, &["POST_SCALE_UP"], Some(14 * 1440))), SLACK + 14 * DAY);
        assert_eq!(with(hook(true, &["POST_SCALE_UP"], Some(u64::MAX))), SLACK + 14 * DAY);
        assert_eq!(with(hook(true, &["POST_SCALE_UP", "PRE_SCALE_UP", "BAKE_TIME"], Some(14 * 1440))), LONGEST);
    }

    #[test]
    fn a_canary_without_a_small_share_or_a_bake_is_told() {
        assert_eq!(course(5.0, 3, 3).lacks_a_canary(), None);
        assert_eq!(Course::default().lacks_a_canary(), None);
        assert!(course(100.0, 0, 0).lacks_a_canary().unwrap().starts_with("the canary has 100 %"));
        assert!(course(5.0, 0, 3).lacks_a_canary().unwrap().starts_with("the canary does not bake"));
    }
}
