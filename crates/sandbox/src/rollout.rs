//! The canary as a value: from the moment of an update, what was found out about the new revision, and the
//! interventions so far, it computes every phase and every task of a deployment. It knows no clock and no service;
//! asked twice, it answers the same.

use std::borrow::Cow;

use jiff::{SignedDuration, Timestamp};

use super::deployment::{DeploymentEnding, Manner};

mod tasks;

pub(crate) use tasks::TaskLife;

/// Failed tasks at which the circuit breaker rolls back.
pub(crate) const THRESHOLD: u32 = 3;

// The course of a good rollout, in seconds after the update; the bakes come on top: about eight minutes with two of
// three minutes.
const STARTED: i64 = 5;
const CANARY_TASK: i64 = 10;
const POST_SCALE_UP: i64 = 70;
const BEFORE_TRAFFIC: i64 = 73;
const CANARY_TRAFFIC: i64 = 75;
// How long things take after that.
const ALARM_TAKES: i64 = 90;
const REST_TAKES: i64 = 35;
const SHIFT_TAKES: i64 = 5;
const CLEAN_UP_TAKES: i64 = 15;
// How long things take once somebody intervenes.
const ROLLBACK_BEGINS: i64 = 5;
const ROLLBACK_TAKES: i64 = 55;
const STOPPING_TAKES: i64 = 5;
const GIVING_UP_TAKES: i64 = 3;

/// What awaits the new revision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum RolloutOutcome {
    /// It runs and stays healthy.
    Healthy,
    /// The alarm goes off during the canary.
    AlarmTriggers,
    /// The canary's task stops for this cause, and the one in its place stays healthy.
    CanaryDies(Cause),
    /// Each of its tasks stops for this cause.
    TasksStop(Cause),
}

/// Why a task stopped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Cause {
    /// ECS's stop code.
    pub(crate) code: &'static str,
    /// The sentence in `stoppedReason`.
    pub(crate) reason: String,
    /// The container that died by itself and its exit code; the other containers are ended with 0.
    pub(crate) culprit: Option<(String, i32)>,
}

/// `status` of a service deployment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Status {
    Pending,
    InProgress,
    Successful,
    StopRequested,
    Stopped,
    RollbackRequested,
    RollbackInProgress,
    RollbackSuccessful,
    RollbackFailed,
}

impl Status {
    /// The name on the wire.
    pub(crate) fn name(self) -> &'static str {
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
        }
    }

    pub(crate) fn is_final(self) -> bool {
        matches!(self, Self::Successful | Self::Stopped | Self::RollbackSuccessful | Self::RollbackFailed)
    }
}

/// What a deployment looks like from `at` until the next phase.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Phase {
    pub(crate) at: Timestamp,
    pub(crate) status: Status,
    pub(crate) reason: Option<String>,
    pub(crate) stage: Option<Cow<'static, str>>,
    /// Until when it waits in a hook, unless somebody lets it go on.
    pub(crate) hook: Option<Timestamp>,
    /// The new revision's share of production traffic, in percent.
    pub(crate) weight: f64,
    pub(crate) alarm: bool,
    pub(crate) failures: u32,
    /// When and why the rollback began.
    pub(crate) rollback: Option<(Timestamp, String)>,
}

/// One stage of a deployment's way.
struct Stage {
    /// Seconds after the update.
    at: i64,
    name: Cow<'static, str>,
    weight: f64,
}

/// One deployment: its beginning, its outcome and what was done to it.
#[derive(Clone, Debug)]
pub(crate) struct Rollout {
    /// When the update was accepted.
    pub(crate) requested: Timestamp,
    pub(crate) outcome: RolloutOutcome,
    pub(crate) manner: Manner,
    /// Whether it began while another deployment was under way.
    pub(crate) reconcile: bool,
    /// When a user asked for the rollback.
    pub(crate) rollback_requested: Option<Timestamp>,
    /// When another update took its place.
    pub(crate) superseded: Option<Timestamp>,
}

impl Rollout {
    pub(crate) fn new(requested: Timestamp, outcome: RolloutOutcome, manner: Manner, reconcile: bool) -> Self {
        Self { requested, outcome, manner, reconcile, rollback_requested: None, superseded: None }
    }

    /// The phase at `now`; before the update, the first one.
    pub(crate) fn phase(&self, now: Timestamp) -> Phase {
        let mut phases = self.phases();
        phases.retain(|phase| phase.at <= now);
        phases.pop().unwrap_or_else(|| self.first())
    }

