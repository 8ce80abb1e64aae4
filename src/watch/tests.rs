//! The watch played without anything to watch: each promise about following a deployment, held by values alone.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::json;

use super::*;
use crate::report::RolloutReport;
use crate::rollout::Holding;
use crate::rollout::course::Hook;

const DAY: u64 = 86_400;

fn watch(outputs: &Expectation) -> Watch {
    let verify = Verify { timeout: 60, ..Verify::default() };
    Watch::new("revision", "arn:task-definition/web:6", outputs, &verify, 2_900)
}

fn unverified() -> Watch {
    watch(&Expectation::NotConfigured("no logs in S3".into()))
}

fn verified() -> Watch {
    watch(&Expectation::Logs(vec![sample_output()]))
}

fn deployment(status: &str, percent: f64) -> Deployment {
    Deployment {
        arn: "d".into(),
        target_revision: "revision".into(),
        status: Status::from_word(status),
        stage: None,
        traffic_percent: Some(percent),
        course: Course::default(),
        holding: Vec::new(),
        running_tasks: 1,
        requested_tasks: 1,
        reason: None,
        triggered_alarms: Vec::new(),
        circuit_breaker: None,
        architecture_override: None,
    }
}

fn seen(status: &str, percent: f64) -> Seen {
    Seen::Deployment(Box::new(deployment(status, percent)))
}

fn denied() -> Seen {
    Seen::Trouble("ecs:DescribeServiceDeployments on d is denied".into())
}

/// Minutes of the canary's bake and of the last one, beside those of the hooks.
fn course(canary: u64, bake: u64, hooks: Vec<Hook>) -> Course {
    Course { canary_percent: Some(5.0), canary_bake: Some(canary), bake: Some(bake), hooks }
}

fn pause_hook(minutes: u64) -> Hook {
    Hook { is_pause: true, stages: vec!["POST_SCALE_UP".into()], timeout: Some(minutes) }
}

fn held(at: Deployment) -> Deployment {
    Deployment { holding: vec![Holding { name: "gate".into(), awaits_action: true }], ..at }
}

fn checks() -> Checks {
    Checks::new(&[], &[]).unwrap()
}

/// Checks that are not through before the canary is.
fn watching() -> Checks {
    Checks::new(&[], &["panic".to_owned()]).unwrap()
}

fn look(watch: &mut Watch, seen: Seen, logs: Option<SeenLogs>) {
    watch.resume();
    watch.observe(seen, logs, &checks());
}

fn nothing() -> SeenLogs {
    SeenLogs::Read { evidence: Box::default(), old: None, tasks: one_task() }
}

fn logs_denied() -> SeenLogs {
    let reason = "s3:ListBucket on logs is denied".to_owned();
    SeenLogs::Trouble { reason, has_task: true, needs_somebody: true }
}

fn sample_output() -> S3Output {
    let definition = include_bytes!("../../events/task-definitions/firelens.json");
    let definition = crate::task_definition::TaskDefinition::parse(definition).unwrap();
    match crate::verify::expect_logs(&definition, "Main", &[]) {
        Expectation::Logs(mut outputs) => outputs.remove(0),
        other => panic!("{other:?}"),
    }
}

/// Looks at a deployment, which is what its age says, until there is a decision; gives the times of the looks.
fn play(
    watch: &mut Watch,
    checks: &Checks,
    at: impl Fn(u64) -> Deployment,
    logs: impl Fn(u64) -> SeenLogs,
) -> Vec<u64> {
    let mut times = Vec::new();
    while !watch.is_decided() {
        watch.resume();
        times.push(watch.elapsed);
        let logs = watch.wants_logs().then(|| logs(watch.elapsed));
        watch.observe(Seen::Deployment(Box::new(at(watch.elapsed))), logs, checks);
        assert!(times.len() <= 3_000);
    }
    times
}

fn one_task() -> BTreeMap<String, Option<Timestamp>> {
    BTreeMap::from([("arn:aws:ecs:r:1:task/default/1f2e".to_owned(), None)])
}

