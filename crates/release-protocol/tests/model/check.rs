//! What must hold, and how a trace is told.

use release_protocol::Outcome;
use release_protocol::course::State;

use super::{BAD, Definition, Event, Execution, Label, Status, Story, World};

/// A property that does not hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Violation {
    OlderUpdateAfterNewer,
    RestoreOfSomethingElse,
    SecondUpdate,
    SecondRevision,
    EndsTwice,
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

impl Story {
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
        if world.executions.iter().any(|execution| execution.is_late && execution.has_decided()) {
            return Some(Violation::EndsTwice);
        }
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
        let is_said =
            executions().any(|(index, execution)| execution.is_loud() && (does_same(index) || execution.names(newest)));
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

    pub(super) fn check_person(
        &self,
        world: &World,
        is_said: bool,
        does_same: impl Fn(usize) -> bool,
    ) -> Option<Violation> {
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

    pub(super) fn check_uploads(&self, world: &World, is_loud_for: impl Fn(u8) -> bool) -> Option<Violation> {
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
