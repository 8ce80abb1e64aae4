//! A guard against those whom it is for: plays of whole releases, and uploads that a careless or a hostile hand makes.

#![cfg(test)]

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use express_deployer::head::Outcome;
use express_deployer::report::ReleaseReport;
use sandbox::Scenario;
use serde_json::{Value, json};

use crate::flow::{FAMILY, STATE, Stage, event, upload_text};
use crate::rules::Dice;

#[path = "../../fuzz/guard.rs"]
mod fuzzed;

const OWN_SECRET: &str = "arn:aws:secretsmanager:ap-northeast-1:123456789012:secret:shop-AbCdEf";
const OTHER_SECRET: &str = "arn:aws:secretsmanager:ap-northeast-1:123456789012:secret:billing-AbCdEf";
const EXECUTION_ROLE: &str = "arn:aws:iam::123456789012:role/ecsTaskExecutionRole";

/// The document of the article with a secret of its own.
fn document() -> Value {
    let mut document: Value = serde_json::from_str(&event("task-definitions/firelens.json")).unwrap();
    document["containerDefinitions"][0]["secrets"] = json!([{"name": "TOKEN", "valueFrom": OWN_SECRET}]);
    document
}

/// Uploads a document, a minute after the one before it.
async fn upload(stage: &Stage, document: &Value) -> ReleaseReport {
    static MINUTES: AtomicU64 = AtomicU64::new(0);
    let minutes = MINUTES.fetch_add(1, Ordering::Relaxed);
    let mut event: Value = serde_json::from_str(&upload_text(stage, &document.to_string())).unwrap();
    event["id"] = json!(format!("upload-{minutes}"));
    event["time"] = json!(format!("2026-07-02T{:02}:{:02}:00Z", 4 + minutes / 60, minutes % 60));
    event["detail"]["object"]["sequencer"] = json!(format!("{:032X}", 1 + minutes));
    stage.release(&event.to_string()).await
}

/// A service that runs that document, with a guard that has these lines.
async fn guarded(lines: &str) -> Stage {
    let stage = Stage::of(Scenario::Good).await.guarded(None);
    let release = upload(&stage, &document()).await;
    assert_eq!(release.outcome, Outcome::Succeeded, "{release}");
    stage.guarded(Some(lines))
}

/// Uploads a document that the guard refuses: nothing is registered, and what is told about is at these places.
async fn refused(stage: &Stage, next: &Value, expected: &[(&str, &str)]) -> ReleaseReport {
    let before = (stage.revisions(), stage.count("UpdateExpressGatewayService"));
    let release = upload(stage, next).await;
    assert_eq!(release.outcome, Outcome::Rejected, "{release}");
    assert_eq!((stage.revisions(), stage.count("UpdateExpressGatewayService")), before, "{release}");
    let is_of_guard = |rule: &str| rule.starts_with("forbidden-");
    let found: Vec<(&str, &str)> = release
        .findings
        .iter()
        .filter(|finding| is_of_guard(finding.rule.as_str()))
        .map(|finding| (finding.rule.as_str(), finding.pointer.as_str()))
        .collect();
    assert_eq!(found, expected, "{release}");
    release
}

