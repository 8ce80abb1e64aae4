//! The world that the model explores: one service, its head, ECS, and executions that play [`Course`]. It decides nothing for a release: every
//! head, every plan and every next action comes from the crate under test.

#![expect(
    clippy::unused_self,
    clippy::struct_excessive_bools,
    clippy::single_match_else,
    reason = "a world is a story's, and its flags are what the model is about"
)]

use std::hash::Hash;

use release_protocol::course::{Action, Answer, Course, History, Refusal, State, Wait};
use release_protocol::follow::{Listed, Went, replaced};
use release_protocol::head::{Change, Fence, Head, Phase};
use release_protocol::plan::{Reading, Service, Wish};
use release_protocol::{Memory, Names, Order, Outcome, Release};
use serde::{Deserialize, Serialize};

/// Small names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Small;

/// The number of an event in the order of event times, from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) struct Number(pub(crate) u8);

impl Order for Number {
    fn is_newer_than(&self, other: &Self) -> bool {
        self.0 > other.0
    }
}

/// The head remembers every release, so whatever a release registered is known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) struct All;

impl Memory<Definition> for All {
    fn names(&self, definition: &Definition) -> bool {
        !definition.is_foreign()
    }
}

impl Names for Small {
    type Order = Number;
    type Event = u8;
    type Execution = u8;
    type Image = u8;
    type Definition = Definition;
    type Revision = u8;
    type FenceId = u8;
    type About = ();
    type Memory = All;
}

/// A task definition: who registered it, and what it holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Definition {
    pub(crate) event: u8,
    pub(crate) document: u8,
    pub(crate) image: u8,
}

const BY_HAND: u8 = 14;
const AT_FIRST: u8 = 15;

impl Definition {
    /// What runs before anything happens.
    pub(crate) const FIRST: Self = Self { event: AT_FIRST, document: 0, image: 0 };
    /// What a person deploys at the console.
    pub(crate) const BY_HAND: Self = Self { event: BY_HAND, document: 4, image: 4 };

    fn is_foreign(self) -> bool {
        self.event >= BY_HAND
    }

    fn is_same_content(self, other: Self) -> bool {
        (self.document, self.image) == (other.document, other.image)
    }
}

/// What an event asks for. Images and documents from 5 up are bad: their logs prove it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Event {
    pub(crate) is_push: bool,
    pub(crate) document: u8,
    pub(crate) image: u8,
    pub(crate) is_deployable: bool,
}

/// The first number of what is bad.
const BAD: u8 = 5;

/// What can go wrong, each as often as [`Story::faults`] allows for all together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// A process dies anywhere in a step and is resumed.
    Crash,
    /// The answer to an update is lost, before or after the server acted.
    LostAnswer,
    /// An execution is stopped for good.
    Stop,
    /// A person deploys at the console.
    ByHand,
    /// ECS fails a deployment and rolls it back.
    FailedCanary,
    /// A process is so slow that its fence is past before it calls.
    Slow,
    /// A claim grows old where nobody may ask for the owner.
    OldClaim,
    /// An update is denied: for good, as far as this execution can tell.
    Denied,
}

impl Fault {
    pub(crate) const ALL: [Self; 8] = [
        Self::Crash,
        Self::LostAnswer,
        Self::Stop,
        Self::ByHand,
        Self::FailedCanary,
        Self::Slow,
        Self::OldClaim,
        Self::Denied,
    ];
}

/// A rule of protocol.md, section 9, by its number: the model can take it away to show what it is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Guard {
    UnchangedClaims,
    DuplicateRaises,
    OwnerIsExempt,
    LookAtTakeover,
    WaitForFences,
    ReadAfterHead,
    SettledContent,
    FenceReads,
    OwnClock,
    StopNeedsNoHead,
    BadIsLoud,
    ReplacedIsSaid,
    ReturnWaits,
    ReturnIsFenced,
    LookUntilFenceEnds,
}

/// What is explored.
#[derive(Clone, Debug)]
pub(crate) struct Story {
    pub(crate) name: &'static str,
    /// The events in the order of their times.
    pub(crate) events: Vec<Event>,
    /// The event of each execution; one that stands twice is delivered twice.
    pub(crate) executions: Vec<usize>,
    /// Whether ECS refuses an update while a deployment runs; else the newer one takes the place.
    pub(crate) refuses: bool,
    /// How many faults there may be.
    pub(crate) faults: u8,
    /// Of which kinds.
    pub(crate) kinds: Vec<Fault>,
    /// The rule that is taken away.
    pub(crate) without: Option<Guard>,
}

/// One execution.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Execution {
    course: Course<Small>,
    /// The course as it was recorded last: what a resumed process begins with.
    recorded: Course<Small>,
    /// What has been read of two things that are read side by side.
    half: Half,
    /// Whether the head is as this execution read or wrote it last.
    is_fresh: bool,
    /// Whether its fence has not run out.
    is_fenced: bool,
    /// Whether the person had acted when it read the service last.
    saw_person: bool,
    /// Whether it was stopped for good.
    is_stopped: bool,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
enum Half {
    #[default]
    Nothing,
    Head(Option<Head<Small>>, bool),
    Service(Service<Small>),
    FenceIsSet,
}

/// A deployment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Deployment {
    definition: Definition,
    status: Status,
    /// Whether a release made it on its way back.
    leads_back: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Status {
    Running,
    GoingBack,
    Successful,
    Stopped,
    RolledBack,
}

/// An update call on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
struct Call {
    execution: u8,
    definition: Definition,
    /// The revision that it leads back from.
    back_from: Option<Definition>,
    is_awaited: bool,
    saw_person: bool,
}

