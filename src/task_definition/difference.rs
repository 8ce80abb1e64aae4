//! Where two documents differ in what they mean: both are written the way ECS describes them first, so that what it
//! fills in, rewrites or puts in another order is no difference.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::pointer::escape;
use super::{READ_ONLY, TaskDefinition, size};

/// One place where two documents differ. An entry of `environment` or `secrets` stands under its name.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Difference {
    /// The place.
    pub pointer: String,
    /// The value there before; absent when it is new.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<Value>,
    /// The value there after; absent when it is gone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<Value>,
}

impl Difference {
    /// Whether the place can hold what must not be printed: an environment value, a secret's name is fine.
    pub(crate) fn is_confidential(&self) -> bool {
        self.pointer
            .split('/')
            .any(|part| matches!(part, "environment" | "command" | "entryPoint" | "options" | "dockerLabels"))
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let show = |value: &Option<Value>| match value {
            None => "(absent)".to_owned(),
            Some(_) if self.is_confidential() => "(not shown)".to_owned(),
            Some(Value::String(text)) => text.chars().take(200).collect(),
            Some(Value::Array(items)) => format!("({} items)", items.len()),
            Some(Value::Object(members)) => format!("({} members)", members.len()),
            Some(scalar) => scalar.to_string(),
        };
        let pointer: String = self.pointer.chars().take(300).collect();
        write!(f, "{pointer}: {} -> {}", show(&self.before), show(&self.after))
    }
}

impl TaskDefinition {
    /// Where `other` differs from this document once both are written the way ECS describes them, at most `limit`
    /// places.
    pub fn differences(&self, other: &Self, limit: usize) -> Vec<Difference> {
        let (before, after) = (self.content(), other.content());
        let mut found = Vec::new();
        compare("", &before, &after, limit, &mut found);
        found
    }

    /// What the document means: without what ECS computes or fills in (`DescribeTaskDefinition` shows `cpu: 0`, empty
    /// lists, `hostPort`, `protocol`, the times of a health check), sizes in one unit, and lists whose order says
    /// nothing by name. Tags are left out: they belong to the revision, not to what runs.
    fn content(&self) -> Value {
        let mut members = self.clone().without(&READ_ONLY).without(&["tags"]).members;
        for (member, unit) in [("cpu", "vCPU"), ("memory", "GB")] {
            let amount = members.get(member).and_then(amount_of(unit));
            if let Some(amount) = amount {
                members.insert(member.to_owned(), json!(amount));
            }
        }
        if let Some(platforms) = members.get_mut("requiresCompatibilities").and_then(Value::as_array_mut) {
            platforms.sort_by(|one, other| one.as_str().cmp(&other.as_str()));
        }
        if let Some(platform) = members.get_mut("runtimePlatform").and_then(Value::as_object_mut) {
            drop_defaults(platform, &[("cpuArchitecture", "X86_64"), ("operatingSystemFamily", "LINUX")]);
        }
        for container in objects(members.get_mut("containerDefinitions")) {
            describe_container(container);
        }
        for volume in objects(members.get_mut("volumes")) {
            let Some(files) = volume.get_mut("efsVolumeConfiguration").and_then(Value::as_object_mut) else { continue };
            drop_defaults(files, &[("rootDirectory", "/"), ("transitEncryption", "DISABLED")]);
            if let Some(access) = files.get_mut("authorizationConfig").and_then(Value::as_object_mut) {
                drop_defaults(access, &[("iam", "DISABLED")]);
            }
        }
        let mut content = Value::Object(members);
        drop_empty(&mut content);
        content
    }
}

