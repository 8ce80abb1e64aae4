//! `check`, `rules` and `explain` as a user meets them: what is printed, what is repaired, and the exit codes.

#![cfg(test)]

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

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
    let misspelt = run(&["check", GOOD, "--manifest", &format!("Mian={}", index.display())], "");
    assert_eq!(misspelt.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&misspelt.stderr).contains("`Mian`, which no checked document has"));
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

/// A folder with every document that fails a rule.
fn bad_documents() -> tempfile::TempDir {
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
    folder
}

/// Every scalar of a document with its pointer.
fn leaves(value: &Value, pointer: &str, found: &mut BTreeSet<(String, String)>) {
    match value {
        Value::Object(members) => {
            members.iter().for_each(|(name, value)| leaves(value, &format!("{pointer}/{name}"), found));
        }
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(index, value)| leaves(value, &format!("{pointer}/{index}"), found));
        }
        scalar => {
            found.insert((pointer.to_owned(), scalar.to_string()));
        }
    }
}

#[test]
fn a_repair_changes_the_places_that_it_is_about_and_no_others() {
    let folder = bad_documents();
    let mut repaired = 0;
    for file in fs::read_dir(folder.path()).unwrap() {
        let path = file.unwrap().path();
        let path = path.to_str().unwrap();
        let before = fs::read_to_string(path).unwrap();
        let answer: Value = serde_json::from_str(&stdout(&run(&["check", path, "--format", "json"], ""))).unwrap();
        let findings = answer["files"][0]["findings"].as_array().unwrap().clone();
        // Out of its wrapper, the whole document is elsewhere.
        if findings.iter().any(|finding| finding["rule"] == "wrapped-document") {
            continue;
        }
        run(&["check", path, "--fix"], "");
        let after = fs::read_to_string(path).unwrap();

        // A misspelt member is at its new name afterwards, which the message tells.
        let places: Vec<String> = findings
            .iter()
            .filter(|finding| finding["fixable"] == true)
            .flat_map(|finding| {
                let pointer = finding["pointer"].as_str().unwrap().to_owned();
                let parent = pointer.rsplit_once('/').unwrap().0.to_owned();
                let message = finding["message"].as_str().unwrap();
                let meant = message.split_once("did you mean `").map(|(_, meant)| meant.split('`').next().unwrap());
                [meant.map_or_else(|| pointer.clone(), |meant| format!("{parent}/{meant}")), pointer]
            })
            .collect();
        let (mut was, mut is) = (BTreeSet::new(), BTreeSet::new());
        leaves(&serde_json::from_str(&before).unwrap(), "", &mut was);
        leaves(&serde_json::from_str(&after).unwrap(), "", &mut is);
        for (pointer, value) in was.symmetric_difference(&is) {
            let is_meant = places.iter().any(|place| pointer == place || pointer.starts_with(&format!("{place}/")));
            assert!(is_meant, "{path}: {pointer} is {value} on one side only");
        }

        let kept =
            |text: &str, other: &str| text.lines().filter(|line| !other.lines().any(|known| known == *line)).count();
        // What is removed last takes the comma in front of it along.
        let removed = findings.iter().any(|finding| finding["rule"] == "read-only-member");
        assert!(
            kept(&before, &after) <= places.len() / 2 + usize::from(removed),
            "{path}: more lines changed than places\n{after}"
        );
        repaired += usize::from(before != after);
    }
    assert!(repaired >= 4, "hardly anything is repaired");
}

#[test]
fn a_misspelt_name_is_repaired_before_its_absence() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("web.json");
    fs::write(&file, BAD.replace("\"networkMode\": \"bridge\"", "\"networkmode\": \"awsvpc\"")).unwrap();
    let output = run(&["check", file.to_str().unwrap(), "--fix"], "");
    assert_eq!(output.status.code(), Some(0), "{}", stdout(&output));
    let after = fs::read_to_string(&file).unwrap();
    assert_eq!(after.matches("networkMode").count(), 1, "{after}");
    let told = stderr(&output);
    assert!(told.contains("web.json:4: unknown-member at /networkmode"), "{told}");
    assert!(!told.contains("non-awsvpc-network"), "{told}");
}

