//! Whole task definitions in the shapes that public documentation shows: each passes for Fargate, its twin for EC2 does
//! not, and the sandbox agrees with the rules about all of them.

#![cfg(test)]

use std::fmt::Write as _;

use express_deployer::aws::{Aws, Clock};
use express_deployer::config::Config;
use express_deployer::image::Platform;
use express_deployer::task_definition::references::ReferenceKind;
use express_deployer::task_definition::{READ_ONLY, TaskDefinition};
use express_deployer::validate::guard::GuardLists;
use express_deployer::validate::{Finding, Origin, Rule, RuleEvidence, Severity, is_rejected};
use sandbox::Scenario;
use serde_json::Value;

use crate::flow::Stage;
use crate::rules::{Dice, Setting, documents, fixtures, names, of_documents, read, spoil};

/// The documents of a kind, `fargate` or `ec2`, in `tests/fixtures/documents/`.
fn varied(kind: &str) -> Vec<(String, TaskDefinition)> {
    let folder = fixtures("documents");
    let names = names(&folder).into_iter();
    names.map(|name| (name.clone(), read(&folder.join(&name).join(format!("{kind}.json"))))).collect()
}

#[test]
fn the_articles_definitions_pass() {
    let setting = Setting {
        container: "Main".to_owned(),
        images: vec![("Main".to_owned(), vec![Platform { os: "linux".into(), architecture: "arm64".into() }])],
        guard: Some(GuardLists(
            [
                (ReferenceKind::ExecutionRoles, vec!["arn:aws:iam::123456789012:role/ecs*".to_owned()]),
                (ReferenceKind::TaskRoles, vec!["arn:aws:iam::123456789012:role/ecs*".to_owned()]),
                (
                    ReferenceKind::Registries,
                    vec!["123456789012.dkr.ecr.ap-northeast-1.amazonaws.com".to_owned(), "public.ecr.aws".to_owned()],
                ),
            ]
            .into(),
        )),
        live: None,
        verify_timeout: Some(600),
        verify_containers: Vec::new(),
    };
    let folder = fixtures("task-definitions");
    for name in ["arm64.json", "datadog-sidecar.json", "health-check.json", "firelens-s3.json"] {
        let definition = read(&folder.join(name));
        for origin in [Origin::Uploaded, Origin::Live] {
            let findings = setting.findings(&definition, origin);
            assert!(findings.iter().all(|finding| finding.severity == Severity::Hint), "{name}: {findings:?}");
        }
    }
}

#[test]
fn varied_documents_pass() {
    let setting = Setting::beside(&fixtures("documents"));
    let documents = varied("fargate");
    assert!(documents.len() >= 19);
    for (name, definition) in documents {
        for origin in [Origin::Uploaded, Origin::Live] {
            let findings = setting.findings(&definition, origin);
            assert!(findings.iter().all(|finding| finding.severity == Severity::Hint), "{name}: {findings:?}");
        }
    }
}

#[test]
fn their_twins_for_ec2_are_rejected_for_what_differs() {
    let setting = Setting::beside(&fixtures("documents"));
    let mut story = String::new();
    for (name, definition) in varied("ec2") {
        let findings = setting.findings(&definition, Origin::Uploaded);
        assert!(is_rejected(&findings), "{name}");
        writeln!(story, "{name}").unwrap();
        for finding in findings {
            writeln!(story, "  {:<8} {} {}", finding.severity.to_string(), finding.rule, finding.pointer).unwrap();
        }
    }
    insta::assert_snapshot!(story);
}

/// What the rules pass, good examples and documents spoilt at one place alike.
fn passing() -> Vec<(String, TaskDefinition)> {
    let mut passing: Vec<_> = of_documents().flat_map(|rule| documents(rule.id, "good")).collect();
    let folder = fixtures("task-definitions");
    passing.extend(names(&folder).into_iter().map(|name| (name.clone(), read(&folder.join(name)))));
    let setting = Setting::beside(&fixtures("documents"));
    let mut dice = Dice(0x2545_F491_4F6C_DD1D);
    let mut survivors = 0;
    for (name, definition) in varied("fargate") {
        for turn in 0..40 {
            let mut document: Value = serde_json::from_str(&definition.to_json()).unwrap();
            spoil(&mut document, &mut dice);
            let spoilt = TaskDefinition::parse(document.to_string().as_bytes()).unwrap();
            // Where the reference alone speaks, the sandbox holds to it, and the rules warn.
            let findings = setting.findings(&spoilt, Origin::Uploaded);
            let is_warned = |finding: &Finding| {
                let evidence = Rule::of(&finding.rule).map(|rule| rule.evidence);
                finding.severity == Severity::Warning && evidence == Some(RuleEvidence::Documented)
            };
            if !is_rejected(&findings) && !findings.iter().any(is_warned) {
                passing.push((format!("{name}, spoilt {turn}: {document}"), spoilt));
                survivors += 1;
            }
        }
        passing.push((name, definition));
    }
    assert!(survivors > 100, "{survivors} spoilt documents pass");
    passing
}

#[tokio::test]
async fn the_sandbox_accepts_what_the_rules_pass() {
    let stage = Stage::of(Scenario::Good).await;
    let clock = stage.sandbox.clock();
    let aws = Aws::new(stage.sandbox.sdk_config(), Clock::from_fn(move || clock.now()));
    let config = Config::parse(include_str!("../../deployer.example.toml")).unwrap();
    let service = &config.services[0].arn;
    let mut refused = String::new();
    for (name, definition) in passing() {
        let accepted = match aws.register(service.region(), &definition.without(&READ_ONLY)).await {
            Ok(arn) => aws.update(service, &arn).await.map(drop),
            Err(error) => Err(error),
        };
        if let Err(error) = accepted {
            writeln!(refused, "{name}: {error}").unwrap();
        }
    }
    assert!(refused.is_empty(), "{refused}");
}
