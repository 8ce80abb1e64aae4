//! What a release leaves behind holds no value that may be a secret: planted values are looked for in every checkpoint,
//! head, report and log line, over releases of every kind.

#![cfg(test)]

use express_deployer::head::Outcome;
use sandbox::{DeploymentTimes, FaultKind, Moment, Options, Scenario};
use serde_json::{Value, json};

use crate::escapes::{Lines, result_of};
use crate::flow::{FAMILY, STATE, Stage, fault, push, upload_text};

const SERVICE: &str = "express-mode-custom-td-f9de";
const UPLOAD: &str = include_str!("../fixtures/task-definitions/firelens-s3.json");

/// What is planted begins so. It looks like nothing that a mask knows.
const PLANTED: &str = "moonflower";

/// Plants a value in each member that may hold a secret, of every container.
fn plant(document: &mut Value, version: &str) {
    let secret = |n: usize| format!("{PLANTED}-{version}-{n}");
    let containers = document["containerDefinitions"].as_array_mut().unwrap();
    for (n, container) in containers.iter_mut().enumerate() {
        container["environment"] =
            json!([{"name": "TOKEN", "value": secret(n)}, {"name": "PLAIN", "value": secret(n)}]);
        // The same in every version: a reference that is new is named on purpose.
        let arn = format!("arn:aws:secretsmanager:ap-northeast-1:123456789012:secret:{PLANTED}");
        container["secrets"] = json!([{"name": "KEY", "valueFrom": arn}]);
        container["command"] = json!(["serve", "--password", secret(n)]);
        container["entryPoint"] = json!(["/bin/sh", "-c", secret(n)]);
        container["dockerLabels"] = json!({"team": secret(n)});
        container["healthCheck"] = json!({"command": ["CMD", "check", secret(n)]});
        if container["logConfiguration"]["logDriver"] == "awsfirelens" {
            container["logConfiguration"]["options"]["content_type"] = secret(n).into();
        }
    }
}

fn planted(version: &str) -> Value {
    let mut document = serde_json::from_str(UPLOAD).unwrap();
    plant(&mut document, version);
    document
}

/// A stage on which the live revision holds planted values.
async fn stage(options: Options) -> Stage {
    let stage = Stage::with(options).await;
    let mut live = stage.sandbox.task_definitions(FAMILY).pop().unwrap();
    live["containerDefinitions"] = planted("live")["containerDefinitions"].clone();
    stage.sandbox.set_live(SERVICE, &live).unwrap();
    let secrets = "secrets = [\"arn:aws:secretsmanager:ap-northeast-1:123456789012:secret:moon*\", ";
    let stage = stage.configured("secrets = [", secrets);
    stage.configured("log_destinations = [", "log_destinations = [\"content_type=*\", ")
}

/// Plays an event, and looks for what was planted in all that it left.
async fn assert_clean(what: &str, stage: &Stage, event: &str, outcome: Outcome) {
    let lines = Lines::default();
    let guard = tracing::subscriber::set_default(lines.clone());
    // Other tests run beside this one, and may have seen to it that nothing is told.
    tracing::callsite::rebuild_interest_cache();
    let executions = stage.play_all(vec![("planted".to_owned(), event.to_owned())]).await;
    drop(guard);
    let answer = result_of(&executions[0]);
    let report: express_deployer::report::Report = serde_json::from_str(&answer).unwrap();
    assert_eq!(report.releases[0].outcome, outcome, "{what}: {report}");
    let mut left = vec![("the answer".to_owned(), answer), ("the text".to_owned(), report.to_string())];
    left.extend(stage.sandbox.objects(STATE).into_iter().filter_map(|key| {
        let is_own = key.starts_with("services/") || key.starts_with("releases/");
        is_own.then(|| (key.clone(), String::from_utf8(stage.sandbox.object(STATE, &key).unwrap()).unwrap()))
    }));
    left.extend(stage.sandbox.recorded().into_iter().map(|recorded| (format!("{:?}", recorded.name), recorded.text)));
    left.extend(lines.taken());
    assert!(left.len() > 8, "{what} left {} texts", left.len());
    for (place, text) in left {
        let found = text.find(PLANTED).map(|at| text.get(at.saturating_sub(200)..text.len().min(at + 60)));
        assert!(found.is_none(), "{what}, {place}: {found:?}");
    }
}

fn options(scenario: Scenario) -> Options {
    Options { scenario, ..Options::default() }
}

fn faulty(operation: &'static str, moment: Moment, kind: FaultKind) -> Options {
    Options { faults: vec![fault(operation, 1, moment, kind)], ..options(Scenario::Good) }
}

#[tokio::test]
async fn env_secret_stands_in_nothing_that_a_release_of_any_kind_leaves() {
    const AT_ONCE: DeploymentTimes = DeploymentTimes { canary_percent: 100.0, canary_bake: 0, bake: 0 };
    let through = Options { deployment: AT_ONCE, ..options(Scenario::NoLogs) };
    let kinds = [
        ("good", options(Scenario::Good), Outcome::Succeeded),
        ("stopped", options(Scenario::BadLogs), Outcome::RolledBack),
        ("rolled back by ECS", options(Scenario::CanaryFails), Outcome::RolledBack),
        ("never started", options(Scenario::TaskNeverStarts), Outcome::RolledBack),
        ("led back", through, Outcome::RolledBack),
        ("lost", faulty("RegisterTaskDefinition", Moment::After, FaultKind::Drop), Outcome::Succeeded),
        ("refused", faulty("RegisterTaskDefinition", Moment::Before, FaultKind::AccessDenied), Outcome::Failed),
        ("cut", faulty("UpdateExpressGatewayService", Moment::After, FaultKind::Crash), Outcome::Succeeded),
    ];
    for (what, options, outcome) in kinds {
        let stage = stage(options.clone()).await;
        assert_clean(&format!("a push, {what}"), &stage, &push(), outcome).await;
        let stage = self::stage(options).await;
        let event = upload_text(&stage, &planted("next").to_string());
        assert_clean(&format!("an upload, {what}"), &stage, &event, outcome).await;
    }
}

/// Every place of a text that was planted.
fn places(at: &str, value: &Value, found: &mut Vec<String>) {
    match value {
        Value::String(text) if text.contains(PLANTED) => found.push(at.to_owned()),
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(n, item)| places(&format!("{at}/{n}"), item, found));
        }
        Value::Object(members) => {
            members.iter().for_each(|(name, item)| places(&format!("{at}/{name}"), item, found));
        }
        _ => {}
    }
}

#[tokio::test]
async fn env_secret_is_not_quoted_by_what_refuses_a_document_for_it() {
    let document = planted("next");
    let mut found = Vec::new();
    places("", &document, &mut found);
    let found = found.into_iter().filter(|place| place.starts_with("/containerDefinitions/0/"));
    for place in found.filter(|place| !place.contains("/secrets/")) {
        for wrong in
            [json!([[PLANTED]]), json!({PLANTED: PLANTED}), json!(format!("{PLANTED}\u{1b}{}", " ".repeat(300)))]
        {
            let stage = stage(options(Scenario::Good)).await;
            let mut document = document.clone();
            *document.pointer_mut(&place).unwrap() = wrong.clone();
            document["memory"] = "7".into();
            let event = upload_text(&stage, &document.to_string());
            assert_clean(&format!("{place} as {wrong}"), &stage, &event, Outcome::Rejected).await;
        }
    }
}
