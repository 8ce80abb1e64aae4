//! One release under way: what it goes by, what is recorded of it, and how its course is played, step by step, to its end.

use std::fmt;
use std::sync::Arc;

use aws_durable_execution_sdk::{BoxError, DurableContext};
use release_protocol::Outcome;
use release_protocol::course::{Answer, Course, State, Wait};
use release_protocol::follow::Went;
use release_protocol::head::Target;
use serde::{Deserialize, Serialize};

use super::timeline::Timeline;
use super::{act, follow, wait, write_report};
use crate::aws::{Aws, Failure, FailureKind};
use crate::config::{Config, MAX_TEXT, OnFailure};
use crate::head;
use crate::plan::{Draft, Request};
use crate::report::ReleaseReport;
use crate::rollout::{End, Status};
use crate::trigger::ReleaseId;
use crate::verify::verification::VerificationStatus;
use crate::watch::{Decision, Watch};

/// What every release of one function shares.
pub struct Deployer {
    /// The configuration, as it is now.
    pub config: Configured,
    /// The way to AWS.
    pub aws: Aws,
    /// Where a metric line goes: standard output on Lambda.
    pub metrics: fn(&str),
}

impl fmt::Debug for Deployer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Deployer").field("config", &self.config).finish_non_exhaustive()
    }
}

/// The configuration, or why there is none. A release that runs has a recorded one of its own, so only new events need it.
#[derive(Clone, Debug)]
pub enum Configured {
    /// It is read and checked.
    Config(Box<Config>),
    /// It could not be read: the text, or `s3://bucket/key`. New events try again, and fail with the problems.
    Unusable(String),
}

impl From<Config> for Configured {
    fn from(config: Config) -> Self {
        Self::Config(Box::new(config))
    }
}

impl Configured {
    /// Reads a configuration: the text itself, or the object that it lies in.
    pub async fn from_source(aws: &Aws, given: String) -> Self {
        match read(aws, &given).await {
            Ok(config) => config.into(),
            Err(problem) => {
                tracing::error!(%problem, "the configuration is unusable: releases that run go on, new events fail");
                Self::Unusable(given)
            }
        }
    }

    /// The configuration, where it could be read.
    pub fn read(&self) -> Option<&Config> {
        match self {
            Self::Config(config) => Some(config),
            Self::Unusable(_) => None,
        }
    }

    /// Reads it once more: somebody may have mended it.
    pub(super) async fn read_again(&self, aws: &Aws) -> Result<Config, Failure> {
        match self {
            Self::Config(config) => Ok((**config).clone()),
            Self::Unusable(given) => read(aws, given).await,
        }
    }
}

async fn read(aws: &Aws, given: &str) -> Result<Config, Failure> {
    let text = if given.starts_with("s3://") { aws.text_at(given, MAX_TEXT).await? } else { given.to_owned() };
    Config::parse(&text).map_err(|problems| {
        let place = if given.starts_with("s3://") { given } else { "DEPLOYER_CONFIG" };
        Failure::new("configuration", place, FailureKind::Rejected, problems.to_string())
    })
}

/// How a release ends, with the reason for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Ending {
    pub(super) outcome: Outcome,
    pub(super) reason: Option<String>,
    /// What a person should know of although the outcome sounds well.
    pub(super) attention: Option<String>,
}

impl Ending {
    pub(super) fn new(outcome: Outcome, reason: impl Into<String>) -> Self {
        Self { outcome, reason: Some(reason.into()), attention: None }
    }

    pub(super) fn failed(reason: impl Into<String>) -> Self {
        Self::new(Outcome::Failed, reason)
    }
}

