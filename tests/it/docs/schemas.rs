//! The JSON Schemas in docs/schema/: made from the code, true to the rules and to the reader of the configuration.
//! `UPDATE_DOCS=1 cargo test --test it docs` writes them anew.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use express_deployer::config::{self, Config};
use express_deployer::task_definition::TaskDefinition;
use express_deployer::validate::rules::TABLE;
use express_deployer::validate::{self, Finding, Origin, Subject, validate};
use serde_json::{Value, json};

use super::json_schema::problems;
use super::root;

fn schema_is_fresh(file: &str, schema: &Value) {
    let path = root().join("docs/schema").join(file);
    let text = serde_json::to_string_pretty(schema).unwrap() + "\n";
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs::write(&path, &text).unwrap();
    }
    let written = fs::read_to_string(&path).unwrap();
    assert!(written == text, "docs/schema/{file} is stale: UPDATE_DOCS=1 cargo test --test it docs");
}

#[test]
fn the_schemas_are_what_the_code_says() {
    schema_is_fresh("task-definition.schema.json", &validate::json_schema::task_definition());
    schema_is_fresh("deployer.schema.json", &config::json_schema::deployer());
}

/// The documents below a folder of fixtures.
fn documents(folder: &str) -> Vec<(PathBuf, Value)> {
    let mut found = Vec::new();
    let mut folders = vec![root().join("tests/fixtures").join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "json") && !path.ends_with("subject.json") {
                let document = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
                found.push((path, document));
            }
        }
    }
    found.sort_by(|(one, _), (other, _)| one.cmp(other));
    found
}

fn findings(document: &Value) -> Vec<Finding> {
    let definition = TaskDefinition::parse(document.to_string().as_bytes()).unwrap();
    validate(&Subject {
        definition: &definition,
        container: "Main",
        images: &[],
        origin: Origin::Uploaded,
        guard: None,
        verify_timeout: None,
        verify_containers: &[],
    })
}

/// Whether the schema underlines anything. Then a rule has to speak of it, beside what is known of the document.
fn is_underlined(document: &Value, schema: &Value, known: &[Finding], name: &str) -> bool {
    let underlined = problems(schema, document);
    let found = findings(document);
    let is_spoken_of = found.iter().any(|finding| !known.contains(finding));
    assert!(underlined.is_empty() || is_spoken_of, "{name}: no rule says {underlined:?}\n{document}");
    !underlined.is_empty()
}

#[test]
fn documents_that_pass_the_rules_pass_the_schema() {
    let schema = validate::json_schema::task_definition();
    let documents = [documents("rules"), documents("task-definitions")].concat();
    let mut passed = 0;
    for (path, document) in &documents {
        let is_good = !path.file_name().unwrap().to_str().unwrap().starts_with("bad");
        let underlined = problems(&schema, document);
        assert!(!is_good || underlined.is_empty(), "{}: {underlined:?}", path.display());
        passed += usize::from(is_good);
    }
    assert!(passed > TABLE.len(), "{passed} documents are too few");
}

#[test]
fn what_the_schema_refuses_a_rule_refuses() {
    let schema = validate::json_schema::task_definition();
    let mut rules = BTreeSet::new();
    for (path, document) in documents("rules") {
        if is_underlined(&document, &schema, &[], &path.display().to_string()) {
            rules.insert(path.parent().unwrap().file_name().unwrap().to_owned());
        }
    }
    assert!(rules.len() >= 30, "the schema sees the defects of few rules: {rules:?}");
}

/// Every place of the document with every wrong value, and without it.
fn spoilt(document: &Value) -> Vec<Value> {
    let wrong = [
        json!(null),
        json!(true),
        json!(-1),
        json!(7),
        json!(""),
        json!("a b"),
        json!([]),
        json!([7]),
        json!({"nmae": 1}),
    ];
    let mut all = Vec::new();
    match document {
        Value::Object(members) => {
            for (name, value) in members {
                let with = |changed: Option<Value>| {
                    let mut copy = members.clone();
                    match changed {
                        Some(value) => copy.insert(name.clone(), value),
                        None => copy.shift_remove(name),
                    };
                    Value::Object(copy)
                };
                all.extend(spoilt(value).into_iter().map(|value| with(Some(value))));
                all.extend(wrong.iter().map(|value| with(Some(value.clone()))));
                all.push(with(None));
            }
            let mut copy = members.clone();
            copy.insert("unheardOf".to_owned(), json!(1));
            all.push(Value::Object(copy));
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                let with = |value: Value| {
                    let mut copy = items.clone();
                    copy[index] = value;
                    Value::Array(copy)
                };
                all.extend(spoilt(item).into_iter().map(with));
                all.extend(wrong.iter().map(|value| with(value.clone())));
            }
        }
        _ => {}
    }
    all
}

