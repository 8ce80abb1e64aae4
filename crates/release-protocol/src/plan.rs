//! The plan: from what was read, what a release does next. Pure: no I/O; what it cannot know yet it names.

use serde::{Deserialize, Serialize};

use crate::head::{Base, Head, Phase, Target};
use crate::{Memory, Names, Order, Release};

/// The desired task definition of a service, and the active one.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(bound = "")]
pub struct Service<N: Names> {
    /// The desired task definition: the target of a running deployment that is not being rolled back, else the active
    /// task definition.
    pub desired: N::Definition,
    /// What serves until it is there.
    pub active: N::Definition,
    /// The service revision of the deployment that runs, whichever way it goes.
    pub running: Option<N::Revision>,
    /// The service revision of the newest deployment that is listed.
    pub newest: Option<N::Revision>,
}

impl<N: Names> Service<N> {
    /// The base of a draft that stands on the desired task definition.
    pub fn base(&self) -> Base<N> {
        Base { definition: self.desired.clone(), newest: self.newest.clone() }
    }
}

/// What an event asks for, compared with the registry or the bucket, and with the desired task definition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Wish {
    /// What was pushed is not an image.
    NoImage,
    /// The tag points to another digest by now, or the object was replaced: that event says more.
    Replaced,
    /// It cannot be deployed: the checks found errors, or it is gone.
    Undeployable,
    /// It is the desired task definition.
    Met,
    /// It is something else, and can be deployed.
    Unmet,
}

/// Everything that a plan is made from.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(bound = "")]
pub struct Reading<N: Names> {
    /// The head; `None` before the first release.
    pub head: Option<Head<N>>,
    /// Whether the head's fence was seen unchanged for so long that its call can no longer take effect.
    pub fence_is_past: bool,
    /// The service.
    pub service: Service<N>,
    /// What the event asks for.
    pub wish: Wish,
    /// Whether the service was read once more, after the head.
    pub is_reread: bool,
    /// Whether the owner's execution has ended without saying so; `None` while nobody has asked.
    pub owner_is_dead: Option<bool>,
}

/// What a release knows of itself from before: recorded between its steps.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(bound = "", default)]
pub struct Past<N: Names> {
    /// Whether an attempt of which nothing is known may have acted.
    pub may_have_acted: bool,
    /// The revision that it registered last.
    pub registered: Option<N::Definition>,
    /// What its update was to bring that it gave up waiting for.
    pub given_up: Option<N::Definition>,
    /// The service revision of its deployment that it followed last: only newer ones are worth another look.
    pub followed: Option<N::Revision>,
    /// How often it has updated again because a stray call took its place.
    pub repairs: u8,
    /// The service revision that was displaced, while it is being repaired.
    pub repairing: Option<N::Revision>,
    /// What served when its update was about to be made.
    pub active: Option<N::Definition>,
    /// The newest deployment that was listed then.
    pub newest: Option<N::Revision>,
    /// Whether its deployment was found by a look: others may have read the service before it took effect.
    pub was_found: bool,
    /// Whether its report has to say that it took the place of somebody else's deployment.
    pub has_replaced: bool,
}

impl<N: Names> Default for Past<N> {
    fn default() -> Self {
        Self {
            may_have_acted: false,
            registered: None,
            given_up: None,
            followed: None,
            repairs: 0,
            repairing: None,
            active: None,
            newest: None,
            was_found: false,
            has_replaced: false,
        }
    }
}

/// A search for deployments of this execution's own, or of its release.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(bound = "")]
pub struct Look<N: Names> {
    /// The task definitions that they may bring.
    pub definitions: Vec<N::Definition>,
    /// Whether those count, too, that were registered for this release, whoever remembers it.
    pub registered: bool,
    /// Only deployments that are newer than this one count.
    pub after: Option<N::Revision>,
}

