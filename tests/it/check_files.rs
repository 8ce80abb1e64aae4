//! Which files `check` finds, how it repairs what others hand out, and how the commands end where nobody reads them.

#![cfg(test)]

use std::fs::{self, File};
use std::process::{Command, Output, Stdio};

use serde_json::Value;

use crate::command_line::{run, stderr, stdout};

/// What `aws ecs describe-task-definition` prints, with the slips of other tools.
const DESCRIBED: &str = r#"{
  "taskDefinition": {
    "taskDefinitionArn": "arn:aws:ecs:eu-west-1:123456789012:task-definition/web:3",
    "family": "web",
    "revision": 3,
    "cpu": 256,
    "memory": 512,
    "networkMode": "awsvpc",
    "requiresCompatibilities": ["FARGATE"],
    "containerDefinitions": [
      {
        "name": "Main",
        "image": "web:1",
        "essential": "true",
        "environment": [{"name": "PORT", "value": 8080}],
        "portMappings": [{"containerPort": "80", "name": "http"}]
      }
    ],
    "compatibilities": ["EC2"]
  },
  "tags": []
}
"#;

const REPAIRED: &str = r#"{
  "family": "web",
  "cpu": "256",
  "memory": "512",
  "networkMode": "awsvpc",
  "requiresCompatibilities": ["FARGATE"],
  "containerDefinitions": [
    {
      "name": "Main",
      "image": "web:1",
      "essential": true,
      "environment": [{"name": "PORT", "value": "8080"}],
      "portMappings": [{"containerPort": 80, "name": "http"}]
    }
  ]
}
"#;

