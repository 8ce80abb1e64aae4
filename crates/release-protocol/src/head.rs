//! The head: who owns a service, what is on its way, and which update call may be on the wire. Here is what it says and
//! how each change makes the next head of it; reading it, and swapping it, is the shell's work.

use serde::{Deserialize, Serialize};

use crate::{Memory, Names, Order, Outcome, Release};

/// The executions that are remembered because they lost the service before they had ended.
pub const MAX_DISPLACED: usize = 20;

/// The update calls that were given up and are still remembered.
pub const MAX_STRAYS: usize = 4;

/// One object per service, changed by compare-and-swap alone: at once the lock, the order, the fence and the history.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(bound = "", rename_all = "camelCase")]
pub struct Head<N: Names> {
    /// The highest order of any event that was accepted for this service.
    pub order: N::Order,
    /// Whose release it is.
    pub owner: Owner<N>,
    /// What the owner's draft stands on; written with the claim.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base: Option<Base<N>>,
    /// How far the owner is.
    pub phase: Phase,
    /// What the owner's update made the desired task definition.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<Target<N>>,
    /// Whether an update of this owner has taken effect.
    #[serde(default)]
    pub updated: bool,
    /// How the owner ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<Outcome>,
    /// An update call may be on the wire.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fence: Option<Fence<N>>,
    /// Update calls that were given up and may still land, the newest last.
    #[serde(default = "Vec::new", skip_serializing_if = "Vec::is_empty")]
    pub strays: Vec<Stray<N>>,
    /// Executions that lost the service to another release before they had ended, the newest last: what they deployed
    /// is theirs to judge, also when they died before they recorded it.
    #[serde(default = "Vec::new", skip_serializing_if = "Vec::is_empty")]
    pub displaced: Vec<FormerOwner<N>>,
    /// The newest release that ended `succeeded`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_good: Option<LastGood<N>>,
    /// Releases that have ended, and members that this version does not know: they survive a rewrite.
    #[serde(flatten)]
    pub memory: N::Memory,
}

/// The release that owns a service.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(bound = "", rename_all = "camelCase")]
pub struct Owner<N: Names> {
    /// The event.
    pub release: N::Event,
    /// The execution that carries it.
    pub execution: N::Execution,
    /// The digest of the pushed image; absent for an upload.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<N::Image>,
    /// More of it, for people.
    #[serde(flatten)]
    pub about: N::About,
}

/// An execution that lost a service before it had ended.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(bound = "", rename_all = "camelCase")]
pub struct FormerOwner<N: Names> {
    /// The execution.
    pub execution: N::Execution,
    /// The release that it carried.
    pub release: N::Event,
    /// The newest deployment that its base had listed: what came between that one and its own was somebody else's.
    #[serde(rename = "newestRevisionArn", default, skip_serializing_if = "Option::is_none")]
    pub newest: Option<N::Revision>,
    /// What a newer release led the service back to before this execution had ended: what it proves afterwards came too
    /// late to be where that way leads.
    #[serde(rename = "ledBackToArn", default, skip_serializing_if = "Option::is_none")]
    pub led_back_to: Option<N::Definition>,
}

impl<N: Names> FormerOwner<N> {
    fn is(&self, me: &Release<N>) -> bool {
        me.is(&self.execution, &self.release)
    }
}

/// How far an owner is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Phase {
    /// It may register and update.
    Claimed,
    /// Its deployment is on its way.
    Deploying,
    /// It has ended.
    Ended,
}

/// What a draft stands on.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(bound = "", rename_all = "camelCase")]
pub struct Base<N: Names> {
    /// The desired task definition before.
    #[serde(rename = "taskDefinitionArn")]
    pub definition: N::Definition,
    /// The service revision of the newest deployment that was listed then.
    #[serde(rename = "newestRevisionArn", default, skip_serializing_if = "Option::is_none")]
    pub newest: Option<N::Revision>,
}

/// What an update made the desired task definition.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(bound = "", rename_all = "camelCase")]
pub struct Target<N: Names> {
    /// The task definition.
    #[serde(rename = "taskDefinitionArn")]
    pub definition: N::Definition,
    /// The service revision that stands for it in this deployment.
    #[serde(rename = "serviceRevisionArn")]
    pub revision: N::Revision,
}

/// An update call that may be on the wire.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(bound = "", rename_all = "camelCase")]
pub struct Fence<N: Names> {
    /// The execution that calls.
    pub execution: N::Execution,
    /// Its release: whose the call is once it is a stray.
    pub release: N::Event,
    /// What it updates the service to.
    #[serde(rename = "taskDefinitionArn")]
    pub definition: N::Definition,
    /// Whether the call leads back to something older: then it makes that no revision of a release.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub leads_back: bool,
    /// The newest deployment that was listed before a call that leads back; what was listed before a release's update
    /// stands in the base.
    #[serde(rename = "newestRevisionArn", default, skip_serializing_if = "Option::is_none")]
    pub newest: Option<N::Revision>,
    /// New for each call.
    pub id: N::FenceId,
}

