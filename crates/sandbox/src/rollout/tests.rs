//! The courses of deployments: good ones, bad ones, and those that somebody stops.

use super::super::deployment::{DeploymentTimes, PauseHook};
use super::*;

fn rollout(outcome: RolloutOutcome) -> Rollout {
    in_manner(outcome, Manner::default())
}

fn in_manner(outcome: RolloutOutcome, manner: Manner) -> Rollout {
    Rollout::new("2026-11-23T10:00:00Z".parse().unwrap(), outcome, manner, false)
}

fn ending(outcome: RolloutOutcome, ending: DeploymentEnding) -> Rollout {
    in_manner(outcome, Manner { ending, ..Manner::default() })
}

/// The statuses in their order, each once.
fn statuses(rollout: &Rollout) -> Vec<&'static str> {
    let mut names: Vec<&'static str> = rollout.phases().iter().map(|phase| phase.status.name()).collect();
    names.dedup();
    names
}

fn last(rollout: &Rollout) -> Phase {
    rollout.phases().pop().unwrap()
}

/// Changes of the traffic, in seconds after the update.
fn weights(rollout: &Rollout) -> Vec<(i64, f64)> {
    let phases = rollout.phases();
    let changes = phases.windows(2).filter(|pair| pair[0].weight.to_bits() != pair[1].weight.to_bits());
    changes.map(|pair| (pair[1].at.duration_since(rollout.requested).as_secs(), pair[1].weight)).collect()
}

fn crash() -> RolloutOutcome {
    RolloutOutcome::TasksStop(Cause {
        code: "EssentialContainerExited",
        reason: "Essential container in task exited".to_owned(),
        culprit: Some(("Main".to_owned(), 1)),
    })
}

#[test]
fn a_good_rollout_takes_about_eight_minutes() {
    let rollout = rollout(RolloutOutcome::Healthy);
    assert_eq!(last(&rollout).status, Status::Successful);
    assert_eq!(rollout.taken_over().unwrap().duration_since(rollout.requested).as_secs(), 490);
}

#[test]
fn the_canary_carries_five_percent_for_three_minutes() {
    assert_eq!(weights(&rollout(RolloutOutcome::Healthy)), [(75, 5.0), (290, 100.0)]);
}

#[test]
fn bakes_last_as_long_as_they_are_configured() {
    let times = |canary_percent, canary_bake, bake| {
        let times = DeploymentTimes { canary_percent, canary_bake, bake };
        in_manner(RolloutOutcome::Healthy, Manner { times, ..Manner::default() })
    };
    let at_once = times(100.0, 0, 0);
    assert_eq!(weights(&at_once), [(75, 100.0)]);
    assert_eq!(at_once.taken_over().unwrap().duration_since(at_once.requested).as_secs(), 130);
    let a_day = times(10.0, 60, 1_440);
    assert_eq!(weights(&a_day), [(75, 10.0), (3_710, 100.0)]);
    assert_eq!(a_day.taken_over().unwrap().duration_since(a_day.requested).as_secs(), 130 + 3_600 + 86_400);
    let alarmed = Rollout { outcome: RolloutOutcome::AlarmTriggers, ..at_once };
    assert_eq!(last(&alarmed).status, Status::RollbackSuccessful, "also where all would be over before the alarm");
}

#[test]
fn a_hook_holds_up_what_comes_after_its_stage() {
    let held = |stage: &str, outcome| {
        let hook = Some(PauseHook { stage: stage.to_owned(), minutes: 10 });
        in_manner(outcome, Manner { hook, ..Manner::default() })
    };
    let paused = held("POST_SCALE_UP", RolloutOutcome::Healthy);
    assert_eq!(weights(&paused), [(675, 5.0), (890, 100.0)]);
    assert_eq!(paused.phase(later(paused.requested, 70)).hook, Some(later(paused.requested, 670)));
    assert_eq!(paused.phase(later(paused.requested, 670)).hook, None);
    assert_eq!(paused.tasks()[0].created, later(paused.requested, CANARY_TASK), "the canary's task is there before");
    let never = held("POST_SCALE_UP", crash());
    assert_eq!(never.phases(), rollout(crash()).phases(), "a stage that is not reached holds nothing up");
    assert!(held("PRE_SCALE_UP", crash()).phases().is_sorted_by_key(|phase| phase.at));
}

#[test]
fn a_stage_that_no_enumeration_has_comes_before_the_traffic() {
    let unknown_stage = Some("PRE_PRODUCTION_TRAFFIC_SHIFT".into());
    let rollout = in_manner(RolloutOutcome::Healthy, Manner { unknown_stage, ..Manner::default() });
    let phase = rollout.phase(later(rollout.requested, 74));
    assert_eq!((phase.stage.as_deref(), phase.weight.to_bits()), (Some("PRE_PRODUCTION_TRAFFIC_SHIFT"), 0));
}

