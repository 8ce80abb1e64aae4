//! Every rule against documents that fail and pass it, read from `tests/fixtures/rules/<id>/`, and against what a
//! careless hand makes of them.

#![cfg(test)]

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use express_deployer::image::Platform;
use express_deployer::task_definition::TaskDefinition;
use express_deployer::task_definition::references::ReferenceKind;
use express_deployer::validate::guard::{GuardLists, Guarded};
use express_deployer::validate::rules::TABLE;
use express_deployer::validate::{Finding, FoundIn, Origin, Rule, Severity, Subject, is_rejected, validate};
use serde_json::Value;

/// What the rules look at beside the document: `subject.json` in a rule's folder, everything optional.
pub(crate) struct Setting {
    pub(crate) container: String,
    pub(crate) images: Vec<(String, Vec<Platform>)>,
    pub(crate) guard: Option<GuardLists>,
    pub(crate) live: Option<TaskDefinition>,
    pub(crate) verify_timeout: Option<u64>,
    pub(crate) verify_containers: Vec<String>,
}

impl Setting {
    pub(crate) fn beside(folder: &Path) -> Self {
        let settings: Value =
            fs::read(folder.join("subject.json")).map_or(Value::Null, |text| serde_json::from_slice(&text).unwrap());
        let texts = |name: &str| -> Option<Vec<String>> {
            settings.get(name).map(|list| serde_json::from_value(list.clone()).unwrap())
        };
        let images: BTreeMap<String, Vec<String>> =
            settings.get("images").map(|list| serde_json::from_value(list.clone()).unwrap()).unwrap_or_default();
        let platform = |text: String| {
            let (os, architecture) = text.split_once('/').unwrap();
            Platform { os: os.to_owned(), architecture: architecture.to_owned() }
        };
        Self {
            container: settings["container"].as_str().unwrap_or("Main").to_owned(),
            images: images.into_iter().map(|(name, list)| (name, list.into_iter().map(platform).collect())).collect(),
            guard: settings.get("guard").map(|lists| serde_json::from_value(lists.clone()).unwrap()),
            live: folder.join("live.json").exists().then(|| read(&folder.join("live.json"))),
            verify_timeout: settings["verifyTimeout"].as_u64(),
            verify_containers: texts("verifyContainers").unwrap_or_default(),
        }
    }

    pub(crate) fn findings(&self, definition: &TaskDefinition, origin: Origin) -> Vec<Finding> {
        let images: Vec<_> = self.images.iter().map(|(name, list)| (name.as_str(), list.as_slice())).collect();
        validate(&Subject {
            definition,
            container: &self.container,
            images: &images,
            origin,
            guard: self.guard.as_ref().map(|lists| Guarded { lists, repository: None, live: self.live.as_ref() }),
            verify_timeout: self.verify_timeout,
            verify_containers: &self.verify_containers,
        })
    }
}

pub(crate) fn fixtures(folder: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(folder)
}

