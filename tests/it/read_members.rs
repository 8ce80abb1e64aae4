//! Which members of the ECS API model any rule reads: for each of them a document of the fixtures in which another value
//! changes what is found. Those that nobody reads are listed, and the list can only shrink.

#![cfg(test)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;

use express_deployer::task_definition::TaskDefinition;
use express_deployer::task_definition::schema::model::{Shape, model};
use express_deployer::validate::{Origin, Severity};
use serde_json::{Value, json};

use crate::rules::{Setting, fixtures, names, read};

/// What these say follows from the model alone, whatever the member means.
const OF_THE_MODEL: [&str; 4] = ["wrong-type", "unknown-member", "unknown-value", "missing-member"];

/// The members that hold values, by their paths without the indices of lists.
fn members<'a>(path: &str, shape: &'a Shape, found: &mut BTreeMap<String, &'a Shape>) {
    match shape {
        Shape::Structure(inner) => {
            for member in inner {
                members(&format!("{path}/{}", member.name), &member.shape, found);
            }
        }
        Shape::List(item) if matches!(**item, Shape::Structure(_)) => members(path, item, found),
        // Where the model allows one value alone, there is no other.
        Shape::Text(Some([_])) => {}
        leaf => {
            found.insert(path.to_owned(), leaf);
        }
    }
}

/// Other values that the model allows.
fn values(shape: &Shape) -> Vec<Value> {
    match shape {
        Shape::Text(Some(values)) => values.iter().map(|value| json!(value)).collect(),
        Shape::Text(None) => {
            let texts = ["", "x", "Main", "/x", "-", "256", "1:1", "a b", "arn:aws:s3:::b/k", "aws:x", "8000-7000"];
            texts.into_iter().map(str::to_owned).chain(["x".repeat(300)]).map(Value::String).collect()
        }
        Shape::Integer | Shape::Number => [-1, 0, 1, 20, 256, 70_000].map(|number| json!(number)).to_vec(),
        Shape::Boolean => vec![json!(true), json!(false)],
        Shape::List(item) => std::iter::once(json!([]))
            .chain(values(item).into_iter().map(|value| json!([value])))
            .chain([json!(vec!["x"; 60])].into_iter().filter(|_| matches!(**item, Shape::Text(_))))
            .chain([json!(vec![1; 60])].into_iter().filter(|_| matches!(**item, Shape::Integer)))
            .collect(),
        Shape::Map(_) => vec![json!({}), json!({"x": "x"}), json!({"Name": "s3"})],
        Shape::Structure(_) => Vec::new(),
    }
}

/// The pointers of the objects at a path.
fn objects(value: &Value, path: &str, pointer: &str, found: &mut Vec<String>) {
    if let Value::Array(items) = value {
        items.iter().enumerate().for_each(|(at, item)| objects(item, path, &format!("{pointer}/{at}"), found));
        return;
    }
    let Some(rest) = path.strip_prefix('/') else {
        found.push(pointer.to_owned());
        return;
    };
    let (name, rest) = rest.find('/').and_then(|end| rest.split_at_checked(end)).unwrap_or((rest, ""));
    if let Some(member) = value.get(name) {
        objects(member, rest, &format!("{pointer}/{name}"), found);
    }
}

/// A document, what is found in it, and how it was looked at.
struct Sample {
    setting: usize,
    document: Value,
    found: Found,
}

type Found = BTreeSet<(String, Severity, String)>;

fn found(setting: &Setting, document: &Value) -> Option<Found> {
    let definition = TaskDefinition::parse(document.to_string().as_bytes()).ok()?;
    let findings = setting.findings(&definition, Origin::Uploaded).into_iter();
    let of_rules = findings.filter(|finding| OF_THE_MODEL.iter().all(|rule| finding.rule != *rule));
    Some(of_rules.map(|finding| (finding.rule.to_string(), finding.severity, finding.pointer.to_string())).collect())
}

fn samples(settings: &mut Vec<Setting>) -> Vec<Sample> {
    let rules = fixtures("rules");
    let documents = fixtures("documents");
    let folders: Vec<PathBuf> = names(&rules).into_iter().map(|name| rules.join(name)).collect();
    let folders = folders.into_iter().chain(names(&documents).into_iter().map(|name| documents.join(name)));
    let mut samples = Vec::new();
    for folder in folders {
        settings.push(Setting::beside(&folder));
        let setting = settings.len() - 1;
        let is_document = |name: &String| {
            ["bad", "good", "fargate"].iter().any(|kind| name.starts_with(kind)) && *name != "subject.json"
        };
        for name in names(&folder).into_iter().filter(is_document) {
            let document: Value = serde_json::from_str(&read(&folder.join(name)).to_json()).unwrap();
            let found = found(&settings[setting], &document).unwrap();
            samples.push(Sample { setting, document, found });
        }
    }
    samples
}

/// Whether another value of the member changes what is found in a document.
fn is_read(path: &str, shape: &Shape, samples: &[Sample], settings: &[Setting]) -> bool {
    let (parent, name) = path.rsplit_once('/').unwrap();
    samples.iter().any(|sample| {
        let mut places = Vec::new();
        objects(&sample.document, parent, "", &mut places);
        places.iter().any(|place| {
            values(shape).into_iter().any(|value| {
                let mut document = sample.document.clone();
                let Some(Value::Object(object)) = document.pointer_mut(place) else { return false };
                if object.insert(name.to_owned(), value.clone()) == Some(value) {
                    return false;
                }
                found(&settings[sample.setting], &document).is_some_and(|found| found != sample.found)
            })
        })
    })
}

#[test]
fn every_member_is_read_but_for_those_that_are_listed() {
    let model = model();
    let mut all = BTreeMap::new();
    members("", &model, &mut all);
    let mut settings = Vec::new();
    let samples = samples(&mut settings);
    let unread: BTreeSet<String> = all
        .iter()
        .filter(|(path, shape)| !is_read(path, shape, &samples, &settings))
        .map(|(path, _)| path.clone())
        .collect();
    println!("{} members, {} of them read", all.len(), all.len() - unread.len());
    let list = fixtures("unread-members.txt");
    let listed: BTreeSet<String> = fs::read_to_string(&list).unwrap().lines().map(str::to_owned).collect();
    if std::env::var_os("SHRINK_UNREAD_MEMBERS").is_some() {
        let kept = listed.intersection(&unread).map(|path| format!("{path}\n"));
        fs::write(&list, kept.collect::<String>()).unwrap();
    }
    let new: Vec<&String> = unread.difference(&listed).collect();
    assert!(new.is_empty(), "no rule reads these any more: {new:#?}");
    let read: Vec<&String> = listed.difference(&unread).collect();
    assert!(read.is_empty(), "these are read; take them from the list with SHRINK_UNREAD_MEMBERS=1: {read:#?}");
}