#[test]
fn what_fails_can_be_stopped_without_a_rollback() {
    for outcome in [RolloutOutcome::AlarmTriggers, crash()] {
        let stopped = ending(outcome, DeploymentEnding::StoppedByFailure);
        assert_eq!(statuses(&stopped), ["PENDING", "IN_PROGRESS", "STOP_REQUESTED", "STOPPED"]);
        assert_eq!((last(&stopped).rollback, stopped.taken_over()), (None, None));
        assert!(stopped.tasks().iter().all(|life| life.stop.is_some()));
    }
}

#[test]
fn what_fails_with_all_the_traffic_and_is_stopped_stays() {
    let times = DeploymentTimes { canary_bake: 0, ..DeploymentTimes::default() };
    let manner = Manner { times, ending: DeploymentEnding::StoppedByFailure, ..Manner::default() };
    let mut stopped = in_manner(RolloutOutcome::AlarmTriggers, manner);
    assert_eq!((last(&stopped).status, stopped.taken_over()), (Status::Stopped, Some(last(&stopped).at)));
    assert!(stopped.tasks().iter().all(|life| life.stop.is_none()));
    stopped.superseded = Some(later(stopped.requested, 130));
    assert_eq!(stopped.taken_over(), None, "what a newer update stopped did not take over");
}

#[test]
fn a_deployment_can_be_stopped_while_it_is_pending() {
    let mut given_up = ending(RolloutOutcome::Healthy, DeploymentEnding::StoppedWhilePending);
    assert_eq!(statuses(&given_up), ["PENDING", "STOPPED"]);
    assert!(given_up.tasks().is_empty());
    given_up.manner.ending = DeploymentEnding::RolledBack;
    given_up.superseded = Some(later(given_up.requested, 2));
    assert_eq!(statuses(&given_up), ["PENDING", "STOPPED"]);
}

#[test]
fn a_rollback_can_fail_or_end_stopped() {
    let failed = ending(RolloutOutcome::AlarmTriggers, DeploymentEnding::RollbackFailed);
    assert_eq!(statuses(&failed), ["PENDING", "IN_PROGRESS", "ROLLBACK_IN_PROGRESS", "ROLLBACK_FAILED"]);
    let mut asked = ending(RolloutOutcome::Healthy, DeploymentEnding::RollbackFailed);
    asked.rollback_requested = Some(later(asked.requested, 120));
    assert!(last(&asked).reason.unwrap().contains("rolled back by user. The rollback failed."));
    asked.manner.ending = DeploymentEnding::RollbackStopped;
    assert_eq!(statuses(&asked), ["PENDING", "IN_PROGRESS", "ROLLBACK_REQUESTED", "STOPPED"]);
    assert!(asked.tasks().iter().all(|life| life.stop.is_some()));
}

#[test]
fn an_alarm_rolls_back_during_the_canary() {
    let rollout = rollout(RolloutOutcome::AlarmTriggers);
    let phase = rollout.phase(later(rollout.requested, CANARY_TRAFFIC + ALARM_TAKES));
    assert_eq!((phase.status, phase.alarm), (Status::RollbackInProgress, true));
    assert_eq!(last(&rollout).status, Status::RollbackSuccessful);
    assert_eq!(rollout.tasks().len(), 1);
}

#[test]
fn tasks_that_never_start_reach_the_threshold() {
    let rollout = rollout(crash());
    let phases = rollout.phases();
    assert_eq!(phases.iter().map(|phase| phase.failures).max(), Some(THRESHOLD));
    assert_eq!(rollout.tasks().len(), 3);
    assert!(rollout.tasks().iter().all(|life| life.stop.is_some()));
}

#[test]
fn a_rollback_stops_the_new_tasks_and_takes_the_traffic_away() {
    let mut rollout = rollout(RolloutOutcome::Healthy);
    let at = later(rollout.requested, 120);
    rollout.rollback_requested = Some(at);
    assert_eq!(rollout.phase(at).status, Status::RollbackRequested);
    let phase = rollout.phase(later(at, 5));
    assert_eq!((phase.status, phase.weight.to_bits()), (Status::RollbackInProgress, 0.0_f64.to_bits()));
    assert_eq!(rollout.phase(later(at, 60)).status, Status::RollbackSuccessful);
    let tasks = rollout.tasks();
    assert_eq!(tasks.len(), 1);
    assert_eq!(tasks[0].stop.as_ref().unwrap().0, later(at, 5));
}

#[test]
fn a_newer_update_stops_the_rollout() {
    let mut rollout = rollout(RolloutOutcome::Healthy);
    let at = later(rollout.requested, 100);
    rollout.superseded = Some(at);
    assert_eq!(rollout.phase(at).status, Status::StopRequested);
    assert_eq!(rollout.phase(later(at, 5)).status, Status::Stopped);
    assert_eq!(rollout.phase(later(at, 900)).status, Status::Stopped);
}

#[test]
fn phases_come_in_order_of_time() {
    for outcome in [RolloutOutcome::Healthy, RolloutOutcome::AlarmTriggers, crash()] {
        assert!(rollout(outcome).phases().is_sorted_by_key(|phase| phase.at));
    }
}
