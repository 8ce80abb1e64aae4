//! The canary as a value: a deployment as it was seen, the phase that it is in, and what follows from the two. Pure: no
//! I/O.

use std::fmt;

use serde::{Deserialize, Serialize};

pub mod course;

use crate::text::Text;
use course::Course;

/// A service deployment as ECS describes it (`DescribeServiceDeployments`), in our own types.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Deployment {
    /// The deployment.
    pub arn: String,
    /// The revision that it brings.
    pub target_revision: String,
    /// Its status.
    pub status: Status,
    /// The lifecycle stage, in the words of ECS.
    pub stage: Option<Text>,
    /// The share of production traffic that the target is asked to have, in percent.
    pub traffic_percent: Option<f64>,
    /// What its configuration says about how it goes on.
    #[serde(default)]
    pub course: Course,
    /// The hooks that hold it now: those that run, and those that await somebody's action.
    #[serde(default)]
    pub holding: Vec<Holding>,
    /// Tasks of the target that run.
    pub running_tasks: i32,
    /// Tasks of the target that there should be.
    pub requested_tasks: i32,
    /// Why it has its status, in the words of ECS.
    pub reason: Option<Text>,
    /// Alarms that went off.
    pub triggered_alarms: Vec<Text>,
    /// The circuit breaker.
    pub circuit_breaker: Option<CircuitBreaker>,
    /// The CPU architecture that ECS gives the target's tasks in place of their definition's. The service revision says
    /// so, not the deployment.
    #[serde(default)]
    pub architecture_override: Option<Text>,
}

/// A lifecycle hook that holds a deployment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holding {
    /// The function that it calls, or the id by which a pause is continued.
    pub name: Text,
    /// Whether somebody has to act before the deployment goes on.
    pub awaits_action: bool,
}

/// The lifecycle stages that are known (API reference, `ServiceDeployment`, and the developer guide, which names one
/// more than the API's model).
const STAGES: [&str; 11] = [
    "RECONCILE_SERVICE",
    "PRE_SCALE_UP",
    "SCALE_UP",
    "POST_SCALE_UP",
    "TEST_TRAFFIC_SHIFT",
    "POST_TEST_TRAFFIC_SHIFT",
    "PRE_PRODUCTION_TRAFFIC_SHIFT",
    "PRODUCTION_TRAFFIC_SHIFT",
    "POST_PRODUCTION_TRAFFIC_SHIFT",
    "BAKE_TIME",
    "CLEAN_UP",
];

/// The status of a service deployment (API model, `ServiceDeploymentStatus`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Status {
    /// Created, not started.
    Pending,
    /// Running.
    InProgress,
    /// The target serves all traffic.
    Successful,
    /// It is being stopped: by a newer deployment, by somebody, or because it failed and is not rolled back.
    StopRequested,
    /// It was stopped. Why, only what else was deployed tells: a newer deployment took its place, or it failed and was
    /// not rolled back.
    Stopped,
    /// Somebody called `StopServiceDeployment`.
    RollbackRequested,
    /// An alarm, the circuit breaker, a hook or a request rolls it back.
    RollbackInProgress,
    /// The source serves all traffic again.
    RollbackSuccessful,
    /// Neither way worked.
    RollbackFailed,
    /// A status that this program does not know.
    Unknown(String),
}

impl Status {
    /// Reads the word of ECS.
    pub fn from_word(word: &str) -> Self {
        match word {
            "PENDING" => Self::Pending,
            "IN_PROGRESS" => Self::InProgress,
            "SUCCESSFUL" => Self::Successful,
            "STOP_REQUESTED" => Self::StopRequested,
            "STOPPED" => Self::Stopped,
            "ROLLBACK_REQUESTED" => Self::RollbackRequested,
            "ROLLBACK_IN_PROGRESS" => Self::RollbackInProgress,
            "ROLLBACK_SUCCESSFUL" => Self::RollbackSuccessful,
            "ROLLBACK_FAILED" => Self::RollbackFailed,
            other => Self::Unknown(other.to_owned()),
        }
    }

