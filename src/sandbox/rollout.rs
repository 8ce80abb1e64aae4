//! The canary as a value: from the moment of an update, what was found out about the new revision, and the interventions so far,
//! it computes every phase and every task of a deployment. It knows no clock and no service; asked twice, it answers the same.

use jiff::{SignedDuration, Timestamp};

/// Tasks that the service wants. One carries the canary's traffic, the rest follows when all traffic moves.
pub(crate) const DESIRED: usize = 2;
/// Failed tasks at which the circuit breaker rolls back.
pub(crate) const THRESHOLD: u32 = 3;
/// Traffic share of the canary, in percent.
pub(crate) const CANARY_PERCENT: f64 = 5.0;

// The course of a good rollout, in seconds after the update: about eight minutes with two bakes of three minutes.
const STARTED: i64 = 5;
const CANARY_TASK: i64 = 10;
const CANARY_RUNNING: i64 = 40;
const POST_SCALE_UP: i64 = 70;
const CANARY_TRAFFIC: i64 = 75;
const ALARM: i64 = CANARY_TRAFFIC + 90;
const REST_TASKS: i64 = CANARY_TRAFFIC + 180;
const ALL_TRAFFIC: i64 = REST_TASKS + 35;
const BAKE: i64 = ALL_TRAFFIC + 5;
const CLEAN_UP: i64 = BAKE + 180;
const DONE: i64 = CLEAN_UP + 15;
// How long things take once somebody intervenes.
const ROLLBACK_BEGINS: i64 = 5;
const ROLLBACK_TAKES: i64 = 55;
const STOPPING_TAKES: i64 = 5;
const DRAIN: i64 = 30;
// A task that cannot run: what it needs to start and to die, and when the next one follows.
const TASK_START: i64 = 30;
const TASK_DEATH: i64 = 5;
const TASK_STOPPING: i64 = 10;
const NEXT_TASK: i64 = 45;

/// What awaits the new revision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It runs and stays healthy.
    Healthy,
    /// The alarm goes off during the canary.
    AlarmTriggers,
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
        }
    }

    pub(crate) fn is_final(self) -> bool {
        matches!(self, Self::Successful | Self::Stopped | Self::RollbackSuccessful)
    }
}

/// What a deployment looks like from `at` until the next phase.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Phase {
    pub(crate) at: Timestamp,
    pub(crate) status: Status,
    pub(crate) reason: Option<String>,
    pub(crate) stage: Option<&'static str>,
    /// The new revision's share of production traffic, in percent.
    pub(crate) weight: f64,
    pub(crate) alarm: bool,
    pub(crate) failures: u32,
    /// When and why the rollback began.
    pub(crate) rollback: Option<(Timestamp, String)>,
}

/// The life of one task of the new revision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TaskLife {
    pub(crate) created: Timestamp,
    /// When its containers run; none where it fails to start.
    pub(crate) started: Option<Timestamp>,
    /// When it begins to stop, when it has stopped, and why.
    pub(crate) stop: Option<(Timestamp, Timestamp, Cause)>,
}

/// One deployment: its beginning, its fate and what was done to it.
#[derive(Clone, Debug)]
pub(crate) struct Rollout {
    /// When the update was accepted.
    pub(crate) requested: Timestamp,
    pub(crate) fate: Fate,
    /// Whether it began while another deployment was under way.
    pub(crate) reconcile: bool,
    /// When a user asked for the rollback.
    pub(crate) rollback_requested: Option<Timestamp>,
    /// When another update took its place.
    pub(crate) superseded: Option<Timestamp>,
}

