//! The world that the model explores: one service, its head, ECS, and executions that play [`Course`]. It decides
//! nothing for a release: every head, every plan and every next action comes from the crate under test.

#![expect(
    clippy::unused_self,
    clippy::struct_excessive_bools,
    clippy::single_match_else,
    reason = "a world is a story's, and its flags are what the model is about"
)]

#[path = "act.rs"]
mod act;
#[path = "check.rs"]
mod check;
#[path = "names.rs"]
mod names;
#[path = "outside.rs"]
mod outside;

use std::hash::Hash;

pub(crate) use check::Violation;
pub(crate) use names::{Definition, Number, Small};
use release_protocol::course::{Course, State, Wait};
use release_protocol::follow::Listed;
use release_protocol::head::{Head, Phase};
use release_protocol::plan::{Service, Wish};
use release_protocol::{Outcome, Release};

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
    /// A call that was given up lands after its fence is past.
    LateCall,
    /// The first event's tag points to something else, which cannot be deployed.
    TagMoves,
}

impl Fault {
    /// All but a call that lands after everybody has given it up, of which little is promised, and a tag that moves,
    /// which is not a fault; each makes every story twice as large.
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
    /// Not of section 9: what was found late does not end well in silence where a newer release has found nothing to
    /// do.
    LateIsLoud,
    /// Not of section 9: what has come to its end does not take up later work.
    EndsOnce,
    /// Not of section 9: what is proved after a newer release has led the service back past it does not end well in
    /// silence.
    LeadsBackPast,
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
    /// Whether its event had come to its end before it began.
    is_late: bool,
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
    /// The events that got through or were rolled back.
    decided: u8,
    person_was_last: bool,
    person_was_replaced: bool,
    person_deployment: Option<u8>,
    way_back_failed: bool,
    violation: Option<Violation>,
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
    tag_has_moved: bool,
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
            is_late: false,
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
            tag_has_moved: false,
            faults_left: self.faults,
            account: Account {
                highest_landed: 0,
                updates_left: [1; 4],
                registered: Default::default(),
                bad_got_through: 0,
                decided: 0,
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

    fn wish(&self, world: &World, execution: usize, service: &Service<Small>) -> Wish {
        if world.tag_has_moved && self.executions[execution] == 0 {
            return Wish::Replaced;
        }
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
        // A step that touches nothing that others see, and sees nothing of theirs, is taken at once: whatever others do
        // before it, they could do after it. What can go wrong with it is taken at once, too.
        let own = |index: &usize| self.is_own_business(world, *index);
        if let Some(index) = (0..world.executions.len()).find(own) {
            self.act(world, index, out);
            let whole = out.len();
            self.crash(world, index, out);
            self.stop(world, index, out);
            self.be_slow(world, index, out);
            self.be_late(world, index, out);
            for (_, next) in &mut *out {
                self.forget(next);
            }
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
            self.be_late(world, index, out);
        }
        self.fail(world, out);
        for (_, next) in &mut *out {
            self.forget(next);
        }
        whole
    }

    /// Whether the next step of an execution neither reads nor changes anything that others change or read.
    fn is_own_business(&self, world: &World, index: usize) -> bool {
        let execution = &world.executions[index];
        match &execution.course.state {
            State::Registering { .. } | State::Waiting(Wait::Pause, _) => true,
            // A call acts when it lands.
            State::Updating(_) => {
                !world.calls.iter().any(|call| usize::from(call.execution) == index && call.is_awaited)
            }
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
            execution.is_late &= !execution.is_over() || execution.has_decided();
            let reads_anew = matches!(
                execution.course.state,
                State::Planning { .. } | State::Returning(_) | State::Proved(_) | State::Displaced(_)
            );
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
                account.decided &= !(1 << event);
                if let Some(head) = &mut world.head {
                    head.memory.decided &= !(1 << event);
                }
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

    fn has_decided(&self) -> bool {
        matches!(self.outcome(), Some(Outcome::Succeeded | Outcome::RolledBack))
    }

    fn is_loud(&self) -> bool {
        self.is_stopped || matches!(&self.course.state, State::Over(ending) if ending.is_loud)
    }

    /// Whether its report names this event's release as the one that took its place.
    fn names(&self, event: u8) -> bool {
        matches!(&self.course.state, State::Over(ending) if ending.by.as_ref().is_some_and(|by| by.release == event))
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

    /// An execution's process has died in a step: what it did since it recorded its course is forgotten.
    fn crashed(&self, index: usize) -> Self {
        let mut next = self.clone();
        next.faults_left -= 1;
        next.abandon_calls(index);
        let execution = &mut next.executions[index];
        execution.course = execution.recorded.clone().resumed();
        execution.half = Half::Nothing;
        execution.is_fresh = false;
        next
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