/// What a release does next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Plan<N: Names> {
    /// Its own call may be on the wire, or has landed: look for the deployment.
    Look(Look<N>),
    /// It owns a deployment that is on its way.
    Follow(Target<N>),
    /// Somebody else does the same work: raise the order, then end.
    Raise,
    /// It ends as a duplicate.
    Duplicate,
    /// It ends: a newer event has the service.
    Superseded,
    /// It ends: what it asks for was replaced where it lay.
    Replaced,
    /// It ends: this is not an image.
    Ignore,
    /// It ends: what it asks for cannot be deployed.
    Reject,
    /// Whether the owner's execution is dead decides.
    AskOwner,
    /// A dead owner's deployment is on its way: go on with it.
    Adopt(Target<N>),
    /// Another execution's call may be on the wire: wait until its fence is gone or past.
    AwaitFence(N::FenceId),
    /// Read the service once more: it was read before the head, or beside it.
    Reread,
    /// What it wants is on its way by somebody else: wait for the end of that deployment.
    AwaitIdle,
    /// What it wants is live.
    Unchanged(Base<N>),
    /// Claim, and draft on this base.
    Claim {
        /// The base of the draft.
        base: Base<N>,
        /// Where an attempt or an execution that died may have acted for this event: what its update would have
        /// brought.
        look: Option<Look<N>>,
    },
}

/// Decides what follows from what was read. `has_looked`: no deployment was found of the call that this execution's
/// fence, by now past, stands for.
pub fn plan<N: Names>(me: &Release<N>, past: &Past<N>, reading: &Reading<N>, has_looked: bool) -> Plan<N> {
    let Some(head) = &reading.head else { return plan_content(me, past, None, reading, false) };
    if let Some(own) = plan_own(me, past, head, reading, has_looked) {
        return own;
    }
    if head.is_owned_by(me) {
        return plan_content(me, past, Some(head), reading, false);
    }
    match plan_same_work(me, head, reading) {
        Some(SameWork::Settled(plan)) => return plan,
        Some(SameWork::TakeOver) => return plan_content(me, past, Some(head), reading, true),
        Some(SameWork::GoOn) | None => {}
    }
    if head.order.is_newer_than(&me.order) {
        return Plan::Superseded;
    }
    plan_content(me, past, Some(head), reading, false)
}

/// What this execution has done itself.
fn plan_own<N: Names>(
    me: &Release<N>,
    past: &Past<N>,
    head: &Head<N>,
    reading: &Reading<N>,
    has_looked: bool,
) -> Option<Plan<N>> {
    let desired = &reading.service.desired;
    if let Some(fence) = head.fence.as_ref().filter(|fence| fence.is_of(me))
        && !(has_looked && reading.fence_is_past)
    {
        let after = head.base.as_ref().and_then(|base| base.newest.clone());
        return Some(Plan::Look(Look { definitions: vec![fence.definition.clone()], registered: false, after }));
    }
    let recorded = head.target.as_ref().filter(|_| head.is_owned_by(me) && head.phase == Phase::Deploying);
    if let Some(target) = recorded.filter(|target| past.repairing.as_ref() != Some(&target.revision)) {
        return Some(Plan::Follow(target.clone()));
    }
    let is_stray = head.is_owned_by(me) && strays_of(me, head).any(|definition| definition == desired);
    let is_mine = is_stray || past.registered.as_ref() == Some(desired);
    is_mine.then(|| {
        let (definitions, after) = (vec![desired.clone()], past.repairing.clone());
        Plan::Look(Look { definitions, registered: false, after })
    })
}

/// What calls of this event would have brought that were given up.
pub(crate) fn strays_of<'a, N: Names>(
    me: &'a Release<N>,
    head: &'a Head<N>,
) -> impl Iterator<Item = &'a N::Definition> {
    let strays = head.strays.iter().filter(|stray| stray.release == me.event && !stray.leads_back);
    strays.map(|stray| &stray.definition)
}

impl<N: Names> Look<N> {
    fn nothing() -> Self {
        Self { definitions: Vec::new(), registered: false, after: None }
    }
}

/// Every task definition that the head names for this event: the deployment of any of them is this release's update,
/// whatever its content.
fn look_for_release<N: Names>(me: &Release<N>, past: &Past<N>, head: &Head<N>) -> Look<N> {
    let is_mine = head.owner.release == me.event;
    let target = head.target.as_ref().filter(|target| is_mine && past.repairing.as_ref() != Some(&target.revision));
    let fence = head.fence.as_ref().filter(|fence| fence.release == me.event && !fence.leads_back);
    let named = target.map(|target| &target.definition).into_iter();
    let named = named.chain(fence.map(|fence| &fence.definition)).chain(strays_of(me, head)).chain(&past.given_up);
    let definitions = named.cloned().collect();
    let base = head.base.as_ref().filter(|_| is_mine).and_then(|base| base.newest.clone());
    Look { definitions, registered: false, after: past.repairing.clone().or(base) }
}