#[test]
fn a_spoilt_document_is_underlined_only_where_a_rule_has_a_finding() {
    let schema = validate::json_schema::task_definition();
    let full = fs::read_to_string(root().join("tests/fixtures/task-definitions/firelens-s3.json")).unwrap();
    let mut document: Value = serde_json::from_str(&full).unwrap();
    let more = json!({
        "tags": [{"key": "team", "value": "web"}], "pidMode": "task", "ephemeralStorage": {"sizeInGiB": 30},
        "volumes": [{"name": "scratch", "host": {"sourcePath": ""}}], "placementConstraints": [], "revision": 5
    });
    document.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let container = document.pointer_mut("/containerDefinitions/0").unwrap().as_object_mut().unwrap();
    let more = json!({
        "stopTimeout": 60, "privileged": false, "dnsServers": [], "hostname": "",
        "healthCheck": {"command": ["CMD", "/check"], "interval": 30, "timeout": 5, "retries": 3, "startPeriod": 0},
        "restartPolicy": {"enabled": true, "ignoredExitCodes": [0], "restartAttemptPeriod": 60},
        "linuxParameters": {"capabilities": {"add": ["SYS_PTRACE"], "drop": ["ALL"]}, "devices": []},
        "environmentFiles": [{"type": "s3", "value": "arn:aws:s3:::bucket/web.env"}],
        "mountPoints": [{"sourceVolume": "scratch", "containerPath": "/scratch"}]
    });
    container.extend(more.as_object().unwrap().clone());
    assert_eq!(problems(&schema, &document), Vec::<String>::new());
    let known = findings(&document);
    let documents = spoilt(&document);
    let underlined = documents.iter().filter(|document| is_underlined(document, &schema, &known, "spoilt")).count();
    assert!(documents.len() > 500 && underlined * 2 > documents.len(), "{underlined} of {}", documents.len());
}

#[test]
fn the_schema_and_the_rules_draw_the_same_lines() {
    let schema = validate::json_schema::task_definition();
    let main = "/containerDefinitions/0";
    let lines = [
        (
            format!("{main}/portMappings"),
            json!([{"containerPort": 1, "name": "a"}]),
            json!([{"containerPort": 0, "name": "a"}]),
        ),
        (
            format!("{main}/portMappings"),
            json!([{"containerPort": 65535, "name": "a".repeat(64)}]),
            json!([{"containerPort": 65535, "name": "a".repeat(65)}]),
        ),
        (
            format!("{main}/portMappings"),
            json!([{"containerPort": 1, "name": "a-"}]),
            json!([{"containerPort": 1, "name": "-a"}]),
        ),
        (format!("{main}/stopTimeout"), json!(120), json!(121)),
        (format!("{main}/name"), json!("Main"), json!("main")),
        (
            format!("{main}/healthCheck"),
            json!({"command": ["CMD", "/a"], "interval": 300}),
            json!({"command": ["CMD", "/a"], "interval": 301}),
        ),
        (format!("{main}/healthCheck"), json!({"command": ["CMD", "/a"]}), json!({"command": ["/a"]})),
        (
            format!("{main}/restartPolicy"),
            json!({"enabled": false, "restartAttemptPeriod": 1800}),
            json!({"enabled": false, "restartAttemptPeriod": 1801}),
        ),
        (format!("{main}/restartPolicy"), json!({"enabled": false}), json!({"restartAttemptPeriod": 60})),
        (format!("{main}/links"), json!([]), json!(["other"])),
        (format!("{main}/privileged"), json!(false), json!(true)),
        ("/ephemeralStorage".to_owned(), json!({"sizeInGiB": 200}), json!({"sizeInGiB": 201})),
        ("/tags".to_owned(), json!([{"key": "k".repeat(128)}]), json!([{"key": "k".repeat(129)}])),
        ("/family".to_owned(), json!("f".repeat(255)), json!("f".repeat(256))),
        ("/cpu".to_owned(), json!(".25 vCPU"), json!("300")),
        ("/memory".to_owned(), json!("2048"), json!("3072")),
        ("/memory".to_owned(), json!("1 GB"), json!("1 TB")),
        ("/pidMode".to_owned(), json!("task"), json!("host")),
    ];
    for (pointer, inside, outside) in lines {
        for (value, is_inside) in [(inside, true), (outside, false)] {
            let mut document: Value =
                serde_json::from_slice(&fs::read(root().join("tests/fixtures/rules/missing-image/good.json")).unwrap())
                    .unwrap();
            let (parent, name) = pointer.rsplit_once('/').unwrap();
            document.pointer_mut(parent).unwrap()[name] = value;
            assert_eq!(
                problems(&schema, &document).is_empty(),
                is_inside,
                "{document}: {:?}",
                problems(&schema, &document)
            );
            assert_eq!(findings(&document).is_empty(), is_inside, "{document}: {:?}", findings(&document));
        }
    }
}