fn read(_: u64) -> SeenLogs {
    let first = crate::verify::evidence::Sample {
        bucket: "b".into(),
        key: "k".into(),
        text: "t".into(),
        date: None,
        row: None,
    };
    let mut evidence = Evidence::default();
    (evidence.records, evidence.first, evidence.objects) = (5, Some(first), 1);
    SeenLogs::Read { evidence: Box::new(evidence), old: None, tasks: one_task() }
}

/// A good deployment with these moments: the canary's traffic, all traffic, the end.
fn good(course: &Course, canary: u64, shifted: u64, end: u64) -> impl Fn(u64) -> Deployment + use<> {
    let course = course.clone();
    move |at| {
        let (status, percent) = match at {
            _ if at >= end => ("SUCCESSFUL", 100.0),
            _ if at >= shifted => ("IN_PROGRESS", 100.0),
            _ if at >= canary => ("IN_PROGRESS", 5.0),
            _ => ("IN_PROGRESS", 0.0),
        };
        Deployment { course: course.clone(), ..deployment(status, percent) }
    }
}

fn names(watch: &Watch) -> Vec<(u64, &str)> {
    watch.phases.iter().map(|step| (step.elapsed, step.what.as_str())).collect()
}

#[test]
fn a_deployment_of_400_seconds_takes_at_most_16_looks() {
    let good = good(&course(3, 2, Vec::new()), 75, 255, 400);
    let times = play(&mut unverified(), &checks(), &good, read);
    assert_eq!(times[..7], [0, 10, 25, 45, 70, 100, 130]);
    assert!(times.len() <= 16, "{times:?}");
    let judged = play(&mut verified(), &watching(), &good, read);
    assert!(judged.len() <= 16, "{judged:?}");
    assert!(judged.iter().any(|at| (225..255).contains(at)), "the canary is seen once more: {judged:?}");
}

#[test]
fn an_end_decides_when_nothing_is_verified() {
    for (status, end) in
        [("SUCCESSFUL", End::Successful), ("STOPPED", End::Stopped), ("ROLLBACK_SUCCESSFUL", End::RolledBack)]
    {
        let mut watch = unverified();
        look(&mut watch, seen(status, 100.0), None);
        assert_eq!(watch.decision(), Decision::Ended(end));
        assert_eq!(watch.verification().status, VerificationStatus::NotConfigured);
    }
}

#[test]
fn whatever_the_trouble_is_it_passes_or_ends_the_watch_after_a_while() {
    let mut watch = unverified();
    while watch.elapsed < 880 {
        look(&mut watch, denied(), None);
    }
    look(&mut watch, seen("IN_PROGRESS", 5.0), None);
    assert!(!watch.is_decided());
    let since = watch.elapsed + watch.pause;
    while !watch.is_decided() {
        look(&mut watch, denied(), None);
    }
    let reason = "the deployment could not be followed: ecs:DescribeServiceDeployments on d is denied";
    assert_eq!(watch.decision(), Decision::Lost(reason.into()));
    assert!((MAX_TROUBLE..MAX_TROUBLE + 60).contains(&(watch.elapsed - since)));
}

#[test]
fn a_deployment_that_is_never_listed_is_given_up() {
    let mut watch = unverified();
    while !watch.is_decided() {
        look(&mut watch, Seen::NotListed, None);
    }
    assert!(matches!(watch.decision(), Decision::Lost(reason) if reason.contains("lists no deployment")));
    assert!((300..330).contains(&watch.elapsed));
}

#[test]
fn trouble_late_in_a_long_deployment_is_seen_often_before_it_counts() {
    let mut watch = unverified();
    let long = Deployment { course: course(1440, 1440, Vec::new()), ..deployment("IN_PROGRESS", 5.0) };
    while watch.elapsed < DAY {
        look(&mut watch, Seen::Deployment(Box::new(long.clone())), None);
    }
    let mut looks = 0;
    while !watch.is_decided() {
        look(&mut watch, denied(), None);
        looks += 1;
    }
    assert!((15..=17).contains(&looks), "{looks}");
}