/// What has happened, for the properties alone.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Account {
    highest_landed: u8,
    /// How many more updates each event may make: one, and one for each repair.
    updates_left: [u8; 4],
    registered: [Vec<Definition>; 4],
    bad_got_through: u8,
    person_was_last: bool,
    person_was_replaced: bool,
    person_deployment: Option<u8>,
    way_back_failed: bool,
    violation: Option<Violation>,
}

/// A property that does not hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Violation {
    OlderUpdateAfterNewer,
    RestoreOfSomethingElse,
    SecondUpdate,
    SecondRevision,
    NewestNotInPlaceAndNobodySaysSo,
    NothingFailedAndTheNewestIsNotInPlace,
    EndsOnBadRevision,
    BadGotThroughQuietly,
    UnverifiedStaysQuietly,
    UploadThatEndedWellIsNotPart,
    PersonsChangeIsGone,
    PersonsChangeWasReplacedQuietly,
    DisplacedByPersonAndNobodySaysSo,
    Stuck,
}

/// Everything at one moment.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct World {
    head: Option<Head<Small>>,
    fence_is_past: bool,
    claim_is_old: bool,
    executions: Vec<Execution>,
    deployments: Vec<Deployment>,
    active: Definition,
    running: Option<u8>,
    calls: Vec<Call>,
    faults_left: u8,
    account: Account,
}

