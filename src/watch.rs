//! Watching a deployment as a value: what was seen so far, and what follows from the next look. It travels between
//! looks as the state of the durable wait, so it stays small, and it never asks the clock: elapsed time is the sum of
//! the pauses that it asked for. A process that dies during a look may take this state with it; then the watch begins
//! again, which costs timeout and proves nothing falsely.

use serde::{Deserialize, Serialize};

use crate::config::Verify;
use crate::rollout::course::{Course, LONGEST};
use crate::rollout::{Deployment, End, Phase, Status};
use crate::text::Text;
use crate::verify::checks::Checks;
use crate::verify::evidence::Evidence;
use crate::verify::tasks::{ExpectedTasks, TaskProof};
use crate::verify::verification::{Verification, VerificationStatus};
use crate::verify::{Expectation, S3Output};

pub(crate) mod logs;
mod pace;
#[cfg(test)]
mod tests;

use logs::{Baseline, LogWatch, LookTime, SeenLogs};
use pace::Pace;

/// How long AWS may give no usable answer before a release gives up, in seconds.
const MAX_TROUBLE: u64 = 900;

/// How long ECS may take to list the deployment of an accepted update, in seconds.
const MAX_UNLISTED: u64 = 300;

/// The looks below which none is spent on a special moment.
const SCARCE: u32 = 4;

/// The looks at the tasks of one release that may fail.
const MAX_TASK_TROUBLES: u32 = 5;

/// The times that a service revision is asked for what ECS changed in it.
const MAX_REVISION_LOOKS: u32 = 3;

/// What is known of a deployment and of its logs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Watch {
    pub(crate) target_revision: String,
    pub(crate) task_definition_arn: String,
    pub(crate) deployment_arn: Option<String>,
    /// Seconds since the watch began.
    pub(crate) elapsed: u64,
    /// Seconds until the next look; 0 before the first.
    pub(crate) pause: u64,
    /// The looks that are left, each of which is a metered operation of the execution.
    pub(crate) operations_left: u32,
    pub(crate) deployment: Option<Deployment>,
    /// When a phase began, its name and what was seen then.
    pub(crate) phases: Vec<Step>,
    pub(crate) logs: LogWatch,
    /// Whose deployments its update took the place of without meaning to; `None` until that is known.
    pub(crate) replaced: Option<Vec<String>>,
    /// Whether the deployment leads back, so that nothing about it is to be judged.
    is_way_back: bool,
    /// Since when nothing is seen of the deployment.
    unseen: Option<Unseen>,
    /// When the look before was.
    last_look: u64,
    /// The earliest time at which the canary can have got its traffic.
    canary_since: Option<u64>,
    /// When the new revision was seen to have all traffic.
    #[serde(default)]
    shifted_since: Option<u64>,
    /// Seconds for which hooks held the deployment.
    held: u64,
    /// When pauses began to grow: at the start, and again after a hook that held the deployment for long.
    grows_since: u64,
    revision_looks: u32,
    /// What the new revision's tasks have proven.
    #[serde(default)]
    tasks: TaskWatch,
    architecture_override: Option<Text>,
    decision: Option<Decision>,
}

/// What is known of the new revision's tasks.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct TaskWatch {
    /// How many looks saw nothing.
    troubles: u32,
    expected: Option<ExpectedTasks>,
    seen: Vec<TaskProof>,
    /// When each of them was seen first, in their order: the patience of the logs holds for each task by itself.
    since: Vec<u64>,
    is_proven: bool,
    /// How many ran then.
    running: i32,
}

/// One thing that was seen for the first time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Step {
    pub(crate) elapsed: u64,
    pub(crate) what: String,
    pub(crate) detail: Text,
}

/// Why the watch ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Decision {
    /// The deployment ended, and the logs have their verdict where they can have one.
    Ended(End),
    /// The logs prove that the release does not work, or did not prove in time that it does.
    Unproven(Text),
    /// The deployment can not be followed any more.
    Lost(Text),
}

/// One look at the deployment.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Seen {
    /// ECS does not list the deployment yet.
    NotListed,
    /// The deployment as it stands.
    Deployment(Box<Deployment>),
    /// No usable answer. Whatever it is, it may pass: an answer that comes late, a permission that has not spread or is
    /// given back.
    Trouble(String),
}

/// One look at the service revision that the deployment brings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum SeenRevision {
    /// What it says.
    Read {
        /// The CPU architecture that ECS runs its tasks on, where that is not the one of their definition.
        architecture_override: Option<Text>,
    },
    /// No usable answer.
    Trouble,
}

