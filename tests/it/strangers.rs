//! What strangers write, played as an attacker would: it is refused loudly, in bounded memory, and never deployed.

#![cfg(test)]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use express_deployer::aws::ecr::ImageQuery;
use express_deployer::aws::{Aws, Clock};
use express_deployer::config::ServiceArn;
use express_deployer::head::plausible::Reader;
use express_deployer::head::{MAX_HEAD, Outcome};
use express_deployer::image::{MAX_BLOB, Manifest, PrivateEcr, platform_of_config};
use express_deployer::report::Report;
use jiff::Timestamp;
use sandbox::{DeploymentTimes, FaultKind, Moment, Options, Sandbox, Scenario};
use serde_json::{Value, json};

use crate::flow::{FAMILY, Stage, fault, push, push_again, upload_text};

const REPOSITORY: &str = "express-mode-custom-td";
const SERVICE: &str = "express-mode-custom-td-f9de";
const UPLOAD: &str = include_str!("../fixtures/task-definitions/firelens-s3.json");
const MIB: u64 = 1024 * 1024;

/// Text that fills what is left of the largest manifest.
fn filled(before: &str, repeated: &str, after: &str) -> Vec<u8> {
    let room = MAX_BLOB - before.len() - after.len();
    [before.as_bytes(), repeated.repeat(room / repeated.len()).as_bytes(), after.as_bytes()].concat()
}

/// The worst manifests and configurations of 4 MiB that somebody could push, each for another part of a parser.
fn worst() -> Vec<(&'static str, Vec<u8>)> {
    const IMAGE: &str =
        r#""config":{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"sha256:00","size":2}"#;
    let layers = format!("{{{IMAGE},\"layers\":[{{}}");
    let digits = format!("{{{IMAGE},\"layers\":[],\"config2\":");
    vec![
        ("nested lists", filled("{\"annotations\":", "[", "")),
        ("nested objects", filled("", "{\"a\":", "")),
        ("a name with escapes", filled("{\"", "\\n", "\":1}")),
        ("a text with escapes", filled("{\"artifactType\":\"", "\\u00e9", "\"}")),
        ("a long text", filled("{\"artifactType\":\"", "é", "\"}")),
        ("a long name", filled("{\"", "n", "\":1}")),
        ("a digit after another", filled(&digits, "9", "}")),
        (
            "children",
            filled("{\"manifests\":[{}", ",{\"platform\":{\"os\":\"linux\",\"architecture\":\"arm64\"}}", "]}"),
        ),
        ("empty children", filled("{\"manifests\":[{}", ",{}", "]}")),
        ("layers", filled(&layers, ",{\"mediaType\":\"x\"}", "]}")),
        ("members", filled("{\"a\":1", ",\"b\":2", "}")),
        ("texts", filled("{\"a\":[1", ",\"\\n\"", "]}")),
        ("platforms", {
            let child = |n: usize| format!(",{{\"platform\":{{\"os\":\"{n:0>200}\",\"architecture\":\"arm64\"}}}}");
            let children: String = (0..15_000).map(child).collect();
            format!("{{\"manifests\":[{{}}{children}]}}").into_bytes()
        }),
        ("no text at all", vec![0xff; MAX_BLOB]),
        ("too long", vec![b' '; 2 * MAX_BLOB]),
    ]
}

#[test]
fn reading_the_worst_manifest_takes_less_than_a_mebibyte() {
    for (kind, bytes) in worst() {
        let mut read = None;
        let took = allocation_counter::measure(|| {
            read = Some((Manifest::parse(&bytes), platform_of_config(&bytes)));
        });
        println!("{kind}: {}", took.bytes_max);
        assert!(took.bytes_max < MIB, "{kind}: {} bytes, {read:?}", took.bytes_max);
    }
}

