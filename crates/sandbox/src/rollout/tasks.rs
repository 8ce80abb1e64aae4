//! The tasks of a deployment: when each begins, runs and stops, which follows from the deployment's phases.

use jiff::Timestamp;

use super::{CANARY_TASK, CANARY_TRAFFIC, Cause, Rollout, RolloutOutcome, Status, THRESHOLD, later};

/// Tasks that the service wants. One carries the canary's traffic, the rest follows when all traffic moves.
pub(crate) const DESIRED: usize = 2;

// In seconds: what the canary's task needs until it runs, and how long a stopped deployment's tasks go on.
const START_TAKES: i64 = 30;
const DRAIN: i64 = 30;
// A task that cannot run: what it needs to start and to die, and when the next one follows.
const TASK_START: i64 = 30;
const TASK_DEATH: i64 = 5;
const TASK_STOPPING: i64 = 10;
const NEXT_TASK: i64 = 45;

/// How long a canary's task that dies carries traffic, in seconds.
const CANARY_LIVES: i64 = 40;

/// The life of one task of the new revision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TaskLife {
    pub(crate) created: Timestamp,
    /// When its containers run; none where it fails to start.
    pub(crate) started: Option<Timestamp>,
    /// When it begins to stop, when it has stopped, and why.
    pub(crate) stop: Option<(Timestamp, Timestamp, Cause)>,
}

impl Rollout {
    /// Creation, end and stop of the nth task that cannot run.
    pub(super) fn failing_task(&self, number: u32) -> (Timestamp, Timestamp, Timestamp) {
        let created = self.after(CANARY_TASK + i64::from(number) * NEXT_TASK);
        let dying = later(created, TASK_START + TASK_DEATH);
        (created, dying, later(dying, TASK_STOPPING))
    }

    fn healthy_tasks(&self) -> Vec<TaskLife> {
        (0..DESIRED)
            .map(|number| {
                let created = self.after(if number == 0 { CANARY_TASK } else { self.rest_tasks() });
                let started = Some(later(created, START_TAKES));
                TaskLife { created, started, stop: None }
            })
            .collect()
    }

    /// The tasks of the new revision that this deployment starts; those of a good one live on after it.
    pub(crate) fn tasks(&self) -> Vec<TaskLife> {
        let phases = self.phases();
        let end = phases.iter().find_map(|phase| match phase.status {
            Status::RollbackInProgress => Some(phase.at),
            Status::StopRequested | Status::Stopped if self.taken_over().is_none() => Some(later(phase.at, DRAIN)),
            _ => None,
        });
        // A deployment that somebody stops makes no new task from that moment on.
        let closed = phases
            .iter()
            .find(|phase| !matches!(phase.status, Status::Pending | Status::InProgress))
            .map(|phase| phase.at);
        let planned: Vec<TaskLife> = match &self.outcome {
            RolloutOutcome::TasksStop(cause) => (0..THRESHOLD)
                .map(|number| {
                    let (created, dying, stopped) = self.failing_task(number);
                    // A program that exits has been started, an image that cannot be pulled has not.
                    let started = cause.culprit.is_some().then(|| later(created, TASK_START));
                    TaskLife { created, started, stop: Some((dying, stopped, cause.clone())) }
                })
                .collect(),
            RolloutOutcome::Healthy | RolloutOutcome::AlarmTriggers => self.healthy_tasks(),
            RolloutOutcome::CanaryDies(cause) => {
                let dying = self.after(CANARY_TRAFFIC + CANARY_LIVES);
                let stop = Some((dying, later(dying, TASK_STOPPING), cause.clone()));
                let (created, mut tasks) = (self.after(CANARY_TASK), self.healthy_tasks());
                if let Some(canary) = tasks.first_mut() {
                    *canary = TaskLife { created: dying, started: Some(later(dying, START_TAKES)), stop: None };
                }
                tasks.insert(0, TaskLife { created, started: Some(later(created, START_TAKES)), stop });
                tasks
            }
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
