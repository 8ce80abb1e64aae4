//! `check`, `rules` and `explain` as a user meets them: what is printed, what is repaired, and the exit codes.

#![cfg(test)]

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::command_line::{run, stderr, stdout};

const BAD: &str = r#"{
  "family": "web",
  "requiresCompatibilities": ["EC2"],
  "networkMode": "bridge",
  "cpu": "256",
  "memory": "512",
  "containerDefinitions": [
    {
      "name": "Main",
      "image": "public.ecr.aws/nginx/nginx:1.27",
      "portMappings": [{"containerPort": 80}],
      "enviroment": [{"name": "TOKEN", "value": "hush"}]
    }
  ]
}
"#;

const GOOD: &str = "tests/fixtures/task-definitions/firelens-s3.json";

/// The findings of a file in a JSON answer: rule, line, column.
fn rows(answer: &str, file: usize) -> Vec<(String, u64, u64)> {
    let answer: Value = serde_json::from_str(answer).unwrap();
    let findings = answer["files"][file]["findings"].as_array().unwrap();
    let row = |finding: &Value| {
        let number = |name: &str| finding[name].as_u64().unwrap();
        (finding["rule"].as_str().unwrap().to_owned(), number("line"), number("column"))
    };
    findings.iter().map(row).collect()
}

#[test]
fn a_good_file_ends_with_0() {
    let output = run(&["check", "tests/fixtures/task-definitions/arm64.json"], "");
    assert_eq!((output.status.code(), stdout(&output)), (Some(0), "1 file: nothing to say\n".to_owned()));
}

#[test]
fn findings_are_shown_at_their_lines_without_secrets() {
    let output = run(&["check", "-"], BAD);
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    insta::assert_snapshot!(stdout(&output));
    assert!(!stdout(&output).contains("hush"));
}

#[test]
fn every_format_names_the_same_places() {
    let places = rows(&stdout(&run(&["check", "-", "--format", "json"], BAD)), 0);
    assert!(places.contains(&("non-awsvpc-network".to_owned(), 4, 18)), "{places:?}");

    let sarif: Value = serde_json::from_str(&stdout(&run(&["check", "-", "--format", "sarif"], BAD))).unwrap();
    let results = sarif["runs"][0]["results"].as_array().unwrap();
    let rules = sarif["runs"][0]["tool"]["driver"]["rules"].as_array().unwrap();
    assert_eq!((sarif["version"].as_str(), results.len()), (Some("2.1.0"), places.len()));
    for (result, (rule, line, column)) in results.iter().zip(&places) {
        let region = &result["locations"][0]["physicalLocation"]["region"];
        assert_eq!((result["ruleId"].as_str(), region["startLine"].as_u64()), (Some(rule.as_str()), Some(*line)));
        assert_eq!(region["startColumn"].as_u64(), Some(*column));
        assert!(rules.iter().any(|known| known["id"] == *rule));
    }

    let github = stdout(&run(&["check", "-", "--format", "github"], BAD));
    for (command, (rule, line, column)) in github.lines().zip(&places) {
        assert!(command.starts_with(&format!("::error file=<stdin>,line={line},")), "{command}");
        assert!(command.contains(&format!(",col={column},")) && command.contains(&format!("title={rule}::")));
    }
    for format in ["json", "sarif", "github"] {
        assert!(!stdout(&run(&["check", "-", "--format", format], BAD)).contains("hush"), "{format}");
    }
}

#[test]
fn what_is_no_json_has_a_place_too() {
    let output = run(&["check", "-", "--format", "json"], "{\n  \"family\": \"web\",\n}");
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(rows(&stdout(&output), 0), [("unreadable-document".to_owned(), 3, 1)]);
    assert!(stdout(&run(&["check", "-"], "{\n  \"family\": \"web\",\n}")).contains("<stdin>:3:1"));
}

#[test]
fn rules_are_allowed_and_denied_by_id() {
    let allowed = ["missing-fargate", "non-awsvpc-network", "unnamed-main-port", "unknown-member"];
    let mut arguments = vec!["check", "-"];
    arguments.extend(allowed.iter().flat_map(|rule| ["--allow", rule]));
    let output = run(&arguments, BAD);
    assert_eq!(output.status.code(), Some(0), "{}", stdout(&output));

    let slow = fs::read_to_string(GOOD).unwrap().replace("\"30s\"", "\"30m\"");
    assert_eq!(run(&["check", "-"], &slow).status.code(), Some(0));
    assert_eq!(run(&["check", "-", "--deny", "late-log-upload"], &slow).status.code(), Some(1));
    assert_eq!(run(&["check", "-", "--deny", "warnings"], &slow).status.code(), Some(1));

    let mistyped = run(&["check", GOOD, "--allow", "missing-fargte"], "");
    assert_eq!(mistyped.status.code(), Some(2));
    assert!(stderr(&mistyped).contains("did you mean `missing-fargate`?"), "{}", stderr(&mistyped));
}