/// The play `guard-all`: an upload takes all that another service has.
#[tokio::test]
async fn guard_all() {
    for lines in ["", "registries = [\"public.ecr.aws/aws-observability\"]"] {
        let stage = guarded(lines).await;
        let mut next = document();
        next["taskRoleArn"] = json!(EXECUTION_ROLE);
        next["volumes"] = json!([{"name": "data", "efsVolumeConfiguration": {"fileSystemId": "fs-0123456789abcdef0"}}]);
        next["tags"] = json!([{"key": "cost-centre", "value": "x"}]);
        let main = &mut next["containerDefinitions"][0];
        main["secrets"][0]["valueFrom"] = json!(OTHER_SECRET);
        main["environmentFiles"] = json!([{"type": "s3", "value": "arn:aws:s3:::billing-config/web.env"}]);
        main["logConfiguration"]["options"]["bucket"] = json!("elsewhere");
        main["linuxParameters"] = json!({"capabilities": {"add": ["SYS_PTRACE"]}});
        let sidecar = json!({"name": "sidecar", "image": "docker.io/someone/miner:1", "essential": false});
        next["containerDefinitions"].as_array_mut().unwrap().push(sidecar);
        let main = "/containerDefinitions/0";
        let release = refused(
            &stage,
            &next,
            &[
                ("forbidden-role", "/taskRoleArn"),
                ("forbidden-registry", "/containerDefinitions/2/image"),
                ("forbidden-reference", &format!("{main}/logConfiguration/options/bucket")),
                ("forbidden-reference", &format!("{main}/secrets/0/valueFrom")),
                ("forbidden-reference", &format!("{main}/environmentFiles/0/value")),
                ("forbidden-reference", &format!("{main}/linuxParameters/capabilities/add/0")),
                ("forbidden-reference", "/volumes/0/efsVolumeConfiguration/fileSystemId"),
                ("forbidden-reference", "/tags/0/key"),
            ],
        )
        .await;
        // The changes name what is new, also where a list only grew.
        for named in [
            OTHER_SECRET,
            "billing-config/web.env",
            "docker.io/someone/miner",
            "fs-0123456789abcdef0",
            "bucket=elsewhere",
        ] {
            assert!(release.changes.iter().any(|change| change.contains(named)), "{named}: {:?}", release.changes);
        }
        // What the live revision names already may be deployed in another arrangement, and a push as ever.
        let mut next = document();
        next["containerDefinitions"][1]["secrets"] =
            json!([{"name": "KEY", "valueFrom": format!("{OWN_SECRET}:key::")}]);
        let release = upload(&stage, &next).await;
        assert_eq!(release.outcome, Outcome::Succeeded, "{release}");
        assert!(release.findings.iter().all(|finding| finding.rule != "new-reference"), "{release}");
        let mut push: Value = serde_json::from_str(&event("ecr-image-push-single-manifest.json")).unwrap();
        push["time"] = json!("2026-07-02T09:00:00Z");
        assert_eq!(stage.release(&push.to_string()).await.outcome, Outcome::Succeeded);
    }
}

/// The play `guard-other-secret`: an upload names the secret of another service, in each way there is.
#[tokio::test]
async fn guard_other_secret() {
    let stage = guarded("").await;
    let mut next = document();
    next["containerDefinitions"][0]["secrets"][0]["valueFrom"] = json!(format!("{OTHER_SECRET}:password::"));
    let place = ("forbidden-reference", "/containerDefinitions/0/secrets/0/valueFrom");
    let release = refused(&stage, &next, &[place]).await;
    assert!(release.findings.iter().any(|finding| finding.message.contains(OTHER_SECRET)), "{release}");
    let mut next = document();
    next["containerDefinitions"][0]["repositoryCredentials"] = json!({"credentialsParameter": OTHER_SECRET});
    let place = "/containerDefinitions/0/repositoryCredentials/credentialsParameter";
    refused(&stage, &next, &[("forbidden-reference", place)]).await;
    let mut next = document();
    let option = json!([{"name": "compression", "valueFrom": "/billing/token"}]);
    next["containerDefinitions"][0]["logConfiguration"]["secretOptions"] = option;
    let place = "/containerDefinitions/0/logConfiguration/secretOptions/0/valueFrom";
    refused(&stage, &next, &[("forbidden-reference", place)]).await;
}

/// The play `guard-execution-role-as-task-role`: the code would act with the role that reads all secrets.
#[tokio::test]
async fn guard_execution_role_as_task_role() {
    let listed = format!("execution_roles = [\"{EXECUTION_ROLE}\"]\ntask_roles = [\"*TaskRole\"]");
    for lines in ["", listed.as_str()] {
        let stage = guarded(lines).await;
        let mut next = document();
        next["taskRoleArn"] = json!(EXECUTION_ROLE);
        refused(&stage, &next, &[("forbidden-role", "/taskRoleArn")]).await;
    }
}