impl<N: Names> Fence<N> {
    /// Whether the call is this execution's, for its release.
    pub fn is_of(&self, me: &Release<N>) -> bool {
        me.is(&self.execution, &self.release)
    }
}

/// An update call that was given up by its caller and may still land.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(bound = "", rename_all = "camelCase")]
pub struct Stray<N: Names> {
    /// What it would make the desired task definition.
    #[serde(rename = "taskDefinitionArn")]
    pub definition: N::Definition,
    /// Whose call it was.
    pub release: N::Event,
    /// Whether it leads back to something older.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub leads_back: bool,
}

/// A task definition that ran and was verified.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(bound = "", rename_all = "camelCase")]
pub struct LastGood<N: Names> {
    /// The task definition.
    #[serde(rename = "taskDefinitionArn")]
    pub definition: N::Definition,
    /// The order of the release that deployed it.
    pub order: N::Order,
}

impl<N: Names> Head<N> {
    /// Whether this execution owns the service for its release.
    pub fn is_owned_by(&self, me: &Release<N>) -> bool {
        me.is(&self.owner.execution, &self.owner.release)
    }

    /// Whether the fence is this execution's, for its release.
    pub fn is_fenced_by(&self, me: &Release<N>) -> bool {
        self.fence.as_ref().is_some_and(|fence| fence.is_of(me))
    }

    /// What is remembered of this execution, where it lost the service before its release had ended.
    pub fn former_owner(&self, me: &Release<N>) -> Option<&FormerOwner<N>> {
        self.displaced.iter().find(|former| former.is(me))
    }

    /// What a newer release has led the service back to, past what this execution deployed and proved.
    pub fn led_back_past(&self, me: &Release<N>, good: Option<&N::Definition>) -> Option<&N::Definition> {
        let back = self.former_owner(me).and_then(|former| former.led_back_to.as_ref());
        back.filter(|back| good.is_some_and(|good| good != *back))
    }

    /// Whether the owner has not ended.
    pub fn is_unfinished(&self) -> bool {
        self.phase != Phase::Ended
    }

    /// Whether the owner is a release of the same event, or has taken this event's work over: then the order is the
    /// event's own.
    pub fn is_of(&self, me: &Release<N>) -> bool {
        self.owner.release == me.event || self.order == me.order
    }

    /// Whether a call for this task definition was given up.
    pub fn is_stray(&self, definition: &N::Definition) -> bool {
        self.strays.iter().any(|stray| stray.definition == *definition)
    }

    /// Whether any member names this task definition as a release's; one that none names is a person's.
    pub fn names(&self, definition: &N::Definition) -> bool {
        let fence = self.fence.as_ref().filter(|fence| !fence.leads_back).map(|fence| &fence.definition);
        let strays = self.strays.iter().filter(|stray| !stray.leads_back).map(|stray| &stray.definition);
        let target = self.target.as_ref().map(|target| &target.definition);
        let good = self.last_good.as_ref().map(|good| &good.definition);
        let mut named = fence.into_iter().chain(strays).chain(target).chain(good);
        named.any(|named| named == definition) || self.memory.names(definition)
    }
}

/// A change of the head.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(bound = "")]
pub enum Change<N: Names> {
    /// A release takes the service, with the base of its draft.
    Claim(Base<N>),
    /// A release takes the service and has nothing to do: what it wants is live.
    ClaimUnchanged(Base<N>),
    /// A duplicate raises the order, so that an event between the two does not win.
    Raise,
    /// A release goes on with the deployment of an owner that is dead.
    Adopt,
    /// An update call is about to be made.
    Fence(Fence<N>),
    /// The call was refused, or was never made: known for sure.
    RemoveFence,
    /// An update took effect.
    Record(Target<N>),
    /// An owner ends; a good one leaves its task definition as the newest that is known to be good.
    End {
        /// How.
        outcome: Outcome,
        /// What it deployed, where that is good.
        good: Option<N::Definition>,
    },
}

impl<N: Names> Change<N> {
    /// The next head; `None` where there is none yet and this change makes none.
    #[must_use]
    pub fn apply(&self, head: Option<&Head<N>>, me: &Release<N>) -> Option<Head<N>> {
        match (self, head) {
            (Self::Claim(base), _) => Some(claim(head, me, base, Phase::Claimed, None)),
            (Self::ClaimUnchanged(base), _) => Some(claim(head, me, base, Phase::Ended, Some(Outcome::NoChange))),
            (_, None) => None,
            (_, Some(head)) => Some(self.apply_to(head.clone(), me)),
        }
    }