#[test]
fn logs_decide_while_the_deployment_cannot_be_seen() {
    for unseen in [denied(), Seen::NotListed] {
        let mut watch = verified();
        let checks = Checks::new(&["Starting".to_owned()], &[]).unwrap();
        while !watch.is_decided() {
            watch.resume();
            watch.observe(unseen.clone(), Some(nothing()), &checks);
        }
        assert_eq!(watch.deployment, None);
        assert!(matches!(watch.decision(), Decision::Unproven(_)), "{:?}", watch.decision());
        assert_eq!(watch.elapsed, 60);
    }
}

#[test]
fn logs_that_may_not_be_read_are_tried_for_a_while_and_the_reason_names_the_action() {
    let mut watch = verified();
    while watch.elapsed < 800 {
        look(&mut watch, seen("IN_PROGRESS", 5.0), Some(logs_denied()));
    }
    assert!(watch.wants_logs());
    while watch.wants_logs() {
        look(&mut watch, seen("IN_PROGRESS", 5.0), Some(logs_denied()));
    }
    let verification = watch.verification();
    assert_eq!(verification.status, VerificationStatus::NotReached);
    assert!(verification.detail.unwrap().contains("s3:ListBucket"));
    assert!((900..960).contains(&watch.elapsed), "{}", watch.elapsed);
    look(&mut watch, seen("SUCCESSFUL", 100.0), None);
    assert_eq!(watch.decision(), Decision::Ended(End::Successful));
}

#[test]
fn a_deployment_without_end_is_given_up_after_its_own_bakes_and_some_slack() {
    for (known, end) in [
        (Course::default(), 7_200),
        (course(3, 3, Vec::new()), 7_560),
        (course(1440, 1440, Vec::new()), 2 * DAY + 7_200),
    ] {
        let mut watch = unverified();
        play(&mut watch, &checks(), |_| Deployment { course: known.clone(), ..deployment("IN_PROGRESS", 5.0) }, read);
        assert!(matches!(watch.decision(), Decision::Lost(_)));
        assert_eq!(watch.elapsed, end);
    }
}

#[test]
fn what_is_listed_and_never_described_is_not_followed_for_ever() {
    let mut watch = unverified();
    while !watch.is_decided() {
        let is_odd = watch.elapsed / 60 % 2 == 1;
        look(&mut watch, if is_odd { denied() } else { Seen::NotListed }, None);
    }
    assert!(watch.elapsed <= 7_200);
}

#[test]
fn a_bake_of_a_day_is_followed_to_its_end() {
    let day = course(1440, 1440, Vec::new());
    let mut watch = unverified();
    let times = play(&mut watch, &checks(), good(&day, 75, DAY + 75, 2 * DAY + 200), read);
    assert_eq!(watch.decision(), Decision::Ended(End::Successful));
    assert!(times.len() < 450, "{}", times.len());
}

/// Two bakes of a day around a hook that holds for two weeks.
fn longest() -> impl Fn(u64) -> Deployment {
    let course = course(1440, 1440, vec![pause_hook(14 * 1440)]);
    let after = good(&course, 14 * DAY + 200, 15 * DAY + 200, 16 * DAY + 400);
    move |elapsed| match elapsed {
        100..1_209_700 => held(after(0)),
        _ => after(elapsed),
    }
}

#[test]
fn the_longest_deployment_stays_within_every_share() {
    for share in [20, 100, 2_900] {
        let verify = Verify { timeout: 60, ..Verify::default() };
        let mut watch = Watch::new("revision", "td", &Expectation::Logs(vec![sample_output()]), &verify, share);
        let times = play(&mut watch, &watching(), longest(), read);
        assert_eq!(watch.decision(), Decision::Ended(End::Successful), "{share}");
        assert!(times.len() <= share as usize, "{share}: {}", times.len());
    }
}

#[test]
fn a_small_share_lasts_for_a_usual_deployment_without_longer_pauses() {
    let usual = course(3, 3, Vec::new());
    let mut watch = unverified();
    watch.operations_left = 100;
    let times = play(&mut watch, &checks(), good(&usual, 75, 290, 490), read);
    assert_eq!(times[..7], [0, 10, 25, 45, 70, 100, 130]);
    let mut stuck = unverified();
    stuck.operations_left = 100;
    play(&mut stuck, &checks(), good(&usual, 75, DAY, DAY), read);
    assert_eq!(stuck.elapsed, 7_560);
}

