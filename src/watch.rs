//! Watching a deployment as a value: what was seen so far, and what follows from the next look. It travels between looks as the state of the
//! durable wait, so it stays small, and it never asks the clock: elapsed time is the sum of the pauses that it asked for. A process that dies
//! during a look may take this state with it; then the watch begins again, which costs patience and proves nothing falsely.

use serde::{Deserialize, Serialize};

use crate::config::Verify;
use crate::report::{Verification, VerificationStatus};
use crate::rollout::{self, Deployment, End, Phase, Status};
use crate::verify::checks::Checks;
use crate::verify::evidence::Evidence;
use crate::verify::{Expectation, LogOutput};

pub(crate) mod logs;

use logs::{Baseline, LogWatch, Moment, SeenLogs};

/// How long a deployment is followed, in seconds. Express Mode takes 6 to 20 minutes; what takes longer needs a person.
const MAX_WATCH: u64 = 2 * 3600;

/// How long AWS may give no usable answer before a release gives up, in seconds.
const MAX_TROUBLE: u64 = 900;

/// How long ECS may take to list the deployment of an accepted update, in seconds.
const MAX_UNLISTED: u64 = 300;

/// What is known of a deployment and of its logs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Watch {
    pub(super) target_revision: String,
    pub(super) task_definition_arn: String,
    pub(super) deployment_arn: Option<String>,
    /// Seconds since the watch began.
    pub(super) elapsed: u64,
    /// Seconds until the next look; 0 before the first.
    pub(super) pause: u64,
    pub(super) deployment: Option<Deployment>,
    /// When a phase began, its name and what was seen then.
    pub(super) phases: Vec<Step>,
    pub(super) logs: LogWatch,
    /// Since when AWS gives no usable answer, and the last one.
    trouble: Option<(u64, String)>,
    decision: Option<Decision>,
}

/// One thing that was seen for the first time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Step {
    pub(super) elapsed: u64,
    pub(super) what: String,
    pub(super) detail: String,
}

/// Why the watch ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Decision {
    /// The deployment ended, and the logs have their verdict where they can have one.
    Ended(End),
    /// The logs prove that the release does not work, or did not prove in time that it does.
    Unproven(String),
    /// The deployment can not be followed any more.
    Lost(String),
}

/// One look at the deployment.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Seen {
    /// ECS does not list the deployment yet.
    NotListed,
    /// The deployment as it stands.
    Deployment(Deployment),
    /// No usable answer; it may pass.
    Trouble(String),
    /// An answer that will not change: a denied call, an unknown deployment.
    Refused(String),
}

impl Watch {
    pub(super) fn new(target_revision: &str, task_definition_arn: &str, logs: &Expectation, verify: &Verify) -> Self {
        Self {
            target_revision: target_revision.to_owned(),
            task_definition_arn: task_definition_arn.to_owned(),
            deployment_arn: None,
            elapsed: 0,
            pause: 0,
            deployment: None,
            phases: Vec::new(),
            logs: LogWatch::new(logs, verify),
            trouble: None,
            decision: None,
        }
    }

    /// Counts the old revision's records, too, where the configuration compares the two and its logs can be found.
    pub(super) fn compare_with(&mut self, previous: &str, outputs: &[LogOutput], verify: &Verify) {
        if verify.compare.is_some() && !outputs.is_empty() {
            let (task_definition_arn, outputs) = (previous.to_owned(), outputs.to_vec());
            self.logs.baseline = Some(Baseline { task_definition_arn, outputs, evidence: Evidence::default() });
        }
    }

    /// A deployment that leads back, or is stopped: nothing is to be verified.
    pub(super) fn of_rollback(target_revision: &str, task_definition_arn: &str, deployment_arn: Option<&str>) -> Self {
        let nothing = Expectation::NotConfigured(String::new());
        let watch = Self::new(target_revision, task_definition_arn, &nothing, &Verify::default());
        Self { deployment_arn: deployment_arn.map(str::to_owned), ..watch }
    }

    /// The pause that was asked for has passed.
    pub(super) fn awake(&mut self) {
        self.elapsed += self.pause;
    }

    /// Whether logs are still to be looked at.
    pub(super) fn wants_logs(&self) -> bool {
        self.logs.is_open()
    }

    /// Whether nothing more is to be seen.
    pub(super) fn is_decided(&self) -> bool {
        self.decision.is_some()
    }

    pub(super) fn decision(&self) -> Decision {
        self.decision.clone().unwrap_or_else(|| Decision::Lost("the watch ended without a decision".to_owned()))
    }

