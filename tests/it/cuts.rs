//! Every kind of release, cut at each of its AWS calls and at each checkpoint, before the server acts and after it has,
//! with the answer lost: the end is that of a release which nothing has cut. The cuts are printed as they are played.

#![cfg(test)]

use std::collections::{BTreeMap, BTreeSet};

use express_deployer::head::Outcome;
use express_deployer::report::{ReleaseReport, Report};
use sandbox::executions::ExecutionOutcome;
use sandbox::{DeploymentTimes, Fault, FaultKind, Moment, Options, Scenario, SecondUpdate};

use crate::flow::{FAMILY, STATE, Stage, event, fault, push, push_again, report, upload};

const CHECKPOINT: &str = "CheckpointDurableExecution";

/// A release that is cut: what happens before it, and its event.
struct Kind {
    options: fn() -> Options,
    before: fn(&Stage) -> Vec<String>,
    denied_before: bool,
    event: fn(&Stage) -> String,
    outcome: Outcome,
}

impl Kind {
    fn of(outcome: Outcome) -> Self {
        Self {
            options: || short(Scenario::Good),
            before: |_| Vec::new(),
            denied_before: false,
            event: |_| push(),
            outcome,
        }
    }

    /// Everything up to the release.
    async fn stage(&self) -> Stage {
        let stage = Stage::with((self.options)()).await.without_proof();
        if self.denied_before {
            stage.sandbox.inject(fault("UpdateExpressGatewayService", 1, Moment::Before, FaultKind::AccessDenied));
        }
        for event in (self.before)(&stage) {
            stage.play(&event).await;
        }
        stage
    }
}

/// Both bakes in two minutes, so that a release has few looks, and none that another one does not repeat.
fn short(scenario: Scenario) -> Options {
    let deployment = DeploymentTimes { canary_bake: 1, bake: 1, ..DeploymentTimes::default() };
    Options { scenario, deployment, ..Options::default() }
}

/// What is left when all is quiet.
#[derive(Clone, Debug, PartialEq, Eq)]
struct End {
    outcome: Outcome,
    revisions: usize,
    /// Each deployment's task definition and how it ended.
    deployments: Vec<String>,
    head: String,
    reports: usize,
    needs_attention: bool,
}

fn end(stage: &Stage, release: &ReleaseReport) -> End {
    let deployments = stage.sandbox.deployments();
    let said = |deployment: &serde_json::Value| format!("{} {}", deployment["taskDefinition"], deployment["status"]);
    let head = stage.try_head().map_or_else(String::new, |head| {
        let members = ["order", "phase", "outcome", "fence", "target", "lastGood"];
        members.map(|member| head.pointer(&format!("/{member}")).map_or_else(String::new, mask_revision)).join(" ")
    });
    let reports = stage.sandbox.objects(STATE).into_iter().filter(|key| key.starts_with("releases/")).count();
    End {
        outcome: release.outcome,
        revisions: stage.sandbox.task_definitions(FAMILY).len(),
        deployments: deployments.iter().map(said).collect(),
        head,
        reports,
        needs_attention: release.attention.is_some(),
    }
}

/// A value of the head without what the sandbox draws anew for each deployment.
fn mask_revision(value: &serde_json::Value) -> String {
    let mut value = value.clone();
    if let Some(members) = value.as_object_mut() {
        members.remove("serviceRevisionArn");
    }
    value.to_string()
}

/// A place to cut.
#[derive(Clone, Debug)]
struct Cut {
    operation: String,
    nth: u32,
    moment: Moment,
}

/// Every call and every checkpoint of a release that nothing cuts, and its end.
async fn play_whole(kind: &Kind) -> (Vec<Cut>, End) {
    let stage = kind.stage().await;
    let (calls, checkpoints) = (stage.sandbox.calls().len(), stage.sandbox.checkpoints());
    let release = stage.release(&(kind.event)(&stage)).await;
    assert_eq!(release.outcome, kind.outcome, "{release}");
    let mut counts: BTreeMap<String, u32> = BTreeMap::new();
    for call in stage.sandbox.calls().into_iter().skip(calls) {
        *counts.entry(call.operation).or_default() += 1;
    }
    counts.insert(CHECKPOINT.to_owned(), u32::try_from(stage.sandbox.checkpoints() - checkpoints).unwrap());
    let places = counts.into_iter().flat_map(|(operation, count)| (1..=count).map(move |nth| (operation.clone(), nth)));
    let cuts = places.flat_map(|(operation, nth)| {
        [Moment::Before, Moment::After].map(|moment| Cut { operation: operation.clone(), nth, moment })
    });
    (cuts.collect(), end(&stage, &release))
}

