//! Every text of the ECS API model against the table that says what it names, and against a guard: whichever name an
//! upload changes is refused, and told where there is no guard.

#![cfg(test)]

use std::collections::BTreeSet;

use express_deployer::config::Config;
use express_deployer::plan::{Asked, ImageEvidence, Inputs, Live, Request, Uploaded, ask};
use express_deployer::task_definition::TaskDefinition;
use express_deployer::task_definition::references::table::{Class, TABLE};
use express_deployer::task_definition::schema::model::{Shape, model};
use express_deployer::trigger::{Trigger, recognise};
use express_deployer::validate::Finding;
use serde_json::{Map, Value, json};

use crate::flow::event;

/// The paths of all texts of the model, and of its switches.
fn paths(path: &str, shape: &Shape, texts: &mut BTreeSet<String>, switches: &mut BTreeSet<String>) {
    match shape {
        Shape::Structure(members) => {
            for member in members {
                paths(&format!("{path}/{}", member.name), &member.shape, texts, switches);
            }
        }
        Shape::List(item) => paths(path, item, texts, switches),
        Shape::Map(value) => paths(&format!("{path}/*"), value, texts, switches),
        Shape::Text(_) => assert!(texts.insert(path.to_owned())),
        Shape::Boolean => assert!(switches.insert(path.to_owned())),
        Shape::Integer | Shape::Number => {}
    }
}

#[test]
fn every_text_of_the_model_is_classified() {
    let (mut texts, mut switches) = (BTreeSet::new(), BTreeSet::new());
    paths("", &model(), &mut texts, &mut switches);
    let rows: BTreeSet<String> = TABLE.iter().map(|(path, _)| (*path).to_owned()).collect();
    let unclassified: Vec<&String> = texts.difference(&rows).collect();
    assert!(unclassified.is_empty(), "say in the table what these name: {unclassified:?}");
    let gone: Vec<&String> = rows.difference(&texts).filter(|path| !switches.contains(*path)).collect();
    assert!(gone.is_empty(), "the model does not have these any more: {gone:?}");
    let nothing = TABLE.iter().filter(|(path, class)| *class == Class::Nothing && texts.contains(*path)).count();
    let switches = rows.intersection(&switches).count();
    println!(
        "{} texts in the model: {} references, {nothing} name nothing; and {switches} switch that is a reference",
        texts.len(),
        texts.len() - nothing
    );
}

/// A value of a shape with something in each place.
fn full(shape: &Shape, count: &mut usize) -> Value {
    *count += 1;
    match shape {
        Shape::Structure(members) => {
            let members = members.iter().map(|member| (member.name.clone(), full(&member.shape, count)));
            Value::Object(members.collect::<Map<_, _>>())
        }
        Shape::List(item) => json!([full(item, count)]),
        Shape::Map(value) => json!({"option": full(value, count)}),
        Shape::Boolean => json!(true),
        Shape::Integer | Shape::Number => json!(1),
        Shape::Text(Some(values)) => json!(values[0]),
        Shape::Text(None) => json!(format!("text-{count}")),
    }
}

/// The pointers of all texts in a document, and of all objects that the model describes.
fn places(value: &Value, pointer: &str, texts: &mut Vec<String>, objects: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            if !members.contains_key("option") {
                objects.push(pointer.to_owned());
            }
            members.iter().for_each(|(name, member)| places(member, &format!("{pointer}/{name}"), texts, objects));
        }
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(at, item)| places(item, &format!("{pointer}/{at}"), texts, objects));
        }
        Value::String(_) => texts.push(pointer.to_owned()),
        _ => {}
    }
}

fn class_of(pointer: &str) -> Class {
    let steps = pointer.split('/').filter(|step| step.parse::<usize>().is_err());
    let path = steps.collect::<Vec<_>>().join("/").replace("/option", "/*").replace("/*s/", "/options/");
    TABLE.iter().find(|(row, _)| *row == path).unwrap_or_else(|| panic!("{path}")).1
}

fn request(guard: &str) -> Request {
    let arn = "arn:aws:ecs:ap-northeast-1:123456789012:service/default/express-mode-custom-td-f9de";
    let prefix = "task-definitions/express-mode-custom-td/";
    let bucket = crate::flow::STATE;
    let text = format!("state_bucket = \"{bucket}\"\n[[service]]\narn = \"{arn}\"\nuploads = \"{prefix}\"\n{guard}");
    let config = Config::parse(&text).unwrap();
    let trigger = recognise(&event("s3-object-created.json")).triggers.remove(0);
    Request::of(&config, &config.services[0], trigger)
}

