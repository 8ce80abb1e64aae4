//! What goes on outside of executions: calls that land, deployments, time, and everything that can go wrong.

use release_protocol::course::{Answer, Course, Refusal, State, Wait};
use release_protocol::head::Phase;

use super::{Call, Definition, Execution, Fault, Half, Label, Status, Story, Violation, World};

impl Story {
    pub(super) fn land_calls(&self, world: &World, out: &mut Vec<(Label, World)>) {
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

    pub(super) fn account_for(&self, next: &mut World, world: &World, call: &Call) {
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

    pub(super) fn play_ecs(&self, world: &World, out: &mut Vec<(Label, World)>) {
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

    pub(super) fn pass_time(&self, world: &World, out: &mut Vec<(Label, World)>) {
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

    pub(super) fn be_slow(&self, world: &World, index: usize, out: &mut Vec<(Label, World)>) {
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

    pub(super) fn be_late(&self, world: &World, index: usize, out: &mut Vec<(Label, World)>) {
        let given_up = |call: &Call| usize::from(call.execution) == index && !call.is_awaited;
        let is_fenced = world.executions[index].is_fenced;
        if is_fenced && self.may(world, Fault::LateCall) && world.calls.iter().any(given_up) {
            let mut next = world.without_fence(index);
            next.faults_left -= 1;
            out.push(((Some(index), "its fence runs out while a call of it is on the wire"), next));
        }
    }

    pub(super) fn crash(&self, world: &World, index: usize, out: &mut Vec<(Label, World)>) {
        let execution = &world.executions[index];
        if execution.is_stopped || execution.course.is_resting() || !self.may(world, Fault::Crash) {
            return;
        }
        out.push(((Some(index), "crashes and is resumed"), world.crashed(index)));
    }

    pub(super) fn stop(&self, world: &World, index: usize, out: &mut Vec<(Label, World)>) {
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
            is_late: false,
            saw_person: false,
            is_fenced: execution.is_fenced,
        };
        out.push(((Some(index), "is stopped for good"), next));
    }

    pub(super) fn fail(&self, world: &World, out: &mut Vec<(Label, World)>) {
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
        if self.may(world, Fault::TagMoves) && !world.tag_has_moved {
            let mut next = world.clone();
            next.faults_left -= 1;
            next.tag_has_moved = true;
            out.push(((None, "the first event's tag moves"), next));
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
}
