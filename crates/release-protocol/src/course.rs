//! The course of one release, from its plan to its end, as a state machine: it names the next action and takes its
//! answer. What is done, and how long it takes, is the business of whoever plays it.
//!
//! A course is recorded whenever it rests (a wait, a deployment to follow, its end). Work that was cut off begins again
//! from what was recorded last, as [`Course::resumed`], and looks before it acts.

use serde::{Deserialize, Serialize};

use crate::follow::{Displaced, Listed, Went, displaced, replaced_on_the_way_back, way_back};
use crate::head::{Change, Head, Target};
use crate::plan::{Look, Past, Plan, Reading, Service, Wish, plan, strays_of};
use crate::{Names, Order, Outcome, Release};

/// One release under way.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(bound = "")]
pub struct Course<N: Names> {
    /// What it knows of itself.
    pub past: Past<N>,
    /// Where it is.
    pub state: State<N>,
}

/// Where a release is.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(bound = "")]
pub enum State<N: Names> {
    /// It reads everything that a plan needs. `has_looked`: nothing was found of the call that its own fence stands
    /// for.
    Planning {
        /// Whether it has looked for its own call.
        has_looked: bool,
    },
    /// It reads the service once more.
    Rereading(Box<Reading<N>>),
    /// It asks whether the owner's execution is dead.
    AskingOwner(Box<Reading<N>>),
    /// It changes the head, and plans again where that has changed meanwhile.
    Swapping(Change<N>, Box<State<N>>),
    /// It looks for a deployment of what it may have deployed; if there is none, it goes on.
    Looking {
        /// For which.
        look: Look<N>,
        /// The way back that the deployment would be; `None` for the release's own.
        back: Option<Return<N>>,
        /// What comes next if there is none.
        then: Box<State<N>>,
    },
    /// It registers its draft; a later attempt looks first.
    Registering {
        /// What the draft stands on.
        base: N::Definition,
        /// Whether a revision of this release may be there already.
        looks: bool,
    },
    /// It sets its fence and reads the service, side by side.
    Fencing(Update<N>),
    /// Its fence could not be set: it reads why.
    Outrun(Update<N>),
    /// It calls.
    Updating(Update<N>),
    /// It changes the head's members that are its own, until that is written; then it goes on.
    Amending(Change<N>, Box<State<N>>),
    /// It waits, then goes on.
    Waiting(Wait<N>, Box<State<N>>),
    /// It follows its deployment.
    Following(Target<N>),
    /// Its deployment, which it had to look for, is through and good: it reads whether a newer release has found
    /// nothing to do meanwhile.
    Proved(Target<N>),
    /// Its deployment was stopped without its doing: it reads what took the place.
    Displaced(Target<N>),
    /// It stops its deployment.
    Stopping(Target<N>),
    /// It follows the deployment that it stopped.
    FollowingStop(Target<N>),
    /// The service is on its bad revision, or may be: it reads whether, and where the way back leads.
    Returning(Return<N>),
    /// It follows the deployment that leads back.
    FollowingReturn(Return<N>, Target<N>),
    /// What was pushed is not an image: nobody is to hear of it.
    Ignored,
    /// It writes its end.
    Ending(Ending<N>),
    /// It has ended.
    Over(Ending<N>),
}

/// An update that is to be made.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(bound = "")]
pub struct Update<N: Names> {
    /// To what.
    pub definition: N::Definition,
    /// The task definition that must be desired for it.
    pub base: N::Definition,
    /// The way back that it is; `None` for a release's own update.
    pub back: Option<Return<N>>,
}

/// The way back from a bad revision.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(bound = "")]
pub struct Return<N: Names> {
    /// The bad deployment.
    pub failed: Target<N>,
    /// The deployment after which one that leads back counts.
    pub after: N::Revision,
    /// Whether it has looked for the call that its own fence stands for.
    pub has_looked: bool,
}

/// What a release waits for.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(bound = "")]
pub enum Wait<N: Names> {
    /// Another execution's fence to be gone, or past.
    Fence(N::FenceId),
    /// Its own fence to be gone or past, or a deployment of this to be listed.
    OwnFence(Look<N>),
    /// That no deployment runs.
    Idle,
    /// A little: the call was refused for now.
    Pause,
    /// Five minutes after a call was given up.
    LastLook,
}