/// What is found in an upload.
fn findings(guard: &str, live: &Value, next: &Value) -> Vec<Finding> {
    let read = |value: &Value| TaskDefinition::parse(value.to_string().as_bytes()).unwrap();
    let live = Live { task_definition_arn: "arn:live".to_owned(), definition: read(live), serving: None };
    let request = request(guard);
    let Trigger::Upload(upload) = &request.trigger else { unreachable!() };
    let image = ImageEvidence::Unread("it is not asked for".to_owned());
    match ask(&request, &live, &Inputs::Upload(upload.clone(), Uploaded::Document(read(next)), image)) {
        Asked::Rejected(outline) => outline.findings,
        Asked::Draft(draft) => draft.outline.findings,
        Asked::Live(_) => Vec::new(),
        other => panic!("{other:?}"),
    }
}

/// The findings that speak of names.
fn about_names(findings: &[Finding]) -> Vec<&Finding> {
    let ids = ["forbidden-role", "forbidden-registry", "forbidden-reference", "changed-family", "new-reference"];
    findings.iter().filter(|finding| ids.contains(&finding.rule.as_str())).collect()
}

#[test]
fn whichever_name_an_upload_changes_is_refused_under_a_guard_and_told_without_one() {
    let live = full(&model(), &mut 0);
    let (mut texts, mut objects) = (Vec::new(), Vec::new());
    places(&live, "", &mut texts, &mut objects);
    let mut refused = 0;
    for pointer in &texts {
        let mut next = live.clone();
        *next.pointer_mut(pointer).unwrap() = json!("elsewhere");
        // Something that names nothing is another, too: what is live already is not looked at.
        next["cpu"] = json!("another");
        let is_reference = class_of(pointer) != Class::Nothing;
        for guard in ["[service.guard]\n", ""] {
            let found = findings(guard, &live, &next);
            let found = about_names(&found);
            assert_eq!(found.len(), usize::from(is_reference), "{pointer} {guard}: {found:?}");
            let is_shown = found.iter().all(|found| found.message.contains("elsewhere"));
            assert!(is_shown || pointer.contains("/option") || pointer.contains("/driverOpts/"), "{found:?}");
        }
        refused += usize::from(is_reference);
    }
    println!("{} texts changed one after another, {refused} of them refused", texts.len());
    for pointer in &objects {
        let mut next = live.clone();
        next.pointer_mut(pointer).unwrap()["novelty"] = json!({"arn": "elsewhere"});
        next["cpu"] = json!("another");
        let found = findings("[service.guard]\n", &live, &next);
        let [found] = about_names(&found)[..] else { panic!("{pointer}: {found:?}") };
        assert_eq!(*found.pointer, *format!("{pointer}/novelty"));
        let mut more = next.clone();
        more["cpu"] = json!("a third");
        let found = findings("[service.guard]\n", &next, &more);
        assert_eq!(about_names(&found).len(), 0, "what is live already is allowed: {found:?}");
    }
}

#[test]
fn a_kind_with_a_list_may_name_what_the_list_covers_and_nothing_else() {
    let live = full(&model(), &mut 0);
    let lists = [
        ("execution_roles", "/executionRoleArn", "text-allowed"),
        ("task_roles", "/taskRoleArn", "text-allowed"),
        ("registries", "/containerDefinitions/0/image", "docker.io/text-allowed/x"),
        ("families", "/family", "text-allowed"),
        ("secrets", "/containerDefinitions/0/secrets/0/valueFrom", "text-allowed"),
        ("environment_files", "/containerDefinitions/0/environmentFiles/0/value", "text-allowed"),
        ("volumes", "/volumes/0/host/sourcePath", "text-allowed"),
        ("log_destinations", "/containerDefinitions/0/logConfiguration/options/option", "text-allowed"),
        ("capabilities", "/containerDefinitions/0/linuxParameters/capabilities/add/0", "text-allowed"),
        ("tags", "/tags/0/key", "text-allowed"),
    ];
    for (key, pointer, value) in lists {
        let guard = format!("[service.guard]\n{key} = [\"docker.io/text-allowed\", \"*text-*\", \"fs*\", \"true\"]\n");
        let with = |value: &str| {
            let mut next = live.clone();
            *next.pointer_mut(pointer).unwrap() = json!(value);
            next["cpu"] = json!("another");
            findings(&guard, &live, &next)
        };
        let of_key = |found: Vec<Finding>| about_names(&found).iter().any(|found| found.pointer == pointer);
        assert!(!of_key(with(value)), "{key}");
        assert!(of_key(with("elsewhere")), "{key}");
    }
}

#[test]
fn a_rule_that_ends_the_checks_does_not_end_the_guard() {
    let live = full(&model(), &mut 0);
    let mut next = live.clone();
    next["taskDefinition"] = json!({"family": "another"});
    next.as_object_mut().unwrap().remove("containerDefinitions");
    next["taskRoleArn"] = json!("elsewhere");
    let guard = "[service.guard]\n[service.rules]\nallow = [\"wrapped-document\"]\n";
    let found = findings(guard, &live, &next);
    let rules: Vec<&str> = about_names(&found).iter().map(|finding| finding.rule.as_str()).collect();
    assert_eq!(rules, ["forbidden-role", "forbidden-reference"], "{found:?}");
}