    /// Takes in one look and decides, or sets the next pause.
    pub(super) fn note(&mut self, seen: Seen, logs: Option<SeenLogs>, checks: &Checks) {
        self.note_deployment(seen);
        if let Some(logs) = logs.filter(|_| !self.is_going_back()) {
            let moment = self.moment();
            for (what, detail) in self.logs.note(logs, checks, moment) {
                self.add_phase(what.to_owned(), detail);
            }
        }
        if self.decision.is_none() {
            self.decision = self.decide();
        }
        self.pause = rollout::pause(self.elapsed);
    }

    fn note_deployment(&mut self, seen: Seen) {
        match seen {
            Seen::Deployment(deployment) => {
                self.trouble = None;
                let phase = deployment.phase();
                if self.deployment.as_ref().is_none_or(|before| before.phase() != phase) {
                    self.add_phase(phase.to_string(), deployment.detail());
                }
                self.deployment_arn = Some(deployment.arn.clone());
                self.deployment = Some(deployment);
            }
            Seen::NotListed if self.elapsed >= MAX_UNLISTED => {
                let reason = format!("ECS took the update and lists no deployment for it after {MAX_UNLISTED} s");
                self.decision = Some(Decision::Lost(reason));
            }
            Seen::NotListed => self.trouble = None,
            Seen::Trouble(reason) => {
                let since = self.trouble.as_ref().map_or(self.elapsed, |(since, _)| *since);
                if self.elapsed - since >= MAX_TROUBLE {
                    self.decision = Some(Decision::Lost(format!("the deployment could not be followed: {reason}")));
                }
                self.trouble = Some((since, reason));
            }
            Seen::Refused(reason) => self.decision = Some(Decision::Lost(reason)),
        }
    }

    /// What a look at the logs means now. Before anything is known of the deployment, nothing is lost by waiting.
    fn moment(&self) -> Moment {
        let deployment = self.deployment.as_ref();
        let is_through = deployment.is_some_and(|deployment| deployment.status.end() == Some(End::Successful));
        let phase = deployment.map(Deployment::phase);
        let is_canary = matches!(phase, None | Some(Phase::Queued | Phase::Starting | Phase::Canary));
        let bake =
            deployment.and_then(|deployment| deployment.canary_bake).and_then(|minutes| u64::try_from(minutes).ok());
        Moment { elapsed: self.elapsed, is_canary, is_through, bake: bake.map(|minutes| minutes * 60) }
    }

    fn add_phase(&mut self, what: String, detail: String) {
        self.phases.push(Step { elapsed: self.elapsed, what, detail });
    }

    /// A deployment that goes back already, or gives way, is left to its end: what its logs say changes nothing any more.
    fn is_going_back(&self) -> bool {
        let status = self.deployment.as_ref().map(|deployment| &deployment.status);
        status.is_some_and(|status| status.is_rolling_back() || *status == Status::StopRequested)
    }

    fn decide(&self) -> Option<Decision> {
        let end = self.deployment.as_ref().and_then(|deployment| deployment.status.end());
        match (end, self.logs.verdict()) {
            (Some(End::Successful), None) => {}
            (None, _) if self.is_going_back() => {}
            (Some(End::Successful) | None, Some((VerificationStatus::Failed, reason))) => {
                return Some(Decision::Unproven(reason.to_owned()));
            }
            (Some(end), _) => return Some(Decision::Ended(end)),
            (None, _) => {}
        }
        let is_over = self.elapsed >= MAX_WATCH;
        is_over
            .then(|| Decision::Lost(format!("the release was followed for {MAX_WATCH} s and did not come to an end")))
    }

    /// Why the deployment stands as it does, for people.
    pub(super) fn reason(&self) -> String {
        let Some(deployment) = &self.deployment else { return "no reason is known".to_owned() };
        let alarms = &deployment.triggered_alarms;
        match (&deployment.reason, alarms.is_empty()) {
            (Some(reason), _) => reason.clone(),
            (None, false) => format!("alarms went off: {}", alarms.join(", ")),
            (None, true) => deployment.status.as_word().to_owned(),
        }
    }

