//! Plays the course of a release from rest to rest, each step by the module that carries it out, to its end, and says
//! that end in words.

use aws_durable_execution_sdk::BoxError;
use release_protocol::Outcome;
use release_protocol::course::{Answer, State, Wait};
use release_protocol::follow::Went;
use release_protocol::head::Target;

use super::run::{Ending, Run};
use super::timeline::Timeline;
use super::{act, follow, wait, write_report};
use crate::config::OnFailure;
use crate::head;
use crate::plan::{ExpectedLogs, Request};
use crate::report::ReleaseReport;
use crate::rollout::{End, Status};
use crate::text::Text;
use crate::trigger::ReleaseId;
use crate::verify::verification::VerificationStatus;
use crate::watch::{Decision, Watch};

/// A release and its report.
pub(super) struct Play {
    run: Run,
    timeline: Timeline,
    /// Why the service goes back, or the release fails.
    why: Option<Text>,
    /// The deployment that the release made, once it is followed.
    followed: Option<Target<head::Aws>>,
    deployment_arn: Option<String>,
}

/// How often a release is told to try a little later before it gives up: a pause is half a minute, a fence a minute.
const MAX_PAUSES: u32 = 30;

impl Play {
    pub(super) fn of(run: Run) -> Self {
        let timeline = Timeline::of(&run.ctx, &run.request);
        Self { run, timeline, why: None, followed: None, deployment_arn: None }
    }

    /// Plays the course to its end.
    pub(super) async fn play(&mut self) -> Ending {
        match self.play_steps().await {
            Ok(()) => self.ending(),
            Err(ending) => ending,
        }
    }

    /// Whether what was pushed is not an image: such a release leaves no report.
    pub(super) fn is_ignored(&self) -> bool {
        matches!(self.run.under_way.course.state, State::Ignored)
    }

    /// Plays the course from rest to rest; the error is an end that the course does not know of.
    async fn play_steps(&mut self) -> Result<(), Ending> {
        loop {
            match self.run.under_way.course.state.clone() {
                State::Waiting(wait, _) => {
                    self.count_pause(&wait)?;
                    let waited = wait::run(&self.run, wait).await?;
                    self.timeline.wait(waited.elapsed);
                    self.run.under_way.past_fences.extend(waited.past_fence);
                    self.run.take(Answer::Woken);
                }
                State::Following(target) => self.follow_own(target).await?,
                State::FollowingStop(target) => self.follow_back(&target, true).await?,
                State::FollowingReturn(_, target) => self.follow_back(&target, false).await?,
                State::Ending(_) | State::Over(_) | State::Ignored => return Ok(()),
                _ => self.act().await?,
            }
        }
    }

    async fn act(&mut self) -> Result<(), Ending> {
        self.run.under_way.told.clear();
        self.run.under_way = act::run(&self.run).await?;
        self.timeline.acted(&self.run.under_way);
        Ok(())
    }

    fn count_pause(&mut self, wait: &Wait<head::Aws>) -> Result<(), Ending> {
        // Whoever waits for the own fence was cut off, or lost an answer, beside the call that it guards.
        if matches!(wait, Wait::Pause | Wait::OwnFence(_)) {
            self.run.under_way.pauses += 1;
        }
        if self.run.under_way.pauses <= MAX_PAUSES {
            return Ok(());
        }
        let refusal = self.run.under_way.refusal.clone().unwrap_or_else(|| "what was deployed is not listed".into());
        Err(Ending::failed(format!("tried {MAX_PAUSES} times: {refusal}")))
    }