/// The play `config-lies`, where it meets the guard: options of a log router that seem to name nothing bring another
/// output, or another file of configuration; an image is from a host that only begins like the registry.
#[tokio::test]
async fn config_lies() {
    let lists =
        "log_destinations = [\"name=s3\", \"bucket=your-log-*\", \"region=*\", \"s3_key_format=*\", \"awslogs-*\"]";
    for lines in ["", lists] {
        let stage = guarded(lines).await;
        let options = "/containerDefinitions/0/logConfiguration/options";
        for (option, value) in [
            ("content_type", "text/plain\n\n[OUTPUT]\n    Name http\n    Host elsewhere.example"),
            ("bucket", "your-log-bucket\n    endpoint https://elsewhere.example"),
            ("Role_ARN", "arn:aws:iam::123456789012:role/billing"),
        ] {
            let mut next = document();
            next["containerDefinitions"][0]["logConfiguration"]["options"][option] = json!(value);
            let release = refused(&stage, &next, &[("forbidden-reference", &format!("{options}/{option}"))]).await;
            assert!(!release.to_string().contains("elsewhere.example") || option == "bucket", "{release}");
        }
        let mut next = document();
        let router = &mut next["containerDefinitions"][1]["firelensConfiguration"]["options"];
        router["config-file-type"] = json!("s3");
        router["config-file-value"] = json!("arn:aws:s3:::elsewhere/fluent.conf");
        let options = "/containerDefinitions/1/firelensConfiguration/options";
        let places = ["config-file-type", "config-file-value"].map(|option| format!("{options}/{option}"));
        refused(&stage, &next, &places.each_ref().map(|place| ("forbidden-reference", place.as_str()))).await;
        let mut next = document();
        let host = "123456789012.dkr.ecr.ap-northeast-1.amazonaws.com.elsewhere.example";
        next["containerDefinitions"][1]["image"] = json!(format!("{host}/{FAMILY}:v6"));
        refused(&stage, &next, &[("forbidden-registry", "/containerDefinitions/1/image")]).await;
    }
}

#[tokio::test]
async fn without_a_guard_each_new_name_is_a_warning_and_a_change() {
    let stage = Stage::of(Scenario::Good).await.without_proof().guarded(None);
    let mut next = document();
    let options = json!({"Name": "datadog", "apikey": "hush", "dd_service": "web"});
    next["containerDefinitions"][0]["logConfiguration"]["options"] = options;
    let release = upload(&stage, &next).await;
    assert_eq!(release.outcome, Outcome::Succeeded, "{release}");
    let new: Vec<&str> = release
        .findings
        .iter()
        .filter(|finding| finding.rule == "new-reference")
        .map(|finding| finding.pointer.as_str())
        .collect();
    let options = "/containerDefinitions/0/logConfiguration/options";
    let expected =
        [&format!("{options}/Name"), &format!("{options}/apikey"), "/containerDefinitions/0/secrets/0/valueFrom"];
    assert_eq!(new, expected, "{release}");
    assert!(release.changes.iter().any(|change| change.ends_with(&format!("new secret `{OWN_SECRET}`"))), "{release}");
    assert!(!release.to_string().contains("hush"), "{release}");
    let stored = stage.sandbox.object(STATE, &release.key()).unwrap();
    assert!(!String::from_utf8(stored).unwrap().contains("hush"));
}

/// Names of things that others have, of things that are live, and of things that the lists allow.
const NAMES: [&str; 22] = [
    "arn:aws:iam::123456789012:role/ecsTaskExecutionRole",
    "arn:aws:iam::123456789012:role/shop-web",
    "arn:aws:iam::123456789012:role/billing",
    "arn:aws:secretsmanager:ap-northeast-1:123456789012:secret:shop-token-AbCdEf:token::",
    "arn:aws:secretsmanager:ap-northeast-1:123456789012:secret:shop-token-AbCdEf",
    "arn:aws:secretsmanager:ap-northeast-1:123456789012:secret:billing-AbCdEf",
    "arn:aws:ssm:ap-northeast-1:123456789012:parameter/shop/key",
    "arn:aws:ssm:ap-northeast-1:123456789012:parameter/billing/key",
    "arn:aws:s3:::billing-config/web.env",
    "123456789012.dkr.ecr.ap-northeast-1.amazonaws.com/express-mode-custom-td:v6",
    "123456789012.dkr.ecr.ap-northeast-1.amazonaws.com.evil.example/express-mode-custom-td:v6",
    "public.ecr.aws/shop/tool@sha256:00",
    "public.ecr.aws/shopping/tool",
    "someone/miner",
    "fs-0fedcba9876543210",
    "fsap-0fedcba9876543210",
    "/",
    "shop-other-logs",
    "billing-logs",
    "gzip\n    bucket elsewhere",
    "host",
    "v",
];

