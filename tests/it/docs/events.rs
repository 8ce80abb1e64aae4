//! events/README.md, made from playing every event in `events/` through the whole function: what came of it, and which
//! calls were made. `UPDATE_DOCS=1 cargo test --test it docs` writes it anew; the end-to-end run plays the same files
//! through the built function and compares.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;

use sandbox::Scenario;
use sandbox::executions::ExecutionOutcome;

use super::root;
use crate::flow::{Stage, event, report};

/// What sends each event, in the order of the page.
const SENDERS: [(&str, &str); 28] = [
    ("ecr-image-push", "EventBridge, after `docker buildx build --push` of tag `v6`: the digest is that of an index"),
    ("ecr-image-push-single-manifest", "EventBridge, after a push of tag `v7` without an index (provenance off)"),
    ("s3-object-created", "EventBridge, after an upload below `task-definitions/`; the very version is read"),
    ("s3-notification", "an S3 event notification; its key is form-url-encoded, `health+check+%28v2%2B%29.json`"),
    ("sqs-ecr-image-push", "an SQS queue as event source, the event in the body"),
    ("sqs-s3-object-created", "the same"),
    ("sqs-s3-notification", "the same"),
    ("sqs-encoded-twice", "the same, of a body that was encoded as JSON once more"),
    ("sns-ecr-image-push", "an SNS topic that invokes the function"),
    ("sns-s3-object-created", "the same"),
    ("sns-s3-notification", "the same"),
    ("sns-in-sqs", "an SNS topic with an SQS subscription (raw delivery off)"),
    (
        "pipe-ecr-image-push",
        "EventBridge Pipes, with an input transformer that hands on the event: an array without an envelope",
    ),
    ("pipe-sqs-ecr-image-push", "EventBridge Pipes from an SQS queue"),
    (
        "ecr-forwarded-push",
        "EventBridge, forwarded from another account's bus: a repository of the right name in another registry",
    ),
    ("ecr-image-delete", "EventBridge, when an image is deleted"),
    (
        "ecr-untagged-child",
        "EventBridge, for each manifest below an index: it has no tag, and the index's own event follows",
    ),
    ("ecr-other-repository", "EventBridge, for a repository that no service names"),
    ("ecr-chart-push", "EventBridge, after `helm push`: the artifact's type says that it is not an image"),
    ("ecr-signature-push", "EventBridge, after `cosign sign`: the tag names the image that is signed"),
    ("ecr-image-scan", "EventBridge, after a scan"),
    ("s3-object-deleted", "EventBridge, when a document is deleted"),
    ("s3-test-event", "S3, once, when a bucket notification is configured"),
    ("sqs-s3-test-event", "the same, through a queue"),
    ("sns-s3-test-event", "the same, through a topic"),
    ("sns-subscription-in-sqs", "SNS, when a queue is subscribed"),
    ("other-source", "EventBridge, by a rule that is too wide"),
    ("sqs-with-a-stranger", "an SQS queue that somebody else writes to as well: a push and a message of another kind"),
];

const INTRODUCTION: &str = "# Events

One real payload for each shape of event that can reach the function. The tests, `express-deployer try` and the
end-to-end run in `.ci/e2e.py` read these files, so they always match what the code understands. Account
`123456789012`, region `ap-northeast-1`, repository and family `express-mode-custom-td`.

```sh
cargo run -- try events/ecr-image-push.json
```

This page is made by playing each of them through the whole function against a sandbox of its own, with
[deployer.example.toml](../deployer.example.toml): what came of it, and the AWS operations that it called.

An event that is **ignored** is known for what it is, and no service wants it. One that **fails** is not known: the
execution ends with that sentence, so that the event reaches the dead-letter queue and the alarm. What else came in the
same batch is released and reported before.

";

const DEFINITIONS: &str = "
A release calls these: RELEASE.

An SQS queue or a Pipe delivers a batch that failed again, until it ends in *that* queue's own dead-letter queue: give it
one. Each release in the batch ends as `duplicate` then.

## Task definitions

`task-definitions/` has documents as a user uploads them, all of the family `express-mode-custom-td`. The first three
run the same ARM64 container.

| file | what it shows |
| --- | --- |
| `plain-arm64.json` | one container on Graviton, logs in CloudWatch |
| `datadog-sidecar.json` | a second, non-essential container with a secret |
| `health-check.json` | a container health check beside the load balancer's |
| `firelens.json` | logs through FireLens (Fluent Bit) to S3: the one whose release can be verified by its logs |
";

/// What came of one event, and the operations that were called.
async fn play(name: &str) -> (String, BTreeSet<String>) {
    let stage = Stage::of(Scenario::Good).await;
    let execution = stage.play_all(vec![(name.to_owned(), event(&format!("{name}.json")))]).await.remove(0);
    let result = if let ExecutionOutcome::Failed { message, .. } = &execution.outcome {
        format!("fails: {message}")
    } else {
        let report = report(&execution);
        let outcomes = report.releases.iter().map(|release| release.outcome.to_string());
        let outcomes = outcomes.collect::<Vec<_>>().join(", ");
        report.ignored.map_or(outcomes, |reason| format!("ignored: {reason}"))
    };
    (result, stage.sandbox.calls().into_iter().map(|call| call.operation).collect())
}

async fn page() -> String {
    let mut page = INTRODUCTION.to_owned();
    page.push_str("| file | what sends it | what comes of it | calls |\n| --- | --- | --- | --- |\n");
    let (_, release) = play("ecr-image-push").await;
    for (name, sender) in SENDERS {
        let (result, calls) = play(name).await;
        let calls = match calls {
            calls if calls.is_empty() => "none".to_owned(),
            calls if calls == release => "those of a release".to_owned(),
            calls => calls.into_iter().collect::<Vec<_>>().join(", "),
        };
        writeln!(page, "| `{name}.json` | {sender} | {result} | {calls} |").unwrap();
    }
    page + &DEFINITIONS.replace("RELEASE", &release.into_iter().collect::<Vec<_>>().join(", "))
}

#[tokio::test]
async fn the_page_of_events_is_what_the_function_makes_of_them() {
    let path = root().join("events/README.md");
    let page = page().await;
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs::write(&path, &page).unwrap();
    }
    assert!(
        fs::read_to_string(&path).unwrap() == page,
        "events/README.md is stale: UPDATE_DOCS=1 cargo test --test it docs"
    );
}

#[test]
fn every_event_is_on_the_page() {
    let names = |file: fs::DirEntry| file.file_name().into_string().unwrap().strip_suffix(".json").map(str::to_owned);
    let files: BTreeSet<String> =
        fs::read_dir(root().join("events")).unwrap().filter_map(|file| names(file.unwrap())).collect();
    assert_eq!(files, SENDERS.iter().map(|(name, _)| (*name).to_owned()).collect());
}
