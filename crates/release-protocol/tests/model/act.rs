//! What an execution does next: each action of its course, against the head and the service as they are.

use release_protocol::course::{Action, Answer, Course, History, State, Wait};
use release_protocol::follow::{Went, replaced};
use release_protocol::head::{Change, Fence, Head, Phase};
use release_protocol::plan::{Reading, Service};
use release_protocol::{Order, Outcome, Release};

use super::{Call, Definition, Fault, Guard, Half, Label, Small, Status, Story, Violation, World};

impl Story {
    pub(super) fn act(&self, world: &World, index: usize, out: &mut Vec<(Label, World)>) {
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

    pub(super) fn act_at_once(
        &self,
        world: &World,
        index: usize,
        action: Action<Small>,
        out: &mut Vec<(Label, World)>,
    ) {
        let me = self.release(index);
        let mut next = world.clone();
        let answer = match action {
            Action::ReadService => {
                let service = match &world.executions[index].course.state {
                    State::Rereading(reading) if self.lacks(Guard::ReadAfterHead) => reading.service.clone(),
                    _ => self.read_service(&mut next, index),
                };
                let wish = self.wish(world, index, &service);
                Answer::Reread(service, wish)
            }
            Action::AskOwner(owner) => Answer::OwnerIsDead(world.is_dead(owner)),
            Action::ReadHead => {
                next.executions[index].is_fresh = true;
                Answer::Head(world.head.clone())
            }
            Action::Swap(change) => Answer::Swapped(self.swap(&mut next, index, &change)),
            Action::Amend(change) => {
                next.write(index, remember(change.apply(world.head.as_ref(), &me), &me, &change));
                next.account.decided |= u8::from(is_decision(&change)) << me.event;
                if matches!(change, Change::RemoveFence | Change::Record(_)) {
                    next.executions[index].is_fenced = false;
                }
                match &change {
                    Change::End { good, .. } => {
                        let head = world.head.as_ref().filter(|_| !self.lacks(Guard::LeadsBackPast));
                        let is_passed_over = head.is_some_and(|head| head.leads_back_past(&me, good.as_ref()));
                        Answer::Ended { is_passed_over }
                    }
                    _ => Answer::Done,
                }
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
    pub(super) fn give_up(&self, mut world: World, index: usize, out: &mut Vec<(Label, World)>) {
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
    pub(super) fn act_in_halves(
        &self,
        world: &World,
        index: usize,
        action: &Action<Small>,
        out: &mut Vec<(Label, World)>,
    ) {
        let execution = &world.executions[index];
        match (&execution.half, action) {
            (Half::Nothing, Action::Read) if self.begins_late(world, index) => {
                let mut next = world.clone();
                next.executions[index].is_late = true;
                out.push(((Some(index), "begins late"), next));
            }
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
            (Half::Nothing, Action::Fence { definition, back_after }) => {
                let mut next = world.clone();
                if self.set_fence(&mut next, index, *definition, *back_after) {
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
            (Half::Service(service), Action::Fence { definition, back_after }) => {
                let mut next = world.clone();
                let is_set = self.set_fence(&mut next, index, *definition, *back_after);
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

    /// Whether this execution has not begun, and its event has come to its end.
    pub(super) fn begins_late(&self, world: &World, index: usize) -> bool {
        let execution = &world.executions[index];
        let has_begun = execution.is_late || execution.course != Course::default();
        !has_begun && world.account.decided >> self.release(index).event & 1 == 1
    }

    /// What is made of the service beside the fence: without that rule, nothing.
    pub(super) fn believed(&self, index: usize, world: &World, service: Service<Small>) -> Service<Small> {
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

    pub(super) fn read(
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
        if self.lacks(Guard::EndsOnce)
            && let Some(head) = &mut head
        {
            head.memory.decided = 0;
        }
        if self.lacks(Guard::OwnerIsExempt)
            && let Some(head) = head.as_mut().filter(|head| head.is_owned_by(&me) && head.phase == Phase::Claimed)
            && head.order.is_newer_than(&me.order)
        {
            (head.owner.execution, head.owner.release, head.owner.image) = (9, 9, None);
        }
        if self.lacks(Guard::SettledContent) {
            service.running = None;
        }
        let wish = self.wish(world, index, &service);
        let is_reread = matches!(world.executions[index].half, Half::Head(..));
        Answer::Read(Box::new(Reading { head, fence_is_past, service, wish, is_reread, owner_is_dead: None }))
    }

    pub(super) fn is_past(&self, world: &World, index: usize) -> bool {
        let is_own = world.head.as_ref().is_some_and(|head| head.is_fenced_by(&self.release(index)));
        world.fence_is_past || self.lacks(Guard::WaitForFences) || is_own && self.lacks(Guard::LookUntilFenceEnds)
    }

    pub(super) fn read_service(&self, next: &mut World, index: usize) -> Service<Small> {
        next.executions[index].saw_person = next.account.person_deployment.is_some();
        let mut service = next.service();
        let rereads = matches!(next.executions[index].course.state, State::Rereading(_));
        if rereads && self.lacks(Guard::SettledContent) {
            service.running = None;
        }
        service
    }

    pub(super) fn swap(&self, next: &mut World, index: usize, change: &Change<Small>) -> bool {
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

    pub(super) fn set_fence(&self, next: &mut World, index: usize, definition: Definition, newest: Option<u8>) -> bool {
        let leads_back = newest.is_some();
        if leads_back && self.lacks(Guard::ReturnIsFenced) {
            next.executions[index].is_fenced = true;
            return true;
        }
        let me = self.release(index);
        // Two fences that follow each other differ; more than that nobody needs to tell apart.
        let id = next.head.as_ref().and_then(|head| head.fence.as_ref()).map_or(0, |fence| 1 - fence.id);
        let fence = Fence { execution: me.execution, release: me.event, definition, leads_back, newest, id };
        let is_set = self.swap(next, index, &Change::Fence(fence));
        if is_set {
            next.executions[index].is_fenced = true;
            next.fence_is_past = false;
        }
        is_set
    }

    pub(super) fn register(&self, next: &mut World, index: usize, base: Definition, looks: bool) -> Definition {
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
    pub(super) fn call(&self, world: &World, index: usize, definition: Definition, out: &mut Vec<(Label, World)>) {
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

    pub(super) fn is_over(&self, world: &World, index: usize, wait: &Wait<Small>) -> bool {
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

    pub(super) fn followed(&self, world: &World, index: usize, revision: u8) -> Option<Answer<Small>> {
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
        let is_known = execution.course.past.newest.is_some();
        let has_replaced = is_known && !replaced.is_empty() && !self.lacks(Guard::ReplacedIsSaid);
        Some(Answer::Followed { went, has_replaced })
    }

    /// Gives an execution its answer.
    pub(super) fn answer(
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
        if self.lacks(Guard::LateIsLoud) {
            execution.course.past.was_found = false;
        }
        let was_displaced = matches!(&answer, Answer::Followed { went: Went::Stopped, .. });
        let course = std::mem::take(&mut execution.course).take(&me, answer);
        if is_stopping && was_displaced && self.lacks(Guard::BadIsLoud) {
            execution.course = course;
            return self.give_up(next, index, out);
        }
        next.account.updates_left[usize::from(me.event)] += course.past.repairs - repairs;
        if !is_recorded && course.is_resting() && self.may(&next, Fault::Crash) {
            out.push(((Some(index), "acts, and crashes before that is recorded"), next.crashed(index)));
        }
        let execution = &mut next.executions[index];
        execution.course = course;
        if is_recorded {
            execution.recorded = execution.course.clone();
        }
        next.settle(index);
        out.push(((Some(index), label), next));
    }
}

/// The head with an end that decides an event, as the product remembers it in the same write.
fn remember(head: Option<Head<Small>>, me: &Release<Small>, change: &Change<Small>) -> Option<Head<Small>> {
    head.map(|mut head| {
        head.memory.decided |= u8::from(is_decision(change)) << me.event;
        head
    })
}

fn is_decision(change: &Change<Small>) -> bool {
    matches!(change, Change::End { outcome: Outcome::Succeeded | Outcome::RolledBack, .. })
}