enum SameWork<N: Names> {
    Settled(Plan<N>),
    /// An execution of this work that is dead, or failed before its update, may have acted.
    TakeOver,
    /// It was done and displaced: do it again.
    GoOn,
}

/// Whether somebody else does, or did, the same work; it counts whatever the order.
fn plan_same_work<N: Names>(me: &Release<N>, head: &Head<N>, reading: &Reading<N>) -> Option<SameWork<N>> {
    let is_same = head.is_of(me);
    // An event that has come to its end before does not take up the work of a later one.
    let is_open = head.is_unfinished() && !head.memory.has_decided(&me.event);
    let is_same_image = me.image.is_some() && head.owner.image == me.image && is_open;
    if !is_same && !is_same_image {
        return None;
    }
    if head.phase == Phase::Ended {
        let is_free = head.outcome == Some(crate::Outcome::Failed) && !head.updated;
        // What it registered before it failed is still there.
        return Some(if is_free { SameWork::TakeOver } else { SameWork::Settled(Plan::Duplicate) });
    }
    let raise = if me.order.is_newer_than(&head.order) { Plan::Raise } else { Plan::Duplicate };
    Some(match (reading.owner_is_dead, head.phase) {
        (None, _) => SameWork::Settled(Plan::AskOwner),
        (Some(false), _) => SameWork::Settled(raise),
        (Some(true), Phase::Claimed | Phase::Ended) => SameWork::TakeOver,
        (Some(true), Phase::Deploying) => match &head.target {
            Some(target) if is_on_its_way(target, &reading.service) => SameWork::Settled(Plan::Adopt(target.clone())),
            _ if is_same => SameWork::Settled(Plan::Duplicate),
            _ => SameWork::GoOn,
        },
    })
}

fn is_on_its_way<N: Names>(target: &Target<N>, service: &Service<N>) -> bool {
    service.desired == target.definition || service.running.as_ref() == Some(&target.revision)
}

/// What the event asks for, and what stands in its way.
fn plan_content<N: Names>(
    me: &Release<N>,
    past: &Past<N>,
    head: Option<&Head<N>>,
    reading: &Reading<N>,
    takes_over: bool,
) -> Plan<N> {
    match reading.wish {
        Wish::NoImage => return Plan::Ignore,
        Wish::Replaced => return Plan::Replaced,
        Wish::Undeployable => return Plan::Reject,
        Wish::Met | Wish::Unmet => {}
    }
    let service = &reading.service;
    if let Some(fence) = head.and_then(|head| head.fence.as_ref())
        && !fence.is_of(me)
        && !reading.fence_is_past
    {
        return Plan::AwaitFence(fence.id.clone());
    }
    let base = service.base();
    // What a dead execution of this event has deployed was proved by nobody: it is found again and followed.
    let is_left_behind =
        takes_over && head.is_some_and(|head| look_for_release(me, past, head).definitions.contains(&service.desired));
    let is_elsewhere = head.is_some_and(|head| moves_elsewhere(me, head, service));
    if reading.wish == Wish::Unmet || is_elsewhere || is_left_behind {
        let looks = takes_over || past.may_have_acted || past.given_up.is_some();
        let look = looks.then(|| head.map_or_else(Look::nothing, |head| look_for_release(me, past, head)));
        return Plan::Claim { base, look };
    }
    if !reading.is_reread {
        return Plan::Reread;
    }
    if service.running.is_some() {
        return Plan::AwaitIdle;
    }
    Plan::Unchanged(base)
}

/// Whether another owner deploys something else than what seems to be desired.
fn moves_elsewhere<N: Names>(me: &Release<N>, head: &Head<N>, service: &Service<N>) -> bool {
    !head.is_owned_by(me)
        && head.phase == Phase::Deploying
        && head.target.as_ref().is_none_or(|target| target.definition != service.desired)
}