    /// The word of ECS.
    pub fn as_word(&self) -> &str {
        match self {
            Self::Pending => "PENDING",
            Self::InProgress => "IN_PROGRESS",
            Self::Successful => "SUCCESSFUL",
            Self::StopRequested => "STOP_REQUESTED",
            Self::Stopped => "STOPPED",
            Self::RollbackRequested => "ROLLBACK_REQUESTED",
            Self::RollbackInProgress => "ROLLBACK_IN_PROGRESS",
            Self::RollbackSuccessful => "ROLLBACK_SUCCESSFUL",
            Self::RollbackFailed => "ROLLBACK_FAILED",
            Self::Unknown(word) => word,
        }
    }

    /// Whether the service still goes to the target.
    pub fn goes_to_target(&self) -> bool {
        matches!(self, Self::Pending | Self::InProgress)
    }

    /// Whether the service is going back to the source.
    pub fn is_rolling_back(&self) -> bool {
        matches!(self, Self::RollbackRequested | Self::RollbackInProgress)
    }

    /// How it ended, once it has.
    pub fn end(&self) -> Option<End> {
        match self {
            Self::Successful => Some(End::Successful),
            Self::Stopped => Some(End::Stopped),
            Self::RollbackSuccessful => Some(End::RolledBack),
            Self::RollbackFailed => Some(End::Stuck),
            _ => None,
        }
    }
}

/// How a deployment ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum End {
    /// The target serves all traffic.
    Successful,
    /// It was stopped before it was through; whether for a newer deployment, it does not say.
    Stopped,
    /// The source serves all traffic again.
    RolledBack,
    /// The rollback failed; a person is needed.
    Stuck,
}

/// Where a deployment stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Phase {
    /// ECS has taken the update and has not begun.
    Queued,
    /// The first tasks of the new revision start; no traffic yet.
    Starting,
    /// The new revision has the canary's share of the traffic and bakes: the last cheap moment to go back.
    Canary,
    /// The new revision gets the rest of the traffic and bakes; the old tasks still run.
    Shifted,
    /// The old tasks go away.
    CleaningUp,
    /// The new revision serves all traffic.
    Done,
    /// The deployment is being stopped.
    Stopping,
    /// The deployment was stopped.
    Stopped,
    /// The old revision gets its traffic back.
    RollingBack,
    /// The old revision serves all traffic again.
    RolledBack,
    /// ECS could not roll back.
    Stuck,
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Queued => "queued",
            Self::Starting => "starting",
            Self::Canary => "canary",
            Self::Shifted => "shifted",
            Self::CleaningUp => "cleaning up",
            Self::Done => "done",
            Self::Stopping => "stopping",
            Self::Stopped => "stopped",
            Self::RollingBack => "rolling back",
            Self::RolledBack => "rolled back",
            Self::Stuck => "stuck",
        })
    }
}

impl Deployment {
    /// The phase. Traffic tells more than the lifecycle stage, whose names vary between the API model and the developer
    /// guide.
    pub fn phase(&self) -> Phase {
        match &self.status {
            Status::Pending => Phase::Queued,
            Status::Successful => Phase::Done,
            Status::StopRequested => Phase::Stopping,
            Status::Stopped => Phase::Stopped,
            Status::RollbackRequested | Status::RollbackInProgress => Phase::RollingBack,
            Status::RollbackSuccessful => Phase::RolledBack,
            Status::RollbackFailed => Phase::Stuck,
            Status::InProgress | Status::Unknown(_) => match self.traffic_percent {
                _ if self.stage.as_deref() == Some("CLEAN_UP") => Phase::CleaningUp,
                Some(percent) if percent >= 100.0 => Phase::Shifted,
                Some(percent) if percent > 0.0 => Phase::Canary,
                _ => Phase::Starting,
            },
        }
    }

    /// Whether a lifecycle hook holds it, so that nobody can say how long it takes.
    pub fn is_held(&self) -> bool {
        !self.holding.is_empty() && self.status.goes_to_target()
    }

    /// What there is to tell beside what was seen before: what, and the detail.
    pub fn news(&self, before: Option<&Self>) -> Vec<(String, String)> {
        let mut news = Vec::new();
        if before.is_none_or(|before| before.phase() != self.phase()) {
            news.push((self.phase().to_string(), self.detail()));
        }
        let stage = self.stage.as_deref().unwrap_or_default();
        if !stage.is_empty() && !STAGES.contains(&stage) && before.is_none_or(|before| before.stage != self.stage) {
            news.push(("unknown stage".to_owned(), format!("{stage}; the deployment is followed all the same")));
        }
        let is_new = |hook: &&Holding| before.is_none_or(|before| !before.holding.contains(hook));
        for hook in self.holding.iter().filter(|hook| hook.awaits_action).filter(is_new) {
            let detail =
                format!("{} at {stage} waits for somebody to continue the deployment or to roll it back", hook.name);
            news.push(("awaiting action".to_owned(), detail));
        }
        news
    }