/// How a release ends.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(bound = "")]
pub struct Ending<N: Names> {
    /// How.
    pub outcome: Outcome,
    /// What it deployed and proved.
    pub good: Option<N::Definition>,
    /// Who took its place.
    pub by: Option<Successor<N>>,
    /// Whether a person is to hear of it.
    pub is_loud: bool,
}

/// The release that took a place.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(bound = "")]
pub struct Successor<N: Names> {
    /// Its event.
    pub release: N::Event,
    /// Whether it leaves nothing out: a newer document, or a draft that stands on what was superseded.
    pub covers: bool,
}

/// What is to be done next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action<N: Names> {
    /// Read the head, the service and what the event asks for, side by side: [`Answer::Read`].
    Read,
    /// Read the service, and hold what the event asks for against it: [`Answer::Reread`].
    ReadService,
    /// Ask whether this execution has ended: [`Answer::OwnerIsDead`].
    AskOwner(N::Execution),
    /// Read the head: [`Answer::Head`].
    ReadHead,
    /// Read the head, the service and its deployments: [`Answer::History`].
    ReadHistory,
    /// Make the change on the head that was read or written last: [`Answer::Swapped`].
    Swap(Change<N>),
    /// Make the change on the head as it is, until it is written: [`Answer::Done`], or [`Answer::Ended`] for an end.
    Amend(Change<N>),
    /// Set a fence for this update on the head that was read or written last, and read the service, side by side:
    /// [`Answer::Fenced`].
    Fence {
        /// What the call will bring.
        definition: N::Definition,
        /// The deployment after which one that leads back counts; `None` for a release's own update.
        back_after: Option<N::Revision>,
    },
    /// Find the newest deployment: [`Answer::Found`].
    Look(Look<N>),
    /// Register the draft on this base: [`Answer::Registered`] or [`Answer::Refused`].
    Register {
        /// What the draft stands on.
        base: N::Definition,
        /// Look for a revision of this release with this content first.
        looks: bool,
    },
    /// Call `UpdateExpressGatewayService`, unless so much time has passed since before the fence was sent that the call
    /// might take effect after it: [`Answer::Updated`], [`Answer::Refused`], [`Answer::NotCalled`] or
    /// [`Answer::Unclear`].
    Update(N::Definition),
    /// Call `StopServiceDeployment`: [`Answer::Stopped`].
    Stop(Target<N>),
    /// Wait: [`Answer::Woken`].
    Wait(Wait<N>),
    /// Follow a deployment to its end: [`Answer::Followed`].
    Follow(Target<N>),
    /// Nothing is left.
    Nothing,
}

/// What became of an action.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer<N: Names> {
    /// Everything that a plan needs.
    Read(Box<Reading<N>>),
    /// The service, and what the event asks for beside it.
    Reread(Service<N>, Wish),
    /// Whether the owner's execution has ended.
    OwnerIsDead(bool),
    /// The head.
    Head(Option<Head<N>>),
    /// The head, the service and its deployments, the newest first.
    History(Box<History<N>>),
    /// Whether the swap was made.
    Swapped(bool),
    /// It is done.
    Done,
    /// The end is written; whether a newer release has led the service back past what this one proved.
    Ended {
        /// Then a person is to hear of it.
        is_passed_over: bool,
    },
    /// The fence and the service.
    Fenced {
        /// Whether the fence was set.
        is_set: bool,
        /// The service beside it.
        service: Service<N>,
    },
    /// The deployment that was found.
    Found(Option<Target<N>>),
    /// The revision that was registered, or found.
    Registered(N::Definition),
    /// The update took effect.
    Updated(N::Revision),
    /// The server said no, and did nothing.
    Refused(Refusal),
    /// It was too late to call.
    NotCalled,
    /// The server may have acted.
    Unclear,
    /// What stopping came to: whether the deployment was through already.
    Stopped {
        /// Nothing is left to stop.
        is_through: bool,
    },
    /// What was waited for has come.
    Woken,
    /// How the deployment went.
    Followed {
        /// How.
        went: Went,
        /// Whether it took the place of somebody else's deployment.
        has_replaced: bool,
    },
}