/// One look at the new revision's tasks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum SeenTasks {
    /// What they are to be, and what they are.
    Read {
        /// What their definition says.
        expected: ExpectedTasks,
        /// What ECS says of those that run.
        tasks: Vec<TaskProof>,
    },
    /// No usable answer.
    Trouble,
}

/// Why nothing is seen, and for how long that is taken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Unseen {
    until: u64,
    reason: String,
    is_trouble: bool,
}

impl Watch {
    /// `operations_left` are the looks that it may take: the release's share of its execution's operations, less what
    /// the release's other steps and the way back need.
    pub(crate) fn new(
        target_revision: &str,
        task_definition_arn: &str,
        logs: &Expectation,
        verify: &Verify,
        operations_left: u32,
    ) -> Self {
        Self {
            target_revision: target_revision.to_owned(),
            task_definition_arn: task_definition_arn.to_owned(),
            deployment_arn: None,
            elapsed: 0,
            pause: 0,
            operations_left,
            deployment: None,
            phases: Vec::new(),
            logs: LogWatch::new(logs, verify),
            replaced: None,
            is_way_back: false,
            unseen: None,
            last_look: 0,
            canary_since: None,
            shifted_since: None,
            held: 0,
            grows_since: 0,
            revision_looks: 0,
            tasks: TaskWatch::default(),
            architecture_override: None,
            decision: None,
        }
    }

    /// A deployment that leads back, or is stopped: nothing is to be verified.
    pub(crate) fn of_rollback(
        target_revision: &str,
        task_definition_arn: &str,
        deployment_arn: Option<&str>,
        operations_left: u32,
    ) -> Self {
        let nothing = Expectation::NotConfigured(Text::default());
        let watch = Self::new(target_revision, task_definition_arn, &nothing, &Verify::default(), operations_left);
        Self { deployment_arn: deployment_arn.map(str::to_owned), is_way_back: true, ..watch }
    }

    /// Says where the old revision logs: its records are read where they matter.
    pub(crate) fn compare_with(&mut self, previous: &str, outputs: &[S3Output]) {
        if !outputs.is_empty() {
            let (task_definition_arn, outputs) = (previous.to_owned(), outputs.to_vec());
            self.logs.old = Some(Baseline { task_definition_arn, outputs, evidence: Evidence::default() });
        }
    }

    /// The pause that was asked for has passed.
    pub(crate) fn resume(&mut self) {
        self.last_look = self.elapsed;
        self.elapsed += self.pause;
        if self.is_held() {
            self.held += self.pause;
        }
    }

    /// Whether logs are still to be looked at.
    pub(crate) fn wants_logs(&self) -> bool {
        self.logs.is_open()
    }

    /// Whether the service revision is to be looked at: once its tasks run, since ECS finds out while it starts them
    /// what they need.
    pub(crate) fn wants_revision(&self) -> bool {
        let has_tasks = self.deployment.as_ref().is_some_and(|deployment| deployment.running_tasks > 0);
        has_tasks && !self.is_way_back && self.revision_looks < MAX_REVISION_LOOKS
    }

    /// Whether nothing more is to be seen.
    pub(crate) fn is_decided(&self) -> bool {
        self.decision.is_some()
    }

    pub(crate) fn decision(&self) -> Decision {
        self.decision.clone().unwrap_or_else(|| Decision::Lost("the watch ended without a decision".into()))
    }

    /// Takes in one look and decides, or sets the next pause.
    pub(crate) fn observe(&mut self, seen: Seen, logs: Option<SeenLogs>, checks: &Checks) {
        self.operations_left = self.operations_left.saturating_sub(1);
        match seen {
            Seen::Deployment(deployment) => self.note_deployment(*deployment),
            Seen::NotListed => {
                let reason = format!("ECS took the update and lists no deployment for it after {MAX_UNLISTED} s");
                self.unseen = Some(Unseen { until: MAX_UNLISTED, reason, is_trouble: false });
            }
            Seen::Trouble(reason) => {
                let until = self.unseen.take().filter(|unseen| unseen.is_trouble).map(|unseen| unseen.until);
                let until = until.unwrap_or(self.elapsed + MAX_TROUBLE);
                let reason = format!("the deployment could not be followed: {reason}");
                self.unseen = Some(Unseen { until, reason, is_trouble: true });
            }
        }
        if let Some(logs) = logs.filter(|_| !self.is_going_back()) {
            let moment = self.moment();
            for (what, detail) in self.logs.observe(logs, checks, moment) {
                self.add_phase(what, detail);
            }
        }
        self.judge_tasks();
        if self.decision.is_none() {
            self.decision = self.decide();
        }
        self.pause = self.next_pause();
    }