impl Rollout {
    pub(crate) fn new(requested: Timestamp, fate: Fate, reconcile: bool) -> Self {
        Self { requested, fate, reconcile, rollback_requested: None, superseded: None }
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

    /// When and how it ends, unless somebody intervenes.
    pub(crate) fn end(&self) -> Option<(Timestamp, Status)> {
        self.phases().into_iter().find(|phase| phase.status.is_final()).map(|phase| (phase.at, phase.status))
    }

    fn after(&self, seconds: i64) -> Timestamp {
        later(self.requested, seconds)
    }

    fn first(&self) -> Phase {
        Phase {
            at: self.requested,
            status: Status::Pending,
            reason: None,
            stage: None,
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
            roll_back(
                &mut course,
                &last,
                later(at, ROLLBACK_BEGINS),
                "Service deployment rolled back because of a user request.",
            );
        }
        if let Some(at) = self.superseded {
            let last = cut(&mut course, at, || self.first());
            let reason = Some("Service deployment stopped because a newer service deployment was started.".to_owned());
            course.push(Phase { at, status: Status::StopRequested, ..last.clone() });
            course.push(Phase { at: later(at, STOPPING_TAKES), status: Status::Stopped, reason, ..last });
        }
        course
    }

    fn undisturbed(&self) -> Vec<Phase> {
        let mut course = vec![self.first()];
        let mut push = |seconds: i64, stage: &'static str, weight: f64| {
            let at = later(self.requested, seconds);
            course.push(Phase { at, status: Status::InProgress, stage: Some(stage), weight, ..self.first() });
        };
        if self.reconcile {
            push(STARTED, "RECONCILE_SERVICE", 0.0);
            push(STARTED + 3, "PRE_SCALE_UP", 0.0);
        } else {
            push(STARTED, "PRE_SCALE_UP", 0.0);
        }
        push(CANARY_TASK, "SCALE_UP", 0.0);
        match &self.fate {
            Fate::Healthy => {
                push(POST_SCALE_UP, "POST_SCALE_UP", 0.0);
                push(CANARY_TRAFFIC, "PRODUCTION_TRAFFIC_SHIFT", CANARY_PERCENT);
                push(ALL_TRAFFIC, "POST_PRODUCTION_TRAFFIC_SHIFT", 100.0);
                push(BAKE, "BAKE_TIME", 100.0);
                push(CLEAN_UP, "CLEAN_UP", 100.0);
                let done =
                    Phase { at: self.after(DONE), status: Status::Successful, ..last_of(&course, || self.first()) };
                course.push(done);
            }
            Fate::AlarmTriggers => {
                push(POST_SCALE_UP, "POST_SCALE_UP", 0.0);
                push(CANARY_TRAFFIC, "PRODUCTION_TRAFFIC_SHIFT", CANARY_PERCENT);
                let last = Phase { alarm: true, ..last_of(&course, || self.first()) };
                roll_back(
                    &mut course,
                    &last,
                    self.after(ALARM),
                    "Service deployment rolled back because one or more alarms were triggered.",
                );
            }
            Fate::TasksStop(_) => {
                let mut last = last_of(&course, || self.first());
                for number in 0..THRESHOLD {
                    let (_, _, stopped) = self.doomed(number);
                    last = Phase { at: stopped, failures: number + 1, ..last };
                    course.push(last.clone());
                }
                let at = later(last.at, 1);
                roll_back(
                    &mut course,
                    &last,
                    at,
                    "Service deployment rolled back because the circuit breaker threshold was exceeded.",
                );
            }
        }
        course
    }

    /// Creation, end and stop of the nth task that cannot run.
    fn doomed(&self, number: u32) -> (Timestamp, Timestamp, Timestamp) {
        let created = self.after(CANARY_TASK + i64::from(number) * NEXT_TASK);
        let dying = later(created, TASK_START + TASK_DEATH);
        (created, dying, later(dying, TASK_STOPPING))
    }

    /// The tasks of the new revision that this deployment starts; those of a good one live on after it.
    pub(crate) fn tasks(&self) -> Vec<TaskLife> {
        let phases = self.phases();
        let end = phases.iter().find_map(|phase| match phase.status {
            Status::RollbackInProgress => Some(phase.at),
            Status::StopRequested => Some(later(phase.at, DRAIN)),
            _ => None,
        });
        // A deployment that somebody stops makes no new task from that moment on.
        let closed = phases
            .iter()
            .find(|phase| !matches!(phase.status, Status::Pending | Status::InProgress))
            .map(|phase| phase.at);
        let planned: Vec<TaskLife> = match &self.fate {
            Fate::TasksStop(cause) => (0..THRESHOLD)
                .map(|number| {
                    let (created, dying, stopped) = self.doomed(number);
                    // A program that exits has been started, an image that cannot be pulled has not.
                    let started = cause.culprit.is_some().then(|| later(created, TASK_START));
                    TaskLife { created, started, stop: Some((dying, stopped, cause.clone())) }
                })
                .collect(),
            Fate::Healthy | Fate::AlarmTriggers => (0..DESIRED)
                .map(|number| {
                    let created = self.after(if number == 0 { CANARY_TASK } else { REST_TASKS });
                    let started = Some(later(created, CANARY_RUNNING - CANARY_TASK));
                    TaskLife { created, started, stop: None }
                })
                .collect(),
        };
        planned
            .into_iter()
            .filter(|life| closed.is_none_or(|closed| life.created < closed))
            .map(|life| match end {
                Some(end) => life.ended_at(end),
                None => life,
            })
            .collect()
    }
}

