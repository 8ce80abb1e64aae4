//! The report while it grows. It only gathers what steps have recorded, so that a replay tells the same.

use aws_durable_execution_sdk::DurableContext;
use jiff::{SignedDuration, Timestamp};
use release_protocol::head::Target;

use super::run::{Ending, UnderWay};
use crate::head;
use crate::plan::{Outline, Request};
use crate::report::{Moment, ReleaseReport, RolloutReport};
use crate::rollout::StoppedTask;
use crate::text::Text;
use crate::verify::verification::{Verification, VerificationStatus};
use crate::watch::Watch;

/// A release's report, and the time within it.
pub(super) struct Timeline {
    ctx: DurableContext,
    request: Request,
    report: ReleaseReport,
    start: Timestamp,
    /// Seconds of waiting since the start.
    elapsed: u64,
    is_recognised: bool,
}

impl Timeline {
    pub(super) fn of(ctx: &DurableContext, request: &Request) -> Self {
        let report = ReleaseReport {
            service: request.service.arn.clone(),
            release: request.release(),
            trigger: request.trigger.clone(),
            outcome: head::Outcome::Failed,
            reason: None,
            attention: None,
            image: None,
            task_definition_arn: None,
            previous_task_definition_arn: None,
            changes: Vec::new(),
            findings: Vec::new(),
            rollout: None,
            verification: Verification::without_evidence(VerificationStatus::NotReached, "nothing was deployed"),
            timeline: Vec::new(),
        };
        let start = request.at;
        Self { ctx: ctx.clone(), request: request.clone(), report, start, elapsed: 0, is_recognised: false }
    }

    /// Time that passed while it waited.
    pub(super) fn wait(&mut self, seconds: u64) {
        self.elapsed += seconds;
    }

    /// What one step did.
    pub(super) fn acted(&mut self, under_way: &UnderWay) {
        if !std::mem::replace(&mut self.is_recognised, true) {
            self.note("recognised", self.request.trigger.to_string());
            if self.request.is_ahead() {
                let detail = format!("the event's time is ahead of the clock; it counts as of {}", self.start);
                self.note("clock", detail);
            }
        }
        if let Some(draft) = &under_way.draft {
            self.drafted(draft);
        } else {
            let previous = under_way.base.as_ref().or(under_way.live.as_ref());
            self.report.previous_task_definition_arn = previous.cloned();
        }
        for (what, detail) in &under_way.told {
            if what == "registered" {
                self.report.task_definition_arn = Some(detail.to_string());
            }
            self.note(what, detail.clone());
        }
    }

    /// The draft, each time that it is another one: a release that plans again may stand on something else.
    fn drafted(&mut self, draft: &Outline) {
        let is_known = self.report.previous_task_definition_arn.as_ref() == Some(&draft.previous)
            && self.report.changes == draft.changes
            && self.report.findings == draft.findings;
        if is_known {
            return;
        }
        self.report.image.clone_from(&draft.image);
        self.report.changes.clone_from(&draft.changes);
        self.report.findings.clone_from(&draft.findings);
        self.report.previous_task_definition_arn = Some(draft.previous.clone());
        let changes = draft.changes.len();
        let plural = if changes == 1 { "" } else { "s" };
        self.note("planned", format!("{changes} change{plural} to {}", draft.base));
        for change in &draft.changes {
            self.tell("change", change);
        }
        for finding in &draft.findings {
            self.tell("finding", &finding.headline().into());
            self.tell("help", &finding.help);
        }
    }

    /// A deployment of this release is followed.
    pub(super) fn deployed(&mut self, target: &Target<head::Aws>) {
        self.report.task_definition_arn = Some(target.definition.clone());
        self.report.verification =
            Verification::without_evidence(VerificationStatus::NotReached, "the logs were not reached");
    }

    pub(super) fn followed(&mut self, watch: &Watch) {
        self.add_phases(watch);
        self.report.rollout = watch.deployment.as_ref().map(|deployment| RolloutReport::of(deployment, Vec::new()));
        self.report.verification = watch.verification();
    }

    pub(super) fn stopped(&mut self, tasks: Vec<StoppedTask>) {
        for task in &tasks {
            let said = format!("{}: {} ({})", task.task, task.reason, task.containers.join("; "));
            self.tell("stopped task", &said.into());
        }
        if let Some(rollout) = &mut self.report.rollout {
            rollout.stopped_tasks = tasks;
        }
    }

    pub(super) fn going_back(&mut self, why: &str) {
        self.note("rollback", why.to_owned());
    }

    pub(super) fn followed_back(&mut self, watch: &Watch) {
        self.add_phases(watch);
        // The report is about the deployment that failed; the one that leads back is in the timeline.
        if let (Some(failed), Some(deployment)) = (&mut self.report.rollout, &watch.deployment)
            && failed.deployment_arn == deployment.arn
        {
            let stopped = std::mem::take(&mut failed.stopped_tasks);
            *failed = RolloutReport::of(deployment, stopped);
        }
    }

    pub(super) fn end(mut self, ending: Ending) -> ReleaseReport {
        self.note("ended", ending.outcome.to_string());
        let Ending { outcome, reason, attention } = ending;
        if let Some(attention) = &attention {
            self.tell("attention", attention);
        }
        ReleaseReport { outcome, reason, attention, ..self.report }
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
    fn note(&mut self, what: &str, detail: impl Into<Text>) {
        let detail = detail.into();
        self.tell(what, &detail);
        self.add(what, detail);
    }

    fn add(&mut self, what: &str, detail: impl Into<Text>) {
        let elapsed = SignedDuration::from_secs(i64::try_from(self.elapsed).unwrap_or(i64::MAX));
        let at = self.start.checked_add(elapsed).unwrap_or(self.start);
        self.report.timeline.push(Moment { at, what: what.to_owned(), detail: detail.into() });
    }

    fn tell(&self, what: &str, detail: &Text) {
        if !self.ctx.is_replaying() {
            tell(&self.request, what, detail);
        }
    }
}

/// Tells what happens as it happens: a log line on Lambda, a line of progress on a terminal.
pub(super) fn tell(request: &Request, what: &str, detail: &Text) {
    let service = request.service.arn.name();
    tracing::info!(target: crate::release::PROGRESS, release = %request.release(), service, what, detail = detail.as_str());
}