#[test]
fn a_share_that_is_used_up_ends_the_watch() {
    let mut watch = unverified();
    watch.operations_left = 3;
    for _ in 0..3 {
        watch.pause = 10;
        look(&mut watch, seen("IN_PROGRESS", 5.0), None);
    }
    assert!(matches!(watch.decision(), Decision::Lost(reason) if reason.contains("share of the operations")));
}

#[test]
fn what_is_late_and_what_is_wrong_is_seen_before_the_canary_is_over() {
    for (bake, within) in [(3, 54), (60, 122), (1440, 1_778)] {
        let over = 75 + bake * 60;
        let times = play(&mut verified(), &watching(), good(&course(bake, 3, Vec::new()), 75, over, over + 200), read);
        let last = times.iter().filter(|at| **at < over).max().unwrap();
        assert!(over - last <= within, "a bake of {bake} min is last seen {} s before it is over", over - last);
        let longest = times.windows(2).map(|pair| pair[1] - pair[0]).max().unwrap();
        assert!(longest <= if bake == 1440 { 1_800 } else { 450 }, "{longest}");
    }
}

#[test]
fn a_canary_that_logs_badly_late_in_its_bake_is_stopped_with_its_small_share() {
    for bake in [60, 1440] {
        let over = 75 + bake * 60;
        let mut watch = verified();
        let bad_from = over - pace::margin(bake * 60) - 60;
        let logs = |at: u64| match read(at) {
            SeenLogs::Read { mut evidence, .. } if at >= bad_from => {
                evidence.levels.error = 50;
                SeenLogs::Read { evidence, old: None, tasks: one_task() }
            }
            other => other,
        };
        let verify = Verify { max_error_ratio: Some(0.1), min_records: 1, ..Verify::default() };
        play(&mut watch, &verify.checks().unwrap(), good(&course(bake, 3, Vec::new()), 75, over, over + 200), logs);
        assert!(matches!(watch.decision(), Decision::Unproven(_)), "{:?}", watch.decision());
        assert!(watch.elapsed < over, "{} of {over}", watch.elapsed);
        assert_eq!(watch.deployment.unwrap().phase(), Phase::Canary);
    }
}

/// What ECS says of tasks whose only container is so healthy.
fn tasks(health: &[&str]) -> SeenTasks {
    let definition = br#"{"containerDefinitions":[{"name":"Main","image":"w","healthCheck":{"command":["CMD","w"]}}]}"#;
    let definition = crate::task_definition::TaskDefinition::parse(definition).unwrap();
    let tasks = health.iter().enumerate().map(|(index, health)| {
        let container = json!({"name": "Main", "status": "RUNNING", "health": health});
        serde_json::from_value(json!({"task": format!("1f2e{index}"), "containers": [container]})).unwrap()
    });
    SeenTasks::Read { expected: ExpectedTasks::of(&definition), tasks: tasks.collect() }
}

#[test]
fn a_task_that_has_just_been_started_is_not_late_because_its_neighbour_is_old() {
    // Since when the first task is seen, and the second, and whether the watch has lost its patience by then.
    let play = |health: [&'static [&'static str]; 3], status: &str| {
        let mut watch = unverified();
        for (at, health) in [(0, health[0]), (58, health[1]), (65, health[2])] {
            watch.elapsed = at;
            watch.observe_tasks(tasks(health));
            let last = if at == 65 { status } else { "IN_PROGRESS" };
            watch.observe(seen(last, 5.0), None, &checks());
        }
        watch.verification().status
    };
    let open = VerificationStatus::NotConfigured;
    let started: &[&str] = &["HEALTHY", "UNKNOWN"];
    assert_eq!(play([&["HEALTHY"], started, started], "IN_PROGRESS"), open);
    assert_eq!(play([&["HEALTHY"], started, started], "SUCCESSFUL"), open);
    let late = VerificationStatus::Inconclusive;
    assert_eq!(play([started, started, started], "IN_PROGRESS"), late, "a whole patience is over");
    assert_eq!(play([&["UNKNOWN"], &["UNKNOWN"], &["UNKNOWN"]], "SUCCESSFUL"), late, "nothing was ever healthy");
    let sick: &[&str] = &["HEALTHY", "UNHEALTHY"];
    assert_eq!(play([&["HEALTHY"], sick, sick], "IN_PROGRESS"), open);
    assert_eq!(play([&["HEALTHY"], sick, sick], "SUCCESSFUL"), VerificationStatus::Failed);
}

