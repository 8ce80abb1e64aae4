//! The rules that no check of a document runs: each is provoked with the sandbox, and what the report says is its
//! example in docs/rules.md. `UPDATE_DOCS=1 cargo test --test it findings_of_plans` writes the examples anew.

#![cfg(test)]

use std::collections::BTreeSet;
use std::fs;

use express_deployer::report::ReleaseReport;
use express_deployer::validate::FoundIn;
use express_deployer::validate::rules::TABLE;
use sandbox::Scenario;
use serde_json::{Value, json};

use crate::flow::{Stage, event, push, upload, upload_text};
use crate::rules::fixtures;

const DOCUMENT: &str = include_str!("../../events/task-definitions/plain-arm64.json");
const NOBODYS: &str = "sha256:00000000000000000000000000000000000000000000000000000000000000ff";

/// The document with another image.
fn with_image(image: &str) -> String {
    let mut document: Value = serde_json::from_str(DOCUMENT).unwrap();
    document["containerDefinitions"][0]["image"] = json!(image);
    document.to_string()
}

/// A member of the push event replaced.
fn push_with(pointer: &str, value: &str) -> String {
    let mut event: Value = serde_json::from_str(&push()).unwrap();
    *event.pointer_mut(pointer).unwrap() = json!(value);
    event.to_string()
}

fn repository() -> String {
    let document: Value = serde_json::from_str(DOCUMENT).unwrap();
    let image = document["containerDefinitions"][0]["image"].as_str().unwrap();
    image.split(['@', ':']).next().unwrap().to_owned()
}

/// What provokes the rule.
async fn provoke(id: &str) -> ReleaseReport {
    let stage = Stage::of(Scenario::Good).await;
    let stage = match id {
        "new-reference" => stage.guarded(None),
        "required-logs" => stage.configured("logs = \"if-configured\"", "logs = \"required\""),
        _ => stage,
    };
    let event = match id {
        "absent-image" => upload_text(&stage, &with_image(&format!("{}@{NOBODYS}", repository()))),
        "not-an-image" => {
            let chart = json!({
                "schemaVersion": 2,
                "mediaType": "application/vnd.oci.image.manifest.v1+json",
                "config": {"mediaType": "application/vnd.cncf.helm.config.v1+json", "digest": NOBODYS, "size": 2},
                "layers": [],
            });
            let name = repository().split_once('/').unwrap().1.to_owned();
            let digest = stage.sandbox.put_image(&name, &["chart"], chart.to_string().as_bytes());
            upload_text(&stage, &with_image(&format!("{}@{digest}", repository())))
        }
        "missing-tag" => push_with("/detail/image-tag", "v99"),
        "foreign-registry" => push_with("/account", "999999999999"),
        "missing-document" => {
            let mut event: Value = serde_json::from_str(&event("s3-object-created.json")).unwrap();
            event["detail"]["object"]["version-id"] = json!("deleted");
            event.to_string()
        }
        "required-logs" | "lost-proof" => upload(&stage, "plain-arm64"),
        "changed-family" => {
            let mut document: Value = serde_json::from_str(DOCUMENT).unwrap();
            document["family"] = json!("another-family");
            upload_text(&stage, &document.to_string())
        }
        "new-reference" => {
            let mut document: Value = serde_json::from_str(&event("task-definitions/firelens.json")).unwrap();
            let secret = "arn:aws:secretsmanager:ap-northeast-1:123456789012:secret:billing-AbCdEf";
            document["containerDefinitions"][0]["secrets"] = json!([{"name": "TOKEN", "valueFrom": secret}]);
            upload_text(&stage, &document.to_string())
        }
        "no-way-back" => {
            assert!(stage.sandbox.delete_image("express-mode-custom-td", "v5"));
            push()
        }
        "unpinned-image" => upload_text(&stage, &with_image("public.ecr.aws/nginx/nginx:1.29")),
        "unreadable-document" => upload_text(&stage, "{\n  \"family\": \"web\",\n}"),
        "oversized-document" => upload_text(&stage, &"x".repeat(70_000)),
        other => panic!("nothing provokes {other}"),
    };
    stage.release(&event).await
}

/// The lines of the report's text that are about a rule.
fn lines_about(release: &ReleaseReport, id: &str) -> String {
    let finding = release.findings.iter().find(|finding| finding.rule == id);
    let finding = finding.unwrap_or_else(|| panic!("{id} is not reported: {release}"));
    let text = release.to_string();
    for line in finding.to_string().lines() {
        assert!(text.contains(line.trim()), "the text lacks {line:?}: {text}");
    }
    format!("{finding}\n")
}

#[tokio::test]
async fn each_rule_of_plans_is_provoked_and_told() {
    let rows = TABLE.iter().filter(|rule| rule.found_in != FoundIn::Document);
    for rule in rows {
        let release = provoke(rule.id).await;
        let lines = lines_about(&release, rule.id);
        assert!(lines.starts_with(&format!("{}[{}]", rule.severity, rule.id)), "{lines}");
        let path = fixtures("rules").join(rule.id).join("report.txt");
        if std::env::var_os("UPDATE_DOCS").is_some() {
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, &lines).unwrap();
        }
        let written = fs::read_to_string(&path).unwrap();
        assert_eq!(written, lines, "UPDATE_DOCS=1 cargo test --test it findings_of_plans");
    }
}

/// The words of `Finding::rule` come from the table alone; this keeps anybody from adding one past it.
#[test]
fn no_id_stands_in_the_code_beside_the_table() {
    let ids: BTreeSet<&str> = TABLE.iter().map(|rule| rule.id).collect();
    for file in ["src/plan.rs", "src/plan/findings.rs", "src/validate.rs"] {
        let text = fs::read_to_string(fixtures("../..").join(file)).unwrap();
        let code = text.split("#[cfg(test)]").next().unwrap();
        let named = ids.iter().find(|id| code.contains(&format!("\"{id}\"")));
        assert!(named.is_none(), "{file} names {named:?}");
    }
}