    /// Whether the tasks are to be looked at: while they have not proven what they can, and again when others have
    /// come.
    pub(crate) fn wants_tasks(&self) -> bool {
        let running = self.deployment.as_ref().map_or(0, |deployment| deployment.running_tasks);
        let is_news = !self.tasks.is_proven || running > self.tasks.running;
        running > 0 && !self.is_way_back && !self.is_going_back() && is_news && self.tasks.troubles < MAX_TASK_TROUBLES
    }

    /// What the task definition says of its tasks, once it was read.
    pub(crate) fn expected_tasks(&self) -> Option<&ExpectedTasks> {
        self.tasks.expected.as_ref()
    }

    /// Takes in a look at the tasks, if it saw any. What speaks against them speaks whatever the logs say.
    pub(crate) fn observe_tasks(&mut self, seen: SeenTasks) {
        // What is denied is not asked for over and over.
        self.tasks.troubles += u32::from(seen == SeenTasks::Trouble);
        if let SeenTasks::Read { expected, tasks } = seen
            && !tasks.is_empty()
        {
            let known = |task: &TaskProof| self.tasks.seen.iter().position(|known| known.task == task.task);
            let since = |task| known(task).and_then(|at| self.tasks.since.get(at)).copied().unwrap_or(self.elapsed);
            self.tasks.since = tasks.iter().map(since).collect();
            self.tasks.is_proven = ExpectedTasks::are_proven(&tasks);
            self.tasks.running = self.deployment.as_ref().map_or(0, |deployment| deployment.running_tasks);
            self.tasks.expected = Some(expected);
            self.tasks.seen = tasks;
        }
    }

    fn judge_tasks(&mut self) {
        let is_through = self.moment().is_through;
        let late = |since: &u64| self.elapsed - since >= self.logs.timeout;
        let late: Vec<bool> = self.tasks.since.iter().map(late).collect();
        let Some(expected) = self.tasks.expected.as_ref().filter(|_| !self.is_going_back()) else { return };
        let Some((status, detail)) = expected.judge(&self.tasks.seen, &late, is_through) else { return };
        let is_worse = match self.logs.verdict() {
            Some((VerificationStatus::Failed, _)) => false,
            Some((VerificationStatus::Inconclusive, _)) => status == VerificationStatus::Failed,
            _ => true,
        };
        if is_worse {
            let what = if status == VerificationStatus::Failed { "not verified" } else { "no proof" };
            self.add_phase(what, detail.clone());
            self.logs.overrule(status, detail);
        }
    }

    /// Takes in a look at the service revision. Trouble there changes nothing: it only tells more.
    pub(crate) fn observe_revision(&mut self, seen: SeenRevision) {
        self.revision_looks += 1;
        let SeenRevision::Read { architecture_override } = seen else { return };
        self.revision_looks = MAX_REVISION_LOOKS;
        if let Some(architecture) = &architecture_override {
            let detail = format!("ECS runs the tasks on {architecture}, not on what the task definition says");
            self.add_phase("other processor", detail);
        }
        self.architecture_override = architecture_override;
    }

    fn note_deployment(&mut self, mut deployment: Deployment) {
        self.unseen = None;
        deployment.architecture_override.clone_from(&self.architecture_override);
        let before = self.deployment.take();
        if before.is_none() && !self.is_way_back {
            self.logs.bound(deployment.course.longest_timeout());
        }
        let news = deployment.news(before.as_ref());
        for (what, detail) in news {
            self.add_phase(&what, detail);
        }
        let lacking = deployment.course.lacks_a_canary().filter(|_| before.is_none() && !self.is_way_back);
        if let Some(lacking) = lacking {
            self.add_phase("warning", lacking);
        }
        if deployment.phase() == Phase::Canary && self.canary_since.is_none() {
            self.canary_since = Some(self.last_look);
        }
        if deployment.phase() == Phase::Shifted {
            self.shifted_since.get_or_insert(self.elapsed);
        }
        if before.is_some_and(|before| before.is_held()) && !deployment.is_held() && self.pause > 60 {
            self.grows_since = self.elapsed;
        }
        self.deployment_arn = Some(deployment.arn.clone());
        self.deployment = Some(deployment);
    }

    /// What a look at the logs means now. Before anything is known of the deployment, nothing is lost by waiting.
    fn moment(&self) -> LookTime {
        let deployment = self.deployment.as_ref();
        let is_through = deployment.is_some_and(|deployment| deployment.status.end() == Some(End::Successful));
        let phase = deployment.map(Deployment::phase);
        let is_canary = matches!(phase, None | Some(Phase::Queued | Phase::Starting | Phase::Canary));
        let bake = deployment.and_then(|deployment| deployment.course.canary_bake());
        let shifted = self.shifted_since.filter(|_| phase == Some(Phase::Shifted)).map(|since| self.elapsed - since);
        LookTime { elapsed: self.elapsed, is_canary, is_through, bake, shifted }
    }

