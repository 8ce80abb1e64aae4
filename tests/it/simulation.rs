//! Whole executions of the real code under schedules that seeds decide: a seed replays, small stories hold under many
//! schedules, and 500 drawn stories violate nothing.

#![cfg(test)]

mod function;

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use sandbox::Scenario;
use sandbox::simulation::{self, Hand, Run, Tale};

/// Schedules that each small story is played under.
const SCHEDULES: u64 = 12;

fn run(seed: u64) -> Run {
    simulation::run(seed, function::new).unwrap()
}

/// Plays a tale under several schedules; each run, which violates nothing, is shown to `check`.
fn play(tale: &Tale, check: impl Fn(&Run)) {
    for seed in 0..SCHEDULES {
        let run = simulation::play(seed, tale, function::new).unwrap();
        assert!(run.violations.is_empty(), "{run}");
        check(&run);
    }
}

/// How many executions ended so.
fn count(run: &Run, outcome: &str) -> usize {
    run.ends.iter().filter(|end| end.starts_with(outcome)).count()
}

#[test]
fn a_seed_gives_the_same_list_of_calls_again() {
    for seed in [1, 5, 9, 13] {
        let (first, second) = (run(seed), run(seed));
        assert_eq!(first.decisions, second.decisions, "seed {seed}");
        assert_eq!((first.hash, first.ends), (second.hash, second.ends), "seed {seed}");
    }
    assert_ne!(run(1).hash, run(2).hash);
}

#[test]
fn a_push_delivered_three_times_is_one_release() {
    let tale = Tale::default().image(Scenario::Good).push(0, 1, "v1");
    let tale = tale.delivered(0, 1).delivered(0, 1).delivered(0, 2);
    play(&tale, |run| {
        assert_eq!((count(run, "succeeded"), count(run, "duplicate")), (1, 2), "{run}");
    });
}

#[test]
fn a_revert_wins_over_the_push_on_its_way() {
    let tale = Tale::default().image(Scenario::Good).push(0, 1, "latest").push(2, 0, "latest");
    let tale = tale.delivered(0, 2).delivered(1, 2);
    play(&tale, |run| {
        assert_eq!(run.image, "live", "{run}");
    });
    play(&tale.with_second_updates_refused(), |run| assert_eq!(run.image, "live", "{run}"));
}

#[test]
fn an_older_push_that_comes_late_changes_nothing() {
    let tale = Tale::default().image(Scenario::Good).image(Scenario::Good).push(0, 1, "v1").push(5, 2, "v2");
    let tale = tale.delivered(1, 6).delivered(0, 3_600);
    play(&tale, |run| {
        assert_eq!((run.image.as_str(), count(run, "superseded")), ("i2", 1), "{run}");
    });
}

#[test]
fn a_bad_canary_goes_back_though_its_successor_fails_too() {
    let tale = Tale::default().image(Scenario::BadLogs).image(Scenario::CanaryFails);
    let tale = tale.push(0, 1, "v1").push(30, 2, "v2").delivered(0, 0).delivered(1, 30);
    play(&tale, |run| {
        assert_eq!(run.image, "live", "{run}");
    });
}

#[test]
fn an_upload_lives_on_in_the_push_after_it() {
    let tale = Tale::default().image(Scenario::Good).upload(0, 0).push(3, 1, "v1").delivered(0, 4).delivered(1, 4);
    play(&tale, |run| {
        assert_eq!(run.image, "i1", "{run}");
    });
}

#[test]
fn a_change_at_the_console_does_not_vanish_without_a_word() {
    for after in [5, 30, 60, 90] {
        let tale = Tale::default().image(Scenario::Good).push(0, 1, "v1").delivered(0, 0);
        play(&tale.by_hand(after, Hand::Deploys { copies_tags: true }), |_| {});
    }
}

#[test]
fn lost_answers_and_deaths_leave_one_release() {
    let tale = Tale::default().image(Scenario::Good).push(0, 1, "v1").delivered(0, 0).with_troubles(4, 2);
    play(&tale, |run| {
        assert_eq!(run.ends.len(), 1, "{run}");
    });
}

/// Seeds that each run of the tests plays.
const SEEDS: u64 = 500;

#[test]
fn five_hundred_schedules_violate_nothing() {
    let next = AtomicU64::new(1);
    let failing = Mutex::new(Vec::new());
    let work = || loop {
        let seed = next.fetch_add(1, Ordering::Relaxed);
        if seed > SEEDS {
            break;
        }
        let run = run(seed);
        if !run.violations.is_empty() {
            failing.lock().unwrap().push((seed, run));
        }
    };
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..processors {
            scope.spawn(work);
        }
    });
    let mut failing = failing.into_inner().unwrap();
    failing.sort_by_key(|(seed, _)| *seed);
    let seeds: Vec<u64> = failing.iter().map(|(seed, _)| *seed).collect();
    if let Some((seed, run)) = failing.first() {
        panic!(
            "{run}\nseeds {seeds:?}; replay one: cargo run --profile simulate --example simulate -- --seed {seed} --trace"
        );
    }
}