    /// What the logs proved.
    pub(super) fn verification(&self) -> Verification {
        self.logs.verification()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn watch(outputs: &Expectation) -> Watch {
        Watch::new("revision", "arn:task-definition/web:6", outputs, &Verify { timeout: 60, ..Verify::default() })
    }

    fn unverified() -> Watch {
        watch(&Expectation::NotConfigured("no logs in S3".into()))
    }

    fn seen(status: &str, percent: f64) -> Seen {
        Seen::Deployment(Deployment {
            arn: "d".into(),
            target_revision: "revision".into(),
            status: Status::from_word(status),
            stage: None,
            traffic_percent: Some(percent),
            canary_bake: None,
            running_tasks: 1,
            requested_tasks: 1,
            reason: None,
            triggered_alarms: Vec::new(),
            circuit_breaker: None,
        })
    }

    fn checks() -> Checks {
        Checks::new(&[], &[]).unwrap()
    }

    fn look(watch: &mut Watch, seen: Seen, logs: Option<SeenLogs>) {
        watch.awake();
        watch.note(seen, logs, &checks());
    }

    #[test]
    fn pauses_add_up_and_grow() {
        let mut watch = unverified();
        for _ in 0..25 {
            look(&mut watch, seen("IN_PROGRESS", 5.0), None);
        }
        assert_eq!((watch.elapsed, watch.pause), (18 * 10 + 6 * 30, 30));
        assert!(!watch.is_decided());
    }

    #[test]
    fn an_end_decides_when_nothing_is_verified() {
        for (status, end) in
            [("SUCCESSFUL", End::Successful), ("STOPPED", End::Superseded), ("ROLLBACK_SUCCESSFUL", End::RolledBack)]
        {
            let mut watch = unverified();
            look(&mut watch, seen(status, 100.0), None);
            assert_eq!(watch.decision(), Decision::Ended(end));
            assert_eq!(watch.verification().status, VerificationStatus::NotConfigured);
        }
    }

    #[test]
    fn trouble_passes_or_ends_the_watch_after_a_while() {
        let mut watch = unverified();
        for _ in 0..20 {
            look(&mut watch, Seen::Trouble("throttled".into()), None);
        }
        look(&mut watch, seen("IN_PROGRESS", 5.0), None);
        assert!(!watch.is_decided());
        while !watch.is_decided() {
            look(&mut watch, Seen::Trouble("throttled".into()), None);
        }
        assert_eq!(watch.decision(), Decision::Lost("the deployment could not be followed: throttled".into()));
    }

    #[test]
    fn a_deployment_without_end_is_given_up() {
        let mut watch = unverified();
        while !watch.is_decided() {
            look(&mut watch, seen("IN_PROGRESS", 5.0), None);
        }
        assert!(matches!(watch.decision(), Decision::Lost(_)));
        assert!(watch.elapsed >= MAX_WATCH && watch.elapsed < MAX_WATCH + 60);
    }

    #[test]
    fn logs_that_do_not_come_while_ecs_rolls_back_decide_nothing() {
        let mut watch = watch(&Expectation::Logs(vec![sample_output()]));
        let nothing = || Some(SeenLogs::Read { evidence: Box::default(), baseline: None });
        look(&mut watch, seen("IN_PROGRESS", 5.0), nothing());
        for _ in 0..30 {
            look(&mut watch, seen("ROLLBACK_IN_PROGRESS", 0.0), nothing());
        }
        assert!(!watch.is_decided());
        look(&mut watch, seen("ROLLBACK_SUCCESSFUL", 0.0), nothing());
        assert_eq!(watch.decision(), Decision::Ended(End::RolledBack));
    }

    #[test]
    fn logs_that_do_not_come_in_time_fail_the_canary() {
        let mut watch = watch(&Expectation::Logs(vec![sample_output()]));
        let checks = Checks::new(&["Starting".to_owned()], &[]).unwrap();
        while !watch.is_decided() {
            watch.awake();
            let logs = SeenLogs::Read { evidence: Box::default(), baseline: None };
            watch.note(seen("IN_PROGRESS", 5.0), Some(logs), &checks);
        }
        assert!(matches!(watch.decision(), Decision::Unproven(reason) if reason.contains("Starting, any record")));
        assert!((60..=70).contains(&watch.elapsed), "{}", watch.elapsed);
    }

    #[test]
    fn logs_that_cannot_be_looked_at_prove_nothing() {
        let mut watch = watch(&Expectation::Logs(vec![sample_output()]));
        while !watch.is_decided() {
            let trouble = SeenLogs::Trouble { reason: "throttled".into(), has_task: true };
            let status = if watch.elapsed < 480 { "IN_PROGRESS" } else { "SUCCESSFUL" };
            look(&mut watch, seen(status, 5.0), Some(trouble));
        }
        assert_eq!(watch.decision(), Decision::Ended(End::Successful));
        assert_eq!(watch.verification().status, VerificationStatus::NotReached);
    }

    fn sample_output() -> LogOutput {
        let definition = include_bytes!("../events/task-definitions/firelens.json");
        let definition = crate::task_definition::TaskDefinition::parse(definition).unwrap();
        match crate::verify::expect_logs(&definition, "Main", &[]) {
            Expectation::Logs(mut outputs) => outputs.remove(0),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_phase_is_noted_when_it_begins() {
        let mut watch = unverified();
        for percent in [0.0, 0.0, 5.0, 5.0, 100.0] {
            look(&mut watch, seen("IN_PROGRESS", percent), None);
        }
        let phases: Vec<(u64, &str)> = watch.phases.iter().map(|step| (step.elapsed, step.what.as_str())).collect();
        assert_eq!(phases, [(0, "starting"), (20, "canary"), (40, "shifted")]);
    }
}