#[test]
fn logs_that_do_not_come_while_ecs_rolls_back_decide_nothing() {
    let mut watch = verified();
    look(&mut watch, seen("IN_PROGRESS", 5.0), Some(nothing()));
    for _ in 0..30 {
        look(&mut watch, seen("ROLLBACK_IN_PROGRESS", 0.0), Some(nothing()));
    }
    assert!(!watch.is_decided());
    look(&mut watch, seen("ROLLBACK_SUCCESSFUL", 0.0), Some(nothing()));
    assert_eq!(watch.decision(), Decision::Ended(End::RolledBack));
}

#[test]
fn logs_that_do_not_come_in_time_fail_the_canary_at_the_deadline() {
    let mut watch = verified();
    let checks = Checks::new(&["Starting".to_owned()], &[]).unwrap();
    while !watch.is_decided() {
        watch.resume();
        watch.observe(seen("IN_PROGRESS", 5.0), Some(nothing()), &checks);
    }
    assert!(matches!(watch.decision(), Decision::Unproven(reason) if reason.contains("Starting, any record")));
    assert_eq!(watch.elapsed, 60);
}

#[test]
fn an_output_that_holds_logs_back_for_longer_than_a_deployment_is_followed_cannot_be_verified() {
    let mut slow = sample_output();
    slow.upload_timeout = 3 * 3600;
    for (known, status) in [
        (course(3, 3, Vec::new()), VerificationStatus::NotVerifiable),
        (course(1440, 3, Vec::new()), VerificationStatus::NotReached),
    ] {
        let mut watch = watch(&Expectation::Logs(vec![slow.clone()]));
        let known = Deployment { course: known, ..deployment("IN_PROGRESS", 5.0) };
        look(&mut watch, Seen::Deployment(Box::new(known)), Some(nothing()));
        assert_eq!(watch.verification().status, status, "no verdict yet is `not_reached`");
    }
}

#[test]
fn logs_that_cannot_be_looked_at_prove_nothing() {
    let mut watch = verified();
    while !watch.is_decided() {
        let trouble = SeenLogs::Trouble { reason: "throttled".into(), has_task: true, needs_somebody: false };
        let status = if watch.elapsed < 480 { "IN_PROGRESS" } else { "SUCCESSFUL" };
        look(&mut watch, seen(status, 5.0), Some(trouble));
    }
    assert_eq!(watch.decision(), Decision::Ended(End::Successful));
    assert_eq!(watch.verification().status, VerificationStatus::NotReached);
}

#[test]
fn a_phase_is_noted_when_it_begins() {
    let mut watch = unverified();
    for percent in [0.0, 0.0, 5.0, 5.0, 100.0] {
        look(&mut watch, seen("IN_PROGRESS", percent), None);
    }
    assert_eq!(names(&watch), [(0, "starting"), (25, "canary"), (70, "shifted")]);
}

#[test]
fn a_canary_of_everything_is_followed_as_what_it_is_with_a_warning() {
    let all = Course { canary_percent: Some(100.0), ..course(0, 0, Vec::new()) };
    let mut watch = unverified();
    for (status, percent) in [("IN_PROGRESS", 0.0), ("IN_PROGRESS", 100.0), ("SUCCESSFUL", 100.0)] {
        let at = Deployment { course: all.clone(), ..deployment(status, percent) };
        look(&mut watch, Seen::Deployment(Box::new(at)), None);
    }
    assert_eq!(names(&watch), [(0, "starting"), (0, "warning"), (10, "shifted"), (25, "done")]);
    assert!(watch.phases[1].detail.contains("nothing can be judged"));
    let mut back = Watch::of_rollback("revision", "td", None, 10);
    look(&mut back, Seen::Deployment(Box::new(Deployment { course: all, ..deployment("IN_PROGRESS", 0.0) })), None);
    assert_eq!(names(&back), [(0, "starting")]);
}