/// What is recorded of a release whenever its course rests.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct UnderWay {
    pub(super) course: Course<head::Aws>,
    /// Whether the pushed tag was seen to point to the pushed digest.
    pub(super) tag_is_current: bool,
    /// Whether it has owned the service.
    pub(super) has_claimed: bool,
    /// Fences that were seen unchanged for so long that their calls can no longer take effect.
    pub(super) past_fences: Vec<String>,
    /// What it registers, without the document.
    pub(super) draft: Option<Box<Draft>>,
    /// The family of what it registers.
    pub(super) family: Option<String>,
    /// Why what the event asks for is not deployed.
    pub(super) asked: Option<String>,
    /// What its claim stands on, as the head has it: an attempt that was cut off may have made it.
    pub(super) base: Option<String>,
    /// What the service headed to when it was read last.
    pub(super) live: Option<String>,
    /// What a call said that did nothing.
    pub(super) refusal: Option<String>,
    /// What happened since the last rest: what, and the detail.
    pub(super) told: Vec<(String, String)>,
    /// How often it has acted; part of what tells its fences apart.
    pub(super) acts: u32,
    /// How often it was told to try a little later.
    pub(super) pauses: u32,
    /// Whose place its update took, without meaning to.
    pub(super) replaced: Vec<String>,
}

/// A release, its execution and its report.
pub(super) struct Run {
    pub(super) deployer: Arc<Deployer>,
    pub(super) ctx: DurableContext,
    pub(super) request: Request,
    pub(super) under_way: UnderWay,
    timeline: Timeline,
    /// Why the service goes back, or the release fails.
    why: Option<String>,
    /// The deployment that the release made, once it is followed.
    followed: Option<Target<head::Aws>>,
    deployment_arn: Option<String>,
}

/// How often a release is told to try a little later before it gives up: a pause is half a minute.
const MAX_PAUSES: u32 = 30;

impl Run {
    pub(super) fn new(deployer: Arc<Deployer>, ctx: DurableContext, request: Request) -> Self {
        let timeline = Timeline::of(&ctx, &request);
        let (under_way, why, followed, deployment_arn) = (UnderWay::default(), None, None, None);
        Self { deployer, ctx, request, under_way, timeline, why, followed, deployment_arn }
    }

    /// Plays the course to its end.
    pub(super) async fn play(&mut self) -> Ending {
        match self.play_steps().await {
            Ok(()) => self.ending(),
            Err(ending) => ending,
        }
    }

