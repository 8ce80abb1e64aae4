//! The recorded operations of one durable execution: checkpoints go in whole or not at all, timers fire, and an
//! invocation is told what it has not seen. It knows neither HTTP nor tokens.

use jiff::Timestamp;

use super::operation::{Operation, State};
use super::update::{Kind, OPERATIONS, Refusal, STATE_BYTES, Update};

/// All operations of one execution, in the order in which they were first recorded.
#[derive(Debug, Default)]
pub(super) struct Journal {
    operations: Vec<Operation>,
    bytes: usize,
    /// What Lambda meters and bounds: see `Update::metered`.
    metered: u64,
    /// Counts changes, so that a checkpoint's answer can tell what its caller has not seen.
    changes: u64,
    seen: u64,
    /// A timer has fired since the last invocation began.
    woken: bool,
}

impl Journal {
    /// Stores the updates of one checkpoint: all of them, or none.
    pub(super) fn record(&mut self, updates: &[Update], now: Timestamp) -> Result<(), Refusal> {
        let mut staged: Vec<Operation> = Vec::new();
        let mut metered = self.metered;
        for update in updates {
            update.check()?;
            let find = |id: &str| staged.iter().chain(&self.operations).find(|operation| operation.id == id);
            let current = find(&update.id);
            if current.is_some_and(|operation| operation.is_another(update)) {
                return Err(Refusal::OtherIdentity(update.id.clone()));
            }
            let parent = update.parent_id.as_ref().map(|parent| find(parent).map(|operation| operation.kind));
            if parent.is_some_and(|kind| kind != Some(Kind::Context)) {
                return Err(Refusal::Parent(update.id.clone()));
            }
            let next = Operation::next(current, update, now)?;
            metered += update.metered(current.is_none());
            staged.retain(|operation| operation.id != update.id);
            staged.push(next);
        }
        let bytes = self.bytes + updates.iter().map(Update::bytes).sum::<usize>();
        if bytes > STATE_BYTES {
            return Err(Refusal::StateTooLarge);
        }
        if metered > OPERATIONS && metered > self.metered {
            return Err(Refusal::TooManyOperations);
        }
        self.metered = metered;
        self.bytes = bytes;
        for operation in staged {
            self.store(operation);
        }
        Ok(())
    }

    fn store(&mut self, mut operation: Operation) {
        self.changes += 1;
        operation.change = self.changes;
        match self.operations.iter_mut().find(|known| known.id == operation.id) {
            Some(known) => *known = operation,
            None => self.operations.push(operation),
        }
    }

    /// Lets every timer fire that is due: waits succeed, steps become ready for their next attempt.
    pub(super) fn fire_due(&mut self, now: Timestamp) {
        for operation in &mut self.operations {
            let (state, ended) = match operation.state {
                State::Waiting { until } if until <= now => (State::Succeeded, Some(now)),
                State::Pending { next_attempt } if next_attempt <= now => (State::Ready, None),
                _ => continue,
            };
            self.changes += 1;
            self.woken = true;
            operation.state = state;
            operation.ended = ended;
            operation.change = self.changes;
        }
    }

    /// Whether a timer has fired since the last invocation began.
    pub(super) fn is_woken(&self) -> bool {
        self.woken
    }

    /// The next timer that will fire.
    pub(super) fn next_timer(&self) -> Option<Timestamp> {
        self.operations.iter().filter_map(|operation| operation.state.timer()).min()
    }

    /// What an invocation starts with: everything. From here on it is told what changes.
    pub(super) fn open(&mut self) -> &[Operation] {
        self.woken = false;
        self.seen = self.changes;
        &self.operations
    }

    /// What has changed since the running invocation was last told.
    pub(super) fn news(&mut self) -> Vec<&Operation> {
        let seen = std::mem::replace(&mut self.seen, self.changes);
        self.operations.iter().filter(|operation| operation.change > seen).collect()
    }