    /// When it began to run.
    pub(crate) fn started(&self) -> Option<Timestamp> {
        self.phases().into_iter().find(|phase| phase.status == Status::InProgress).map(|phase| phase.at)
    }

    /// From when on the service lives on its target, unless somebody intervenes: from its success, or where it failed
    /// and was stopped with all the traffic.
    pub(crate) fn taken_over(&self) -> Option<Timestamp> {
        let end = self.phases().into_iter().find(|phase| phase.status.is_final())?;
        let kept = end.status == Status::Stopped && end.weight >= 100.0 && self.superseded.is_none();
        (end.status == Status::Successful || kept).then_some(end.at)
    }

    /// So many seconds after the update, not counting how long a hook has held it up by then.
    fn after(&self, seconds: i64) -> Timestamp {
        let hook = self.manner.hook.as_ref();
        let held = hook.and_then(|hook| {
            let stage = self.stages().into_iter().find(|stage| stage.name == hook.stage)?;
            (stage.at < seconds).then_some(i64::from(hook.minutes) * 60)
        });
        later(self.requested, seconds + held.unwrap_or_default())
    }

    fn first(&self) -> Phase {
        Phase {
            at: self.requested,
            status: Status::Pending,
            reason: None,
            stage: None,
            hook: None,
            weight: 0.0,
            alarm: false,
            failures: 0,
            rollback: None,
        }
    }

    /// All phases in order of time.
    pub(crate) fn phases(&self) -> Vec<Phase> {
        let mut course = self.undisturbed();
        if let Some(at) = self.rollback_requested {
            let last = cut(&mut course, at, || self.first());
            course.push(Phase { at, status: Status::RollbackRequested, ..last.clone() });
            let begins = later(at, ROLLBACK_BEGINS);
            if self.manner.ending == DeploymentEnding::RollbackStopped {
                let reason = Some("Service deployment stopped by user.".to_owned());
                course.push(Phase { at: begins, status: Status::Stopped, reason, weight: 0.0, ..last });
            } else {
                self.roll_back(&mut course, &last, begins, "Service deployment rolled back by user.");
            }
        }
        if let Some(at) = self.superseded {
            let last = cut(&mut course, at, || self.first());
            let reason = "Service deployment stopped because a newer service deployment was started.";
            stop(&mut course, last, at, reason);
        }
        course
    }

    /// The stages of the way that this deployment takes by itself, in seconds that no hook holds up, with the target's
    /// traffic.
    fn stages(&self) -> Vec<Stage> {
        let times = self.manner.times;
        let mut stages = Vec::new();
        let mut push = |at: i64, name: Cow<'static, str>, weight: f64| stages.push(Stage { at, name, weight });
        if self.reconcile {
            push(STARTED, "RECONCILE_SERVICE".into(), 0.0);
        }
        push(STARTED + if self.reconcile { 3 } else { 0 }, "PRE_SCALE_UP".into(), 0.0);
        push(CANARY_TASK, "SCALE_UP".into(), 0.0);
        if !matches!(self.outcome, RolloutOutcome::TasksStop(_)) {
            push(POST_SCALE_UP, "POST_SCALE_UP".into(), 0.0);
            if let Some(name) = &self.manner.unknown_stage {
                push(BEFORE_TRAFFIC, name.clone(), 0.0);
            }
            push(CANARY_TRAFFIC, "PRODUCTION_TRAFFIC_SHIFT".into(), times.canary_percent);
            let all_traffic = self.rest_tasks() + REST_TAKES;
            push(all_traffic, "POST_PRODUCTION_TRAFFIC_SHIFT".into(), 100.0);
            push(all_traffic + SHIFT_TAKES, "BAKE_TIME".into(), 100.0);
            push(self.clean_up(), "CLEAN_UP".into(), 100.0);
        }
        stages
    }

    /// When the tasks that the canary does not need are started.
    fn rest_tasks(&self) -> i64 {
        CANARY_TRAFFIC + i64::from(self.manner.times.canary_bake) * 60
    }

    fn clean_up(&self) -> i64 {
        self.rest_tasks() + REST_TAKES + SHIFT_TAKES + i64::from(self.manner.times.bake) * 60
    }

