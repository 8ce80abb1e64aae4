//! The release protocol against every interleaving: executions of the crate's own course, one service, and what can go
//! wrong. Each run is explored to its end, breadth first. `cargo run -p release-protocol --example explore` explores
//! the larger ones.

#![cfg(test)]

mod explore;
mod stories;
mod world;

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use explore::explore;
use stories::{push, stories, story, under, upload};
use world::{Fault, Guard, Story, Violation};

/// Explores stories on two threads and says what does not hold.
fn explore_all(stories: Vec<Story>) {
    let (states, queue, found) = (AtomicUsize::new(0), Mutex::new(stories), Mutex::new(Vec::new()));
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                loop {
                    let Some(story) = queue.lock().unwrap().pop() else { return };
                    let explored = explore(&story, false);
                    states.fetch_add(explored.states, Ordering::Relaxed);
                    if explored.has_cycle || !explored.violations.is_empty() {
                        found.lock().unwrap().push((story.name, story.refuses, explored));
                    }
                }
            });
        }
    });
    println!("{} states", states.into_inner());
    let found = found.into_inner().unwrap();
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn one_execution_holds_under_any_two_faults() {
    explore_all(under(stories(1), 2));
}

#[test]
fn two_executions_hold_under_any_two_faults() {
    explore_all(under(stories(2), 2));
}

/// Cycles are looked for where the graph is small enough to be kept.
#[test]
fn two_executions_hold_under_any_fault_and_come_to_an_end() {
    explore_all(under(stories(2), 1));
}

/// The one story of three executions in section 9 of the protocol, and what a revert and a late event add to it.
#[test]
fn three_executions_hold_under_any_fault_where_a_rule_needs_three() {
    let all = stories(3).into_iter().filter(|story| ["X, Y, X again", "push, push, revert"].contains(&story.name));
    explore_all(under(all.collect(), 1));
}

#[test]
fn three_executions_hold_without_faults_and_come_to_an_end() {
    explore_all(under(stories(3), 0));
}

/// What the model says once a rule is taken away.
fn without(guard: Guard, faults: u8, kinds: &[Fault], story: Story) -> Vec<Violation> {
    let story = Story { faults, kinds: kinds.to_vec(), ..story };
    let found = explore(&story, true).violations;
    assert!(found.is_empty(), "with all rules, {} holds: {found:#?}", story.name);
    let explored = explore(&Story { without: Some(guard), ..story }, true);
    explored.violations.into_iter().map(|(kind, _)| kind).collect()
}

#[test]
fn a_revert_that_finds_its_image_live_must_claim() {
    let story = story("push, revert", vec![push(1), push(0)], vec![0, 1]);
    assert!(!without(Guard::UnchangedClaims, 0, &[], story).is_empty());
}

#[test]
fn a_duplicate_must_raise_the_order() {
    let story = story("X, Y, X again", vec![push(1), push(2), push(1)], vec![0, 1, 2]);
    assert!(!without(Guard::DuplicateRaises, 0, &[], story).is_empty());
}

#[test]
fn whoever_takes_a_dead_execution_over_must_look_first() {
    let story = story("a push delivered twice", vec![push(1)], vec![0, 0]);
    assert!(!without(Guard::LookAtTakeover, 1, &[Fault::OldClaim], story).is_empty());
}

#[test]
fn another_executions_fence_must_be_waited_for() {
    let story = story("push, revert", vec![push(1), push(0)], vec![0, 1]);
    assert!(!without(Guard::WaitForFences, 0, &[], story).is_empty());
}

#[test]
fn what_seems_unchanged_must_be_read_after_the_head() {
    let story = story("push, revert", vec![push(1), push(0)], vec![0, 1]);
    assert!(!without(Guard::ReadAfterHead, 0, &[], story).is_empty());
}

#[test]
fn what_is_on_its_way_is_nobodys_promise() {
    let story = story("bad push, revert", vec![push(5), push(0)], vec![0, 1]);
    assert!(!without(Guard::SettledContent, 1, &[Fault::FailedCanary], story).is_empty());
}

#[test]
fn the_service_must_be_read_beside_the_fence() {
    let story = story("upload, push", vec![upload(1, 1), push(2)], vec![0, 1]);
    assert!(!without(Guard::FenceReads, 0, &[], story).is_empty());
}