/// Why a call did nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Refusal {
    /// A deployment runs.
    Busy,
    /// It may work a little later: contention, or a role that has not spread yet.
    Early,
    /// It will not work.
    Final,
}

/// The head, the service and its deployments.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct History<N: Names> {
    /// The head.
    pub head: Option<Head<N>>,
    /// Whether the head's fence is past.
    pub fence_is_past: bool,
    /// The service.
    pub service: Service<N>,
    /// Its deployments, the newest first.
    pub deployments: Vec<Listed<N>>,
}

impl<N: Names> History<N> {
    /// Whose place a way back may have taken that an attempt, cut off since, has made and that nobody remembers.
    pub fn replaced(&self, past: &Past<N>, failed: &Target<N>) -> Vec<Listed<N>> {
        let head = self.head.as_ref();
        let is_forgotten = past.may_have_acted && self.service.running.is_none();
        if is_forgotten { replaced_on_the_way_back(past, head, failed, &self.deployments) } else { Vec::new() }
    }
}

impl<N: Names> Default for Course<N> {
    fn default() -> Self {
        Self { past: Past::default(), state: State::Planning { has_looked: false } }
    }
}

impl<N: Names> Course<N> {
    /// The same course for an attempt that is not the first: what was done after this was recorded is not known.
    #[must_use]
    pub fn resumed(mut self) -> Self {
        self.past.may_have_acted = true;
        // What it looked for may have been another call.
        match &mut self.state {
            State::Planning { has_looked } | State::Returning(Return { has_looked, .. }) => *has_looked = false,
            _ => {}
        }
        self
    }

    /// Whether the course is to be recorded here: what comes next takes its time.
    pub fn is_resting(&self) -> bool {
        matches!(
            self.state,
            State::Waiting(..)
                | State::Following(_)
                | State::FollowingStop(_)
                | State::FollowingReturn(..)
                | State::Ignored
                | State::Ending(_)
                | State::Over(_)
        )
    }

    /// What is to be done next.
    pub fn action(&self) -> Action<N> {
        match &self.state {
            State::Planning { .. } => Action::Read,
            State::Rereading(_) => Action::ReadService,
            State::AskingOwner(reading) => match &reading.head {
                Some(head) => Action::AskOwner(head.owner.execution.clone()),
                None => Action::Nothing,
            },
            State::Swapping(change, _) => Action::Swap(change.clone()),
            State::Looking { look, .. } => Action::Look(look.clone()),
            State::Registering { base, looks } => Action::Register { base: base.clone(), looks: *looks },
            State::Fencing(update) => Action::Fence {
                definition: update.definition.clone(),
                back_after: update.back.as_ref().map(|back| back.after.clone()),
            },
            State::Outrun(_) => Action::ReadHead,
            State::Updating(update) => Action::Update(update.definition.clone()),
            State::Amending(change, _) => Action::Amend(change.clone()),
            State::Waiting(wait, _) => Action::Wait(wait.clone()),
            State::Following(target) | State::FollowingStop(target) | State::FollowingReturn(_, target) => {
                Action::Follow(target.clone())
            }
            State::Proved(_) | State::Displaced(_) | State::Returning(_) => Action::ReadHistory,
            State::Stopping(target) => Action::Stop(target.clone()),
            State::Ending(ending) => Action::Amend(Change::End { outcome: ending.outcome, good: ending.good.clone() }),
            State::Ignored | State::Over(_) => Action::Nothing,
        }
    }

    /// The course after an action's answer. An answer to another action changes nothing.
    #[must_use]
    pub fn take(mut self, me: &Release<N>, answer: Answer<N>) -> Self {
        self.state = self.next(me, answer);
        self
    }