    fn apply_to(&self, mut head: Head<N>, me: &Release<N>) -> Head<N> {
        match self {
            Self::Claim(_) | Self::ClaimUnchanged(_) => {}
            Self::Raise => raise(&mut head, me),
            Self::Adopt => {
                raise(&mut head, me);
                displace_owner(&mut head, me);
                head.owner = Owner::of(me);
            }
            Self::Fence(fence) => {
                abandon_fence(&mut head);
                if fence.leads_back {
                    head.displaced.iter_mut().for_each(|former| former.led_back_to = Some(fence.definition.clone()));
                }
                head.fence = Some(fence.clone());
            }
            Self::RemoveFence => remove_fence(&mut head, me),
            Self::Record(target) => {
                remove_fence(&mut head, me);
                // Whatever else may land of it makes the same the desired task definition.
                head.strays.retain(|stray| stray.definition != target.definition);
                if head.is_owned_by(me) {
                    head.phase = Phase::Deploying;
                    head.target = Some(target.clone());
                    head.updated = true;
                }
            }
            Self::End { outcome, good } => {
                // An attempt that is cut off here ends once more, and has to find this again.
                if head.led_back_past(me, good.as_ref()).is_none() {
                    head.displaced.retain(|former| !former.is(me));
                }
                if head.is_owned_by(me) {
                    head.phase = Phase::Ended;
                    head.outcome = Some(*outcome);
                }
                if let Some(definition) = good {
                    remember_good(&mut head, definition, me);
                }
            }
        }
        head
    }
}

impl<N: Names> Owner<N> {
    fn of(me: &Release<N>) -> Self {
        Self {
            release: me.event.clone(),
            execution: me.execution.clone(),
            image: me.image.clone(),
            about: me.about.clone(),
        }
    }
}

/// The head of a new owner. A fence that is taken away here has run out: what its call would have brought may still
/// come.
fn claim<N: Names>(
    head: Option<&Head<N>>,
    me: &Release<N>,
    base: &Base<N>,
    phase: Phase,
    outcome: Option<Outcome>,
) -> Head<N> {
    let mut next = match head {
        Some(head) => head.clone(),
        None => Head {
            order: me.order.clone(),
            owner: Owner::of(me),
            base: None,
            phase,
            target: None,
            updated: false,
            outcome: None,
            fence: None,
            strays: Vec::new(),
            displaced: Vec::new(),
            last_good: None,
            memory: N::Memory::default(),
        },
    };
    raise(&mut next, me);
    displace_owner(&mut next, me);
    abandon_fence(&mut next);
    if !next.is_owned_by(me) {
        next.updated = false;
    }
    Head { owner: Owner::of(me), base: Some(base.clone()), phase, target: None, outcome, ..next }
}

fn raise<N: Names>(head: &mut Head<N>, me: &Release<N>) {
    if me.order.is_newer_than(&head.order) {
        head.order = me.order.clone();
    }
}

/// Remembers an owner that has not ended and loses the service.
fn displace_owner<N: Names>(head: &mut Head<N>, me: &Release<N>) {
    head.displaced.retain(|former| !former.is(me));
    if !head.is_unfinished() || head.is_owned_by(me) {
        return;
    }
    let newest = head.base.as_ref().and_then(|base| base.newest.clone());
    let (execution, release) = (head.owner.execution.clone(), head.owner.release.clone());
    head.displaced.push(FormerOwner { execution, release, newest, led_back_to: None });
    if head.displaced.len() > MAX_DISPLACED {
        head.displaced.remove(0);
    }
}

fn remove_fence<N: Names>(head: &mut Head<N>, me: &Release<N>) {
    if head.is_fenced_by(me) {
        head.fence = None;
    }
}

/// Takes a fence away whose call nobody knows the end of.
fn abandon_fence<N: Names>(head: &mut Head<N>) {
    let Some(fence) = head.fence.take() else { return };
    head.strays.retain(|stray| stray.definition != fence.definition);
    let Fence { definition, release, leads_back, .. } = fence;
    head.strays.push(Stray { definition, release, leads_back });
    if head.strays.len() > MAX_STRAYS {
        head.strays.remove(0);
    }
}

/// Two releases may end out of order: the way back leads to the newer one. An owner speaks for the highest order that
/// it has taken over.
fn remember_good<N: Names>(head: &mut Head<N>, definition: &N::Definition, me: &Release<N>) {
    let owned = head.is_owned_by(me) && head.order.is_newer_than(&me.order);
    let order = if owned { head.order.clone() } else { me.order.clone() };
    let is_newer = head.last_good.as_ref().is_none_or(|good| order.is_newer_than(&good.order));
    if is_newer {
        head.last_good = Some(LastGood { definition: definition.clone(), order });
    }
}