    /// Metered operations so far.
    pub(super) fn metered(&self) -> u64 {
        self.metered
    }

    /// All operations.
    pub(super) fn operations(&self) -> &[Operation] {
        &self.operations
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::operation::Times;
    use super::super::update::PAYLOAD_BYTES;
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + seconds).unwrap()
    }

    fn update(kind: &str, action: &str, more: &Value) -> Update {
        let mut update = json!({ "Id": "1", "Type": kind, "SubType": "Sub", "Action": action });
        update.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        serde_json::from_value(update).unwrap()
    }

    fn step(action: &str, more: &Value) -> Update {
        update("STEP", action, more)
    }

    fn shown(journal: &Journal) -> Value {
        journal.operations()[0].json(Times::Seconds)
    }

    #[test]
    fn a_retried_step_waits_keeps_its_state_and_counts_its_attempts() {
        let mut journal = Journal::default();
        journal.record(&[step("START", &json!({}))], at(0)).unwrap();
        let retry = json!({ "Payload": "{\"n\":1}", "StepOptions": { "NextAttemptDelaySeconds": 30 } });
        journal.record(&[step("RETRY", &retry)], at(1)).unwrap();
        assert_eq!(journal.next_timer(), Some(at(31)));
        let pending = shown(&journal);
        assert_eq!((&pending["Status"], &pending["StepDetails"]["Attempt"]), (&json!("PENDING"), &json!(1)));
        assert_eq!(pending["StepDetails"]["NextAttemptTimestamp"], json!(1_800_000_031.0));

        journal.fire_due(at(30));
        assert!(!journal.is_woken());
        journal.fire_due(at(31));
        assert!(journal.is_woken());
        let ready = shown(&journal);
        assert_eq!((&ready["Status"], &ready["StepDetails"]["Result"]), (&json!("READY"), &json!("{\"n\":1}")));

        journal.record(&[step("START", &json!({}))], at(31)).unwrap();
        assert_eq!(shown(&journal)["StepDetails"], json!({ "Attempt": 1 }));
        journal.record(&[step("SUCCEED", &json!({ "Payload": "2" }))], at(32)).unwrap();
        assert_eq!(shown(&journal)["StepDetails"], json!({ "Result": "2", "Attempt": 2 }));
        assert_eq!(shown(&journal)["EndTimestamp"], json!(1_800_000_032.0));
    }

    #[test]
    fn a_finished_operation_takes_no_update() {
        for (kind, last) in [("STEP", "SUCCEED"), ("STEP", "FAIL"), ("CONTEXT", "SUCCEED"), ("CONTEXT", "FAIL")] {
            let mut journal = Journal::default();
            journal.record(&[update(kind, "START", &json!({})), update(kind, last, &json!({}))], at(0)).unwrap();
            for action in ["START", "SUCCEED", "FAIL"] {
                let refused = journal.record(&[update(kind, action, &json!({}))], at(1)).unwrap_err();
                assert!(matches!(refused, Refusal::Transition { .. }), "{kind} {last} {action}: {refused}");
            }
        }
    }

    #[test]
    fn a_wait_ends_by_itself_and_only_once() {
        let mut journal = Journal::default();
        let start = update("WAIT", "START", &json!({ "WaitOptions": { "WaitSeconds": 600 } }));
        journal.record(std::slice::from_ref(&start), at(0)).unwrap();
        assert_eq!(shown(&journal)["WaitDetails"]["ScheduledEndTimestamp"], json!(1_800_000_600.0));
        assert!(journal.record(&[start], at(1)).is_err());
        journal.fire_due(at(600));
        assert_eq!(shown(&journal)["Status"], json!("SUCCEEDED"));
        assert_eq!(journal.next_timer(), None);
    }

    #[test]
    fn one_bad_update_leaves_the_whole_checkpoint_unstored() {
        let mut journal = Journal::default();
        let orphan = step("START", &json!({ "Id": "2", "ParentId": "absent" }));
        let refused = journal.record(&[step("START", &json!({})), orphan], at(0)).unwrap_err();
        assert_eq!(refused, Refusal::Parent("2".to_owned()));
        assert!(journal.operations().is_empty());
    }

    #[test]
    fn an_update_must_fit_what_is_recorded_and_what_is_bounded() {
        let mut journal = Journal::default();
        journal.record(&[step("START", &json!({ "Name": "a" }))], at(0)).unwrap();
        let long = "x".repeat(PAYLOAD_BYTES + 1);
        for (bad, refusal) in [
            (step("SUCCEED", &json!({ "Name": "b" })), Refusal::OtherIdentity("1".to_owned())),
            (step("SUCCEED", &json!({ "Payload": long })), Refusal::PayloadTooLarge),
            (step("SUCCEED", &json!({ "Error": {} })), Refusal::PayloadAndAction),
            (step("FAIL", &json!({ "Error": { "ErrorMessage": long } })), Refusal::ErrorTooLarge),
            (step("RETRY", &json!({})), Refusal::Delay),
            (step("RETRY", &json!({ "StepOptions": { "NextAttemptDelaySeconds": 0 } })), Refusal::Delay),
            (step("START", &json!({ "Id": "" })), Refusal::Label),
        ] {
            assert_eq!(journal.record(&[bad], at(1)), Err(refusal));
        }
    }

    #[test]
    fn retries_polls_and_branches_are_metered_as_operations() {
        let retry = json!({ "StepOptions": { "NextAttemptDelaySeconds": 1 } });
        let metered = |kind: &str, sub_type: &str, actions: &[&str]| {
            let mut journal = Journal::default();
            for (second, action) in (0..).zip(actions) {
                journal.fire_due(at(second));
                let more = if *action == "RETRY" { retry.clone() } else { json!({}) };
                let mut update = update(kind, action, &more);
                update.sub_type = Some(sub_type.to_owned());
                journal.record(&[update], at(second)).unwrap();
            }
            journal.metered()
        };
        assert_eq!(metered("STEP", "Step", &["START", "SUCCEED"]), 1);
        assert_eq!(metered("STEP", "Step", &["START", "RETRY", "START", "RETRY", "START", "SUCCEED"]), 3);
        assert_eq!(metered("STEP", "WaitForCondition", &["START", "SUCCEED"]), 2);
        assert_eq!(metered("STEP", "WaitForCondition", &["START", "RETRY", "START", "RETRY", "START", "SUCCEED"]), 4);
        assert_eq!(metered("CONTEXT", "MapIteration", &["START", "SUCCEED"]), 1);
    }

    #[test]
    fn the_3001st_metered_operation_is_refused() {
        let mut journal = Journal::default();
        let start = |number: u64| step("START", &json!({ "Id": number.to_string() }));
        journal.record(&(0..OPERATIONS).map(start).collect::<Vec<_>>(), at(0)).unwrap();
        assert_eq!(journal.record(&[start(OPERATIONS)], at(0)), Err(Refusal::TooManyOperations));
        let retry = json!({ "Id": "6", "StepOptions": { "NextAttemptDelaySeconds": 1 } });
        assert_eq!(journal.record(&[step("RETRY", &retry)], at(0)), Err(Refusal::TooManyOperations));
        journal.record(&[step("SUCCEED", &json!({ "Id": "7" }))], at(0)).unwrap();
        assert_eq!(journal.metered(), OPERATIONS);
    }

    #[test]
    fn an_invocation_is_told_each_change_once() {
        let mut journal = Journal::default();
        journal.record(&[step("START", &json!({}))], at(0)).unwrap();
        assert_eq!(journal.news().len(), 1);
        assert_eq!(journal.news().len(), 0);
        journal.record(&[step("START", &json!({ "Id": "2" }))], at(0)).unwrap();
        assert_eq!(journal.news()[0].id, "2");
        assert_eq!(journal.open().len(), 2);
        assert_eq!(journal.news().len(), 0);
    }
}