    fn next(&mut self, me: &Release<N>, answer: Answer<N>) -> State<N> {
        match (self.state.clone(), answer) {
            (State::Planning { has_looked }, Answer::Read(reading)) => self.decide(me, reading, has_looked),
            (State::Rereading(reading), Answer::Reread(service, wish)) => {
                self.decide(me, Box::new(Reading { service, wish, is_reread: true, ..*reading }), true)
            }
            (State::AskingOwner(reading), Answer::OwnerIsDead(is_dead)) => {
                self.decide(me, Box::new(Reading { owner_is_dead: Some(is_dead), ..*reading }), true)
            }
            (State::Swapping(_, then), Answer::Swapped(true)) | (State::Looking { then, .. }, Answer::Found(None)) => {
                *then
            }
            (State::Swapping(..), Answer::Swapped(false)) => State::Planning { has_looked: false },
            (State::Looking { back, .. }, Answer::Found(Some(target))) => {
                self.past.was_found |= back.is_none();
                self.took_effect(target, back)
            }
            (State::Registering { base, .. }, Answer::Registered(definition)) => {
                self.past.registered = Some(definition.clone());
                self.past.may_have_acted = false;
                State::Fencing(Update { definition, base, back: None })
            }
            (State::Registering { .. }, Answer::Refused(refusal)) => Self::refused(refusal, None),
            (State::Fencing(update), Answer::Fenced { is_set, service }) => self.fenced(update, is_set, service),
            (State::Outrun(update), Answer::Head(head)) => self.outrun(me, update, head.as_ref()),
            (State::Updating(update), answer) => self.updated(update, answer),
            (State::Amending(_, then), Answer::Done) | (State::Waiting(_, then), Answer::Woken) => *then,
            (State::Following(target), Answer::Followed { went, has_replaced }) => {
                self.past.has_replaced |= has_replaced;
                self.past.followed = Some(target.revision.clone());
                self.followed(target, went)
            }
            (State::Proved(target), Answer::History(history)) => self.proved(me, target, &history),
            (State::Displaced(target), Answer::History(history)) => self.displaced(me, target, &history),
            (State::Stopping(target), Answer::Stopped { is_through: true }) => Return::from(target),
            (State::Stopping(target), Answer::Stopped { is_through: false }) => State::FollowingStop(target),
            (State::FollowingStop(target), Answer::Followed { went, .. }) => match went {
                Went::RolledBack => Self::end(Outcome::RolledBack),
                Went::Lost => Self::end(Outcome::Failed),
                _ => Return::from(target),
            },
            (State::Returning(back), Answer::History(history)) => self.return_from(me, back, &history),
            (State::FollowingReturn(back, target), Answer::Followed { went, has_replaced }) => {
                self.past.has_replaced |= has_replaced;
                match went {
                    Went::Good => Self::end(Outcome::RolledBack),
                    Went::Stopped => State::Returning(Return { after: target.revision, ..back }),
                    _ => Self::end(Outcome::Failed),
                }
            }
            (State::Ending(ending), Answer::Ended { is_passed_over }) => {
                State::Over(Ending { is_loud: ending.is_loud || is_passed_over, ..ending })
            }
            (state, _) => state,
        }
    }
}