#[test]
fn hooks_that_wait_and_stages_that_nobody_knows_are_shown_and_no_failure() {
    let mut watch = unverified();
    let stage =
        |at: Deployment, stage: &str| Seen::Deployment(Box::new(Deployment { stage: Some(stage.into()), ..at }));
    let running = || deployment("IN_PROGRESS", 0.0);
    for seen in [
        stage(running(), "SCALE_UP"),
        stage(held(running()), "POST_SCALE_UP"),
        stage(held(running()), "POST_SCALE_UP"),
        stage(running(), "CHECK_EVERYTHING"),
        stage(running(), "PRE_PRODUCTION_TRAFFIC_SHIFT"),
    ] {
        look(&mut watch, seen, None);
    }
    assert_eq!(names(&watch), [(0, "starting"), (10, "awaiting action"), (45, "unknown stage")]);
    assert!(watch.phases[1].detail.starts_with("gate at POST_SCALE_UP"));
    assert!(watch.phases[2].detail.starts_with("CHECK_EVERYTHING"));
    assert!(!watch.is_decided());
}

#[test]
fn a_hook_that_nobody_planned_holds_without_an_end_until_the_deployment_must_have_ended() {
    let mut watch = unverified();
    let times = play(&mut watch, &checks(), |_| held(deployment("IN_PROGRESS", 0.0)), read);
    assert!(matches!(watch.decision(), Decision::Lost(_)));
    assert!(watch.elapsed >= LONGEST && times.len() < 2_900, "{} looks", times.len());
}

#[test]
fn after_a_hook_the_looks_are_as_frequent_as_at_the_start() {
    let mut watch = unverified();
    while watch.elapsed < DAY + 3_600 {
        look(&mut watch, Seen::Deployment(Box::new(held(deployment("IN_PROGRESS", 0.0)))), None);
    }
    assert_eq!(watch.pause, 1_800);
    look(&mut watch, seen("IN_PROGRESS", 0.0), None);
    assert_eq!(watch.pause, 10);
}

#[test]
fn another_processor_is_told_and_reported_once() {
    let mut watch = unverified();
    assert!(!watch.wants_revision());
    look(&mut watch, seen("IN_PROGRESS", 0.0), None);
    watch.observe_revision(SeenRevision::Trouble);
    assert!(watch.wants_revision(), "trouble is tried again");
    watch.observe_revision(SeenRevision::Read { architecture_override: Some("ARM64".into()) });
    assert!(!watch.wants_revision());
    look(&mut watch, seen("SUCCESSFUL", 100.0), None);
    assert_eq!(names(&watch), [(0, "starting"), (0, "other processor"), (10, "done")]);
    let report = RolloutReport::of(&watch.deployment.unwrap(), Vec::new());
    assert_eq!(serde_json::to_value(&report).unwrap()["architectureOverride"], "ARM64");
    assert!(report.to_string().contains("ECS runs the tasks on ARM64"));
    let usual = RolloutReport::of(&deployment("SUCCESSFUL", 100.0), Vec::new());
    assert!(!serde_json::to_string(&usual).unwrap().contains("architecture"));
}

#[test]
fn a_revision_that_cannot_be_read_is_left_alone() {
    let mut watch = unverified();
    look(&mut watch, seen("IN_PROGRESS", 0.0), None);
    for _ in 0..MAX_REVISION_LOOKS {
        assert!(watch.wants_revision());
        watch.observe_revision(SeenRevision::Trouble);
    }
    assert!(!watch.wants_revision());
    assert_eq!(names(&watch), [(0, "starting")]);
}