#[test]
fn reading_the_worst_head_takes_less_than_a_mebibyte() {
    let service = ServiceArn::parse("arn:aws:ecs:ap-northeast-1:123456789012:service/default/web").unwrap();
    let reader = Reader { service: &service, execution: "", now: Timestamp::UNIX_EPOCH };
    let parts = ["0,", "[],", "{},", "[", "\"\\n\",", "{\"a\":", "x"];
    for (part, room) in parts.into_iter().flat_map(|part| [1_000, 8_000, MAX_HEAD - 8].map(|room| (part, room))) {
        let head = format!("{{\"a\":[{}0]}}", part.repeat(room / part.len()));
        let took = allocation_counter::measure(|| assert!(reader.read(head.as_bytes()).is_err()));
        assert!(took.bytes_max < MIB, "{part} in {room}: {} bytes", took.bytes_max);
    }
}

/// An index for `arm64` with something beside it that takes memory to read.
fn hostile_index(number: usize) -> Vec<u8> {
    let kinds = worst();
    let (_, bytes) = &kinds[number % kinds.len()];
    bytes.iter().copied().take(MAX_BLOB).collect()
}

/// A push of this manifest under a tag of its own.
fn push_of(sandbox: &Sandbox, number: usize, manifest: &[u8]) -> String {
    let (tag, id) = (format!("v{}", 100 + number), format!("13cde686-328b-6117-af20-0e5566167{number:03}"));
    let digest = sandbox.put_image(REPOSITORY, &[&tag], manifest);
    let event = push_again(&id, &format!("2026-07-05T15:21:{:02}Z", 10 + number), &tag);
    let mut event: Value = serde_json::from_str(&event).unwrap();
    event["detail"]["image-digest"] = digest.into();
    event.to_string()
}

/// A sandbox that runs, and allocates, on a thread of its own: what is counted here is the function's.
fn sandbox_apart() -> (Sandbox, tokio::sync::oneshot::Sender<()>) {
    let (started, sandbox) = std::sync::mpsc::channel();
    let (end, ended) = tokio::sync::oneshot::channel();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let options = Options { scenario: Scenario::Good, ..Options::default() };
            started.send(Sandbox::start(options).await.unwrap()).unwrap();
            let _ = ended.await;
        });
    });
    (sandbox.recv().unwrap(), end)
}

#[test]
fn index_4m_deep_and_nine_others_at_once_take_a_bounded_memory_and_leave_a_healthy_push_alone() {
    let (sandbox, end) = sandbox_apart();
    let hostile = (0..10).map(|number| push_of(&sandbox, number, &hostile_index(number)));
    let healthy = push_again("13cde686-328b-6117-af20-0e5566167999", "2026-07-05T15:22:00Z", "v6");
    let events = format!("[{},{healthy}]", hostile.collect::<Vec<_>>().join(","));
    let stage = Stage::before(sandbox);
    let mut report: Option<Report> = None;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let took = allocation_counter::measure(|| report = Some(runtime.block_on(stage.play(&events))));
    // One that loses its claim to a newer one plans again.
    assert!((11..=13).contains(&stage.count("BatchGetImage")), "{}", stage.count("BatchGetImage"));
    drop(end);
    let report = report.unwrap();
    let (healthy, hostile) = report.releases.split_last().unwrap();
    assert_eq!(healthy.outcome, Outcome::Succeeded, "{report}");
    for hostile in hostile {
        assert!(matches!(hostile.outcome, Outcome::Rejected | Outcome::Failed | Outcome::Superseded), "{report}");
    }
    println!("{}", took.bytes_max);
    assert!(took.bytes_max < 100 * MIB, "{} bytes", took.bytes_max);
}

/// Counts the requests that are on their way at once.
#[derive(Clone, Debug)]
struct Counted<T> {
    inner: T,
    now: Arc<AtomicUsize>,
    most: Arc<AtomicUsize>,
}

impl HttpClient for Counted<SharedHttpClient> {
    fn http_connector(&self, settings: &HttpConnectorSettings, components: &RuntimeComponents) -> SharedHttpConnector {
        let inner = self.inner.http_connector(settings, components);
        SharedHttpConnector::new(Counted { inner, now: Arc::clone(&self.now), most: Arc::clone(&self.most) })
    }
}