/// Cuts a release everywhere, and gives the places.
async fn cut_everywhere(name: &str, kind: Kind) -> Vec<Cut> {
    let (cuts, whole) = play_whole(&kind).await;
    for cut in &cuts {
        let stage = kind.stage().await;
        stage.sandbox.inject(fault(&cut.operation, cut.nth, cut.moment, FaultKind::Crash));
        let event = (kind.event)(&stage);
        let executions = stage.play_all(vec![("cut".into(), event)]).await;
        let release = report(&executions[0]).releases.remove(0);
        let case = format!("{name}, cut {:?} {} {}", cut.moment, cut.operation, cut.nth);
        println!("{case}: {}", release.outcome);
        assert_eq!(end(&stage, &release), whole, "{case}: {release}");
    }
    println!("{name}: {} cuts", cuts.len());
    cuts
}

#[tokio::test]
async fn a_push_that_is_cut_anywhere_ends_as_if_it_were_not() {
    cut_everywhere("push", Kind::of(Outcome::Succeeded)).await;
}

#[tokio::test]
async fn a_push_without_an_index_that_is_cut_anywhere_ends_as_if_it_were_not() {
    let kind = Kind { event: |_| event("ecr-image-push-single-manifest.json"), ..Kind::of(Outcome::Succeeded) };
    cut_everywhere("push without an index", kind).await;
}

#[tokio::test]
async fn an_upload_that_is_cut_anywhere_ends_as_if_it_were_not() {
    let kind = Kind { event: |stage| upload(stage, "datadog-sidecar"), ..Kind::of(Outcome::Succeeded) };
    cut_everywhere("upload", kind).await;
}

#[tokio::test]
async fn a_bad_canary_that_is_stopped_while_its_release_is_cut_ends_the_same() {
    let kind = Kind { options: || short(Scenario::BadLogs), ..Kind::of(Outcome::RolledBack) };
    cut_everywhere("stopped canary", kind).await;
}

#[tokio::test]
async fn a_canary_that_ecs_rolls_back_while_its_release_is_cut_ends_the_same() {
    let kind = Kind { options: || short(Scenario::CanaryFails), ..Kind::of(Outcome::RolledBack) };
    cut_everywhere("failed canary", kind).await;
}

#[tokio::test]
async fn a_way_back_that_is_cut_anywhere_ends_as_if_it_were_not() {
    const AT_ONCE: DeploymentTimes = DeploymentTimes { canary_percent: 100.0, canary_bake: 0, bake: 0 };
    let options = || Options { deployment: AT_ONCE, ..short(Scenario::NoLogs) };
    let kind = Kind { options, ..Kind::of(Outcome::RolledBack) };
    let cuts = cut_everywhere("way back", kind).await;
    let second_update = |cut: &Cut| cut.operation == "UpdateExpressGatewayService" && cut.nth == 2;
    assert!(cuts.iter().any(second_update), "nothing led back");
}

#[tokio::test]
async fn an_event_that_changes_nothing_and_is_cut_anywhere_ends_as_if_it_were_not() {
    let kind = Kind {
        before: |_| vec![push()],
        event: |_| push_again("another", "2026-07-02T05:00:00Z", "latest"),
        ..Kind::of(Outcome::NoChange)
    };
    cut_everywhere("no change", kind).await;
}

#[tokio::test]
async fn a_rejection_that_is_cut_anywhere_ends_as_if_it_were_not() {
    let kind = Kind { options: || short(Scenario::Amd64Only), ..Kind::of(Outcome::Rejected) };
    cut_everywhere("rejection", kind).await;
}

#[tokio::test]
async fn a_duplicate_that_is_cut_anywhere_ends_as_if_it_were_not() {
    let kind = Kind { before: |_| vec![push()], ..Kind::of(Outcome::Duplicate) };
    cut_everywhere("duplicate", kind).await;
}