impl TaskLife {
    /// The same life, ended by the service scheduler at `end` unless it was over before.
    pub(crate) fn ended_at(mut self, end: Timestamp) -> Self {
        if self.stop.as_ref().is_some_and(|(stopping, ..)| *stopping <= end) {
            return self;
        }
        if self.started.is_some_and(|started| started >= end) {
            self.started = None;
        }
        let cause = Cause {
            code: "ServiceSchedulerInitiated",
            reason: "Scaling activity initiated by deployment".to_owned(),
            culprit: None,
        };
        self.stop = Some((end, later(end, TASK_STOPPING), cause));
        self
    }
}

fn roll_back(course: &mut Vec<Phase>, last: &Phase, at: Timestamp, reason: &str) {
    let rolling = Phase {
        at,
        status: Status::RollbackInProgress,
        reason: Some(reason.to_owned()),
        weight: 0.0,
        rollback: Some((at, reason.to_owned())),
        ..last.clone()
    };
    let done = Phase { at: later(at, ROLLBACK_TAKES), status: Status::RollbackSuccessful, ..rolling.clone() };
    course.push(rolling);
    course.push(done);
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
mod tests {
    use super::*;

    fn rollout(fate: Fate) -> Rollout {
        Rollout::new("2026-11-23T10:00:00Z".parse().unwrap(), fate, false)
    }

    fn crash() -> Fate {
        Fate::TasksStop(Cause {
            code: "EssentialContainerExited",
            reason: "Essential container in task exited".to_owned(),
            culprit: Some(("Main".to_owned(), 1)),
        })
    }

    #[test]
    fn a_good_rollout_takes_about_eight_minutes() {
        let rollout = rollout(Fate::Healthy);
        let (end, status) = rollout.end().unwrap();
        assert_eq!(status, Status::Successful);
        assert_eq!(end.duration_since(rollout.requested).as_secs(), 490);
    }

    #[test]
    fn the_canary_carries_five_percent_for_three_minutes() {
        let rollout = rollout(Fate::Healthy);
        let weights: Vec<(i64, f64)> = rollout
            .phases()
            .windows(2)
            .filter(|pair| pair[0].weight.to_bits() != pair[1].weight.to_bits())
            .map(|pair| (pair[1].at.duration_since(rollout.requested).as_secs(), pair[1].weight))
            .collect();
        assert_eq!(weights, [(75, 5.0), (290, 100.0)]);
    }

    #[test]
    fn an_alarm_rolls_back_during_the_canary() {
        let rollout = rollout(Fate::AlarmTriggers);
        let phase = rollout.phase(later(rollout.requested, ALARM));
        assert_eq!((phase.status, phase.alarm), (Status::RollbackInProgress, true));
        assert_eq!(rollout.end().unwrap().1, Status::RollbackSuccessful);
        assert_eq!(rollout.tasks().len(), 1);
    }

    #[test]
    fn tasks_that_never_start_reach_the_threshold() {
        let rollout = rollout(crash());
        let phases = rollout.phases();
        assert_eq!(phases.iter().map(|phase| phase.failures).max(), Some(THRESHOLD));
        assert_eq!(rollout.tasks().len(), 3);
        assert!(rollout.tasks().iter().all(|life| life.stop.is_some()));
    }

    #[test]
    fn a_rollback_stops_the_new_tasks_and_takes_the_traffic_away() {
        let mut rollout = rollout(Fate::Healthy);
        let at = later(rollout.requested, 120);
        rollout.rollback_requested = Some(at);
        assert_eq!(rollout.phase(at).status, Status::RollbackRequested);
        let phase = rollout.phase(later(at, 5));
        assert_eq!((phase.status, phase.weight.to_bits()), (Status::RollbackInProgress, 0.0_f64.to_bits()));
        assert_eq!(rollout.phase(later(at, 60)).status, Status::RollbackSuccessful);
        let tasks = rollout.tasks();
        assert_eq!(tasks.len(), 1);
        assert_eq!(tasks[0].stop.as_ref().unwrap().0, later(at, 5));
    }

    #[test]
    fn a_newer_update_stops_the_rollout() {
        let mut rollout = rollout(Fate::Healthy);
        let at = later(rollout.requested, 100);
        rollout.superseded = Some(at);
        assert_eq!(rollout.phase(at).status, Status::StopRequested);
        assert_eq!(rollout.phase(later(at, 5)).status, Status::Stopped);
        assert_eq!(rollout.phase(later(at, 900)).status, Status::Stopped);
    }

    #[test]
    fn phases_come_in_order_of_time() {
        for fate in [Fate::Healthy, Fate::AlarmTriggers, crash()] {
            assert!(rollout(fate).phases().is_sorted_by_key(|phase| phase.at));
        }
    }
}