/// From the plan to the update's answer.
impl<N: Names> Course<N> {
    fn decide(&mut self, me: &Release<N>, reading: Box<Reading<N>>, has_looked: bool) -> State<N> {
        let again = || Box::new(State::Planning { has_looked: false });
        let head = reading.head.as_ref();
        match plan(me, &self.past, &reading, has_looked) {
            Plan::Look(look) => {
                let then = match head.filter(|head| head.is_fenced_by(me)) {
                    Some(_) if reading.fence_is_past => State::Planning { has_looked: true },
                    Some(_) => await_own_fence(look.clone(), None),
                    None => State::Waiting(Wait::Pause, again()),
                };
                self.past.given_up = look.definitions.first().cloned();
                // An attempt that was cut off took with it what it had read.
                self.past.newest = self.past.newest.take().or_else(|| look.after.clone());
                State::Looking { look, back: None, then: Box::new(then) }
            }
            Plan::Follow(target) => {
                self.go_by_base(head);
                State::Following(target)
            }
            Plan::Raise => State::Swapping(Change::Raise, Box::new(self.end_as(me, Outcome::Duplicate, head))),
            Plan::Duplicate => self.end_as(me, Outcome::Duplicate, head),
            Plan::Superseded => self.end_as(me, Outcome::Superseded, head),
            Plan::Replaced => match head.filter(|head| head.is_owned_by(me)) {
                // Newer events have ended as duplicates of this release: it does not leave their work in silence.
                Some(head) if head.order.is_newer_than(&me.order) => Self::end(Outcome::Failed),
                // It ends only if none does so meanwhile.
                Some(_) => {
                    let end = Change::End { outcome: Outcome::Superseded, good: None };
                    State::Swapping(end, Box::new(self.end_as(me, Outcome::Superseded, None)))
                }
                None => self.end_as(me, Outcome::Superseded, None),
            },
            Plan::Ignore => State::Ignored,
            Plan::Reject => self.end_as(me, Outcome::Rejected, head),
            Plan::AskOwner => State::AskingOwner(reading),
            Plan::Adopt(target) => {
                self.go_by_base(head);
                State::Swapping(Change::Adopt, Box::new(State::Following(target)))
            }
            Plan::AwaitFence(id) => State::Waiting(Wait::Fence(id), again()),
            Plan::Reread => State::Rereading(reading),
            Plan::AwaitIdle => State::Waiting(Wait::Idle, again()),
            Plan::Unchanged(base) => {
                State::Swapping(Change::ClaimUnchanged(base), Box::new(self.end_as(me, Outcome::NoChange, None)))
            }
            Plan::Claim { base, look } => {
                if look.is_some() {
                    self.go_by_base(head);
                }
                let looks = look.is_some() || self.past.registered.is_some();
                let register = State::Registering { base: base.definition.clone(), looks };
                let then = match look.filter(|look| !look.definitions.is_empty()) {
                    Some(look) => State::Looking { look, back: None, then: Box::new(register) },
                    None => register,
                };
                State::Swapping(Change::Claim(base), Box::new(then))
            }
        }
    }

    /// What had been listed before an update that this execution does not remember, or that a dead one made: what came
    /// between is to be said.
    fn go_by_base(&mut self, head: Option<&Head<N>>) {
        let base = head.and_then(|head| head.base.as_ref()).and_then(|base| base.newest.clone());
        self.past.newest = self.past.newest.take().or(base);
    }

    fn fenced(&mut self, update: Update<N>, is_set: bool, service: Service<N>) -> State<N> {
        if !is_set {
            return match update.back {
                Some(back) => State::Returning(back),
                None => State::Outrun(update),
            };
        }
        let is_free = update.back.is_none() || service.running.is_none();
        if service.desired != update.base || !is_free {
            return Self::unfence(update.back);
        }
        self.past.newest = service.newest;
        if update.back.is_none() {
            self.past.active = Some(service.active);
        }
        State::Updating(update)
    }

    /// Takes the fence of a call that was not made, or did nothing, away, and decides anew.
    fn unfence(back: Option<Return<N>>) -> State<N> {
        State::Amending(Change::RemoveFence, Box::new(anew(back)))
    }

    /// The head changed between claim and fence.
    fn outrun(&mut self, me: &Release<N>, update: Update<N>, head: Option<&Head<N>>) -> State<N> {
        match head {
            Some(head) if head.is_fenced_by(me) => self.look(update),
            Some(head) if head.is_owned_by(me) => State::Planning { has_looked: false },
            Some(other) if other.is_of(me) => self.end_as(me, Outcome::Duplicate, head),
            Some(_) => self.end_as(me, Outcome::Superseded, head),
            // Somebody has removed it.
            None => State::Planning { has_looked: false },
        }
    }

    fn updated(&mut self, update: Update<N>, answer: Answer<N>) -> State<N> {
        match answer {
            Answer::Updated(revision) => {
                self.took_effect(Target { definition: update.definition, revision }, update.back)
            }
            Answer::NotCalled => Self::unfence(update.back),
            Answer::Unclear => self.look(update),
            Answer::Refused(refusal) => {
                let then = Self::refused(refusal, update.back);
                State::Amending(Change::RemoveFence, Box::new(then))
            }
            _ => State::Updating(update),
        }
    }

    fn refused(refusal: Refusal, back: Option<Return<N>>) -> State<N> {
        match refusal {
            Refusal::Busy => State::Waiting(Wait::Idle, Box::new(anew(back))),
            Refusal::Early => State::Waiting(Wait::Pause, Box::new(anew(back))),
            Refusal::Final => Self::end(Outcome::Failed),
        }
    }