/// Members that an upload may add anywhere.
fn extras() -> Vec<(&'static str, Value)> {
    let secret = json!([{"name": "A", "valueFrom": OTHER_SECRET}]);
    vec![
        ("secrets", secret.clone()),
        ("secretOptions", secret),
        ("environmentFiles", json!([{"type": "s3", "value": "arn:aws:s3:::billing-config/web.env"}])),
        ("taskRoleArn", json!(EXECUTION_ROLE)),
        ("privileged", json!(true)),
        ("pidMode", json!("task")),
        ("command", json!(["sh", "-c", "env"])),
        ("user", json!("0")),
        ("novelty", json!({"arn": "arn:aws:iam::123456789012:role/billing"})),
        ("efsVolumeConfiguration", json!({"fileSystemId": "fs-0123456789abcdef0"})),
        ("rootDirectory", json!("/billing")),
        ("authorizationConfig", json!({"iam": "ENABLED"})),
        ("repositoryCredentials", json!({"credentialsParameter": OTHER_SECRET})),
        ("linuxParameters", json!({"capabilities": {"add": ["SYS_ADMIN"]}})),
        ("extraHosts", json!([{"hostname": "db", "ipAddress": "10.0.0.1"}])),
        ("dnsServers", json!(["10.0.0.2"])),
        ("Bucket", json!("billing-logs")),
        ("role_arn", json!("arn:aws:iam::123456789012:role/billing")),
        ("upload_timeout", json!("1m\n    endpoint elsewhere")),
        ("log_key", json!("log")),
        ("tags", json!([{"key": "cost-centre", "value": "x"}])),
        ("options", json!({"Name": "http", "Host": "elsewhere"})),
        ("taskDefinition", json!({"family": "x"})),
    ]
}

/// The pointers of everything in a document.
fn places(value: &Value, pointer: &str, found: &mut Vec<String>) {
    match value {
        Value::Object(members) => members.iter().for_each(|(name, member)| {
            places(member, &format!("{pointer}/{}", name.replace('~', "~0").replace('/', "~1")), found);
        }),
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(at, item)| places(item, &format!("{pointer}/{at}"), found));
        }
        _ => {}
    }
    found.push(pointer.to_owned());
}

/// Changes one thing in a document.
fn change(document: &mut Value, extras: &[(&str, Value)], dice: &mut Dice) {
    let mut all = Vec::new();
    places(document, "", &mut all);
    let place = all.swap_remove(dice.below(all.len()));
    let other = all.get(dice.below(all.len()));
    let copy = other.and_then(|place| document.pointer(place)).cloned().unwrap_or_default();
    let value = document.pointer_mut(&place).unwrap();
    match value {
        Value::String(text) if dice.below(8) > 0 => NAMES[dice.below(NAMES.len())].clone_into(text),
        Value::Object(members) if dice.below(6) == 0 => {
            let name = members.keys().nth(dice.below(members.len())).cloned();
            name.map(|name| members.shift_remove(&name));
        }
        Value::Object(members) => {
            let (name, value) = &extras[dice.below(extras.len())];
            members.insert((*name).to_owned(), value.clone());
        }
        Value::Array(items) if dice.below(2) == 0 => {
            let item = if dice.below(3) == 0 { copy } else { items.first().cloned().unwrap_or_default() };
            items.push(item);
        }
        Value::Bool(on) => *on = !*on,
        value if dice.below(20) == 0 => *value = copy,
        _ => {}
    }
}

/// Plays some of the inputs of a seed.
fn play_uploads(seed: u64, count: usize) -> usize {
    let (mut dice, extras) = (Dice(seed), extras());
    let live: Value = serde_json::from_str(fuzzed::LIVE).unwrap();
    let mut registered = 0;
    for number in 0..count {
        let mut document = live.clone();
        document["cpu"] = json!("1024");
        document["memory"] = json!("2048");
        for _ in 0..=dice.below(4) {
            change(&mut document, &extras, &mut dice);
        }
        let mut text = document.to_string().into_bytes();
        if number % 10 == 0 {
            let at = dice.below(text.len());
            text[at] = u8::try_from(dice.below(128)).unwrap();
        }
        registered += usize::from(fuzzed::read(&text));
    }
    registered
}

#[test]
fn what_is_registered_under_a_guard_names_nothing_that_neither_guard_nor_live_revision_names() {
    const INPUTS: usize = 100_000;
    const SEEDS: u64 = 100;
    println!("{INPUTS} uploads from the seeds 1 to {SEEDS}");
    let (next, registered) = (AtomicU64::new(1), AtomicUsize::new(0));
    let work = || loop {
        let seed = next.fetch_add(1, Ordering::Relaxed);
        if seed > SEEDS {
            break;
        }
        registered.fetch_add(play_uploads(seed, INPUTS / 100), Ordering::Relaxed);
    };
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| (0..processors).for_each(|_| drop(scope.spawn(work))));
    let registered = registered.into_inner();
    println!("{registered} of them would be registered");
    assert!(registered > 5_000, "only {registered} documents got through");
}
