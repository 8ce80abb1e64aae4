//! One step of a release: carries out what its course asks for, one action after another, until the course rests. It
//! reads, swaps and calls; what follows from an answer is `release-protocol`'s business.

use std::future::poll_fn;
use std::pin::Pin;
use std::time::Duration;

use aws_durable_execution_sdk::StepContext;
use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, MaybeDone, maybe_done};
use release_protocol::course::{Action, Answer, History, State};
use release_protocol::head::{Change, Fence, Phase, Target};
use release_protocol::plan::{Look, Reading, Service};
use tokio::time::Instant;

use super::call::{self, Called, mark};
use super::follow::name_replaced;
use super::prepare::{self, Prepared};
use super::run::{Ending, Run, UnderWay};
use super::step;
use crate::aws::heads::VersionedHead;
use crate::aws::lambda::ExecutionState;
use crate::aws::{Aws, Failure, FailureKind};
use crate::head::{self, Head, Release};
use crate::image::Digest;
use crate::observe::live::{Revisions, read_deployments, read_service};
use crate::observe::way_back::look;
use crate::plan::way_back::{WayBack, When};
use crate::plan::{Asked, Request, tag_is_current};
use crate::text::Text;
use crate::validate::{Finding, Severity};

/// The actions of one step; a course that takes more goes round in circles with somebody else, and tries again a little
/// later.
const MAX_ACTIONS: u32 = 60;

/// How long after its fence was sent an update may still be called, so that what takes effect at all does so while
/// others wait for the fence.
const LATEST_CALL: Duration = Duration::from_secs(5);

/// How often a head is written anew that changes under it, within one action.
const MAX_SWAPS: u32 = 10;

/// How old a claim without a fence must be to count as dead where nobody may ask for its execution, in seconds.
const OLD_CLAIM: i64 = 15 * 60;

/// Acts until the course rests, and gives what is to be recorded.
pub(super) async fn run(run: &Run) -> Result<UnderWay, Ending> {
    let name = match run.under_way.course.state {
        State::Stopping(_) => "stop",
        State::Returning(_) => "go back",
        State::Proved(_) | State::Displaced(_) => "look who came",
        _ => "deploy",
    };
    let (deployer, request) = (run.deployer.clone(), run.request.clone());
    let (me, under_way) = (run.me(), run.under_way.clone());
    let work = move |attempt: StepContext| async move {
        let mut actor = Actor {
            aws: &deployer.aws,
            request: &request,
            me,
            attempt: attempt.attempt(),
            under_way,
            held: None,
            prepared: None,
            revisions: Revisions::default(),
            fence_sent: None,
            fences: 0,
        };
        Box::pin(actor.act()).await?;
        Ok(actor.under_way)
    };
    step::run(&run.ctx, name, work).await
}

/// Carries out the actions of one step.
struct Actor<'a> {
    aws: &'a Aws,
    request: &'a Request,
    me: Release,
    attempt: u32,
    under_way: UnderWay,
    /// The head that was read or written last.
    held: Option<VersionedHead>,
    prepared: Option<Prepared>,
    revisions: Revisions,
    fence_sent: Option<Instant>,
    fences: u32,
}

/// A look at the way back that is under way. Nothing waits for it until the course rests.
type LookBack<'a> = MaybeDone<BoxFuture<'a, WayBack>>;

/// Does something while a look at the way back goes on.
async fn beside<T>(look: &mut Option<LookBack<'_>>, mut work: impl Future<Output = T> + Unpin) -> T {
    poll_fn(|context| {
        if let Some(look) = look.as_mut() {
            // Its result is taken when the course rests.
            let _ = look.poll_unpin(context);
        }
        work.poll_unpin(context)
    })
    .await
}

impl<'a> Actor<'a> {
    async fn act(&mut self) -> Result<(), Failure> {
        self.under_way.acts += 1;
        if self.attempt > 1 {
            self.under_way.course = std::mem::take(&mut self.under_way.course).resumed();
        }
        let mut look: Option<LookBack<'_>> = None;
        for _ in 0..MAX_ACTIONS {
            if self.under_way.course.is_resting() {
                if let Some(look) = look {
                    self.looked_back(look).await;
                }
                return Ok(());
            }
            let action = self.under_way.course.action();
            match &action {
                Action::Read => look = None,
                Action::Swap(Change::Claim(_)) => look = self.look_back(),
                _ => {}
            }
            let answer = beside(&mut look, Box::pin(self.carry_out(action))).await?;
            self.under_way.course = std::mem::take(&mut self.under_way.course).take(&self.me, answer);
        }
        Err(self.failure("s3:PutObject", FailureKind::Throttled, "the head of the service keeps changing"))
    }