/// The names in a folder, sorted.
pub(crate) fn names(folder: &Path) -> BTreeSet<String> {
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

pub(crate) fn read(path: &Path) -> TaskDefinition {
    TaskDefinition::parse(&fs::read(path).unwrap()).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The documents in a rule's folder whose names begin with `kind`.
pub(crate) fn documents(id: &str, kind: &str) -> Vec<(String, TaskDefinition)> {
    let folder = fixtures("rules").join(id);
    let files = names(&folder).into_iter().filter(|name| name.starts_with(kind));
    files.map(|name| (format!("{id}/{name}"), read(&folder.join(name)))).collect()
}

#[test]
fn one_id_names_the_rule_its_file_and_its_fixtures() {
    let ids: BTreeSet<String> = TABLE.iter().map(|rule| rule.id.to_owned()).collect();
    assert_eq!(ids.len(), TABLE.len(), "an id is used twice");
    for id in &ids {
        let is_kebab = id
            .split('-')
            .all(|word| !word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit()));
        assert!(is_kebab, "{id} is not in kebab case");
    }
    let of_documents: BTreeSet<String> = of_documents().map(|rule| rule.id.to_owned()).collect();
    for id in &of_documents {
        assert!(!documents(id, "bad").is_empty() && !documents(id, "good").is_empty(), "{id} lacks fixtures");
    }
    let files = names(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src/validate/rules"));
    let files: BTreeSet<String> = files.iter().map(|name| name.trim_end_matches(".rs").replace('_', "-")).collect();
    let others = BTreeSet::from(["elsewhere".to_owned()]);
    assert_eq!(files, of_documents.union(&others).cloned().collect());
    assert_eq!(names(&fixtures("rules")), ids);
}

/// The rules about documents; the others have no check to try.
pub(crate) fn of_documents() -> impl Iterator<Item = &'static Rule> {
    TABLE.iter().copied().filter(|rule| rule.found_in == FoundIn::Document)
}

#[test]
fn a_summary_is_one_plain_sentence() {
    for rule in TABLE {
        assert!(!rule.summary.is_empty() && !rule.summary.ends_with('.'), "{}", rule.id);
    }
}

#[test]
fn every_finding_reads_well() {
    let mut story = String::new();
    for rule in of_documents() {
        for (name, definition) in documents(rule.id, "bad") {
            let setting = Setting::beside(&fixtures("rules").join(rule.id));
            let findings = setting.findings(&definition, Origin::Uploaded);
            assert!(!findings.is_empty(), "{name} passes");
            writeln!(story, "--- {name}").unwrap();
            for finding in findings {
                assert_eq!(finding.rule, rule.id, "{name} fails another rule too: {finding}");
                assert!(!finding.message.ends_with('.') && !finding.help.ends_with('.'), "{finding}");
                assert!(!finding.message.is_empty() && !finding.help.is_empty(), "{finding}");
                writeln!(story, "{finding}").unwrap();
            }
        }
    }
    insta::assert_snapshot!(story);
}

#[test]
fn good_documents_pass_every_rule() {
    for rule in of_documents() {
        let setting = Setting::beside(&fixtures("rules").join(rule.id));
        for (name, definition) in documents(rule.id, "good") {
            let findings = setting.findings(&definition, Origin::Uploaded);
            assert_eq!(findings, [], "{name}");
        }
    }
}

#[test]
fn what_ecs_described_itself_is_not_rejected_for_what_this_version_does_not_know() {
    for id in ["wrong-type", "unknown-member", "unknown-value", "invalid-fargate-size", "missing-fargate"] {
        for (name, definition) in documents(id, "bad") {
            let findings = Setting::beside(&fixtures("rules").join(id)).findings(&definition, Origin::Live);
            assert!(!findings.is_empty() && !is_rejected(&findings), "{name}: {findings:?}");
        }
    }
    let (_, slip) = &documents("unknown-member", "bad.json")[0];
    let findings = Setting::beside(&fixtures("rules")).findings(slip, Origin::Live);
    assert!(findings.iter().all(|finding| finding.severity == Severity::Hint), "{findings:?}");
}

#[test]
fn confidential_values_are_in_no_finding() {
    let definition = TaskDefinition::parse(
        br#"{"containerDefinitions": [{"name": "Main", "command": ["hush-1", {"hush-2": "hush-3"}],
            "environment": [{"name": "A", "value": {"x": "hush-4"}}, {"nam": "B", "value": "hush-5"}],
            "logConfiguration": {"logDriver": "awsfirelens", "options": {"name": "s3", "upload_timeout": "hush-6h",
                "total_file_size": "hush-7", "s3_key_format": "hush-8", "x": ["hush-9"]}}},
            {"name": "router", "firelensConfiguration": {"type": "fluentbit"}}]}"#,
    );
    let mut setting = Setting::beside(&fixtures("rules"));
    setting.verify_timeout = Some(1);
    let mut definition = definition.unwrap();
    for plugin in ["name", "Name"] {
        let text = definition.to_json().replace(r#""name":"s3""#, &format!(r#""{plugin}":"s3""#));
        definition = TaskDefinition::parse(text.as_bytes()).unwrap();
        let findings = setting.findings(&definition, Origin::Uploaded);
        assert!(findings.len() > 10, "{findings:?}");
        for finding in findings {
            assert!(!format!("{} {}", finding.message, finding.help).contains("hush"), "{finding}");
        }
    }
}

#[test]
fn values_of_log_options_are_in_no_finding() {
    let document = |options: &str| {
        let text = format!(
            r#"{{"containerDefinitions": [{{"name": "a-b", "logConfiguration": {{"logDriver": "awsfirelens", "options": {options}}}}},
                {{"name": "router", "image": "fluent/fluent-bit:1.9", "firelensConfiguration": {{"type": "fluentbit",
                  "options": {{"enable-ecs-log-metadata": "hush-1", "config-file-type": "hush-2"}}}}}}]}}"#
        );
        TaskDefinition::parse(text.as_bytes()).unwrap()
    };
    let setting = Setting::beside(&fixtures("rules"));
    for options in [
        r#"{"Name": "s3", "bucket": "s3://hush", "region": "hush", "compression": "hush", "format": "hush", "json_date_format": "hush",
            "use_put_object": "hush", "upload_timeout": "7 hush", "upload_chunk_size": "hush", "log-driver-buffer-limit": "hush",
            "include-pattern": "(hush", "s3_key_format": "/hush +$TAG[8]", "hush-free": "hush", "log_key": "hush"}"#,
        r#"{"Name": "s3", "bucket": "${hush}", "s3_key_format": "/${hush}", "log_key": "${hush}"}"#,
        r#"{"Name": "s3-hush"}"#,
    ] {
        for finding in setting.findings(&document(options), Origin::Uploaded) {
            let text = format!("{} {}", finding.message, finding.help).replace("`hush-free`", "");
            assert!(!text.contains("hush"), "{finding}");
        }
    }
}

