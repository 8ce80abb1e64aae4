//! The report while it grows. It only gathers what steps have recorded, so that a replay tells the same story.

use aws_durable_execution_sdk::DurableContext;
use jiff::{SignedDuration, Timestamp};

use super::Ending;
use super::register::Registered;
use super::situation::Planned;
use crate::plan::{Plan, Request};
use crate::report::{Moment, ReleaseReport, StoppedTask, Verification, VerificationStatus};
use crate::watch::Watch;

/// A release's report, and the time within it.
pub(super) struct Story {
    ctx: DurableContext,
    request: Request,
    report: ReleaseReport,
    start: Timestamp,
    /// Seconds of waiting since the start.
    elapsed: u64,
    is_owner: bool,
}

impl Story {
    pub(super) fn of(ctx: &DurableContext, request: &Request) -> Self {
        let report = ReleaseReport {
            service: request.service.arn.clone(),
            release: request.release(),
            trigger: request.trigger.clone(),
            outcome: crate::report::Outcome::Failed,
            reason: None,
            image: None,
            task_definition_arn: None,
            previous_task_definition_arn: None,
            changes: Vec::new(),
            findings: Vec::new(),
            rollout: None,
            verification: Verification::without_evidence(VerificationStatus::NotReached, "nothing was deployed"),
            timeline: Vec::new(),
        };
        let start = request.trigger.at();
        Self { ctx: ctx.clone(), request: request.clone(), report, start, elapsed: 0, is_owner: false }
    }

    pub(super) fn planned(&mut self, planned: &Planned) {
        self.start = planned.at;
        self.note("recognised", self.request.trigger.to_string());
        match &planned.plan {
            Plan::Release(draft) | Plan::Rejected(draft) => {
                self.report.image.clone_from(&draft.image);
                self.report.changes.clone_from(&draft.changes);
                self.report.findings.clone_from(&draft.findings);
                self.report.previous_task_definition_arn = Some(draft.previous.clone());
                let changes = draft.changes.len();
                self.note(
                    "planned",
                    format!("{changes} change{} to {}", if changes == 1 { "" } else { "s" }, draft.previous),
                );
                for change in &draft.changes {
                    self.tell("change", change);
                }
                for finding in &draft.findings {
                    self.tell("finding", &finding.to_string());
                }
            }
            Plan::NoChange(live) => self.report.previous_task_definition_arn = Some(live.clone()),
            Plan::Superseded(_) | Plan::Duplicate(_) => {}
        }
    }

    pub(super) fn claimed(&mut self) {
        self.is_owner = true;
        self.note("claimed", self.request.service.arn.to_string());
    }

    pub(super) fn registered(&mut self, registered: &Registered) {
        self.report.task_definition_arn = Some(registered.task_definition_arn.clone());
        self.note("registered", registered.task_definition_arn.clone());
    }

    pub(super) fn updated(&mut self, target_revision: &str) {
        self.note("updated", target_revision.to_owned());
        self.report.verification =
            Verification::without_evidence(VerificationStatus::NotReached, "the logs were not reached");
    }

    pub(super) fn followed(&mut self, watch: &Watch) {
        self.add_phases(watch);
        self.report.rollout = watch.deployment.as_ref().map(|deployment| deployment.report(Vec::new()));
        self.report.verification = watch.verification();
    }

    pub(super) fn stopped(&mut self, tasks: Vec<StoppedTask>) {
        for task in &tasks {
            self.tell("stopped task", &format!("{}: {} ({})", task.task, task.reason, task.containers.join("; ")));
        }
        if let Some(rollout) = &mut self.report.rollout {
            rollout.stopped_tasks = tasks;
        }
    }

    pub(super) fn rolling_back(&mut self, previous: &str) {
        self.note("rollback", format!("to {previous}"));
    }

    pub(super) fn followed_back(&mut self, watch: &Watch) {
        self.add_phases(watch);
        // The report is about the deployment that failed; the one that leads back is in the timeline.
        if let (Some(failed), Some(deployment)) = (&mut self.report.rollout, &watch.deployment)
            && failed.deployment_arn == deployment.arn
        {
            let stopped = std::mem::take(&mut failed.stopped_tasks);
            *failed = deployment.report(stopped);
        }
    }

    /// Whether the release ever owned its service.
    pub(super) fn is_owner(&self) -> bool {
        self.is_owner
    }

    pub(super) fn end(mut self, ending: Ending) -> ReleaseReport {
        self.note("ended", ending.outcome.to_string());
        ReleaseReport { outcome: ending.outcome, reason: ending.reason, ..self.report }
    }

    fn add_phases(&mut self, watch: &Watch) {
        let before = self.elapsed;
        for step in &watch.phases {
            self.elapsed = before + step.elapsed;
            self.add(&step.what, step.detail.clone());
        }
        self.elapsed = before + watch.elapsed;
    }

    /// Adds a moment, and tells it unless it was told before the replay.
    fn note(&mut self, what: &str, detail: String) {
        self.tell(what, &detail);
        self.add(what, detail);
    }

    fn add(&mut self, what: &str, detail: String) {
        let elapsed = SignedDuration::from_secs(i64::try_from(self.elapsed).unwrap_or(i64::MAX));
        let at = self.start.checked_add(elapsed).unwrap_or(self.start);
        self.report.timeline.push(Moment { at, what: what.to_owned(), detail });
    }

    fn tell(&self, what: &str, detail: &str) {
        if !self.ctx.is_replaying() {
            tell(&self.request, what, detail);
        }
    }
}

/// Tells what happens as it happens: a log line on Lambda, a line of progress on a terminal.
pub(super) fn tell(request: &Request, what: &str, detail: &str) {
    let service = request.service.arn.name();
    tracing::info!(target: crate::release::PROGRESS, release = %request.release(), service, what, detail);
}