#[tokio::test]
async fn a_late_event_that_is_cut_anywhere_ends_as_if_it_were_not() {
    let kind = Kind {
        before: |_| vec![push()],
        event: |_| push_again("old", "2026-07-01T00:00:00Z", "v6"),
        ..Kind::of(Outcome::Superseded)
    };
    cut_everywhere("late event", kind).await;
}

#[tokio::test]
async fn a_release_that_is_tried_again_and_cut_anywhere_ends_as_if_it_were_not() {
    let kind = Kind { before: |_| vec![push()], denied_before: true, ..Kind::of(Outcome::Succeeded) };
    cut_everywhere("tried again after a denial", kind).await;
}

#[tokio::test]
async fn a_release_that_waits_for_another_deployment_and_is_cut_anywhere_ends_the_same() {
    let kind = Kind {
        options: || Options { second_update: SecondUpdate::Refuses, ..short(Scenario::Good) },
        before: |stage| {
            let live = stage.sandbox.task_definitions(FAMILY).into_iter().next_back().unwrap();
            let arn = live["taskDefinitionArn"].as_str().unwrap();
            stage.sandbox.deploy_by_hand("express-mode-custom-td-f9de", arn).unwrap();
            Vec::new()
        },
        ..Kind::of(Outcome::Succeeded)
    };
    cut_everywhere("push that waits", kind).await;
}

/// Invocations that an execution may take whose process dies at the same call each time.
const MOST_INVOCATIONS: u32 = 300;

/// How an execution ended whose process dies at every call of an operation, from one of them on: its report, or the
/// error that it failed with.
async fn die_always(kind: &Kind, cut: &Cut) -> Result<ReleaseReport, String> {
    let stage = kind.stage().await;
    let always = Fault { times: u32::MAX, ..fault(&cut.operation, cut.nth, cut.moment, FaultKind::Crash) };
    stage.sandbox.inject(always);
    let execution = stage.play_all(vec![("dying".into(), (kind.event)(&stage))]).await.remove(0);
    println!("{cut:?}: {} invocations", execution.invocations);
    assert!(execution.invocations <= MOST_INVOCATIONS, "{cut:?}: {} invocations", execution.invocations);
    match execution.outcome {
        ExecutionOutcome::Succeeded(result) => Ok(serde_json::from_str::<Report>(&result).unwrap().releases.remove(0)),
        ExecutionOutcome::Failed { message, .. } => Err(message),
        other => panic!("{cut:?}: {other:?}"),
    }
}

/// The first and the last call of each operation that comes in a release that goes back, or in one that gets through.
#[tokio::test]
async fn an_execution_whose_process_dies_at_the_same_call_each_time_ends_loudly() {
    let bad = Kind { options: || short(Scenario::BadLogs), ..Kind::of(Outcome::RolledBack) };
    let mut operations = BTreeSet::new();
    for kind in [bad, Kind::of(Outcome::Succeeded)] {
        let (cuts, _) = play_whole(&kind).await;
        let calls: Vec<&Cut> = cuts.iter().filter(|cut| cut.operation != CHECKPOINT).collect();
        let same = |one: &&Cut, other: &&Cut| one.operation == other.operation;
        for calls in calls.chunk_by(same).filter(|calls| operations.insert(calls[0].operation.clone())) {
            for cut in [calls.first(), calls.last()].into_iter().flatten() {
                let said = match die_always(&kind, cut).await {
                    // The next attempt found that the call had been made, or the next look needed it no more.
                    Ok(release) if release.outcome == kind.outcome => continue,
                    Ok(release) => {
                        assert_eq!(release.outcome, Outcome::Failed, "{cut:?}: {release}");
                        release.reason.unwrap_or_default().to_string()
                    }
                    Err(message) => message,
                };
                println!("    {said}");
                let reasons = ["failed 12 times: the process died in the middle of it", "tried 30 times: "];
                assert!(reasons.iter().any(|reason| said.contains(reason)), "{cut:?}: {said}");
            }
        }
    }
    assert!(operations.contains("StopServiceDeployment") && operations.len() > 10, "{operations:?}");
}
