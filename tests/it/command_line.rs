//! The command line as a user meets it: what is printed where, and the exit codes of the contract.

#![cfg(test)]

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use express_deployer::aws::Clock;
use express_deployer::head::Outcome;
use express_deployer::report::Report;
use express_deployer::verify::verification::{Verification, VerificationStatus};
use sandbox::{Fault, FaultKind, Moment, Options, Sandbox, Scenario};

/// Runs the tool in the repository's folder, without the environment of whoever runs the tests.
pub(crate) fn run(arguments: &[&str], input: &str) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_express-deployer"))
        .args(arguments)
        .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")))
        .env_clear()
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

pub(crate) fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

pub(crate) fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

#[test]
fn a_good_day_tells_its_story_in_plain_lines_and_ends_with_0() {
    let output = run(&["try", "events/ecr-image-push.json"], "");
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let text = stdout(&output);
    for word in ["recognised", "registered", "canary", "5 % of the traffic", "verified", "Starting server", "succeeded"]
    {
        assert!(text.contains(word), "{word} is missing in {text}");
    }
    assert!(!text.contains('\u{1b}'), "no escape codes in a pipe");
}

#[test]
fn json_is_the_report_alone() {
    let output = run(&["try", "events/ecr-image-push.json", "--json", "--scenario", "amd64-only"], "");
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    let report: Report = serde_json::from_str(&stdout(&output)).unwrap();
    assert_eq!(report.releases[0].outcome, Outcome::Rejected);
    assert_eq!(report.releases[0].findings[0].rule, "mismatched-architecture");
}

#[test]
fn an_event_for_nobody_ends_with_0_and_the_reason_and_one_that_nobody_knows_with_2() {
    let output = run(&["try", "events/ecr-other-repository.json"], "");
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert!(stdout(&output).contains("ignored: no configured service takes"), "{}", stdout(&output));
    let output = run(&["try", "-"], "{\"hello\":\"world\"}");
    assert_eq!(output.status.code(), Some(2), "{}", stdout(&output));
    assert!(stderr(&output).contains("not recognised: an event of unknown shape, with `hello`"), "{}", stderr(&output));
}

#[test]
fn what_cannot_be_used_ends_with_2_and_names_itself() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("deployer.toml");
    std::fs::write(&config, "state_bucket = 7\n").unwrap();
    let config = config.to_str().unwrap();
    for (arguments, word) in [
        (vec!["try", "events/none.json"], "events/none.json"),
        (vec!["try", "Cargo.toml"], "not JSON"),
        (vec!["try", "events/ecr-image-push.json", "--config", config], "line 1, state_bucket: expected a string"),
        (vec!["try", "events/ecr-image-push.json", "--scenario", "sunny"], "sunny"),
        (vec!["deploy"], "deploy"),
    ] {
        let output = run(&arguments, "");
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {}", stderr(&output));
        assert!(stderr(&output).contains(word), "{arguments:?}: {}", stderr(&output));
        assert_eq!(stdout(&output), "", "{arguments:?}");
    }
}

/// Runs `verify` against a sandbox with a live service.
async fn verify(scenario: Scenario, arguments: &'static [&'static str]) -> Output {
    let options = Options { scenario, start: Clock::system().now(), ..Options::default() };
    verify_in(&Sandbox::start(options).await.unwrap(), arguments).await
}