    /// Plays the course from rest to rest; the error is an end that the course does not know of.
    async fn play_steps(&mut self) -> Result<(), Ending> {
        loop {
            match self.under_way.course.state.clone() {
                State::Waiting(wait, _) => {
                    self.count_pause(&wait)?;
                    let waited = wait::run(self, wait).await?;
                    self.timeline.wait(waited.elapsed);
                    self.under_way.past_fences.extend(waited.past_fence);
                    self.take(Answer::Woken);
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
        self.under_way.told.clear();
        self.under_way = act::run(self).await?;
        self.timeline.acted(&self.under_way);
        Ok(())
    }

    fn take(&mut self, answer: Answer<head::Aws>) {
        let me = self.me();
        let course = std::mem::take(&mut self.under_way.course);
        self.under_way.course = course.take(&me, answer);
    }

    pub(super) fn me(&self) -> head::Release {
        let start = self.timeline.start();
        head::release(&self.request, self.ctx.execution_arn(), start, self.under_way.tag_is_current)
    }

    fn count_pause(&mut self, wait: &Wait<head::Aws>) -> Result<(), Ending> {
        if matches!(wait, Wait::Pause) {
            self.under_way.pauses += 1;
        }
        if self.under_way.pauses <= MAX_PAUSES {
            return Ok(());
        }
        let refusal = self.under_way.refusal.clone().unwrap_or_else(|| "what was deployed is not listed".to_owned());
        Err(Ending::failed(format!("tried {MAX_PAUSES} times: {refusal}")))
    }

    async fn follow_own(&mut self, target: Target<head::Aws>) -> Result<(), Ending> {
        let looks = self.request.share / 3 * 2;
        let expected = self.under_way.draft.as_ref().map(|draft| draft.logs.clone());
        let expected = match expected {
            Some(logs) => logs,
            None => follow::expect_logs(self, &target).await?,
        };
        let verify = &self.request.service.verify;
        let mut watch = Watch::new(&target.revision, &target.definition, &expected, verify, looks);
        if let Some(draft) = &self.under_way.draft {
            watch.compare_with(&draft.previous, &draft.previous_logs, verify);
        }
        self.followed = Some(target.clone());
        self.timeline.deployed(&target);
        let watch = follow::run(self, watch).await?;
        self.timeline.followed(&watch);
        self.deployment_arn.clone_from(&watch.deployment_arn);
        self.under_way.replaced.extend(watch.replaced.iter().flatten().cloned());
        let (went, why) = judge(&self.request, &watch);
        self.why = why;
        if matches!(went, Went::Bad | Went::BadAndThrough) {
            self.timeline.going_back(self.why.as_deref().unwrap_or_default());
        }
        let has_replaced = !self.under_way.replaced.is_empty();
        self.take(Answer::Followed { went, has_replaced });
        Ok(())
    }

    /// Follows a deployment that was stopped, or one that leads back.
    async fn follow_back(&mut self, target: &Target<head::Aws>, is_stopped: bool) -> Result<(), Ending> {
        let arn = self.deployment_arn.as_deref().filter(|_| is_stopped);
        let looks = self.request.share / 10;
        let watch = Watch::of_rollback(&target.revision, &target.definition, arn, looks);
        let watch = follow::run(self, watch).await.map_err(|ending| self.because(ending))?;
        self.timeline.followed_back(&watch);
        self.under_way.replaced.extend(watch.replaced.iter().flatten().cloned());
        let went = match watch.decision() {
            Decision::Ended(End::Successful) => Went::Good,
            Decision::Ended(End::RolledBack) => Went::RolledBack,
            Decision::Ended(End::Stopped) => Went::Stopped,
            Decision::Ended(End::Stuck) => {
                self.under_way.refusal = Some(format!("ECS could not roll back: {}", watch.reason()));
                Went::Lost
            }
            Decision::Unproven(reason) | Decision::Lost(reason) => {
                self.under_way.refusal = Some(reason);
                Went::Lost
            }
        };
        let has_replaced = !self.under_way.replaced.is_empty();
        self.take(Answer::Followed { went, has_replaced });
        Ok(())
    }

    /// Whatever goes wrong on the way back, the reason to go stays in the report.
    fn because(&self, ending: Ending) -> Ending {
        let Some(why) = &self.why else { return ending };
        Ending { reason: ending.reason.map(|then| format!("{why}; then: {then}")), ..ending }
    }

    /// The end, in words.
    fn ending(&self) -> Ending {
        let (State::Ending(ending) | State::Over(ending)) = &self.under_way.course.state else {
            return Ending { outcome: Outcome::Rejected, reason: self.under_way.asked.clone(), attention: None };
        };
        let by = ending.by.as_ref().map(|by| &by.release);
        let asked = self.under_way.asked.clone();
        let reason = match (ending.outcome, by) {
            (Outcome::Succeeded, _) => None,
            (Outcome::NoChange | Outcome::Rejected, _) | (Outcome::Superseded, None) => asked,
            (Outcome::Duplicate, Some(release)) => Some(format!("release {release} does the same work")),
            (Outcome::Duplicate, None) => Some("another execution does the same work".to_owned()),
            (Outcome::Superseded, Some(release)) => Some(format!("release {release} is newer and owns the service")),
            (Outcome::RolledBack, _) => Some(self.why.clone().unwrap_or_else(|| self.displacement())),
            (Outcome::Failed | Outcome::Held, _) => match (&self.why, &self.under_way.refusal) {
                (Some(why), Some(then)) => Some(format!("{why}; then: {then}")),
                (Some(why), None) => Some(why.clone()),
                (None, Some(refusal)) => Some(refusal.clone()),
                (None, None) => Some(self.displacement()),
            },
        };
        let is_well = ending.outcome.is_well();
        let attention = (ending.is_loud && is_well).then(|| self.attention(ending.outcome, by));
        let reason = match self.replacement().filter(|_| !is_well) {
            Some(replacement) => Some(reason.map_or_else(String::new, |reason| format!("{reason}; ")) + &replacement),
            None => reason,
        };
        Ending { outcome: ending.outcome, reason, attention }
    }

    /// What became of a deployment that was stopped without this release's doing.
    fn displacement(&self) -> String {
        let live = self.under_way.live.as_deref().unwrap_or("an unknown task definition");
        match &self.followed {
            Some(target) if target.definition == live => format!("ECS stopped the deployment; the service runs {live}"),
            Some(_) => {
                format!(
                    "the deployment was stopped, and not by this release: the service heads to {live} now, which stands"
                )
            }
            None => {
                let asked = self.under_way.asked.as_deref().filter(|asked| !asked.is_empty());
                let why = asked.map_or_else(String::new, |asked| format!("{asked}; "));
                format!("{why}nothing was deployed; the service heads to {live}")
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
        let replaced = &self.under_way.replaced;
        let names = (!replaced.is_empty()).then(|| replaced.join(", "))?;
        Some(format!("{names}, deployed by somebody else at the same time, was replaced"))
    }

    /// Writes everything down.
    pub(super) async fn finish(mut self, ending: Ending) -> Result<ReleaseReport, BoxError> {
        let has_failed = matches!(ending.outcome, Outcome::RolledBack | Outcome::Failed);
        if let Some(target) = self.followed.clone().filter(|_| has_failed) {
            let stopped = follow::diagnose(&self, &target.definition).await;
            self.timeline.stopped(stopped);
        }
        let good = match &self.under_way.course.state {
            State::Ending(ending) => ending.good.clone(),
            _ => None,
        };
        let me = self.me();
        let report = self.timeline.end(ending);
        let written = write_report::Written { me, good, has_claimed: self.under_way.has_claimed };
        write_report::run(&self.deployer, &self.ctx, &self.request, &report, written).await?;
        Ok(report)
    }
}

/// How a deployment went, and why, where it did not go well.
fn judge(request: &Request, watch: &Watch) -> (Went, Option<String>) {
    match watch.decision() {
        Decision::Ended(End::Successful) => {
            let verification = watch.verification();
            match verification.status {
                VerificationStatus::Passed | VerificationStatus::NotConfigured | VerificationStatus::NotVerifiable => {
                    (Went::Good, None)
                }
                // The logs could not be read, or say nothing: the release runs, but nobody has proved that it works.
                VerificationStatus::NotReached | VerificationStatus::Inconclusive | VerificationStatus::Failed => {
                    let detail = verification.detail.unwrap_or_else(|| "the logs were not reached".to_owned());
                    let name = request.service.arn.name();
                    let why = format!("the deployment of {name} got through, unverified: {detail}");
                    (Went::LeftAsItIs, Some(why))
                }
            }
        }
        Decision::Ended(End::RolledBack) => {
            (Went::RolledBack, Some(format!("ECS rolled the deployment back: {}", watch.reason())))
        }
        Decision::Ended(End::Stopped) => (Went::Stopped, None),
        Decision::Ended(End::Stuck) => {
            let why = format!("ECS could not roll the deployment back; a person is needed: {}", watch.reason());
            (Went::Lost, Some(why))
        }
        Decision::Unproven(reason) => match request.service.on_failure {
            OnFailure::Notify => {
                let why = format!("{reason}; the service was left as it is (`on_failure = \"notify\"`)");
                (Went::LeftAsItIs, Some(why))
            }
            OnFailure::Rollback => {
                let is_through = watch.deployment.as_ref().is_some_and(|seen| seen.status == Status::Successful);
                (if is_through { Went::BadAndThrough } else { Went::Bad }, Some(reason))
            }
        },
        Decision::Lost(reason) => (Went::Lost, Some(reason)),
    }
}