impl HttpConnector for Counted<SharedHttpConnector> {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let Self { inner, now, most } = self.clone();
        HttpConnectorFuture::new(async move {
            most.fetch_max(now.fetch_add(1, Ordering::Relaxed) + 1, Ordering::Relaxed);
            let answer = inner.call(request).await;
            now.fetch_sub(1, Ordering::Relaxed);
            answer
        })
    }
}

#[tokio::test]
async fn manifests_are_read_one_after_another() {
    let sandbox = Sandbox::start(Options::default()).await.unwrap();
    let config = sandbox.sdk_config();
    let most = Arc::new(AtomicUsize::new(0));
    let inner = config.http_client().unwrap();
    let client = Counted { inner, now: Arc::default(), most: Arc::clone(&most) };
    let clock = sandbox.clock();
    let aws = Aws::new(config.to_builder().http_client(client).build(), Clock::from_fn(move || clock.now()));
    let registry = PrivateEcr { account: "123456789012", region: "ap-northeast-1" };
    let query = ImageQuery { registry, repository: REPOSITORY, digest: None, tag: Some("v6") };
    let looks = futures_util::future::join_all((0..8).map(|_| aws.inspect_image(&query))).await;
    assert!(looks.iter().all(Result::is_ok));
    assert_eq!(most.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn config_lies_about_its_size_and_is_refused_for_good() {
    let stage = Stage::of(Scenario::Good).await;
    let config = format!(r#"{{"os":"linux","architecture":"arm64","padding":"{}"}}"#, "x".repeat(100_000));
    let digest = stage.sandbox.put_blob(REPOSITORY, config.as_bytes());
    for (size, said) in [(7_u64, "longer than the 7 bytes"), (1 << 40, "at most 4194304 are read")] {
        let manifest = format!(
            r#"{{"config":{{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"{digest}","size":{size}}}}}"#
        );
        let number = usize::from(size == 7);
        let report = stage.release(&push_of(&stage.sandbox, number, manifest.as_bytes())).await;
        assert_eq!(report.outcome, Outcome::Rejected, "{report}");
        assert!(report.to_string().contains(said), "{report}");
    }
    assert_eq!(stage.count("GetDownloadUrlForLayer"), 1);
}

/// Registers this document as its own, with tags, as whoever may register does it.
fn register(stage: &Stage, change: impl FnOnce(&mut Value)) -> String {
    let mut document = stage.sandbox.task_definitions(FAMILY).pop().unwrap();
    change(&mut document);
    stage.sandbox.register(&document).unwrap()
}

fn mark(event: &str) -> String {
    let trigger = express_deployer::trigger::recognise(event).triggers.remove(0);
    format!("{}@default/express-mode-custom-td-f9de", trigger.release())
}

#[tokio::test]
async fn adopts_a_stranger_never_and_its_own_whatever_ecs_makes_of_it() {
    for lost in [Moment::Before, Moment::After] {
        let stage = Stage::of(Scenario::Good).await;
        let tags = json!([{"key": "express-deployer:release", "value": mark(&push())}]);
        let stranger = register(&stage, |document| {
            document["tags"] = tags;
            document["containerDefinitions"][0]["image"] = "public.ecr.aws/stranger/miner:1".into();
        });
        stage.sandbox.inject(fault("RegisterTaskDefinition", 1, lost, FaultKind::Drop));
        let report = stage.release(&push()).await;
        assert_eq!(report.outcome, Outcome::Succeeded, "{report}");
        let live = stage.sandbox.deployments().pop().unwrap()["taskDefinition"].clone();
        assert_ne!(live, *stranger, "{report}");
        // Two of the seed and of the stranger, and one of its own, whether or not the first call had acted.
        assert_eq!(stage.revisions(), 3, "{lost:?}: {report}");
    }
}

#[tokio::test]
async fn tags_null_lost_no_mark() {
    let stage = Stage::of(Scenario::Good).await;
    let mut document: Value = serde_json::from_str(UPLOAD).unwrap();
    document["tags"] = Value::Null;
    document["containerDefinitions"][0]["stopTimeout"] = 45.into();
    let event = upload_text(&stage, &document.to_string());
    stage.sandbox.inject(fault("RegisterTaskDefinition", 1, Moment::After, FaultKind::Drop));
    let report = stage.release(&event).await;
    assert_eq!(report.outcome, Outcome::Succeeded, "{report}");
    assert_eq!(stage.revisions(), 2, "the first call had acted, and was found by its mark: {report}");
}

#[tokio::test]
async fn tags_50_leave_no_room_and_49_do() {
    for (number, expected) in [(49, Outcome::Succeeded), (50, Outcome::Rejected)] {
        let stage = Stage::of(Scenario::Good).await;
        let live = register(&stage, |document| {
            document["tags"] = (0..number).map(|n| json!({"key": format!("t{n}"), "value": "x"})).collect();
        });
        stage.sandbox.deploy_by_hand(SERVICE, &live).unwrap();
        stage.sandbox.clock().advance(Duration::from_hours(1));
        let report = stage.release(&push()).await;
        assert_eq!(report.outcome, expected, "{report}");
        let ids: Vec<String> = report.findings.iter().map(|finding| finding.rule.to_string()).collect();
        assert_eq!(ids.contains(&"too-many-tags".to_owned()), number == 50, "{report}");
    }
}

#[tokio::test]
async fn a_revision_of_a_hundred_days_is_still_the_way_back_and_what_ecs_does_not_name_is_none() {
    const AT_ONCE: DeploymentTimes = DeploymentTimes { canary_percent: 100.0, canary_bake: 0, bake: 0 };
    for is_forged in [false, true] {
        let stage = Stage::of(Scenario::Good).await;
        let first = stage.release(&push()).await;
        assert_eq!(first.outcome, Outcome::Succeeded, "{first}");
        let stranger = register(&stage, |document| document["cpu"] = "512".into());
        stage.sandbox.clock().advance(Duration::from_hours(100 * 24));
        if is_forged {
            let mut head = stage.head();
            head["lastGood"]["taskDefinitionArn"] = stranger.clone().into();
            stage.put_head(&head);
        }
        stage.sandbox.set_deployment_times(AT_ONCE);
        let bad = push_again("13cde686-328b-6117-af20-0e5566167001", "2027-03-10T10:00:00Z", "latest");
        let stage = stage.configured("expect = [\"Starting server\"]", "expect = [\"never\"]");
        let digest = stage.sandbox.put_image(
            REPOSITORY,
            &["latest"],
            br#"{"manifests":[{"platform":{"os":"linux","architecture":"arm64"},"n":2}]}"#,
        );
        let mut bad: Value = serde_json::from_str(&bad).unwrap();
        bad["detail"]["image-digest"] = digest.into();
        let report = stage.release(&bad.to_string()).await;
        let live = stage.sandbox.deployments().pop().unwrap()["taskDefinition"].clone();
        println!("{report} {live}");
        assert_ne!(live, *stranger, "{report}");
        let expected = if is_forged { Outcome::Failed } else { Outcome::RolledBack };
        assert_eq!(report.outcome, expected, "{report}");
    }
}

#[tokio::test]
async fn an_endpoint_that_cannot_be_built_is_an_error_with_its_place() {
    for region in ["Tokyo", "a.b", "x/../y", "-"] {
        let stage = Stage::of(Scenario::Good).await;
        let document = UPLOAD.replace("\"region\": \"ap-northeast-1\"", &format!("\"region\": \"{region}\""));
        assert_ne!(document, UPLOAD);
        let report = stage.release(&upload_text(&stage, &document)).await;
        assert_eq!(report.outcome, Outcome::Rejected, "{report}");
        let pointer = "/containerDefinitions/0/logConfiguration/options/region";
        assert!(
            report.findings.iter().any(|finding| finding.rule == "unknown-s3-region" && finding.pointer == pointer)
        );
    }
}
