//! What `RegisterTaskDefinition` refuses, with AWS's messages where they are public. What ECS finds out only when a
//! task starts (a wrong processor, a log router that exits) passes here, as it does on AWS.

use std::collections::BTreeSet;

use serde_json::Value;

use super::super::api::ApiError;

mod containers;
mod task;

pub(super) use task::{megabytes, units};

/// The largest body of a registration, in bytes.
const MAX_BYTES: usize = 64 * 1024;

/// Refuses what AWS refuses. The document has the right types.
pub(super) fn check(document: &Value) -> Result<(), ApiError> {
    let length = document.to_string().len();
    if length > MAX_BYTES {
        return refuse(format!("Actual length: '{length}'. Max allowed length is '{MAX_BYTES}' bytes."));
    }
    name("Family", document.get("family").and_then(Value::as_str))?;
    check_tags(document)?;
    let containers = list(document, "containerDefinitions");
    check_container_list(containers)?;
    for container in containers {
        containers::check(container, document)?;
    }
    check_dependencies(containers)?;
    check_firelens(containers)?;
    check_volumes(document, containers)?;
    if is_fargate(document) {
        task::check_fargate(document, containers)?;
    }
    task::check(document)
}

fn refuse<T>(message: impl Into<String>) -> Result<T, ApiError> {
    Err(ApiError::client(message))
}

fn list<'a>(value: &'a Value, member: &str) -> &'a [Value] {
    value.get(member).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

fn text<'a>(value: &'a Value, member: &str) -> Option<&'a str> {
    value.get(member).and_then(Value::as_str)
}

fn is_fargate(document: &Value) -> bool {
    list(document, "requiresCompatibilities").iter().any(|compatibility| compatibility == "FARGATE")
}

fn is_essential(container: &Value) -> bool {
    container.get("essential").and_then(Value::as_bool).unwrap_or(true)
}

/// A name of a family, a container or a volume.
fn name(what: &str, given: Option<&str>) -> Result<(), ApiError> {
    let given = given.unwrap_or_default();
    if given.is_empty() {
        return refuse(format!("{what} should not be null or empty."));
    }
    if given.len() > 255 || !given.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte)) {
        return refuse(format!("{what} contains invalid characters."));
    }
    Ok(())
}

fn check_tags(document: &Value) -> Result<(), ApiError> {
    let tags = list(document, "tags");
    if tags.len() > 50 {
        return Err(ApiError::parameter("Tags can not have more than 50 elements."));
    }
    let mut keys = BTreeSet::new();
    for tag in tags {
        let key = text(tag, "key").unwrap_or_default();
        let value = text(tag, "value").unwrap_or_default();
        if key.is_empty() || key.chars().count() > 128 || value.chars().count() > 256 {
            return Err(ApiError::parameter("Tag keys have 1 to 128 characters and tag values at most 256."));
        }
        if key.to_lowercase().starts_with("aws:") {
            return Err(ApiError::parameter("Tag keys can not start with 'aws:'."));
        }
        if !keys.insert(key) {
            return Err(ApiError::parameter(format!("Duplicate tag key found: {key}")));
        }
    }
    Ok(())
}

fn check_container_list(containers: &[Value]) -> Result<(), ApiError> {
    if containers.is_empty() {
        return refuse("Container list cannot be empty.");
    }
    if containers.len() > 10 {
        return refuse("Too many containers: a task definition can have at most 10.");
    }
    let mut names = BTreeSet::new();
    for container in containers {
        name("Container.name", text(container, "name"))?;
        let given = text(container, "name").unwrap_or_default();
        if !names.insert(given) {
            return refuse(format!("Container names must be unique: '{given}' is used more than once."));
        }
    }
    if !containers.iter().any(is_essential) {
        return refuse("At least one container in a task definition must be essential.");
    }
    Ok(())
}

fn check_dependencies(containers: &[Value]) -> Result<(), ApiError> {
    for container in containers {
        for dependency in list(container, "dependsOn") {
            let target_name = text(dependency, "containerName").unwrap_or_default();
            let Some(target) = containers.iter().find(|target| text(target, "name") == Some(target_name)) else {
                return refuse(format!("Cannot depend on container + '{target_name}' because it does not exist"));
            };
            match text(dependency, "condition").unwrap_or_default() {
                "START" => {}
                "HEALTHY" if target.get("healthCheck").is_some_and(Value::is_object) => {}
                "HEALTHY" => {
                    return refuse("A dependency container with HEALTHY condition must have health check configured");
                }
                "COMPLETE" | "SUCCESS" if !is_essential(target) => {}
                "COMPLETE" | "SUCCESS" => {
                    return refuse(
                        "A dependency container with SUCCESS or COMPLETE condition cannot be an essential container",
                    );
                }
                other => return Err(ApiError::parameter(format!("Invalid container dependency condition '{other}'."))),
            }
        }
    }
    if has_cycle(containers) { refuse("Container dependencies can not form a cycle.") } else { Ok(()) }
}

/// Takes away containers that depend on nothing left; what cannot be taken away is a cycle.
fn has_cycle(containers: &[Value]) -> bool {
    let mut waiting: Vec<&Value> = containers.iter().collect();
    loop {
        let names: BTreeSet<&str> = waiting.iter().filter_map(|container| text(container, "name")).collect();
        let before = waiting.len();
        waiting.retain(|container| {
            list(container, "dependsOn")
                .iter()
                .any(|dependency| text(dependency, "containerName").is_some_and(|target| names.contains(target)))
        });
        if waiting.is_empty() || waiting.len() == before {
            return !waiting.is_empty();
        }
    }
}

fn check_firelens(containers: &[Value]) -> Result<(), ApiError> {
    let routers = containers
        .iter()
        .filter(|container| container.get("firelensConfiguration").is_some_and(Value::is_object))
        .count();
    let users = containers.iter().filter(|container| containers::log_driver(container) == Some("awsfirelens")).count();
    if routers > 1 {
        return refuse("Only one container in a task definition can have a firelensConfiguration.");
    }
    if routers == 0 && users > 0 {
        return refuse(
            "When the awsfirelens log driver is specified, one container has to have a firelensConfiguration object.",
        );
    }
    if routers == 1 && users == 0 {
        return refuse(
            "When a firelensConfiguration object is specified, at least one container has to be configured with the awsfirelens log driver.",
        );
    }
    Ok(())
}

fn check_volumes(document: &Value, containers: &[Value]) -> Result<(), ApiError> {
    let mut volumes = BTreeSet::new();
    for volume in list(document, "volumes") {
        name("Volume.name", text(volume, "name"))?;
        if !volumes.insert(text(volume, "name").unwrap_or_default()) {
            return refuse("Volume names must be unique.");
        }
    }
    for container in containers {
        for mount in list(container, "mountPoints") {
            let source = text(mount, "sourceVolume").unwrap_or_default();
            if !volumes.contains(source) {
                return refuse(format!("Unknown volume '{source}'."));
            }
        }
        for from in list(container, "volumesFrom") {
            let source = text(from, "sourceContainer").unwrap_or_default();
            if !containers.iter().any(|container| text(container, "name") == Some(source)) {
                return refuse(format!("Unknown container '{source}' in volumesFrom."));
            }
        }
    }
    Ok(())
}