    async fn follow_own(&mut self, target: Target<head::Aws>) -> Result<(), Ending> {
        let looks = self.run.request.share / 3 * 2;
        let logs = if let Some(logs) = &self.run.under_way.logs {
            (**logs).clone()
        } else {
            // The deployment of an execution that died.
            let new = follow::expect_logs(&self.run, &target).await?;
            ExpectedLogs { new, previous: Vec::new() }
        };
        let verify = &self.run.request.service.verify;
        let mut watch = Watch::new(&target.revision, &target.definition, &logs.new, verify, looks);
        if let Some(draft) = &self.run.under_way.draft {
            watch.compare_with(&draft.previous, &logs.previous);
        }
        self.followed = Some(target.clone());
        self.timeline.deployed(&target);
        let watch = follow::run(&self.run, watch).await?;
        self.timeline.followed(&watch);
        self.deployment_arn.clone_from(&watch.deployment_arn);
        self.run.under_way.replaced.extend(watch.replaced.iter().flatten().cloned());
        let (went, why) = judge(&self.run.request, &watch);
        self.why = why;
        if matches!(went, Went::Bad | Went::BadAndThrough) {
            self.timeline.going_back(self.why.as_deref().unwrap_or_default());
        }
        let has_replaced = !self.run.under_way.replaced.is_empty();
        self.run.take(Answer::Followed { went, has_replaced });
        Ok(())
    }

    /// Follows a deployment that was stopped, or one that leads back.
    async fn follow_back(&mut self, target: &Target<head::Aws>, is_stopped: bool) -> Result<(), Ending> {
        let arn = self.deployment_arn.as_deref().filter(|_| is_stopped);
        let looks = self.run.request.share / 10;
        let watch = Watch::of_rollback(&target.revision, &target.definition, arn, looks);
        let watch = follow::run(&self.run, watch).await.map_err(|ending| self.because(ending))?;
        self.timeline.followed_back(&watch);
        self.run.under_way.replaced.extend(watch.replaced.iter().flatten().cloned());
        let went = match watch.decision() {
            Decision::Ended(End::Successful) => Went::Good,
            Decision::Ended(End::RolledBack) => Went::RolledBack,
            Decision::Ended(End::Stopped) => Went::Stopped,
            Decision::Ended(End::Stuck) => {
                self.run.under_way.refusal = Some(format!("ECS could not roll back: {}", watch.reason()).into());
                Went::Lost
            }
            Decision::Unproven(reason) | Decision::Lost(reason) => {
                self.run.under_way.refusal = Some(reason);
                Went::Lost
            }
        };
        let has_replaced = !self.run.under_way.replaced.is_empty();
        self.run.take(Answer::Followed { went, has_replaced });
        Ok(())
    }

    /// Whatever goes wrong on the way back, the reason to go stays in the report.
    fn because(&self, ending: Ending) -> Ending {
        let Some(why) = &self.why else { return ending };
        Ending { reason: ending.reason.map(|then| format!("{why}; then: {then}").into()), ..ending }
    }

    /// The end, in words.
    fn ending(&self) -> Ending {
        let (State::Ending(ending) | State::Over(ending)) = &self.run.under_way.course.state else {
            return Ending { outcome: Outcome::Rejected, reason: self.run.under_way.asked.clone(), attention: None };
        };
        let by = ending.by.as_ref().map(|by| &by.release);
        let asked = self.run.under_way.asked.clone();
        let reason = match (ending.outcome, by) {
            (Outcome::Succeeded, _) => None,
            (Outcome::NoChange | Outcome::Rejected, _) | (Outcome::Superseded, None) => asked,
            (Outcome::Duplicate, Some(release)) => Some(format!("release {release} does the same work").into()),
            (Outcome::Duplicate, None) => Some("another execution does the same work".into()),
            (Outcome::Superseded, Some(release)) => {
                Some(format!("release {release} is newer and owns the service").into())
            }
            (Outcome::RolledBack, _) => Some(self.why.clone().unwrap_or_else(|| self.displacement().into())),
            (Outcome::Failed | Outcome::Held, _) => match (&self.why, &self.run.under_way.refusal) {
                (Some(why), Some(then)) => Some(format!("{why}; then: {then}").into()),
                (Some(why), None) => Some(why.clone()),
                (None, Some(refusal)) => Some(refusal.clone()),
                (None, None) => Some(self.displacement().into()),
            },
        };
        let is_well = ending.outcome.is_well();
        let attention = (ending.is_loud && is_well).then(|| self.attention(ending.outcome, by));
        let reason = match self.replacement().filter(|_| !is_well) {
            Some(replacement) => {
                Some(Text::from(reason.map_or_else(String::new, |reason| format!("{reason}; ")) + &replacement))
            }
            None => reason,
        };
        Ending { outcome: ending.outcome, reason, attention: attention.map(Text::from) }
    }