    fn undisturbed(&self) -> Vec<Phase> {
        let mut course = vec![self.first()];
        if self.manner.ending == DeploymentEnding::StoppedWhilePending {
            stop(
                &mut course,
                self.first(),
                self.after(GIVING_UP_TAKES),
                "Service deployment stopped before it started.",
            );
            return course;
        }
        for Stage { at, name, weight } in self.stages() {
            let hook = self.manner.hook.as_ref().filter(|hook| hook.stage == name);
            let at = self.after(at);
            let phase = Phase { at, status: Status::InProgress, stage: Some(name), weight, ..self.first() };
            let released = hook.map(|hook| later(at, i64::from(hook.minutes) * 60));
            course.push(Phase { hook: released, ..phase.clone() });
            course.extend(released.map(|at| Phase { at, ..phase }));
        }
        match &self.outcome {
            RolloutOutcome::Healthy | RolloutOutcome::CanaryDies(_) => {
                let at = self.after(self.clean_up() + CLEAN_UP_TAKES);
                course.push(Phase { at, status: Status::Successful, ..last_of(&course, || self.first()) });
            }
            RolloutOutcome::AlarmTriggers => {
                // Where the deployment would be over before the alarm goes off, it goes off while both revisions still
                // run.
                let at = self.after((CANARY_TRAFFIC + ALARM_TAKES).min(self.clean_up() - 1));
                let last = cut(&mut course, at, || self.first());
                self.fail(&mut course, Phase { alarm: true, ..last }, at, "one or more alarms were triggered");
            }
            RolloutOutcome::TasksStop(_) => {
                let mut last = last_of(&course, || self.first());
                for number in 0..THRESHOLD {
                    let (_, _, stopped) = self.failing_task(number);
                    last = Phase { at: stopped, failures: number + 1, hook: None, ..last };
                    course.push(last.clone());
                }
                let at = later(last.at, 1);
                self.fail(&mut course, last, at, "the circuit breaker threshold was exceeded");
            }
        }
        course
    }

    /// What ECS does when it finds out that the deployment has failed.
    fn fail(&self, course: &mut Vec<Phase>, last: Phase, at: Timestamp, why: &str) {
        if self.manner.ending == DeploymentEnding::StoppedByFailure {
            stop(course, last, at, &format!("Service deployment stopped because {why}."));
        } else {
            self.roll_back(course, &last, at, &format!("Service deployment rolled back because {why}."));
        }
    }

    fn roll_back(&self, course: &mut Vec<Phase>, last: &Phase, at: Timestamp, reason: &str) {
        let rolling = Phase {
            at,
            status: Status::RollbackInProgress,
            reason: Some(reason.to_owned()),
            weight: 0.0,
            rollback: Some((at, reason.to_owned())),
            ..last.clone()
        };
        course.push(rolling.clone());
        let (status, reason) = match self.manner.ending {
            DeploymentEnding::RollbackFailed => (Status::RollbackFailed, format!("{reason} The rollback failed.")),
            _ => (Status::RollbackSuccessful, reason.to_owned()),
        };
        course.push(Phase { at: later(at, ROLLBACK_TAKES), status, reason: Some(reason), ..rolling });
    }
}

/// From a running deployment to `STOPPED` by way of `STOP_REQUESTED`, from a pending one at once.
fn stop(course: &mut Vec<Phase>, last: Phase, at: Timestamp, reason: &str) {
    let stopped = Phase { at, status: Status::Stopped, reason: Some(reason.to_owned()), ..last.clone() };
    if last.status == Status::Pending {
        course.push(stopped);
    } else {
        course.push(Phase { at, status: Status::StopRequested, ..last });
        course.push(Phase { at: later(at, STOPPING_TAKES), ..stopped });
    }
}

/// Forgets what would have come after `at`, and gives the phase that stands then.
fn cut(course: &mut Vec<Phase>, at: Timestamp, first: impl Fn() -> Phase) -> Phase {
    course.retain(|phase| phase.at <= at);
    last_of(course, first)
}

fn last_of(course: &[Phase], first: impl Fn() -> Phase) -> Phase {
    course.last().cloned().unwrap_or_else(first)
}

/// `time` and so many seconds.
pub(crate) fn later(time: Timestamp, seconds: i64) -> Timestamp {
    time.saturating_add(SignedDuration::from_secs(seconds)).unwrap_or(time)
}

#[cfg(test)]
mod tests;