    /// A call may be on the wire: looks for its deployment, and waits for it until the fence is past.
    fn look(&mut self, update: Update<N>) -> State<N> {
        let look = match &update.back {
            Some(back) => {
                Look { definitions: vec![update.definition], registered: false, after: Some(back.after.clone()) }
            }
            None => Look { definitions: vec![update.definition], registered: false, after: self.past.newest.clone() },
        };
        if update.back.is_none() {
            self.past.given_up = look.definitions.first().cloned();
        }
        let wait = await_own_fence(look.clone(), update.back.clone());
        State::Looking { look, back: update.back, then: Box::new(wait) }
    }

    /// An update of this release took effect.
    fn took_effect(&mut self, target: Target<N>, back: Option<Return<N>>) -> State<N> {
        if let Some(back) = back {
            return State::Amending(Change::RemoveFence, Box::new(State::FollowingReturn(back, target)));
        }
        self.past.given_up = None;
        self.past.may_have_acted = false;
        self.past.repairing = None;
        State::Amending(Change::Record(target.clone()), Box::new(State::Following(target)))
    }
}

/// What comes after the update.
impl<N: Names> Course<N> {
    fn followed(&mut self, target: Target<N>, went: Went) -> State<N> {
        match went {
            Went::Good if self.past.was_found => State::Proved(target),
            Went::Good => self.succeed(target, None),
            Went::Bad => State::Stopping(target),
            Went::BadAndThrough => Return::from(target),
            Went::LeftAsItIs | Went::Lost => Self::end(Outcome::Failed),
            Went::RolledBack => Self::end(Outcome::RolledBack),
            Went::Stopped => State::Displaced(target),
        }
    }

    fn succeed(&self, target: Target<N>, by: Option<Successor<N>>) -> State<N> {
        let (good, is_loud) = (Some(target.definition), self.past.has_replaced || by.is_some());
        State::Ending(Ending { outcome: Outcome::Succeeded, good, by, is_loud })
    }

    /// A newer release that asked for something else may have found it live, while this one's call was on its way.
    fn proved(&self, me: &Release<N>, target: Target<N>, history: &History<N>) -> State<N> {
        let is_live = history.service.desired == target.definition;
        let head = history.head.as_ref().filter(|head| is_live && !head.is_owned_by(me));
        let misled = head.filter(|head| head.outcome == Some(Outcome::NoChange) && head.owner.image != me.image);
        let by = misled.map(|head| Successor { release: head.owner.release.clone(), covers: false });
        self.succeed(target, by)
    }

    fn displaced(&mut self, me: &Release<N>, target: Target<N>, history: &History<N>) -> State<N> {
        let head = history.head.as_ref();
        match displaced(me, &self.past, head, &target, &history.service, &history.deployments) {
            Displaced::Follow(target) => State::Following(target),
            Displaced::Repair => {
                self.past.repairs += 1;
                self.past.repairing = Some(target.revision);
                State::Planning { has_looked: false }
            }
            Displaced::Restore => Return::from(target),
            Displaced::Duplicate => self.end_as(me, Outcome::Duplicate, head),
            Displaced::Superseded => self.end_as(me, Outcome::Superseded, head),
            Displaced::Fail => Self::end(Outcome::Failed),
        }
    }