    /// What became of a deployment that was stopped without this release's doing.
    fn displacement(&self) -> String {
        let live = self.run.under_way.live.as_deref().unwrap_or("an unknown task definition");
        match &self.followed {
            Some(target) if target.definition == live => format!("ECS stopped the deployment; the service runs {live}"),
            Some(_) => {
                format!(
                    "the deployment was stopped, and not by this release: the desired task definition is {live} now, which stands"
                )
            }
            None => {
                let asked = self.run.under_way.asked.as_deref().filter(|asked| !asked.is_empty());
                let why = asked.map_or_else(String::new, |asked| format!("{asked}; "));
                format!("{why}nothing was deployed; the desired task definition is {live}")
            }
        }
    }

    fn attention(&self, outcome: Outcome, by: Option<&ReleaseId>) -> String {
        match (self.replacement(), by) {
            (Some(replacement), _) => replacement,
            (None, Some(release)) if outcome == Outcome::Succeeded => format!(
                "the update took effect late: release {release}, which is newer, had found its image live already, and does not run"
            ),
            _ => "what was uploaded is not part of what runs: upload it again if it should be".to_owned(),
        }
    }

    /// Whose place was taken without meaning to, in words.
    fn replacement(&self) -> Option<String> {
        let replaced = &self.run.under_way.replaced;
        let names = (!replaced.is_empty()).then(|| replaced.join(", "))?;
        Some(format!("{names}, deployed by somebody else at the same time, was replaced"))
    }

    /// Writes everything down.
    pub(super) async fn finish(mut self, ending: Ending) -> Result<ReleaseReport, BoxError> {
        let has_failed = matches!(ending.outcome, Outcome::RolledBack | Outcome::Failed);
        if let Some(target) = self.followed.clone().filter(|_| has_failed) {
            let stopped = follow::diagnose(&self.run, &target.definition).await;
            self.timeline.stopped(stopped);
        }
        let good = match &self.run.under_way.course.state {
            State::Ending(ending) => ending.good.clone(),
            _ => None,
        };
        let me = self.run.me();
        let mut report = self.timeline.end(ending);
        let written = write_report::Written { me, good, has_claimed: self.run.under_way.has_claimed };
        report.attention =
            write_report::run(&self.run.deployer, &self.run.ctx, &self.run.request, &report, written).await?;
        Ok(report)
    }
}

/// How a deployment went, and why, where it did not go well.
fn judge(request: &Request, watch: &Watch) -> (Went, Option<Text>) {
    match watch.decision() {
        Decision::Ended(End::Successful) => {
            let verification = watch.verification();
            match verification.status {
                VerificationStatus::Passed | VerificationStatus::NotConfigured | VerificationStatus::NotVerifiable => {
                    (Went::Good, None)
                }
                // The logs could not be read, or say nothing: the release runs, but nobody has proved that it works.
                VerificationStatus::NotReached | VerificationStatus::Inconclusive | VerificationStatus::Failed => {
                    let detail = verification.detail.unwrap_or_else(|| "the logs were not reached".into());
                    let name = request.service.arn.name();
                    let why = format!("the deployment of {name} got through, unverified: {detail}");
                    (Went::LeftAsItIs, Some(why.into()))
                }
            }
        }
        Decision::Ended(End::RolledBack) => {
            (Went::RolledBack, Some(format!("ECS rolled the deployment back: {}", watch.reason()).into()))
        }
        Decision::Ended(End::Stopped) => (Went::Stopped, None),
        Decision::Ended(End::Stuck) => {
            let why = format!("ECS could not roll the deployment back; a person is needed: {}", watch.reason());
            (Went::Lost, Some(why.into()))
        }
        Decision::Unproven(reason) => match request.service.on_failure {
            OnFailure::Notify => {
                let why = format!("{reason}; the service was left as it is (`on_failure = \"notify\"`)");
                (Went::LeftAsItIs, Some(why.into()))
            }
            OnFailure::Rollback => {
                let is_through = watch.deployment.as_ref().is_some_and(|seen| seen.status == Status::Successful);
                (if is_through { Went::BadAndThrough } else { Went::Bad }, Some(reason))
            }
        },
        Decision::Lost(reason) => (Went::Lost, Some(reason)),
    }
}