#[test]
fn a_hopeless_document_has_a_bounded_answer() {
    let entries = vec!["{\"\":1}"; 3_000].join(",");
    let text = format!(r#"{{"containerDefinitions":[{entries}],"{}":1}}"#, "x".repeat(30_000));
    let findings = Setting::beside(&fixtures("rules"))
        .findings(&TaskDefinition::parse(text.as_bytes()).unwrap(), Origin::Uploaded);
    assert!(findings.len() <= 20 * TABLE.len());
    assert!(findings.iter().all(|finding| finding.message.len() < 1_000), "a message is long");
}

/// A small generator of the same numbers every time (xorshift, Marsaglia 2003).
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % u64::try_from(bound.max(1)).unwrap()).unwrap()
    }
}

/// The pointers of everything in a document.
fn places(value: &Value, pointer: &str, found: &mut Vec<String>) {
    let mut visit = |key: &str, value: &Value| {
        let pointer = format!("{pointer}/{}", key.replace('~', "~0").replace('/', "~1"));
        found.push(pointer.clone());
        places(value, &pointer, found);
    };
    match value {
        Value::Object(members) => members.iter().for_each(|(key, value)| visit(key, value)),
        Value::Array(items) => items.iter().enumerate().for_each(|(index, item)| visit(&index.to_string(), item)),
        _ => {}
    }
}

/// Removes, retypes, renames or doubles something somewhere in the document.
pub(crate) fn spoil(document: &mut Value, dice: &mut Dice) {
    let mut all = Vec::new();
    places(document, "", &mut all);
    if all.is_empty() {
        return;
    }
    let place = all.swap_remove(dice.below(all.len()));
    let (parent, key) = place.rsplit_once('/').unwrap();
    let key = key.replace("~1", "/").replace("~0", "~");
    let wrong = ["null", "true", "-1", "1e300", "\"\"", "\"x/~\"", "[]", "[null]", "{}", "{\"a/b\":{\"~\":[1]}}"];
    let wrong: Value = serde_json::from_str(wrong[dice.below(wrong.len())]).unwrap();
    match (document.pointer_mut(parent).unwrap(), dice.below(4)) {
        (Value::Object(members), 0) => {
            members.shift_remove(&key);
        }
        (Value::Object(members), 1) => {
            let value = members.shift_remove(&key).unwrap();
            members.insert(key.to_uppercase() + "/~", value);
        }
        (Value::Object(members), _) => {
            members.insert(key, wrong);
        }
        (Value::Array(items), 0) => {
            items.remove(key.parse().unwrap());
        }
        (Value::Array(items), 1) => {
            let item = items[key.parse::<usize>().unwrap()].clone();
            items.push(item);
        }
        (Value::Array(items), _) => items[key.parse::<usize>().unwrap()] = wrong,
        _ => unreachable!("only objects and arrays have members"),
    }
}

#[test]
fn spoilt_documents_get_findings_that_point_into_them() {
    let mut seeds: Vec<PathBuf> =
        names(&fixtures("task-definitions")).into_iter().map(|name| fixtures("task-definitions").join(name)).collect();
    for rule in of_documents() {
        let folder = fixtures("rules").join(rule.id);
        seeds.extend(
            names(&folder)
                .into_iter()
                .filter(|name| name.starts_with("bad") || name.starts_with("good"))
                .map(|name| folder.join(name)),
        );
    }
    seeds.extend(
        names(&fixtures("documents")).into_iter().map(|name| fixtures("documents").join(name).join("fargate.json")),
    );
    let setting = Setting {
        container: "web".to_owned(),
        images: vec![("web".to_owned(), Vec::new())],
        guard: Some(GuardLists(ReferenceKind::ALL.map(|(kind, ..)| (kind, Vec::new())).into())),
        live: None,
        verify_timeout: Some(0),
        verify_containers: Vec::new(),
    };
    let mut dice = Dice(0x9E37_79B9_7F4A_7C15);
    let mut seen = BTreeSet::new();
    for seed in &seeds {
        for _ in 0..20 {
            let mut document: Value = serde_json::from_slice(&fs::read(seed).unwrap()).unwrap();
            for _ in 0..=dice.below(4) {
                spoil(&mut document, &mut dice);
            }
            let definition = TaskDefinition::parse(document.to_string().as_bytes()).unwrap();
            for finding in setting.findings(&definition, Origin::Uploaded) {
                let parent = finding.pointer.rsplit_once('/').map_or("", |(parent, _)| parent);
                let points_somewhere =
                    document.pointer(&finding.pointer).or_else(|| document.pointer(parent)).is_some();
                assert!(points_somewhere, "{finding}\n{document}");
                seen.insert(finding.rule);
            }
        }
    }
    assert!(seen.len() > 30, "the dice reached few rules: {seen:?}");
}