#[cfg(unix)]
#[test]
fn a_repaired_file_keeps_its_mark_its_line_ends_its_permissions_and_its_link() {
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    let folder = tempfile::tempdir().unwrap();
    let (file, link) = (folder.path().join("web.json"), folder.path().join("link.json"));
    let text = format!("\u{feff}{}", BAD.replace('\n', "\r\n"));
    fs::write(&file, &text).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
    symlink(&file, &link).unwrap();
    let output = run(&["check", link.to_str().unwrap(), "--fix"], "");
    assert_eq!(output.status.code(), Some(0), "{}", stdout(&output));
    let after = fs::read_to_string(&file).unwrap();
    assert!(after.starts_with("\u{feff}{\r\n"), "{after:?}");
    assert_eq!(after.matches('\n').count(), after.matches("\r\n").count());
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o640);
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2, "nothing is left beside");

    let refused = run(&["check", "-", "--fix"], BAD);
    assert_eq!(refused.status.code(), Some(2));
    assert!(stderr(&refused).contains("standard input cannot be repaired in place"), "{}", stderr(&refused));
}

#[test]
fn no_secret_is_shown_whatever_is_wrong_with_its_place() {
    let secret = "hush";
    for (text, rule) in [
        (r#"{"environment": [{"name": "A", "value": "hush",}]}"#.to_owned(), "unreadable-document"),
        (r#"{"environment": [{"name": "A", "value": "hush}]}"#.to_owned(), "unreadable-document"),
        (r#"{"environment": [{"name": "A", 'value': 'hush'}]}"#.to_owned(), "unreadable-document"),
        (BAD.replace("enviroment", "enivronment"), "unknown-member"),
        (
            BAD.replace("\"value\": \"hush\"", "\"value\": [\"hush\"]").replace("enviroment", "environment"),
            "wrong-type",
        ),
        (BAD.replace("enviroment", "comand"), "unknown-member"),
        (BAD.replace("enviroment", "dockerLables").replace("[{", "{").replace("}]", "}"), "unknown-member"),
    ] {
        for format in ["text", "json", "sarif", "github"] {
            let output = run(&["check", "-", "--format", format], &text);
            assert!(stdout(&output).contains(rule), "{rule} is not in {}", stdout(&output));
            assert!(!stdout(&output).contains(secret), "{format} shows the secret of {text}: {}", stdout(&output));
        }
        let diff = run(&["check", "-", "--diff"], &text);
        assert!(!stdout(&diff).contains(secret) && !stderr(&diff).contains(secret), "{}", stdout(&diff));
    }
}

#[test]
fn a_line_as_long_as_the_document_is_drawn_around_the_place() {
    let one_line =
        BAD.replace('\n', " ").replace("\"family\": \"web\"", &format!("\"family\": \"{}\"", "w".repeat(20_000)));
    let output = run(&["check", "-"], &one_line);
    assert!(stdout(&output).contains("--> <stdin>:1:"), "{}", stdout(&output));
    assert!(stdout(&output).lines().all(|line| line.chars().count() < 300), "{}", stdout(&output));
    let json = rows(&stdout(&run(&["check", "-", "--format", "json"], &one_line)), 0);
    for (_, line, column) in json {
        assert!(stdout(&output).contains(&format!("<stdin>:{line}:{column}\n")), "{line}:{column}");
    }
}

#[test]
fn a_name_that_moves_the_cursor_does_not_reach_the_terminal() {
    let text = BAD.replace("enviroment", "x\\u001b[2J\\ny");
    let output = run(&["check", "-"], &text);
    assert!(stdout(&output).contains("x\\u{1b}[2J"), "{}", stdout(&output));
    assert!(!stdout(&output).contains('\u{1b}'), "{}", stdout(&output));
    let github = stdout(&run(&["check", "-", "--format", "github"], &text));
    assert!(github.lines().all(|line| line.starts_with("::")), "{github}");
}

#[test]
fn programs_are_told_of_files_that_cannot_be_read() {
    let files = ["check", "nowhere.json", GOOD, "--format"];
    let told = |format: &str| {
        let output = run(&[&files[..], &[format]].concat(), "");
        assert_eq!(output.status.code(), Some(2));
        stdout(&output)
    };
    let json: Value = serde_json::from_str(&told("json")).unwrap();
    assert!(json["files"][0]["error"].as_str().unwrap().contains("No such file"), "{json}");
    assert_eq!(json["files"][1]["file"], GOOD);
    let sarif: Value = serde_json::from_str(&told("sarif")).unwrap();
    let invocation = &sarif["runs"][0]["invocations"][0];
    assert_eq!(invocation["executionSuccessful"], false);
    assert!(invocation["toolExecutionNotifications"][0]["message"]["text"].as_str().unwrap().contains("nowhere.json"));
    assert!(told("github").contains("::error file=nowhere.json::No such file"));
}

#[test]
fn quiet_shows_errors_alone() {
    let late = fs::read_to_string(GOOD).unwrap().replace("\"30s\"", "\"30m\"");
    assert!(stdout(&run(&["check", "-"], &late)).contains("late-log-upload"));
    assert_eq!(stdout(&run(&["check", "-", "--quiet"], &late)), "");
    let output = run(&["check", "-", "--quiet"], BAD);
    assert!(stdout(&output).contains("error[non-awsvpc-network]") && !stdout(&output).contains("1 file"));
}

#[test]
fn a_service_of_the_configuration_brings_its_limits() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("deployer.toml");
    let service = |name: &str, rest: &str| {
        format!(
            "[[service]]\narn = \"arn:aws:ecs:ap-northeast-1:123456789012:service/default/{name}\"\nrepository = \"web\"\n{rest}\n"
        )
    };
    let text = format!(
        "state_bucket = \"state\"\n{}{}",
        service("web", "[service.guard]\nexecution_roles = [\"arn:aws:iam::1:role/none\"]\n"),
        service("api", "[service.rules]\nallow = [\"missing-fargate\"]\n")
    );
    fs::write(&config, text).unwrap();
    let check = |more: &[&str], input: &str| {
        run(&[&["check", "-", "--config", config.to_str().unwrap()], more].concat(), input)
    };
    let good = fs::read_to_string(GOOD).unwrap();
    assert!(stdout(&check(&["--service", "web"], &good)).contains("forbidden-role"));
    assert!(!stdout(&check(&["--service", "api"], &good)).contains("forbidden-role"));
    // What has no list is compared with the live revision, which a file does not have.
    let note = stderr(&check(&["--service", "web"], &good));
    let kinds =
        "task_roles, registries, families, secrets, environment_files, volumes, log_destinations, capabilities, tags";
    assert_eq!(note, format!("note: a release compares with the live revision, too, what has no list: {kinds}\n"));
    assert_eq!(stderr(&check(&["--service", "web", "--quiet"], &good)), "");
    assert_eq!(stderr(&check(&["--service", "api"], &good)), "");
    assert!(!stdout(&check(&["--service", "api"], BAD)).contains("missing-fargate"));
    assert!(stdout(&check(&["--service", "api", "--deny", "missing-fargate"], BAD)).contains("missing-fargate"));
    for (more, words) in [(&[][..], "several services"), (&["--service", "nobody"], "there is `web`, `api`")] {
        let output = check(more, &good);
        assert_eq!(output.status.code(), Some(2));
        assert!(stderr(&output).contains(words), "{}", stderr(&output));
    }
}

#[test]
fn a_reader_who_has_seen_enough_is_no_error() {
    let folder = bad_documents();
    let mut child = Command::new(env!("CARGO_BIN_EXE_express-deployer"))
        .args(["check", folder.path().join("*.json").to_str().unwrap(), "--format", "github"])
        .env_clear()
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    assert_eq!(stderr(&output), "");
}

/// Every document that fails a rule, repaired: what was called fixable is gone, nothing new is there, and a second
/// repair finds nothing.
#[test]
fn a_repair_does_what_it_says_and_is_done() {
    let folder = bad_documents();
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