/// A size in the unit that ECS describes it in, as text.
fn amount_of(unit: &'static str) -> impl Fn(&Value) -> Option<String> {
    move |value| match value {
        Value::String(text) => size::in_units(text, unit).map(|amount| amount.to_string()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

fn objects(list: Option<&mut Value>) -> impl Iterator<Item = &mut Map<String, Value>> {
    list.and_then(Value::as_array_mut).into_iter().flatten().filter_map(Value::as_object_mut)
}

fn drop_defaults(members: &mut Map<String, Value>, defaults: &[(&str, &str)]) {
    members.retain(|name, value| !defaults.iter().any(|(member, default)| name == member && value == default));
}

fn describe_container(container: &mut Map<String, Value>) {
    container.retain(|name, value| !((name == "cpu" && *value == 0) || (name == "essential" && *value == true)));
    drop_defaults(container, &[("versionConsistency", "enabled")]);
    for port in objects(container.get_mut("portMappings")) {
        if port.get("hostPort") == port.get("containerPort") || port.get("hostPort").is_some_and(|port| *port == 0) {
            port.shift_remove("hostPort");
        }
        drop_defaults(port, &[("protocol", "tcp")]);
    }
    if let Some(check) = container.get_mut("healthCheck").and_then(Value::as_object_mut) {
        let defaults = [("interval", 30), ("timeout", 5), ("retries", 3), ("startPeriod", 0)];
        check.retain(|name, value| !defaults.iter().any(|(member, default)| name == member && *value == *default));
    }
    for list in ["environment", "secrets"] {
        if let Some(entries) = container.get_mut(list) {
            *entries = by_name(entries.take());
        }
    }
}

/// A list of entries with names as an object, in the order of the names: ECS describes them in an order of its own. Of
/// two with one name, the second one keeps its place among the two.
fn by_name(list: Value) -> Value {
    let Value::Array(mut entries) = list else { return list };
    let name_of = |entry: &Value| entry.get("name").and_then(Value::as_str).map(str::to_owned);
    if entries.iter().any(|entry| name_of(entry).is_none()) {
        return Value::Array(entries);
    }
    entries.sort_by_key(name_of);
    let (mut named, mut last, mut times) = (Map::new(), None, 1);
    for mut entry in entries {
        let name = name_of(&entry);
        times = if name == last { times + 1 } else { 1 };
        let place = name.clone().unwrap_or_default();
        let place = if times == 1 { place } else { format!("{place} ({times})") };
        last = name;
        if let Some(members) = entry.as_object_mut() {
            members.shift_remove("name");
            // An empty value is a value, and an entry without one is an entry.
            members.entry("value").or_insert_with(|| json!(""));
        }
        named.insert(place, entry);
    }
    Value::Object(named)
}

/// Drops what says nothing: nulls, empty lists and objects, and switches that are off, all but `essential`.
fn drop_empty(value: &mut Value) {
    let is_empty = |name: &str, value: &Value| match value {
        Value::Null => true,
        Value::Bool(is_on) => !is_on && name != "essential",
        Value::Array(items) => items.is_empty(),
        Value::Object(members) => members.is_empty(),
        Value::Number(_) | Value::String(_) => false,
    };
    match value {
        Value::Array(items) => items.iter_mut().for_each(drop_empty),
        Value::Object(members) => {
            members.values_mut().for_each(drop_empty);
            members.retain(|name, member| !is_empty(name, member));
        }
        _ => {}
    }
}

fn compare(pointer: &str, before: &Value, after: &Value, limit: usize, found: &mut Vec<Difference>) {
    if found.len() >= limit || before == after {
        return;
    }
    let place = |key: &str| format!("{pointer}/{}", escape(key));
    match (before, after) {
        (Value::Object(old), Value::Object(new)) => {
            for (key, value) in old {
                match new.get(key) {
                    Some(other) => compare(&place(key), value, other, limit, found),
                    None => found.push(Difference { pointer: place(key), before: Some(value.clone()), after: None }),
                }
            }
            for (key, value) in new.iter().filter(|(key, _)| !old.contains_key(*key)) {
                found.push(Difference { pointer: place(key), before: None, after: Some(value.clone()) });
            }
        }
        (Value::Array(old), Value::Array(new)) if old.len() == new.len() => {
            for (index, (value, other)) in old.iter().zip(new).enumerate() {
                compare(&place(&index.to_string()), value, other, limit, found);
            }
        }
        _ => found.push(Difference {
            pointer: pointer.to_owned(),
            before: Some(before.clone()),
            after: Some(after.clone()),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn document(value: Value) -> TaskDefinition {
        match value {
            Value::Object(members) => TaskDefinition::from(members),
            other => panic!("{other} is not an object"),
        }
    }

    fn assert_same(written: Value, described: Value) {
        assert_eq!(document(written).differences(&document(described), 10), []);
    }

    #[test]
    fn what_a_description_fills_in_is_no_difference() {
        assert_same(
            json!({"containerDefinitions": [{"name": "Main", "portMappings": [{"containerPort": 80}],
                "healthCheck": {"command": ["CMD-SHELL", "true"]}, "privileged": null}]}),
            json!({"containerDefinitions": [{"name": "Main", "cpu": 0, "essential": true, "environment": [],
                "portMappings": [{"containerPort": 80, "hostPort": 80, "protocol": "tcp"}], "privileged": false,
                "healthCheck": {"command": ["CMD-SHELL", "true"], "interval": 30, "timeout": 5, "retries": 3}}],
                "volumes": [], "revision": 3, "requiresAttributes": [{"name": "x"}]}),
        );
    }

    #[test]
    fn what_a_description_spells_otherwise_is_no_difference() {
        assert_same(
            json!({"cpu": ".5 vCPU", "memory": "1GB", "requiresCompatibilities": ["FARGATE", "EC2"],
                "runtimePlatform": {"operatingSystemFamily": "LINUX"}}),
            json!({"cpu": "512", "memory": "1024", "requiresCompatibilities": ["EC2", "FARGATE"]}),
        );
        assert_same(
            json!({"volumes": [{"name": "v", "efsVolumeConfiguration": {"fileSystemId": "fs-1"}}]}),
            json!({"volumes": [{"name": "v", "host": {}, "efsVolumeConfiguration":
                {"fileSystemId": "fs-1", "rootDirectory": "/", "transitEncryption": "DISABLED"}}]}),
        );
    }

    #[test]
    fn the_order_of_variables_and_secrets_is_no_difference_and_that_of_doubles_is_one() {
        let with = |pairs: &[(&str, &str)]| {
            let entries = |member: &str| -> Value {
                pairs.iter().map(|(name, value)| json!({"name": name, member: value})).collect()
            };
            document(
                json!({"containerDefinitions": [{"environment": entries("value"), "secrets": entries("valueFrom")}]}),
            )
        };
        let of = |one: &[(&str, &str)], other: &[(&str, &str)]| with(one).differences(&with(other), 10).len();
        assert_eq!(of(&[("A", "1"), ("B", "2")], &[("B", "2"), ("A", "1")]), 0);
        assert_eq!(of(&[("A", "1"), ("A", "2")], &[("A", "2"), ("A", "1")]), 4);
        assert_eq!(of(&[("A", "")], &[]), 2);
        assert_eq!(of(&[("A", "1"), ("B", "2")], &[("A", "2"), ("B", "1")]), 4);
    }

    #[test]
    fn a_switch_and_a_size_that_say_something_are_differences() {
        for (before, after) in [
            (json!({"essential": true}), json!({"essential": false})),
            (json!({"cpu": 0}), json!({"cpu": 256})),
            (json!({"privileged": false}), json!({"privileged": true})),
            (json!({"healthCheck": {"retries": 3}}), json!({"healthCheck": {"retries": 2}})),
            (json!({"portMappings": [{"protocol": "tcp"}]}), json!({"portMappings": [{"protocol": "udp"}]})),
        ] {
            let of = |container: &Value| document(json!({"containerDefinitions": [container]}));
            assert_eq!(of(&before).differences(&of(&after), 10).len(), 1, "{before} {after}");
        }
    }

    #[test]
    fn environment_values_are_not_shown() {
        let with =
            |value: &str| document(json!({"containerDefinitions": [{"environment": [{"name": "A", "value": value}]}]}));
        let shown = with("old-token").differences(&with("new-token"), 10)[0].to_string();
        assert!(!shown.contains("token"), "{shown}");
    }
}