    fn add_phase(&mut self, what: &str, detail: impl Into<Text>) {
        self.phases.push(Step { elapsed: self.elapsed, what: what.to_owned(), detail: detail.into() });
    }

    /// A deployment that goes back already, or is being stopped, is left to its end: what its logs say changes nothing
    /// any more.
    fn is_going_back(&self) -> bool {
        let status = self.deployment.as_ref().map(|deployment| &deployment.status);
        status.is_some_and(|status| status.is_rolling_back() || *status == Status::StopRequested)
    }

    fn is_held(&self) -> bool {
        self.deployment.as_ref().is_some_and(Deployment::is_held)
    }

    /// What the deployment was last seen to be counts together with the logs, also while nothing, or nothing new, is
    /// seen of it.
    fn decide(&self) -> Option<Decision> {
        let end = self.deployment.as_ref().and_then(|deployment| deployment.status.end());
        match (end, self.logs.verdict()) {
            (None, _) if self.is_going_back() => {}
            (Some(End::Successful) | None, Some((VerificationStatus::Failed, reason))) => {
                return Some(Decision::Unproven(reason.into()));
            }
            (Some(End::Successful), None) | (None, _) => {}
            (Some(end), _) => return Some(Decision::Ended(end)),
        }
        self.lost().map(|reason| Decision::Lost(reason.into()))
    }

    /// Why the deployment can not be followed any more, if so.
    fn lost(&self) -> Option<String> {
        if let Some(unseen) = self.unseen.as_ref().filter(|unseen| self.elapsed >= unseen.until) {
            return Some(unseen.reason.clone());
        }
        if self.elapsed >= self.give_up_at() {
            return Some(format!("the release was followed for {} s and did not come to an end", self.elapsed));
        }
        let is_used_up = self.operations_left == 0;
        is_used_up.then(|| "the release has used its share of the operations of its execution".to_owned())
    }

    /// When the deployment must have ended: its own bakes, the time for which hooks held it, and some slack. What is
    /// not known yet counts as none.
    fn give_up_at(&self) -> u64 {
        let nothing = Course::default();
        let course = self.deployment.as_ref().map_or(&nothing, |deployment| &deployment.course);
        (course.longest() + self.held).min(LONGEST)
    }

    /// When it must have ended if hooks hold it for as long as they may: until then this release's looks have to last.
    fn latest_end(&self) -> u64 {
        let Some(deployment) = &self.deployment else { return self.give_up_at() };
        let longest = deployment.course.longest_with_hooks();
        let is_unplanned = self.is_held() && deployment.course.hooks.is_empty();
        if is_unplanned { LONGEST } else { longest.max(self.give_up_at()) }
    }

    fn next_pause(&self) -> u64 {
        let moment = self.moment();
        let is_judging = self.wants_logs() && moment.is_canary;
        let pace = Pace {
            age: self.elapsed - self.grows_since,
            remaining: self.latest_end().saturating_sub(self.elapsed),
            operations_left: self.operations_left,
            canary_bake: moment.bake.filter(|bake| *bake > 0 && is_judging && !self.is_held()),
            is_in_trouble: self.unseen.as_ref().is_some_and(|unseen| unseen.is_trouble) || self.logs.is_in_trouble(),
        };
        let canary = self.canary_since.filter(|_| is_judging);
        let canary = canary.and_then(|since| pace::last_look_at_canary(since, &moment));
        let ahead = [canary, self.logs.deadline()].into_iter().flatten().filter(|at| *at > self.elapsed).min();
        let pause = match ahead.filter(|_| self.operations_left > SCARCE) {
            Some(at) => pace::meet(pace.pause(), at - self.elapsed),
            None => pace.pause(),
        };
        // While a hook holds the deployment, its end moves on with the time.
        let until_end = self.give_up_at().saturating_sub(self.elapsed);
        if self.is_held() { pause } else { pause.min(until_end).max(1) }
    }

    /// Why the deployment stands as it does, for people.
    pub(crate) fn reason(&self) -> String {
        let Some(deployment) = &self.deployment else { return "no reason is known".to_owned() };
        let alarms = &deployment.triggered_alarms;
        match (&deployment.reason, alarms.is_empty()) {
            (Some(reason), _) => reason.to_string(),
            (None, false) => format!("alarms went off: {}", alarms.join(", ")),
            (None, true) => deployment.status.as_word().to_owned(),
        }
    }

    /// What the logs proved.
    pub(crate) fn verification(&self) -> Verification {
        Verification { tasks: self.tasks.seen.clone(), ..self.logs.verification() }
    }
}