#[test]
fn a_file_that_cannot_be_read_does_not_hide_the_others() {
    let output = run(&["check", "nowhere.json", "tests", GOOD, "nowhere/*.json"], "");
    assert_eq!(output.status.code(), Some(2));
    assert!(stdout(&output).contains("1 file: "), "{}", stdout(&output));
    for part in ["nowhere.json: No such file", "tests: a directory", "nowhere/*.json: no file has such a name"] {
        assert!(stderr(&output).contains(part), "{part} is missing in {}", stderr(&output));
    }
    let all = run(&["check", "tests/fixtures/task-definitions/*.json"], "");
    assert_eq!(all.status.code(), Some(0), "{}", stdout(&all));
}

#[test]
fn the_platforms_of_an_image_can_be_given() {
    let folder = tempfile::tempdir().unwrap();
    let index = folder.path().join("index.json");
    fs::write(&index, r#"{"manifests":[{"platform":{"os":"linux","architecture":"amd64"}}]}"#).unwrap();
    let output = run(&["check", GOOD, "--manifest", index.to_str().unwrap()], "");
    assert_eq!(output.status.code(), Some(1));
    assert!(stdout(&output).contains("mismatched-architecture"), "{}", stdout(&output));
}

#[test]
fn a_diff_shows_the_repair_and_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("web.json");
    fs::write(&file, BAD).unwrap();
    let output = run(&["check", file.to_str().unwrap(), "--diff"], "");
    assert_eq!((output.status.code(), fs::read_to_string(&file).unwrap().as_str()), (Some(0), BAD));
    insta::assert_snapshot!(stdout(&output).replace(file.to_str().unwrap(), "web.json"));

    let output = run(&["check", file.to_str().unwrap(), "--fix"], "");
    assert_eq!(output.status.code(), Some(0), "{}", stdout(&output));
    let changed: Vec<String> = {
        let after = fs::read_to_string(&file).unwrap();
        let kept: Vec<&str> = BAD.lines().collect();
        after.lines().filter(|line| !kept.contains(line)).map(str::to_owned).collect()
    };
    assert_eq!(
        changed,
        [
            "  \"requiresCompatibilities\": [\"EC2\", \"FARGATE\"],",
            "  \"networkMode\": \"awsvpc\",",
            "      \"portMappings\": [{\"name\": \"http\", \"containerPort\": 80}],",
            "      \"environment\": [{\"name\": \"TOKEN\", \"value\": \"hush\"}]",
        ]
    );
}

/// Every document that fails a rule, repaired: what was called fixable is gone, nothing new is there, and a second repair finds nothing.
#[test]
fn a_repair_does_what_it_says_and_is_done() {
    let folder = tempfile::tempdir().unwrap();
    let rules = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/rules");
    for rule in fs::read_dir(rules).unwrap() {
        let rule = rule.unwrap();
        for file in fs::read_dir(rule.path()).unwrap() {
            let file = file.unwrap();
            let name = file.file_name().into_string().unwrap();
            if name.starts_with("bad") {
                let to = folder.path().join(format!("{}-{name}", rule.file_name().into_string().unwrap()));
                fs::copy(file.path(), to).unwrap();
            }
        }
    }
    let pattern = folder.path().join("*.json");
    let check = |more: &[&str]| -> Vec<Value> {
        let arguments = [&["check", pattern.to_str().unwrap(), "--format", "json"], more].concat();
        let answer: Value = serde_json::from_str(&stdout(&run(&arguments, ""))).unwrap();
        answer["files"].as_array().unwrap().clone()
    };
    let names = |file: &Value, fixable: bool| -> Vec<String> {
        let findings = file["findings"].as_array().unwrap().iter();
        let kept = findings.filter(|finding| !fixable || finding["fixable"] == true);
        kept.map(|finding| format!("{} {}", finding["rule"], finding["pointer"])).collect()
    };
    let before = check(&[]);
    let repaired = check(&["--fix"]);
    assert!(before.iter().filter(|file| !names(file, true).is_empty()).count() >= 4, "hardly anything is repaired");
    for (before, after) in before.iter().zip(&repaired) {
        assert_eq!(names(after, true), [""; 0], "{}", after["file"]);
        let (was, is) = (names(before, false), names(after, false));
        let new: Vec<&String> = is.iter().filter(|finding| !was.contains(finding)).collect();
        assert!(new.is_empty(), "{}: {new:?}", after["file"]);
    }
    let texts = || -> Vec<String> {
        before.iter().map(|file| fs::read_to_string(file["file"].as_str().unwrap()).unwrap()).collect()
    };
    let once = texts();
    assert_eq!((check(&["--fix"]), texts()), (repaired, once));
}

#[test]
fn rules_are_listed_and_explained() {
    let output = run(&["rules"], "");
    assert_eq!(output.status.code(), Some(0));
    assert!(stdout(&output).contains("missing-fargate"), "{}", stdout(&output));
    let listed: Vec<Value> = serde_json::from_str(&stdout(&run(&["rules", "--json"], ""))).unwrap();
    for rule in &listed {
        let output = run(&["explain", rule["id"].as_str().unwrap()], "");
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        assert!(stdout(&output).contains(rule["why"].as_str().unwrap()), "{}", stdout(&output));
    }
    let unknown = run(&["explain", "missing-fargt"], "");
    assert_eq!(unknown.status.code(), Some(2));
    assert!(stderr(&unknown).contains("did you mean `missing-fargate`?"), "{}", stderr(&unknown));
}