/// What a step is called in a trace.
pub(crate) type Label = (Option<usize>, &'static str);

impl Story {
    /// The beginning: the service runs what it ran, nobody has claimed it.
    pub(crate) fn start(&self) -> World {
        let execution = Execution {
            course: Course::default(),
            recorded: Course::default(),
            half: Half::Nothing,
            is_fresh: false,
            is_fenced: false,
            saw_person: false,
            is_stopped: false,
        };
        let (definition, status) = (Definition::FIRST, Status::Successful);
        let first = Deployment { definition, status, leads_back: false };
        World {
            head: None,
            fence_is_past: false,
            claim_is_old: false,
            executions: vec![execution; self.executions.len()],
            deployments: vec![first],
            active: Definition::FIRST,
            running: None,
            calls: Vec::new(),
            faults_left: self.faults,
            account: Account {
                highest_landed: 0,
                updates_left: [1; 4],
                registered: Default::default(),
                bad_got_through: 0,
                person_was_last: false,
                person_was_replaced: false,
                person_deployment: None,
                way_back_failed: false,
                violation: None,
            },
        }
    }

    fn event(&self, execution: usize) -> Event {
        self.events[self.executions[execution]]
    }

    fn release(&self, execution: usize) -> Release<Small> {
        let event = self.event(execution);
        let number = u8::try_from(self.executions[execution]).unwrap_or(u8::MAX);
        Release {
            event: number,
            execution: u8::try_from(execution).unwrap_or(u8::MAX),
            order: Number(number + 1),
            image: event.is_push.then_some(event.image),
            about: (),
        }
    }

    fn content(&self, execution: usize, base: Definition) -> Definition {
        let event = self.event(execution);
        let document = if event.is_push { base.document } else { event.document };
        Definition { event: self.release(execution).event, document, image: event.image }
    }

    fn wish(&self, execution: usize, service: &Service<Small>) -> Wish {
        if !self.event(execution).is_deployable {
            return Wish::Undeployable;
        }
        let wanted = self.content(execution, service.desired);
        if wanted.is_same_content(service.desired) { Wish::Met } else { Wish::Unmet }
    }

    fn is_bad(definition: Definition) -> bool {
        !definition.is_foreign() && (definition.image >= BAD || definition.document >= BAD)
    }

    fn lacks(&self, guard: Guard) -> bool {
        self.without == Some(guard)
    }

    fn may(&self, world: &World, fault: Fault) -> bool {
        world.faults_left > 0 && self.kinds.contains(&fault)
    }

    /// Every state that can follow, with what leads to it. The first `n` of them, as returned, need no fault.
    pub(crate) fn next(&self, world: &World, out: &mut Vec<(Label, World)>) -> usize {
        // A step that touches nothing that others see, and sees nothing of theirs, is taken at once: whatever others do before it, they could do
        // after it. What can go wrong with it is taken at once, too.
        let own = |index: &usize| self.is_own_business(world, *index);
        if let Some(index) = (0..world.executions.len()).find(own) {
            self.act(world, index, out);
            let whole = out.len();
            self.crash(world, index, out);
            self.stop(world, index, out);
            self.be_slow(world, index, out);
            out.iter_mut().for_each(|(_, next)| self.forget(next));
            return whole;
        }
        for index in 0..world.executions.len() {
            self.act(world, index, out);
        }
        self.land_calls(world, out);
        self.play_ecs(world, out);
        self.pass_time(world, out);
        let whole = out.len();
        for index in 0..world.executions.len() {
            self.crash(world, index, out);
            self.stop(world, index, out);
            self.be_slow(world, index, out);
        }
        self.strike(world, out);
        out.iter_mut().for_each(|(_, next)| self.forget(next));
        whole
    }

    /// Whether the next step of an execution neither reads nor changes anything that others change or read.
    fn is_own_business(&self, world: &World, index: usize) -> bool {
        let execution = &world.executions[index];
        match &execution.course.state {
            State::Registering { .. } | State::Waiting(Wait::Pause, _) => true,
            // A call acts when it lands.
            State::Updating(_) => !world.calls.iter().any(|call| usize::from(call.execution) == index && call.is_awaited),
            _ => false,
        }
    }

    /// Takes out of a world what cannot matter any more, so that worlds that differ in nothing else are one.
    fn forget(&self, world: &mut World) {
        let may_crash = self.may(world, Fault::Crash);
        for execution in &mut world.executions {
            if !may_crash {
                execution.recorded = Course::default();
            }
            let reads_anew =
                matches!(execution.course.state, State::Planning { .. } | State::Returning(_) | State::Displaced(_));
            if reads_anew && execution.half == Half::Nothing {
                execution.is_fresh = false;
                execution.saw_person = false;
            }
        }
        let is_alive = |index: &usize| !world.executions[*index].is_over() || world.is_calling(*index);
        let alive: Vec<Release<Small>> =
            (0..world.executions.len()).filter(is_alive).map(|index| self.release(index)).collect();
        let any_stopped = world.executions.iter().any(|execution| execution.is_stopped);
        let is_noted = world.executions.iter().any(|execution| execution.is_stopped || execution.has_replaced());
        let account = &mut world.account;
        for event in 0..self.events.len() {
            if alive.iter().all(|release| usize::from(release.event) != event) {
                account.registered[event].clear();
                account.updates_left[event] = 0;
            }
        }
        if alive.iter().all(|release| release.order.0 >= account.highest_landed) {
            account.highest_landed = 0;
        }
        if any_stopped {
            account.bad_got_through = 0;
            account.way_back_failed = false;
        }
        account.person_was_replaced &= !is_noted;
    }

    // --- an execution -----------------------------------------------------------------------------------------------

    fn act(&self, world: &World, index: usize, out: &mut Vec<(Label, World)>) {
        let execution = &world.executions[index];
        if execution.is_stopped {
            return;
        }
        let action = execution.course.action();
        match action {
            Action::Nothing => {}
            Action::Read | Action::ReadHistory | Action::Fence { .. } => self.act_in_halves(world, index, &action, out),
            Action::Update(definition) => self.call(world, index, definition, out),
            Action::Wait(wait) => {
                if self.is_over(world, index, &wait) {
                    self.answer(world.clone(), index, Answer::Woken, "waited", out);
                }
            }
            Action::Follow(target) => {
                if let Some(answer) = self.followed(world, index, target.revision) {
                    self.answer(world.clone(), index, answer, "followed", out);
                }
            }
            _ => self.act_at_once(world, index, action, out),
        }
    }

    fn act_at_once(&self, world: &World, index: usize, action: Action<Small>, out: &mut Vec<(Label, World)>) {
        let me = self.release(index);
        let mut next = world.clone();
        let answer = match action {
            Action::ReadService => {
                let service = match &world.executions[index].course.state {
                    State::Rereading(reading) if self.lacks(Guard::ReadAfterHead) => reading.service.clone(),
                    _ => self.read_service(&mut next, index),
                };
                let wish = self.wish(index, &service);
                Answer::Reread(service, wish)
            }
            Action::AskOwner(owner) => Answer::OwnerIsDead(world.is_dead(owner)),
            Action::ReadHead => {
                next.executions[index].is_fresh = true;
                Answer::Head(world.head.clone())
            }
            Action::Swap(change) => Answer::Swapped(self.swap(&mut next, index, &change)),
            Action::Amend(change) => {
                next.write(index, change.apply(world.head.as_ref(), &me));
                if matches!(change, Change::RemoveFence | Change::Record(_)) {
                    next.executions[index].is_fenced = false;
                }
                Answer::Done
            }
            Action::Look(look) => {
                let found = if self.lacks(Guard::LookAtTakeover)
                    && !matches!(&world.executions[index].course.state, State::Looking { then, .. }
                        if !matches!(**then, State::Registering { .. }))
                {
                    None
                } else {
                    world.find(index, self, &look)
                };
                Answer::Found(found)
            }
            Action::Register { base, looks } => {
                let looks = looks && !self.lacks(Guard::LookAtTakeover);
                Answer::Registered(self.register(&mut next, index, base, looks))
            }
            Action::Stop(target) => {
                let owns = world.head.as_ref().is_some_and(|head| head.is_owned_by(&me));
                if self.lacks(Guard::StopNeedsNoHead) && !owns {
                    return self.give_up(next, index, out);
                }
                Answer::Stopped { is_through: next.stop(target.revision) }
            }
            _ => return,
        };
        self.answer(next, index, answer, "acts", out);
    }

    /// Ends an execution quietly, as one without a rule would.
    fn give_up(&self, mut world: World, index: usize, out: &mut Vec<(Label, World)>) {
        let ending = release_protocol::course::Ending {
            outcome: Outcome::Superseded,
            good: None,
            by: None,
            is_loud: world.executions[index].course.past.has_replaced,
        };
        world.executions[index].course.state = State::Over(ending);
        world.settle(index);
        out.push(((Some(index), "gives up"), world));
    }

    /// Two things that are done side by side: in either order.
    fn act_in_halves(&self, world: &World, index: usize, action: &Action<Small>, out: &mut Vec<(Label, World)>) {
        let execution = &world.executions[index];
        match (&execution.half, action) {
            (Half::Nothing, Action::Read | Action::ReadHistory) => {
                let mut next = world.clone();
                next.executions[index].half = Half::Head(world.head.clone(), self.is_past(world, index));
                next.executions[index].is_fresh = true;
                out.push(((Some(index), "reads the head"), next));
                let mut next = world.clone();
                let service = self.read_service(&mut next, index);
                next.executions[index].half = Half::Service(service);
                out.push(((Some(index), "reads the service"), next));
            }
            (Half::Head(head, is_past), _) => {
                let mut next = world.clone();
                let service = self.read_service(&mut next, index);
                let answer = self.read(world, index, action, (head.clone(), *is_past), service);
                self.answer(next, index, answer, "reads the service", out);
            }
            (Half::Service(service), Action::Read | Action::ReadHistory) => {
                let mut next = world.clone();
                next.executions[index].is_fresh = true;
                let head = (world.head.clone(), self.is_past(world, index));
                let answer = self.read(world, index, action, head, service.clone());
                self.answer(next, index, answer, "reads the head", out);
            }
            (Half::Nothing, Action::Fence { definition, .. }) => {
                let mut next = world.clone();
                if self.set_fence(&mut next, index, *definition) {
                    next.executions[index].half = Half::FenceIsSet;
                    out.push(((Some(index), "sets its fence"), next));
                    let mut next = world.clone();
                    let service = self.read_service(&mut next, index);
                    next.executions[index].half = Half::Service(service);
                    out.push(((Some(index), "reads the service for its fence"), next));
                } else {
                    let service = world.service();
                    self.answer(next, index, Answer::Fenced { is_set: false, service }, "cannot set its fence", out);
                }
            }
            (Half::Service(service), Action::Fence { definition, .. }) => {
                let mut next = world.clone();
                let is_set = self.set_fence(&mut next, index, *definition);
                let service = self.believed(index, world, service.clone());
                self.answer(next, index, Answer::Fenced { is_set, service }, "sets its fence", out);
            }
            (Half::FenceIsSet, _) => {
                let mut next = world.clone();
                let service = self.read_service(&mut next, index);
                let service = self.believed(index, world, service);
                self.answer(next, index, Answer::Fenced { is_set: true, service }, "reads the service", out);
            }
            _ => {}
        }
    }

    /// What is made of the service beside the fence: without that rule, nothing.
    fn believed(&self, index: usize, world: &World, service: Service<Small>) -> Service<Small> {
        match &world.executions[index].course.state {
            State::Fencing(update) if self.lacks(Guard::FenceReads) && update.back.is_none() => {
                Service { desired: update.base, ..service }
            }
            State::Fencing(update) if self.lacks(Guard::ReturnIsFenced) && update.back.is_some() => {
                Service { desired: update.base, running: None, ..service }
            }
            _ => service,
        }
    }

    fn read(
        &self,
        world: &World,
        index: usize,
        action: &Action<Small>,
        (head, fence_is_past): (Option<Head<Small>>, bool),
        mut service: Service<Small>,
    ) -> Answer<Small> {
        if matches!(action, Action::ReadHistory) {
            if self.lacks(Guard::ReturnWaits) {
                service.running = None;
            }
            let deployments = world.list();
            return Answer::History(Box::new(History { head, fence_is_past, service, deployments }));
        }
        let me = self.release(index);
        let mut head = head;
        if self.lacks(Guard::OwnerIsExempt)
            && let Some(head) = head.as_mut().filter(|head| head.is_owned_by(&me) && head.phase == Phase::Claimed)
            && head.order.is_newer_than(&me.order)
        {
            (head.owner.execution, head.owner.release, head.owner.image) = (9, 9, None);
        }
        if self.lacks(Guard::SettledContent) {
            service.running = None;
        }
        let wish = self.wish(index, &service);
        let is_reread = matches!(world.executions[index].half, Half::Head(..));
        Answer::Read(Box::new(Reading { head, fence_is_past, service, wish, is_reread, owner_is_dead: None }))
    }

    fn is_past(&self, world: &World, index: usize) -> bool {
        let is_own = world.head.as_ref().is_some_and(|head| head.is_fenced_by(&self.release(index)));
        world.fence_is_past || self.lacks(Guard::WaitForFences) || is_own && self.lacks(Guard::LookUntilFenceEnds)
    }

    fn read_service(&self, next: &mut World, index: usize) -> Service<Small> {
        next.executions[index].saw_person = next.account.person_deployment.is_some();
        let mut service = next.service();
        let rereads = matches!(next.executions[index].course.state, State::Rereading(_));
        if rereads && self.lacks(Guard::SettledContent) {
            service.running = None;
        }
        service
    }

    fn swap(&self, next: &mut World, index: usize, change: &Change<Small>) -> bool {
        let skipped = match change {
            Change::ClaimUnchanged(_) => self.lacks(Guard::UnchangedClaims),
            Change::Raise => self.lacks(Guard::DuplicateRaises),
            _ => false,
        };
        if skipped {
            return true;
        }
        if !next.executions[index].is_fresh {
            return false;
        }
        let head = change.apply(next.head.as_ref(), &self.release(index));
        let fence_goes = next.head.as_ref().is_some_and(|head| head.fence.is_some());
        next.write(index, head);
        if fence_goes && next.head.as_ref().is_some_and(|head| head.fence.is_none()) {
            next.fence_is_past = false;
        }
        if matches!(change, Change::Claim(_) | Change::ClaimUnchanged(_) | Change::Adopt) {
            next.claim_is_old = false;
        }
        true
    }

    fn set_fence(&self, next: &mut World, index: usize, definition: Definition) -> bool {
        let is_back = matches!(&next.executions[index].course.state, State::Fencing(update) if update.back.is_some());
        if is_back && self.lacks(Guard::ReturnIsFenced) {
            next.executions[index].is_fenced = true;
            return true;
        }
        let me = self.release(index);
        // Two fences that follow each other differ; more than that nobody needs to tell apart.
        let id = next.head.as_ref().and_then(|head| head.fence.as_ref()).map_or(0, |fence| 1 - fence.id);
        let fence = Fence { execution: me.execution, release: me.event, definition, leads_back: is_back, id };
        let is_set = self.swap(next, index, &Change::Fence(fence));
        if is_set {
            next.executions[index].is_fenced = true;
            next.fence_is_past = false;
        }
        is_set
    }

    fn register(&self, next: &mut World, index: usize, base: Definition, looks: bool) -> Definition {
        let wanted = self.content(index, base);
        let registered = &mut next.account.registered[usize::from(wanted.event)];
        if registered.contains(&wanted) {
            if !looks {
                next.account.violation = Some(Violation::SecondRevision);
            }
        } else {
            registered.push(wanted);
            registered.sort_unstable();
        }
        wanted
    }

    /// Puts a call on the wire, unless its fence may be past before it lands.
    fn call(&self, world: &World, index: usize, definition: Definition, out: &mut Vec<(Label, World)>) {
        let execution = &world.executions[index];
        let is_out = world.calls.iter().any(|call| usize::from(call.execution) == index && call.is_awaited);
        if is_out {
            return;
        }
        if !execution.is_fenced && !self.lacks(Guard::OwnClock) {
            return self.answer(world.clone(), index, Answer::NotCalled, "is too late to call", out);
        }
        let back_from = match &execution.course.state {
            State::Updating(update) => update.back.as_ref().map(|back| back.failed.definition),
            _ => None,
        };
        let mut next = world.clone();
        let saw_person = execution.saw_person;
        let number = u8::try_from(index).unwrap_or(u8::MAX);
        next.calls.push(Call { execution: number, definition, back_from, is_awaited: true, saw_person });
        next.calls.sort_unstable();
        out.push(((Some(index), "calls"), next));
    }

    fn is_over(&self, world: &World, index: usize, wait: &Wait<Small>) -> bool {
        let me = self.release(index);
        let fence = world.head.as_ref().and_then(|head| head.fence.as_ref());
        let is_flying = world.calls.iter().any(|call| usize::from(call.execution) == index);
        match wait {
            Wait::Fence(_) => {
                fence.is_none() || world.fence_is_past || fence.is_some_and(|f| f.execution == me.execution)
            }
            Wait::OwnFence(look) => {
                let is_gone = fence.is_none_or(|fence| fence.execution != me.execution) || world.fence_is_past;
                world.find(index, self, look).is_some()
                    || is_gone && !world.executions[index].is_fenced
                    || self.lacks(Guard::LookUntilFenceEnds)
            }
            Wait::Idle => world.running.is_none(),
            Wait::Pause => true,
            Wait::LastLook => !is_flying,
        }
    }

    fn followed(&self, world: &World, index: usize, revision: u8) -> Option<Answer<Small>> {
        let deployment = world.deployments[usize::from(revision)];
        let execution = &world.executions[index];
        let is_own = matches!(execution.course.state, State::Following(_));
        let is_bad = is_own && Self::is_bad(deployment.definition);
        let went = match deployment.status {
            Status::Running if is_bad => Went::Bad,
            Status::Running | Status::GoingBack => return None,
            Status::Successful if is_bad => Went::BadAndThrough,
            Status::Successful => Went::Good,
            Status::Stopped => Went::Stopped,
            Status::RolledBack => Went::RolledBack,
        };
        let (State::Following(target) | State::FollowingStop(target) | State::FollowingReturn(_, target)) =
            &execution.course.state
        else {
            return None;
        };
        let replaced = replaced(&execution.course.past, world.head.as_ref(), target, &world.list());
        let has_replaced = !replaced.is_empty() && !self.lacks(Guard::ReplacedIsSaid);
        Some(Answer::Followed { went, has_replaced })
    }

    /// Gives an execution its answer.
    fn answer(
        &self,
        mut next: World,
        index: usize,
        answer: Answer<Small>,
        label: &'static str,
        out: &mut Vec<(Label, World)>,
    ) {
        let me = self.release(index);
        let repairs = next.executions[index].course.past.repairs;
        let execution = &mut next.executions[index];
        execution.half = Half::Nothing;
        let is_stopping = matches!(execution.course.state, State::FollowingStop(_));
        // The answer to what a course rests for is recorded by itself.
        let is_recorded = execution.course.is_resting();
        let was_displaced = matches!(&answer, Answer::Followed { went: Went::Stopped, .. });
        let course = std::mem::take(&mut execution.course).take(&me, answer);
        if is_stopping && was_displaced && self.lacks(Guard::BadIsLoud) {
            execution.course = course;
            return self.give_up(next, index, out);
        }
        next.account.updates_left[usize::from(me.event)] += course.past.repairs - repairs;
        execution.course = course;
        if is_recorded {
            execution.recorded = execution.course.clone();
        }
        next.settle(index);
        out.push(((Some(index), label), next));
    }

    // --- what is outside of executions ------------------------------------------------------------------------------

    fn land_calls(&self, world: &World, out: &mut Vec<(Label, World)>) {
        for (position, call) in world.calls.iter().enumerate() {
            let mut next = world.clone();
            next.calls.remove(position);
            let index = usize::from(call.execution);
            if self.refuses && world.running.is_some() {
                let refused = Answer::Refused(Refusal::Busy);
                if call.is_awaited {
                    self.answer(next, index, refused, "is refused: a deployment runs", out);
                } else {
                    out.push(((Some(index), "a call of it is refused"), next));
                }
                continue;
            }
            if call.is_awaited && self.may(world, Fault::Denied) {
                let mut denied = next.clone();
                denied.faults_left -= 1;
                denied.account.way_back_failed |= call.back_from.is_some();
                self.answer(denied, index, Answer::Refused(Refusal::Final), "is denied its update", out);
            }
            self.account_for(&mut next, world, call);
            let revision = next.deploy(call.definition, call.back_from.is_some());
            if call.is_awaited {
                if self.may(world, Fault::LostAnswer) {
                    let mut lost = next.clone();
                    lost.faults_left -= 1;
                    self.answer(lost, index, Answer::Unclear, "its update lands; the answer is lost", out);
                }
                self.answer(next, index, Answer::Updated(revision), "its update lands", out);
            } else {
                out.push(((Some(index), "a call of it lands"), next));
            }
        }
    }

    fn account_for(&self, next: &mut World, world: &World, call: &Call) {
        let index = usize::from(call.execution);
        let me = self.release(index);
        let unseen_person = world.account.person_deployment.is_some() && !call.saw_person;
        let account = &mut next.account;
        match call.back_from {
            Some(failed) => {
                if world.service().desired != failed && !unseen_person {
                    account.violation = Some(Violation::RestoreOfSomethingElse);
                }
            }
            None => {
                let owned = world.head.as_ref().filter(|head| head.is_owned_by(&me));
                let order = owned.map_or(me.order.0, |head| head.order.0.max(me.order.0));
                if order < account.highest_landed {
                    account.violation = Some(Violation::OlderUpdateAfterNewer);
                }
                account.highest_landed = account.highest_landed.max(order);
                let event = usize::from(me.event);
                match account.updates_left[event].checked_sub(1) {
                    Some(left) => account.updates_left[event] = left,
                    None => account.violation = account.violation.or(Some(Violation::SecondUpdate)),
                }
            }
        }
        account.person_was_replaced |= unseen_person && account.person_was_last;
        account.person_was_last = false;
    }

    fn play_ecs(&self, world: &World, out: &mut Vec<(Label, World)>) {
        let Some(running) = world.running else { return };
        let place = usize::from(running);
        let deployment = world.deployments[place];
        let mut next = world.clone();
        next.running = None;
        if deployment.status == Status::GoingBack {
            next.deployments[place].status = Status::RolledBack;
            out.push(((None, "the rollback is done"), next));
            return;
        }
        if self.may(world, Fault::FailedCanary) {
            let mut failed = next.clone();
            failed.faults_left -= 1;
            failed.deployments[place].status = Status::RolledBack;
            failed.account.way_back_failed |= deployment.leads_back;
            out.push(((None, "ECS fails the deployment and rolls it back"), failed));
        }
        next.deployments[place].status = Status::Successful;
        next.active = deployment.definition;
        if Self::is_bad(deployment.definition) {
            next.account.bad_got_through |= 1 << deployment.definition.event;
        }
        out.push(((None, "the deployment gets through"), next));
    }

    fn pass_time(&self, world: &World, out: &mut Vec<(Label, World)>) {
        for (index, execution) in world.executions.iter().enumerate() {
            let waits = matches!(
                execution.course.state,
                State::Waiting(Wait::OwnFence(_), _) | State::Over(_) | State::Ignored
            );
            if execution.is_fenced && (waits || execution.is_stopped) && !world.is_calling(index) {
                out.push(((Some(index), "its fence runs out"), world.without_fence(index)));
            }
        }
    }

    fn be_slow(&self, world: &World, index: usize, out: &mut Vec<(Label, World)>) {
        let execution = &world.executions[index];
        let waits =
            matches!(execution.course.state, State::Waiting(Wait::OwnFence(_), _) | State::Over(_) | State::Ignored);
        let acts = execution.is_fenced && !waits && !execution.is_stopped;
        if acts && !world.is_calling(index) && self.may(world, Fault::Slow) {
            let mut next = world.without_fence(index);
            next.faults_left -= 1;
            out.push(((Some(index), "is slow; its fence runs out"), next));
        }
    }

    fn crash(&self, world: &World, index: usize, out: &mut Vec<(Label, World)>) {
        let execution = &world.executions[index];
        if execution.is_stopped || execution.course.is_resting() || !self.may(world, Fault::Crash) {
            return;
        }
        let mut next = world.clone();
        next.faults_left -= 1;
        next.abandon_calls(index);
        let execution = &mut next.executions[index];
        execution.course = execution.recorded.clone().resumed();
        execution.half = Half::Nothing;
        execution.is_fresh = false;
        out.push(((Some(index), "crashes and is resumed"), next));
    }

    fn stop(&self, world: &World, index: usize, out: &mut Vec<(Label, World)>) {
        let execution = &world.executions[index];
        if execution.is_over() || !self.may(world, Fault::Stop) {
            return;
        }
        let mut next = world.clone();
        next.faults_left -= 1;
        next.abandon_calls(index);
        let execution = &mut next.executions[index];
        *execution = Execution {
            course: Course::default(),
            recorded: Course::default(),
            half: Half::Nothing,
            is_fresh: false,
            is_stopped: true,
            saw_person: false,
            is_fenced: execution.is_fenced,
        };
        out.push(((Some(index), "is stopped for good"), next));
    }

    fn strike(&self, world: &World, out: &mut Vec<(Label, World)>) {
        if self.may(world, Fault::ByHand)
            && world.account.person_deployment.is_none()
            && !(self.refuses && world.running.is_some())
        {
            let mut next = world.clone();
            next.faults_left -= 1;
            next.account.person_was_last = true;
            next.account.person_deployment = Some(next.deploy(Definition::BY_HAND, false));
            out.push(((None, "a person deploys at the console"), next));
        }
        let is_claimed = world.head.as_ref().is_some_and(|head| head.phase == Phase::Claimed && head.fence.is_none());
        if self.may(world, Fault::OldClaim) && is_claimed && !world.claim_is_old {
            let mut next = world.clone();
            next.faults_left -= 1;
            next.claim_is_old = true;
            out.push(((None, "the claim grows old"), next));
        }
        if self.may(world, Fault::LostAnswer) {
            for (position, call) in world.calls.iter().enumerate() {
                let mut next = world.clone();
                next.faults_left -= 1;
                next.calls.remove(position);
                let index = usize::from(call.execution);
                if call.is_awaited {
                    self.answer(next, index, Answer::Unclear, "its update is lost on the wire", out);
                } else {
                    out.push(((Some(index), "a call of it is lost on the wire"), next));
                }
                let mut given_up = world.clone();
                given_up.faults_left -= 1;
                if call.is_awaited {
                    given_up.calls[position].is_awaited = false;
                    given_up.calls.sort_unstable();
                    self.answer(given_up, index, Answer::Unclear, "gives its update up; it may land", out);
                }
            }
        }
    }

    // --- what must hold ---------------------------------------------------------------------------------------------

    /// Whether nothing is on its way any more.
    pub(crate) fn is_quiet(&self, world: &World) -> bool {
        world.running.is_none() && world.calls.is_empty() && world.executions.iter().all(Execution::is_over)
    }

    /// The property that does not hold here, if any. All but three are about quiet states.
    pub(crate) fn check(&self, world: &World) -> Option<Violation> {
        let account = &world.account;
        if account.violation.is_some() || !self.is_quiet(world) {
            return account.violation;
        }
        let executions = || world.executions.iter().enumerate();
        let any_stopped = world.executions.iter().any(|execution| execution.is_stopped);
        let is_loud_for = |event: u8| {
            executions().any(|(index, execution)| self.release(index).event == event && execution.is_loud())
        };
        let events = 0..u8::try_from(self.events.len()).unwrap_or(u8::MAX);
        let quiet_bad = events.clone().any(|event| account.bad_got_through >> event & 1 == 1 && !is_loud_for(event));
        if quiet_bad && !any_stopped {
            return Some(Violation::BadGotThroughQuietly);
        }
        let noted = world.executions.iter().any(|execution| execution.is_stopped || execution.has_replaced());
        if account.person_was_replaced && !noted {
            return Some(Violation::PersonsChangeWasReplacedQuietly);
        }
        let newest = events.rev().find(|event| self.events[usize::from(*event)].is_deployable)?;
        let wanted = self.events[usize::from(newest)];
        let does_same = |index: usize| {
            let event = self.event(index);
            self.release(index).event == newest || event.is_push && wanted.is_push && event.image == wanted.image
        };
        let is_said = executions().any(|(index, execution)| does_same(index) && execution.is_loud());
        if account.person_was_last {
            return self.check_person(world, is_said, does_same);
        }
        let last = world.active;
        let is_in_place = last.image == wanted.image && (wanted.is_push || last.document == wanted.document);
        if !is_in_place && !is_said {
            return Some(Violation::NewestNotInPlaceAndNobodySaysSo);
        }
        let asked = Definition { event: newest, document: wanted.document, image: wanted.image };
        let nothing_failed = world.faults_left == self.faults && !self.events.iter().any(|event| event.document >= BAD);
        if nothing_failed && !is_in_place && !Self::is_bad(asked) {
            return Some(Violation::NothingFailedAndTheNewestIsNotInPlace);
        }
        if Self::is_bad(last) && !any_stopped && !account.way_back_failed {
            return Some(Violation::EndsOnBadRevision);
        }
        if !last.is_foreign() && !any_stopped {
            let verified = world.executions.iter().any(|execution| execution.has_proved(last));
            if !verified && !is_loud_for(last.event) {
                return Some(Violation::UnverifiedStaysQuietly);
            }
        }
        self.check_uploads(world, is_loud_for)
    }

    fn check_person(&self, world: &World, is_said: bool, does_same: impl Fn(usize) -> bool) -> Option<Violation> {
        let deployment = world.account.person_deployment.map(|revision| world.deployments[usize::from(revision)]);
        let got_through = deployment.is_some_and(|deployment| deployment.status == Status::Successful);
        if got_through && world.active != Definition::BY_HAND {
            return Some(Violation::PersonsChangeIsGone);
        }
        let ended_well = world.executions.iter().enumerate().any(|(index, execution)| {
            does_same(index) && matches!(execution.outcome(), Some(Outcome::Succeeded | Outcome::NoChange))
        });
        (!is_said && !ended_well).then_some(Violation::DisplacedByPersonAndNobodySaysSo)
    }

    fn check_uploads(&self, world: &World, is_loud_for: impl Fn(u8) -> bool) -> Option<Violation> {
        let is_upload = |event: &Event| !event.is_push && event.is_deployable;
        let newest = self.events.iter().rposition(is_upload)?;
        let number = u8::try_from(newest).unwrap_or(u8::MAX);
        let ended_well = world.executions.iter().enumerate().any(|(index, execution)| {
            self.executions[index] == newest && execution.outcome() == Some(Outcome::Succeeded)
        });
        let is_part = world.active.document == self.events[newest].document;
        let by_hand = world.account.person_deployment.is_some();
        (ended_well && !is_part && !by_hand && !is_loud_for(number)).then_some(Violation::UploadThatEndedWellIsNotPart)
    }

    /// A step, for people: with what the execution was to do.
    pub(crate) fn tell(&self, world: &World, (who, what): Label) -> String {
        match who {
            Some(index) => format!("{index}: {what}: {:?}", world.executions[index].course.action()),
            None => what.to_owned(),
        }
    }

    /// How a quiet state ended, for people.
    pub(crate) fn describe(&self, world: &World) -> String {
        let ends: Vec<String> = world
            .executions
            .iter()
            .enumerate()
            .map(|(index, execution)| match &execution.course.state {
                _ if execution.is_stopped => format!("{index}: stopped"),
                State::Over(ending) => {
                    format!("{index}: {:?}{}", ending.outcome, if ending.is_loud { " (loud)" } else { "" })
                }
                other => format!("{index}: {other:?}"),
            })
            .collect();
        format!("the service runs {:?}; {}", world.active, ends.join("; "))
    }
}

impl Execution {
    fn is_over(&self) -> bool {
        self.is_stopped || matches!(self.course.state, State::Over(_) | State::Ignored)
    }

    fn outcome(&self) -> Option<Outcome> {
        match &self.course.state {
            State::Over(ending) => Some(ending.outcome),
            _ => None,
        }
    }

    fn is_loud(&self) -> bool {
        self.is_stopped || matches!(&self.course.state, State::Over(ending) if ending.is_loud)
    }

    fn has_replaced(&self) -> bool {
        matches!(&self.course.state, State::Over(ending) if ending.is_loud) && self.course.past.has_replaced
    }

    fn has_proved(&self, definition: Definition) -> bool {
        matches!(&self.course.state, State::Over(ending) if ending.good == Some(definition))
    }
}

impl World {
    fn service(&self) -> Service<Small> {
        let running = self.running.map(|revision| self.deployments[usize::from(revision)]);
        let desired = match running {
            Some(Deployment { definition, status: Status::Running, .. }) => definition,
            _ => self.active,
        };
        let newest = u8::try_from(self.deployments.len() - 1).ok();
        Service { desired, active: self.active, running: self.running, newest }
    }

    fn list(&self) -> Vec<Listed<Small>> {
        let listed = self.deployments.iter().enumerate().map(|(revision, deployment)| Listed {
            revision: u8::try_from(revision).unwrap_or(u8::MAX),
            definition: Some(deployment.definition),
            is_successful: deployment.status == Status::Successful,
        });
        listed.rev().collect()
    }

    fn find(
        &self,
        index: usize,
        story: &Story,
        look: &release_protocol::plan::Look<Small>,
    ) -> Option<release_protocol::head::Target<Small>> {
        let newer = self.list().into_iter().take_while(|listed| Some(listed.revision) != look.after);
        let mut found = newer.filter_map(|listed| Some((listed.definition?, listed.revision)));
        let event = usize::from(story.release(index).event);
        let registered =
            |definition: &Definition| look.registered && self.account.registered[event].contains(definition);
        let (definition, revision) =
            found.find(|(definition, _)| look.definitions.contains(definition) || registered(definition))?;
        Some(release_protocol::head::Target { definition, revision })
    }

    /// A new deployment takes the place of the one that runs.
    fn deploy(&mut self, definition: Definition, leads_back: bool) -> u8 {
        if let Some(running) = self.running {
            self.deployments[usize::from(running)].status = Status::Stopped;
        }
        let revision = u8::try_from(self.deployments.len()).unwrap_or(u8::MAX);
        self.deployments.push(Deployment { definition, status: Status::Running, leads_back });
        self.running = Some(revision);
        revision
    }

    /// Asks ECS to roll a deployment back; says whether it was through.
    fn stop(&mut self, revision: u8) -> bool {
        let deployment = &mut self.deployments[usize::from(revision)];
        if deployment.status == Status::Running {
            deployment.status = Status::GoingBack;
        }
        deployment.status == Status::Successful
    }

    /// A head was written: whatever others have read of it is out of date.
    fn write(&mut self, index: usize, head: Option<Head<Small>>) {
        if head == self.head {
            return;
        }
        let fence = |head: &Option<Head<Small>>| head.as_ref().and_then(|head| head.fence.clone());
        if fence(&head) != fence(&self.head) {
            self.fence_is_past = false;
        }
        self.head = head;
        for (other, execution) in self.executions.iter_mut().enumerate() {
            execution.is_fresh = other == index;
        }
    }

    /// Records a course that rests, and forgets what can no longer matter.
    fn settle(&mut self, index: usize) {
        let execution = &mut self.executions[index];
        if !execution.course.is_resting() {
            return;
        }
        if let State::Over(_) = &execution.course.state {
            let has_replaced = execution.course.past.has_replaced;
            execution.course.past = release_protocol::plan::Past { has_replaced, ..Default::default() };
            execution.recorded = Course::default();
        } else {
            execution.recorded = execution.course.clone();
        }
        // What is read after a rest is read anew.
        execution.is_fresh = false;
    }

    fn is_dead(&self, owner: u8) -> bool {
        let is_stopped = self.executions.get(usize::from(owner)).is_some_and(|execution| execution.is_stopped);
        let claimed = self.head.as_ref().is_some_and(|head| head.phase == Phase::Claimed && head.fence.is_none());
        is_stopped || claimed && self.claim_is_old
    }

    fn is_calling(&self, index: usize) -> bool {
        self.calls.iter().any(|call| usize::from(call.execution) == index)
    }

    fn abandon_calls(&mut self, index: usize) {
        for call in self.calls.iter_mut().filter(|call| usize::from(call.execution) == index) {
            call.is_awaited = false;
        }
        self.calls.sort_unstable();
    }

    fn without_fence(&self, index: usize) -> Self {
        let mut next = self.clone();
        next.executions[index].is_fenced = false;
        let fence = next.head.as_ref().and_then(|head| head.fence.as_ref());
        if fence.is_some_and(|fence| usize::from(fence.execution) == index) {
            next.fence_is_past = true;
        }
        next
    }
}