fn example() -> Value {
    toml::from_str(&fs::read_to_string(root().join("deployer.example.toml")).unwrap()).unwrap()
}

#[test]
fn the_example_configuration_passes_its_schema() {
    assert_eq!(problems(&config::json_schema::deployer(), &example()), Vec::<String>::new());
}

#[test]
fn what_the_schema_of_the_configuration_refuses_its_reader_refuses() {
    let schema = config::json_schema::deployer();
    let mut refused = 0;
    for document in spoilt(&example()) {
        // TOML has no null.
        if document.to_string().contains("null") {
            continue;
        }
        let text = toml_of(&document);
        if !problems(&schema, &document).is_empty() {
            refused += 1;
            assert!(Config::parse(&text).is_err(), "{:?}\n{text}", problems(&schema, &document));
        }
    }
    assert!(refused > 100, "{refused} documents are too few");
}

/// The document as TOML: JSON texts are TOML texts, and tables in one line are tables.
fn toml_of(document: &Value) -> String {
    fn value(document: &Value) -> String {
        match document {
            Value::Object(members) => {
                let members: Vec<String> =
                    members.iter().map(|(key, item)| format!("{key} = {}", value(item))).collect();
                format!("{{ {} }}", members.join(", "))
            }
            Value::Array(items) => format!("[{}]", items.iter().map(value).collect::<Vec<_>>().join(", ")),
            other => other.to_string(),
        }
    }
    let lines: Vec<String> =
        document.as_object().unwrap().iter().map(|(key, item)| format!("{key} = {}", value(item))).collect();
    lines.join("\n")
}

/// The keys that a schema of a table has, and that the reader says are known there.
#[test]
fn the_schema_of_the_configuration_has_every_key() {
    let schema = config::json_schema::deployer();
    let service = "/properties/service/items";
    let places = [
        ("", "", String::new()),
        ("/service/0", "service[0].", service.to_owned()),
        ("/service/0/verify", "service[0].verify.", format!("{service}/properties/verify")),
        ("/service/0/rules", "service[0].rules.", format!("{service}/properties/rules")),
        ("/service/0/guard", "service[0].guard.", format!("{service}/properties/guard")),
    ];
    for (pointer, path, table) in places {
        let mut document = example();
        document.pointer_mut(pointer).unwrap()["resembles_nothing_at_all"] = json!(1);
        let error = Config::parse(&toml_of(&document)).unwrap_err().to_string();
        let start = format!("{path}resembles_nothing_at_all: unknown key; known here are ");
        let (_, listed) = error.split_once(&start).unwrap_or_else(|| panic!("{error}"));
        let known: BTreeSet<&str> = listed.lines().next().unwrap().split(", ").collect();
        let properties = schema.pointer(&format!("{table}/properties")).unwrap().as_object().unwrap();
        assert_eq!(properties.keys().map(String::as_str).collect::<BTreeSet<_>>(), known, "{path}");
    }
}