async fn verify_in(sandbox: &Sandbox, arguments: &'static [&'static str]) -> Output {
    let endpoint = sandbox.endpoint();
    let child = tokio::task::spawn_blocking(move || {
        Command::new(env!("CARGO_BIN_EXE_express-deployer"))
            .args(["verify", "express-mode-custom-td-f9de", "--config", "deployer.example.toml"])
            .args(arguments)
            .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")))
            .env_clear()
            .env("AWS_ENDPOINT_URL", endpoint)
            .env("AWS_REGION", "ap-northeast-1")
            .env("AWS_ACCESS_KEY_ID", "test")
            .env("AWS_SECRET_ACCESS_KEY", "test")
            .output()
            .unwrap()
    });
    child.await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_live_service_is_verified_by_its_logs() {
    let output = verify(Scenario::Good, &[]).await;
    assert_eq!(output.status.code(), Some(0), "{}{}", stdout(&output), stderr(&output));
    assert!(stdout(&output).contains("verification  passed"), "{}", stdout(&output));

    let output = verify(Scenario::Good, &["--json", "--forbid", "Starting"]).await;
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    let verification: Verification = serde_json::from_str(&stdout(&output)).unwrap();
    assert_eq!(verification.status, VerificationStatus::Failed);
}

#[tokio::test(flavor = "multi_thread")]
async fn records_from_before_the_time_asked_for_do_not_count() {
    let output = verify(Scenario::Good, &["--since", "0s", "--timeout", "0s"]).await;
    assert_eq!(output.status.code(), Some(1), "{}", stdout(&output));
    assert!(stdout(&output).contains("0 records seen"), "{}", stdout(&output));
}

/// A deployment has begun, and its tasks are still to start: time stands still here.
#[tokio::test(flavor = "multi_thread")]
async fn a_revision_without_a_task_is_not_waited_for_for_ever() {
    let sandbox = Sandbox::start(Options { start: Clock::system().now(), ..Options::default() }).await.unwrap();
    let (operation, moment) = ("*".to_owned(), Moment::Before);
    sandbox.inject(Fault { operation, nth: 1, times: 1, moment, kind: FaultKind::ByHand });
    let output = verify_in(&sandbox, &["--timeout", "0s"]).await;
    assert_eq!(output.status.code(), Some(2), "{}{}", stdout(&output), stderr(&output));
    assert!(stdout(&output).contains("no task of"), "{}", stdout(&output));
}

/// Somebody takes connections and never says anything.
#[test]
#[expect(clippy::disallowed_methods, reason = "what is tested is that a person does not wait")]
fn a_verification_ends_in_time_when_aws_does_not_answer() {
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let began = std::time::Instant::now();
    let output = Command::new(env!("CARGO_BIN_EXE_express-deployer"))
        .args(["verify", "express-mode-custom-td-f9de", "--config", "deployer.example.toml", "--timeout", "2s"])
        .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")))
        .env_clear()
        .env("AWS_ENDPOINT_URL", format!("http://{}", silent.local_addr().unwrap()))
        .env("AWS_REGION", "ap-northeast-1")
        .env("AWS_ACCESS_KEY_ID", "test")
        .env("AWS_SECRET_ACCESS_KEY", "test")
        .output()
        .unwrap();
    // Far less than the SDK's own patience; the machine may be slow.
    assert!(began.elapsed() < std::time::Duration::from_secs(30), "{:?}", began.elapsed());
    assert_eq!(output.status.code(), Some(2), "{}{}", stdout(&output), stderr(&output));
    assert!(stdout(&output).contains("reading           what express-mode-custom-td-f9de runs"), "{}", stdout(&output));
    assert!(stderr(&output).contains("AWS has not answered within 2 s"), "{}", stderr(&output));
}

/// Who has no credentials is told so at once, also where something takes the question for the machine's and says nothing.
#[test]
#[expect(clippy::disallowed_methods, reason = "what is tested is that a person does not wait")]
fn missing_credentials_are_named_as_what_they_are() {
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let verify = |profile: Option<&str>| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_express-deployer"));
        command
            .args(["verify", "express-mode-custom-td-f9de", "--config", "deployer.example.toml"])
            .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")))
            .env_clear()
            .env("HOME", "/nonexistent")
            .env("AWS_EC2_METADATA_SERVICE_ENDPOINT", format!("http://{}", silent.local_addr().unwrap()));
        if let Some(profile) = profile {
            command.env("AWS_PROFILE", profile);
        }
        let began = std::time::Instant::now();
        let output = command.output().unwrap();
        // Two seconds; the machine may be slow.
        assert!(began.elapsed() < std::time::Duration::from_secs(15), "{:?}", began.elapsed());
        assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
        stderr(&output)
    };
    let said = verify(None);
    assert!(said.contains("error: there are no credentials (") && said.contains("aws sso login"), "{said}");
    let said = verify(Some("nope"));
    assert!(said.contains("error: the profile `nope` gives no credentials ("), "{said}");
}

#[test]
fn a_port_that_is_taken_is_named_with_the_way_out() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let output = run(&["sandbox", "--port", &port.to_string()], "");
    assert_eq!(output.status.code(), Some(2));
    let said = format!("error: another program listens on 127.0.0.1:{port}; `--port 0` takes a free port\n");
    assert_eq!(stderr(&output), said);
}

#[tokio::test(flavor = "multi_thread")]
async fn where_logs_are_looked_for_can_be_explained() {
    let output = verify(Scenario::Good, &["--explain"]).await;
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let text = stdout(&output);
    for part in ["keys /logs/$TAG/%Y", "look at  s3://your-log-bucket/logs/Main-firelens-", "the key names the task"] {
        assert!(text.contains(part), "{part} is missing in {text}");
    }
}

#[test]
fn a_service_that_cannot_be_found_ends_with_2() {
    let output = run(&["verify", "nope", "--config", "deployer.example.toml"], "");
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("no service `nope` is configured; there is `express-mode"), "{}", stderr(&output));
}