    fn return_from(&mut self, me: &Release<N>, back: Return<N>, history: &History<N>) -> State<N> {
        let service = &history.service;
        let again = |back| Box::new(State::Returning(back));
        let fence = history.head.as_ref().and_then(|head| head.fence.as_ref());
        if let Some(own) = fence.filter(|fence| fence.is_of(me) && !(back.has_looked && history.fence_is_past)) {
            let (definitions, after) = (vec![own.definition.clone()], own.newest.clone());
            let after = after.or_else(|| Some(back.after.clone()));
            let look = Look { definitions, registered: false, after };
            let then = if history.fence_is_past {
                State::Returning(Return { has_looked: true, ..back.clone() })
            } else {
                await_own_fence(look.clone(), Some(back.clone()))
            };
            return State::Looking { look, back: Some(back), then: Box::new(then) };
        }
        if service.running.is_some() {
            return State::Waiting(Wait::Idle, again(back));
        }
        self.past.has_replaced |= !history.replaced(&self.past, &back.failed).is_empty();
        if service.desired != back.failed.definition {
            return Self::end(Outcome::RolledBack);
        }
        if let Some(fence) = fence.filter(|fence| !fence.is_of(me) && !history.fence_is_past) {
            return State::Waiting(Wait::Fence(fence.id.clone()), again(back));
        }
        let head = history.head.as_ref();
        let way = head.and_then(|head| way_back(&self.past, head, &back.failed, &history.deployments));
        match way {
            Some(definition) => {
                let base = back.failed.definition.clone();
                // Only what comes after the newest deployment that is listed now can be what this call brings.
                let after = service.newest.clone().unwrap_or(back.after);
                State::Fencing(Update { definition, base, back: Some(Return { after, has_looked: false, ..back }) })
            }
            None => Self::end(Outcome::Failed),
        }
    }

    /// An end that a person hears of.
    fn end(outcome: Outcome) -> State<N> {
        State::Ending(Ending { outcome, good: None, by: None, is_loud: true })
    }

    /// An end that may be quiet. A call that was given up is looked for once more before.
    fn end_as(&mut self, me: &Release<N>, outcome: Outcome, head: Option<&Head<N>>) -> State<N> {
        let by = head
            .filter(|head| !head.is_owned_by(me))
            .map(|head| Successor { release: head.owner.release.clone(), covers: self.is_covered(me, head) });
        let is_lost = me.image.is_none() && outcome == Outcome::Superseded && by.as_ref().is_some_and(|by| !by.covers);
        let is_loud = self.past.has_replaced || is_lost || outcome == Outcome::Rejected;
        let ending = State::Ending(Ending { outcome, good: None, by, is_loud });
        // Only an execution that has owned the service can have registered or called; what it did before it was cut off
        // it finds by its marks. Another execution of the same event that took the service has looked for that itself.
        let is_inherited = |head: &Head<N>| outcome == Outcome::Duplicate && head.owner.release == me.event;
        let former = head.filter(|head| self.past.may_have_acted && !is_inherited(head));
        let former = former.and_then(|head| head.former_owner(me));
        let registered = former.is_some();
        if let Some(former) = former {
            self.past.newest = self.past.newest.take().or_else(|| former.newest.clone());
        }
        let strays = head.filter(|_| registered).into_iter().flat_map(|head| strays_of(me, head)).cloned();
        let definitions: Vec<_> = self.past.given_up.take().into_iter().chain(strays).collect();
        if definitions.is_empty() && !registered {
            return ending;
        }
        let look = Look { definitions, registered, after: self.past.followed.clone() };
        let last = State::Looking { look, back: None, then: Box::new(ending) };
        State::Waiting(Wait::LastLook, Box::new(last))
    }

    /// Whether a document is part of what takes its place.
    fn is_covered(&self, me: &Release<N>, head: &Head<N>) -> bool {
        let base = head.base.as_ref().map(|base| &base.definition);
        let stands_on_mine = self.past.registered.is_some() && base == self.past.registered.as_ref();
        me.image.is_some() || head.owner.image.is_none() || stands_on_mine
    }
}

/// Waits for what a call comes to that may be on the wire, and looks for it once more when it can no longer land.
fn await_own_fence<N: Names>(look: Look<N>, back: Option<Return<N>>) -> State<N> {
    let then = match &back {
        Some(back) => State::Returning(Return { has_looked: true, ..back.clone() }),
        None => State::Planning { has_looked: true },
    };
    let looking = State::Looking { look: look.clone(), back, then: Box::new(then) };
    State::Waiting(Wait::OwnFence(look), Box::new(looking))
}

/// Begins with what was read anew: to plan, or to go back.
fn anew<N: Names>(back: Option<Return<N>>) -> State<N> {
    match back {
        Some(back) => State::Returning(back),
        None => State::Planning { has_looked: false },
    }
}

impl<N: Names> Return<N> {
    fn from(failed: Target<N>) -> State<N> {
        let after = failed.revision.clone();
        State::Returning(Self { failed, after, has_looked: false })
    }
}