#[test]
fn a_slow_process_must_not_call() {
    let story = story("two pushes", vec![push(1), push(2)], vec![0, 1]);
    assert!(!without(Guard::OwnClock, 1, &[Fault::Slow], story).is_empty());
}

#[test]
fn a_bad_canary_is_stopped_whoever_owns_the_head() {
    let story = story("bad push, rejected", vec![push(5), push(2)], vec![0, 1]);
    assert!(!without(Guard::StopNeedsNoHead, 1, &[Fault::FailedCanary, Fault::Stop], story).is_empty());
}

#[test]
fn a_bad_canary_is_loud_whatever_takes_its_place() {
    let story = story("a bad push", vec![push(5)], vec![0]);
    assert!(!without(Guard::BadIsLoud, 1, &[Fault::ByHand], story).is_empty());
}

#[test]
fn a_persons_change_that_was_replaced_must_be_said() {
    let story = story("a push", vec![push(1)], vec![0]);
    assert!(!without(Guard::ReplacedIsSaid, 1, &[Fault::ByHand], story).is_empty());
}

#[test]
fn the_way_back_must_be_fenced() {
    let story = story("bad push, push", vec![push(5), push(2)], vec![0, 1]);
    assert!(!without(Guard::ReturnIsFenced, 0, &[], story).is_empty());
}

#[test]
fn an_owner_is_not_superseded_by_its_own_duplicate() {
    let story = story("two tags on one digest", vec![push(1), push(1)], vec![0, 1]);
    assert!(!without(Guard::OwnerIsExempt, 1, &[Fault::ByHand], story).is_empty());
}

#[test]
fn the_way_back_waits_until_no_deployment_runs() {
    let story = story("two bad pushes", vec![push(5), push(6)], vec![0, 1]);
    assert!(!without(Guard::ReturnWaits, 1, &[Fault::FailedCanary], story).is_empty());
}

#[test]
fn an_event_that_has_come_to_its_end_takes_up_no_later_work() {
    let story = story("two tags on a bad digest, the first twice", vec![push(5), push(5)], vec![0, 0, 1]);
    assert!(!without(Guard::EndsOnce, 1, &[Fault::Stop], story).is_empty());
}

#[test]
fn what_a_newer_release_led_the_service_back_past_does_not_end_well_in_silence() {
    let story = story("upload, bad push, push", vec![upload(1, 1), push(5), push(3)], vec![0, 1, 2]);
    assert!(!without(Guard::LeadsBackPast, 0, &[], story).is_empty());
}

/// A call that lands after its fence may be a second update: that is not promised. It must not end well everywhere.
#[test]
fn what_was_found_late_is_loud_where_a_newer_release_found_nothing_to_do() {
    let story = story("push, revert", vec![push(1), push(0)], vec![0, 1]);
    let story = Story { faults: 2, kinds: vec![Fault::LateCall, Fault::LostAnswer], ..story };
    let is_silent = |story: &Story| {
        let found = explore(story, false).violations;
        found.iter().any(|(kind, _)| *kind == Violation::NewestNotInPlaceAndNobodySaysSo)
    };
    assert!(!is_silent(&story));
    assert!(is_silent(&Story { without: Some(Guard::LateIsLoud), ..story }));
}

#[test]
fn an_owner_whose_tag_moves_does_not_leave_the_work_of_newer_events_in_silence() {
    let again = story("X, Y, X again", vec![push(1), push(2), push(1)], vec![0, 1, 2]);
    let tags = story("two tags on one digest", vec![push(1), push(1)], vec![0, 1]);
    let kinds = vec![Fault::TagMoves, Fault::Crash, Fault::Slow, Fault::Stop];
    let all = vec![Story { faults: 1, kinds: vec![Fault::TagMoves], ..again }, Story { faults: 2, kinds, ..tags }];
    explore_all(all);
}

#[test]
fn a_call_is_looked_for_until_its_fence_ends() {
    let story = story("a push", vec![push(1)], vec![0]);
    assert!(!without(Guard::LookUntilFenceEnds, 1, &[Fault::LostAnswer, Fault::Crash], story).is_empty());
}
