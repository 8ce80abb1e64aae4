//! The defaults that ECS adds to a registered task definition, and the order that it gives to variables, as
//! `DescribeTaskDefinition` shows them. No member is taken away.

use serde_json::{Map, Value, json};

use super::checks::{megabytes, units};

/// The document with AWS's defaults.
pub(super) fn fill(input: &Value) -> Value {
    let mut document = input.clone();
    let awsvpc = document.get("networkMode").is_some_and(|mode| mode == "awsvpc");
    let (cpu, memory) = (units(&document), megabytes(&document));
    if let Some(members) = document.as_object_mut() {
        members.retain(|_, value| !value.is_null());
        default(members, "volumes", json!([]));
        default(members, "placementConstraints", json!([]));
        if let Some(cpu) = cpu {
            members.insert("cpu".to_owned(), json!(cpu.to_string()));
        }
        if let Some(memory) = memory {
            members.insert("memory".to_owned(), json!(memory.to_string()));
        }
        for container in members.get_mut("containerDefinitions").and_then(Value::as_array_mut).into_iter().flatten() {
            fill_container(container, awsvpc);
        }
    }
    document["requiresAttributes"] = attributes(&document);
    document["compatibilities"] = compatibilities(&document);
    document
}

fn default(members: &mut Map<String, Value>, name: &str, value: Value) {
    if members.get(name).is_none_or(Value::is_null) {
        members.insert(name.to_owned(), value);
    }
}

fn fill_container(container: &mut Value, awsvpc: bool) {
    let Some(members) = container.as_object_mut() else { return };
    default(members, "cpu", json!(0));
    default(members, "essential", json!(true));
    for list in ["portMappings", "environment", "mountPoints", "volumesFrom", "systemControls"] {
        default(members, list, json!([]));
    }
    // ECS keeps these by name, and describes them in an order of its own.
    for list in ["environment", "secrets"] {
        if let Some(entries) = members.get_mut(list).and_then(Value::as_array_mut) {
            entries.sort_by_key(|entry| std::cmp::Reverse(entry.get("name").map(ToString::to_string)));
        }
    }
    for mapping in members.get_mut("portMappings").and_then(Value::as_array_mut).into_iter().flatten() {
        let Some(mapping) = mapping.as_object_mut() else { continue };
        let port = mapping.get("containerPort").cloned().filter(|_| awsvpc);
        default(mapping, "hostPort", port.unwrap_or(json!(0)));
        default(mapping, "protocol", json!("tcp"));
    }
    if let Some(check) = members.get_mut("healthCheck").and_then(Value::as_object_mut) {
        default(check, "interval", json!(30));
        default(check, "timeout", json!(5));
        default(check, "retries", json!(3));
    }
}

/// Capabilities that an instance must have; Fargate has them all.
fn attributes(document: &Value) -> Value {
    let mut names =
        vec!["com.amazonaws.ecs.capability.docker-remote-api.1.18".to_owned(), "ecs.capability.task-eni".to_owned()];
    for container in document.get("containerDefinitions").and_then(Value::as_array).into_iter().flatten() {
        match container.pointer("/logConfiguration/logDriver").and_then(Value::as_str) {
            Some("awsfirelens") => names.push("ecs.capability.logging-driver.awsfirelens".to_owned()),
            Some(driver) => names.push(format!("com.amazonaws.ecs.capability.logging-driver.{driver}")),
            None => {}
        }
        if container.get("firelensConfiguration").is_some() {
            names.push("ecs.capability.firelens.fluentbit".to_owned());
        }
    }
    names.sort();
    names.dedup();
    names.into_iter().map(|name| json!({"name": name})).collect()
}

fn compatibilities(document: &Value) -> Value {
    let fargate = document.get("networkMode").is_some_and(|mode| mode == "awsvpc")
        && ["cpu", "memory"].iter().all(|member| document.get(*member).is_some());
    if fargate { json!(["EC2", "FARGATE"]) } else { json!(["EC2"]) }
}