    /// What a person wants to know of the phase, in one line.
    pub fn detail(&self) -> String {
        let tasks = format!("{} of {} tasks run", self.running_tasks, self.requested_tasks);
        match (self.phase(), self.traffic_percent, &self.reason) {
            (Phase::Canary, Some(percent), _) => {
                let bake = self.course.canary_bake.map_or_else(String::new, |minutes| format!(" for {minutes} min"));
                format!("{percent} % of the traffic{bake}, {tasks}")
            }
            (Phase::Shifted, Some(percent), _) => format!("{percent} % of the traffic, {tasks}"),
            (
                Phase::Stopping | Phase::Stopped | Phase::RollingBack | Phase::RolledBack | Phase::Stuck,
                _,
                Some(reason),
            ) => reason.to_string(),
            (Phase::Starting, ..) => tasks,
            _ => self.status.as_word().to_owned(),
        }
    }
}

/// The deployment circuit breaker.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CircuitBreaker {
    /// Its status in the words of ECS.
    pub status: Text,
    /// Tasks that failed.
    pub failures: i32,
    /// Failures at which it rolls back.
    pub threshold: i32,
}

/// A task that stopped, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoppedTask {
    /// The task's id.
    pub task: Text,
    /// The reason that ECS gives.
    pub reason: Text,
    /// What its containers say: name, exit code, reason.
    pub containers: Vec<Text>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn deployment(status: Status, stage: &str, percent: f64) -> Deployment {
        Deployment {
            arn: "d".into(),
            target_revision: "r".into(),
            status,
            stage: Some(stage.into()),
            traffic_percent: Some(percent),
            course: Course { canary_bake: Some(3), ..Course::default() },
            holding: Vec::new(),
            running_tasks: 1,
            requested_tasks: 1,
            reason: Some("because".into()),
            triggered_alarms: Vec::new(),
            circuit_breaker: None,
            architecture_override: None,
        }
    }

    #[test]
    fn every_status_has_a_phase_and_only_final_ones_an_end() {
        let phase = |word: &str, percent| deployment(Status::from_word(word), "", percent).phase();
        assert_eq!(phase("PENDING", 0.0), Phase::Queued);
        assert_eq!(phase("IN_PROGRESS", 0.0), Phase::Starting);
        assert_eq!(phase("IN_PROGRESS", 5.0), Phase::Canary);
        assert_eq!(phase("IN_PROGRESS", 100.0), Phase::Shifted);
        assert_eq!(deployment(Status::InProgress, "CLEAN_UP", 100.0).phase(), Phase::CleaningUp);
        assert_eq!(phase("ROLLBACK_REQUESTED", 5.0), Phase::RollingBack);
        assert_eq!(phase("SOMETHING_NEW", 5.0), Phase::Canary);
        let ended: Vec<&str> =
            ["PENDING", "SUCCESSFUL", "STOP_REQUESTED", "STOPPED", "ROLLBACK_SUCCESSFUL", "ROLLBACK_FAILED", "NEW"]
                .into_iter()
                .filter(|word| Status::from_word(word).end().is_some())
                .collect();
        assert_eq!(ended, ["SUCCESSFUL", "STOPPED", "ROLLBACK_SUCCESSFUL", "ROLLBACK_FAILED"]);
    }

    #[test]
    fn words_of_ecs_survive_the_way_in_and_out() {
        for word in ["PENDING", "IN_PROGRESS", "STOP_REQUESTED", "ROLLBACK_IN_PROGRESS", "BRAND_NEW"] {
            assert_eq!(Status::from_word(word).as_word(), word);
        }
    }

    #[test]
    fn a_failure_tells_its_reason() {
        assert_eq!(deployment(Status::RollbackInProgress, "", 0.0).detail(), "because");
        assert_eq!(deployment(Status::InProgress, "", 5.0).detail(), "5 % of the traffic for 3 min, 1 of 1 tasks run");
    }
}