/// The names of the files that a pattern finds in a folder.
fn found(folder: &std::path::Path, pattern: &str) -> Vec<String> {
    let output = Command::new(env!("CARGO_BIN_EXE_express-deployer"))
        .args(["check", pattern, "--format", "json"])
        .current_dir(folder)
        .env_clear()
        .output()
        .unwrap();
    let answer: Value = serde_json::from_slice(&output.stdout).unwrap();
    answer["files"].as_array().unwrap().iter().map(|file| file["file"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn patterns_find_files_in_folders_and_links_lead_nowhere() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir_all(folder.path().join("deploy/one/two")).unwrap();
    for name in ["top.json", "deploy/a.json", "deploy/one/b.json", "deploy/one/two/c.json", "deploy/one/d.txt"] {
        fs::write(folder.path().join(name), "{}").unwrap();
    }
    #[cfg(unix)]
    for loops in ["deploy/loop", "deploy/one/two/loop"] {
        std::os::unix::fs::symlink(folder.path().join("deploy"), folder.path().join(loops)).unwrap();
    }
    let found = |pattern: &str| found(folder.path(), pattern);
    assert_eq!(found("deploy/**/*.json"), ["deploy/a.json", "deploy/one/b.json", "deploy/one/two/c.json"]);
    assert_eq!(found("deploy/**").len(), 4, "files, and no folders");
    assert_eq!(found("*.json"), ["top.json"]);
    assert_eq!(found("deploy/one/{b.json,d.txt}"), ["deploy/one/b.json", "deploy/one/d.txt"]);
    assert_eq!(found("deploy/[ab].json"), ["deploy/a.json"]);
    assert_eq!(found("**/c.json"), ["deploy/one/two/c.json"]);
    let none = run(&["check", "nowhere/*.json"], "");
    assert_eq!(none.status.code(), Some(2), "{}", stderr(&none));
}

#[test]
fn what_describing_answers_is_unwrapped_and_numbers_get_their_types() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("web.json");
    fs::write(&file, DESCRIBED).unwrap();
    let path = file.to_str().unwrap();
    let repaired = run(&["check", path, "--fix"], "");
    assert_eq!(repaired.status.code(), Some(0), "{}", stdout(&repaired));
    assert_eq!(fs::read_to_string(&file).unwrap(), REPAIRED);
    let again = run(&["check", path, "--diff"], "");
    assert_eq!((again.status.code(), stdout(&again)), (Some(0), String::new()));
    assert!(stderr(&again).starts_with("nothing to repair in "), "{}", stderr(&again));
    let tagged = DESCRIBED.replace(r#""tags": []"#, r#""tags": [{"key": "team", "value": "a"}]"#);
    let kept = run(&["check", "-", "--diff"], &tagged);
    assert_eq!((kept.status.code(), stdout(&kept)), (Some(1), String::new()), "tags would be lost");
}

#[test]
fn programs_get_repairs_as_places_and_texts_without_secrets() {
    let inner: Value = serde_json::from_str(DESCRIBED).unwrap();
    let text = serde_json::to_string_pretty(&inner["taskDefinition"]).unwrap();
    let json = run(&["check", "-", "--diff", "--format", "json"], &text);
    let answer: Value = serde_json::from_str(&stdout(&json)).unwrap();
    let findings = answer["files"][0]["findings"].as_array().unwrap();
    let fix = |pointer: &str| findings.iter().find(|finding| finding["pointer"] == pointer).unwrap()["fix"].clone();
    assert_eq!(fix("/cpu")["text"], "\"256\"");
    assert_eq!(fix("/containerDefinitions/0/environment/0/value"), Value::Null, "its value may be a secret");
    let sarif = run(&["check", "-", "--diff", "--format", "sarif"], &text);
    let answer: Value = serde_json::from_str(&stdout(&sarif)).unwrap();
    let results = answer["runs"][0]["results"].as_array().unwrap();
    let of_cpu =
        results.iter().find(|result| result["locations"][0]["logicalLocations"][0]["fullyQualifiedName"] == "/cpu");
    let replacement = &of_cpu.unwrap()["fixes"][0]["artifactChanges"][0]["replacements"][0];
    assert_eq!(replacement["insertedContent"]["text"], "\"256\"");
    assert!(!stdout(&sarif).contains("8080") && !stdout(&json).contains("8080"));
    let plain = stdout(&run(&["check", "-", "--format", "json"], &text));
    assert!(!plain.contains("\"fix\""), "only with --diff");
}

fn into(arguments: &[&str], out: impl Into<Stdio>) -> Output {
    Command::new(env!("CARGO_BIN_EXE_express-deployer"))
        .args(arguments)
        .env_clear()
        .stdin(Stdio::null())
        .stdout(out)
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
        .wait_with_output()
        .unwrap()
}

#[test]
#[cfg(target_os = "linux")]
fn an_output_that_takes_nothing_is_an_error_and_no_panic() {
    for arguments in
        [&["rules"][..], &["rules", "--json"], &["explain", "missing-fargate"], &["try", "events/ecr-image-push.json"]]
    {
        let output = into(arguments, File::options().write(true).open("/dev/full").unwrap());
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {said}");
        assert!(said.starts_with("error: ") && !said.contains("panicked"), "{arguments:?}: {said}");
    }
}

#[test]
fn an_id_is_explained_as_a_finding_shows_it() {
    let output = run(&["explain", "error[missing-fargate]"], "");
    assert!(output.status.success() && stdout(&output).starts_with("missing-fargate\n"), "{}", stderr(&output));
}

#[test]
fn completions_and_manual_pages_come_from_the_command_line_itself() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = run(&["completions", shell], "");
        assert!(script.status.success() && stdout(&script).contains("manifest"), "{shell}");
    }
    let page = stdout(&run(&["man"], ""));
    assert!(page.contains(".TH") && page.contains("express\\-deployer"), "{page}");
    assert!(stdout(&run(&["man", "check"], "")).contains("\\-\\-manifest"));
    let unknown = run(&["man", "chek"], "");
    assert!(unknown.status.code() == Some(2) && stderr(&unknown).contains("there is check"), "{}", stderr(&unknown));
}

#[test]
fn a_manifest_comes_from_standard_input_too() {
    let index = r#"{"schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json", "manifests": [{
        "mediaType": "application/vnd.oci.image.manifest.v1+json", "digest": "sha256:0123456789012345678901234567890123456789012345678901234567890123",
        "size": 1, "platform": {"os": "linux", "architecture": "amd64"}}]}"#;
    let output = run(&["check", "events/task-definitions/firelens.json", "--manifest", "-"], index);
    assert_eq!(output.status.code(), Some(1), "{}{}", stdout(&output), stderr(&output));
    assert!(stdout(&output).contains("mismatched-architecture"), "{}", stdout(&output));
}

#[test]
#[cfg(unix)]
fn a_name_with_a_line_break_writes_no_line_of_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let name = folder.path().join("a\n::error::b.json");
    fs::write(&name, "{}").unwrap();
    let path = name.to_str().unwrap();
    let missing = format!("{path}.gone");
    for arguments in [
        &["check", path][..],
        &["check", path, "--format", "github"],
        &["check", &missing],
        &["check", &missing, "--format", "github"],
        &["check", path, "--diff"],
        &["check", "-", "--manifest", &missing],
        &["check", "-", "--config", &missing],
        &["try", &missing],
        &["try", path],
    ] {
        let output = run(arguments, "");
        for text in [stdout(&output), stderr(&output)] {
            assert!(!text.lines().any(|line| line.starts_with("::error::b")), "{arguments:?}: {text}");
        }
    }
}
