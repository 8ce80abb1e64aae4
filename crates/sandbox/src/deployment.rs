//! How ECS deploys on the sandbox, beyond the scenario: what can be configured on a service, and what AWS leaves open
//! or does seldom.

use std::borrow::Cow;

/// What ECS answers to an update while a deployment of the service runs. No page says it and no error is modelled for
/// it, so a client has to be right under either answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SecondUpdate {
    /// The update is accepted, and the deployment that runs is stopped.
    #[default]
    Supersedes,
    /// `ClientException`: a deployment is in progress.
    Refuses,
}

/// The times of a deployment, as `UpdateService` sets them in `deploymentConfiguration`; on AWS each is 0 to 1,440
/// minutes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DeploymentTimes {
    /// `canaryPercent`: the canary's share of the traffic, 0.1 to 100.
    pub canary_percent: f64,
    /// `canaryBakeTimeInMinutes`: how long the canary carries that share.
    pub canary_bake: u16,
    /// `bakeTimeInMinutes`: how long both revisions run after all traffic has moved.
    pub bake: u16,
}

impl Default for DeploymentTimes {
    /// 5 % for three minutes, and three minutes more.
    fn default() -> Self {
        Self { canary_percent: 5.0, canary_bake: 3, bake: 3 }
    }
}

impl DeploymentTimes {
    /// Minutes of both bakes.
    pub(crate) fn minutes(self) -> i64 {
        i64::from(self.canary_bake) + i64::from(self.bake)
    }
}

/// A lifecycle hook that pauses each deployment: nobody continues it, so it goes on when the hook's time is out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PauseHook {
    /// The lifecycle stage in which it waits, such as `POST_SCALE_UP`; a deployment that does not get there does not
    /// wait.
    pub stage: String,
    /// How long it waits.
    pub minutes: u16,
}

/// How a deployment ends that does not end well, or that somebody stops. What was live before the sandbox started
/// knows the usual way alone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DeploymentEnding {
    /// ECS rolls back what fails, and it rolls back what it is asked to.
    #[default]
    RolledBack,
    /// What fails is `STOPPED` without a rollback: the traffic stays as it is.
    StoppedByFailure,
    /// Each deployment goes from `PENDING` to `STOPPED`, without a newer one.
    StoppedWhilePending,
    /// A rollback that somebody asks for ends `STOPPED`.
    RollbackStopped,
    /// Every rollback ends `ROLLBACK_FAILED`.
    RollbackFailed,
}

/// All of it that one deployment goes by.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Manner {
    pub(crate) times: DeploymentTimes,
    pub(crate) hook: Option<PauseHook>,
    /// A stage that no enumeration of the API has, before traffic moves.
    pub(crate) unknown_stage: Option<Cow<'static, str>>,
    pub(crate) ending: DeploymentEnding,
}

impl Manner {
    /// Whether the alarms and the circuit breaker are set to roll back.
    pub(crate) fn rolls_back(&self) -> bool {
        self.ending != DeploymentEnding::StoppedByFailure
    }
}