    /// Begins to look at the way back, where that is not to be known before the claim.
    fn look_back(&self) -> Option<LookBack<'a>> {
        let (aws, service) = (self.aws, &self.request.service);
        let prepared = self.prepared.as_ref().filter(|_| When::of(service) == When::BesideTheClaim)?;
        let look: BoxFuture<'a, WayBack> = Box::pin(look(aws, &service.arn, prepared.serving.clone()));
        Some(maybe_done(look))
    }

    /// Waits for the end of a look at the way back, and keeps what it found for the report.
    async fn looked_back(&mut self, mut look: LookBack<'_>) {
        (&mut look).await;
        let Some(found) = Pin::new(&mut look).take_output() else { return };
        if let Some(outline) = &mut self.under_way.draft {
            found.add_to(&self.request.service, outline);
        }
        self.tell_way_back(&found);
    }

    fn tell_way_back(&mut self, found: &WayBack) {
        if let Some(line) = found.not_looked_at() {
            self.tell("way back", line);
        }
    }

    fn failure(&self, action: &'static str, kind: FailureKind, message: &str) -> Failure {
        Failure::new(action, self.request.service.arn.as_str(), kind, message)
    }

    fn tell(&mut self, what: &str, detail: impl Into<Text>) {
        self.under_way.told.push((what.to_owned(), detail.into()));
    }

    async fn carry_out(&mut self, action: Action<head::Aws>) -> Result<Answer<head::Aws>, Failure> {
        let arn = &self.request.service.arn;
        match action {
            Action::Read => Box::pin(self.read()).await,
            Action::ReadService => Box::pin(self.reread()).await,
            Action::AskOwner(execution) => self.ask_owner(&execution).await,
            Action::ReadHead => {
                self.read_head().await?;
                Ok(Answer::Head(self.head().cloned()))
            }
            Action::ReadHistory => Box::pin(self.read_history()).await,
            Action::Swap(change) => Ok(Answer::Swapped(self.swap(&change).await?)),
            Action::Amend(change) => {
                self.amend(&change).await?;
                Ok(Answer::Done)
            }
            Action::Fence { definition, back_after } => Box::pin(self.fence(definition, back_after)).await,
            Action::Look(look) => Ok(Answer::Found(self.look(&look).await?)),
            Action::Register { looks, .. } => self.register(looks).await,
            Action::Update(definition) => self.update(&definition).await,
            Action::Stop(target) => call::stop(self.aws, self.request, &target).await,
            Action::Wait(_) | Action::Follow(_) | Action::Nothing => Err(Failure::new(
                "release",
                arn.as_str(),
                FailureKind::Rejected,
                "a course that rests was asked to act",
            )),
        }
    }

    // --- calls ------------------------------------------------------------------------------------------------------

    async fn register(&mut self, looks: bool) -> Result<Answer<head::Aws>, Failure> {
        let Some(Prepared { asked: Asked::Draft(draft), .. }) = &self.prepared else {
            let message = "there is no draft to register";
            return Err(self.failure("ecs:RegisterTaskDefinition", FailureKind::Rejected, message));
        };
        let warned = warned(&draft.outline.findings);
        Ok(match call::register(self.aws, self.request, draft, looks).await? {
            Called::Done(definition) => {
                self.tell("registered", definition.clone());
                Answer::Registered(definition)
            }
            Called::Refused(refusal, failure) => {
                self.under_way.refusal = Some(format!("{}{warned}", failure.to_text()).into());
                Answer::Refused(refusal)
            }
            Called::Unclear(failure) => return Err(failure),
        })
    }

    /// Updates, unless its fence was sent so long ago that others may count it as past.
    async fn update(&mut self, definition: &str) -> Result<Answer<head::Aws>, Failure> {
        if self.fence_sent.is_none_or(|sent| sent.elapsed() > LATEST_CALL) {
            return Ok(Answer::NotCalled);
        }
        let called = call::update(self.aws, &self.request.service.arn, definition).await?;
        self.under_way.refusal = match &called {
            Called::Done(_) => None,
            Called::Refused(_, failure) | Called::Unclear(failure) => Some(failure.to_text()),
        };
        Ok(match called {
            Called::Done(revision) => {
                self.tell("updated", revision.clone());
                Answer::Updated(revision)
            }
            Called::Refused(refusal, _) => Answer::Refused(refusal),
            Called::Unclear(_) => Answer::Unclear,
        })
    }

    // --- reading ----------------------------------------------------------------------------------------------------

    async fn read(&mut self) -> Result<Answer<head::Aws>, Failure> {
        let (held, prepared) =
            Box::pin(prepare::read(self.aws, self.request, &self.me.execution, &mut self.revisions)).await?;
        self.keep(held);
        self.me.order.tag_is_current = tag_is_current(&prepared.inputs);
        self.under_way.tag_is_current = self.me.order.tag_is_current;
        let reading = Reading {
            head: self.head().cloned(),
            fence_is_past: self.fence_is_past(),
            service: prepared.service.clone(),
            wish: prepared.asked.wish(),
            // The service was read beside the head, perhaps before it.
            is_reread: false,
            owner_is_dead: None,
        };
        self.note(prepared)?;
        Ok(Answer::Read(Box::new(reading)))
    }

    async fn reread(&mut self) -> Result<Answer<head::Aws>, Failure> {
        let Some(before) = self.prepared.take() else { return Box::pin(self.read()).await };
        let prepared = prepare::reread(self.aws, self.request, &mut self.revisions, before).await?;
        let answer = Answer::Reread(prepared.service.clone(), prepared.asked.wish());
        self.note(prepared)?;
        Ok(answer)
    }

    /// Keeps what was read, and what the report needs of it. A draft that is not the planned one is refused.
    fn note(&mut self, prepared: Prepared) -> Result<(), Failure> {
        if let Asked::Draft(draft) = &prepared.asked
            && self.under_way.has_planned_another(&draft.outline)
        {
            let message = "what the task definition is made from has changed since it was checked; nothing more is done: \
                           push or upload again";
            return Err(self.failure("plan", FailureKind::Rejected, message));
        }
        let live = &prepared.live;
        self.under_way.family = live.definition.family().map(str::to_owned);
        self.under_way.asked = Some(match &prepared.asked {
            Asked::Draft(_) => Text::default(),
            Asked::Live(live) => format!("{live} runs exactly this").into(),
            Asked::Replaced(reason) | Asked::NoImage(reason) => reason.into(),
            Asked::Rejected(_) => "the task definition has errors; nothing was registered".into(),
        });
        (self.under_way.draft, self.under_way.logs) = match &prepared.asked {
            Asked::Draft(draft) => (Some(Box::new(draft.outline.clone())), Some(Box::new(draft.logs.clone()))),
            Asked::Rejected(outline) => (Some(outline.clone()), None),
            Asked::Live(_) | Asked::Replaced(_) | Asked::NoImage(_) => (None, None),
        };
        self.under_way.live = Some(live.task_definition_arn.clone());
        if let Some(found) = &prepared.way_back {
            self.tell_way_back(found);
        }
        self.prepared = Some(prepared);
        Ok(())
    }

    async fn ask_owner(&self, execution: &str) -> Result<Answer<head::Aws>, Failure> {
        let state = self.aws.execution_state(execution).await;
        let is_dead = match state {
            Ok(ExecutionState::Ended) => true,
            Ok(ExecutionState::NotAllowed) => self.head().is_some_and(|head| self.is_old_claim(head)),
            // Without an answer it is not known to be dead.
            Ok(ExecutionState::Running) | Err(_) => false,
        };
        Ok(Answer::OwnerIsDead(is_dead))
    }

    fn is_old_claim(&self, head: &Head) -> bool {
        let age = self.aws.clock().now().duration_since(head.owner.about.claimed_at).as_secs();
        head.phase == Phase::Claimed && age >= OLD_CLAIM && head.fence.is_none()
    }

    async fn read_head(&mut self) -> Result<(), Failure> {
        let held = self.aws.head(self.request, &self.me.execution).await?;
        self.keep(held);
        Ok(())
    }

    /// Keeps a head that was read. It knows of a claim that was made by an attempt which was cut off.
    fn keep(&mut self, held: Option<VersionedHead>) {
        let has_owned = |head: &Head| head.is_owned_by(&self.me) || head.former_owner(&self.me).is_some();
        self.under_way.has_claimed |= held.as_ref().is_some_and(|held| has_owned(&held.head));
        let own = held.as_ref().filter(|held| held.head.is_owned_by(&self.me));
        if let Some(base) = own.and_then(|held| held.head.base.as_ref()) {
            self.under_way.base = Some(base.definition.clone());
        }
        self.held = held;
    }

    fn head(&self) -> Option<&Head> {
        self.held.as_ref().map(|held| &held.head)
    }

    fn fence_is_past(&self) -> bool {
        let fence = self.head().and_then(|head| head.fence.as_ref());
        fence.is_some_and(|fence| self.under_way.past_fences.contains(&fence.id))
    }

    async fn read_history(&mut self) -> Result<Answer<head::Aws>, Failure> {
        let arn = &self.request.service.arn;
        let (held, service, deployments) = tokio::try_join!(
            self.aws.head(self.request, &self.me.execution),
            read_service(self.aws, arn, &mut self.revisions),
            read_deployments(self.aws, arn)
        )?;
        self.keep(held);
        self.under_way.live = Some(service.desired.clone());
        let fence_is_past = self.fence_is_past();
        let history = History { head: self.head().cloned(), fence_is_past, service, deployments };
        if let State::Returning(back) = &self.under_way.course.state {
            let replaced = history.replaced(&self.under_way.course.past, &back.failed);
            self.under_way.replaced.extend(name_replaced(replaced));
        }
        Ok(Answer::History(Box::new(history)))
    }

    /// The newest deployment of any of these task definitions.
    async fn look(&self, look: &Look<head::Aws>) -> Result<Option<Target<head::Aws>>, Failure> {
        let arn = &self.request.service.arn;
        let mut wanted = look.definitions.clone();
        if let Some(family) = self.under_way.family.as_deref().filter(|_| look.registered) {
            let marked = self.aws.marked(arn.region(), family, &mark(self.request)).await?;
            wanted.extend(marked.into_iter().map(|(definition, _)| definition));
        }
        let deployments = read_deployments(self.aws, arn).await?;
        let newer = deployments.into_iter().take_while(|listed| Some(&listed.revision) != look.after.as_ref());
        let mut found =
            newer.filter_map(|listed| Some(Target { definition: listed.definition?, revision: listed.revision }));
        Ok(found.find(|target| wanted.contains(&target.definition)))
    }

    // --- the head ---------------------------------------------------------------------------------------------------

    /// Makes a change on the head that was read or written last; false when somebody else was faster.
    async fn swap(&mut self, change: &Change<head::Aws>) -> Result<bool, Failure> {
        self.me.about.claimed_at = self.aws.clock().now();
        let Some(next) = change.apply(self.head(), &self.me) else { return Ok(false) };
        if self.head() == Some(&next) {
            return Ok(true);
        }
        let (bucket, arn) = (&self.request.state_bucket, &self.request.service.arn);
        let version = self.held.as_ref().map(|held| held.etag.as_str());
        let is_made = if let Some(etag) = self.aws.swap_head(bucket, arn, version, &next).await? {
            self.held = Some(VersionedHead { head: next, etag });
            true
        } else {
            // A swap that was refused may be this very one, sent again because its answer was lost.
            self.read_head().await?;
            self.head() == Some(&next)
        };
        if is_made && matches!(change, Change::Claim(_) | Change::ClaimUnchanged(_) | Change::Adopt) {
            self.under_way.has_claimed = true;
            let what = if matches!(change, Change::Adopt) { "adopted" } else { "claimed" };
            self.tell(what, arn.to_string());
        }
        Ok(is_made)
    }

    /// Makes a change on the head as it is, until it is written.
    async fn amend(&mut self, change: &Change<head::Aws>) -> Result<(), Failure> {
        if self.held.is_none() {
            self.read_head().await?;
        }
        for _ in 0..MAX_SWAPS {
            if self.held.is_none() || self.swap(change).await? {
                return Ok(());
            }
        }
        Err(self.failure("s3:PutObject", FailureKind::Throttled, "the head of the service keeps changing"))
    }

    async fn fence(&mut self, definition: String, newest: Option<String>) -> Result<Answer<head::Aws>, Failure> {
        self.fences += 1;
        let number =
            format!("{} {} {} {} {}", self.me.execution, self.me.event, self.under_way.acts, self.attempt, self.fences);
        let id = Digest::of(number.as_bytes()).short().to_owned();
        let (execution, release) = (self.me.execution.clone(), self.me.event.clone());
        let leads_back = newest.is_some();
        let change = Change::Fence(Fence { execution, release, definition, leads_back, newest, id });
        self.fence_sent = Some(Instant::now());
        let (aws, arn) = (self.aws, self.request.service.arn.clone());
        let mut revisions = std::mem::take(&mut self.revisions);
        let (is_set, service): (bool, Service<head::Aws>) =
            tokio::try_join!(self.swap(&change), read_service(aws, &arn, &mut revisions))?;
        self.revisions = revisions;
        Ok(Answer::Fenced { is_set, service })
    }
}

/// What the rules had warned of, to be said beside a refusal: they may be wrong about AWS, and it may be this.
fn warned(findings: &[Finding]) -> String {
    const MOST: usize = 3;
    let warnings = findings.iter().filter(|finding| finding.severity == Severity::Warning).take(MOST);
    let told = warnings.map(|finding| format!("; `{}` had warned: {}", finding.rule, finding.help));
    told.collect::<Vec<String>>().concat()
}
