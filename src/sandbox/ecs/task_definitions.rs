//! Task definitions: registered whole, described with what ECS fills in, and refused where ECS refuses them at registration. This is an
//! oracle of its own; it shares no code with the checker.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::super::cloud::Refusal;
use super::super::ecr::Ecr;
use super::super::{ACCOUNT, REGION};

/// The article's FireLens definition, which is live at first as revision 5.
const SEED: &str = include_str!("../../../events/task-definitions/firelens.json");
const SEEDED_REVISION: u64 = 5;

/// The largest definition, in bytes (Amazon ECS service quotas).
const MAX_SIZE: usize = 64 * 1024;

/// The revisions, in the order of registration, as they are described; tags beside them.
#[derive(Debug)]
pub(super) struct TaskDefinitions(Vec<(Map<String, Value>, Value)>);

impl TaskDefinitions {
    pub(super) fn seeded(start: Timestamp) -> Self {
        let mut seed: Map<String, Value> = serde_json::from_str(SEED).unwrap_or_default();
        if let Some(main) = seed.get_mut("containerDefinitions").and_then(|containers| containers.get_mut(0)) {
            main["image"] = json!(Ecr::live_reference());
        }
        let tags = json!([{"key": "team", "value": "shop"}]);
        Self(vec![(describe(seed, SEEDED_REVISION, start), tags)])
    }

    pub(super) fn seeded_arn(&self) -> String {
        self.0
            .first()
            .and_then(|(definition, _)| definition["taskDefinitionArn"].as_str())
            .unwrap_or_default()
            .to_owned()
    }

    pub(super) fn described(&self, family: &str) -> Vec<Value> {
        let ours = self.0.iter().filter(|(definition, _)| definition["family"] == family);
        ours.map(|(definition, tags)| {
            let mut described = Value::Object(definition.clone());
            described["tags"] = tags.clone();
            described
        })
        .collect()
    }

    /// By ARN, by `family:revision`, or the newest of a family.
    pub(super) fn find(&self, named: &str) -> Option<&Map<String, Value>> {
        self.entry(named).map(|(definition, _)| definition)
    }

    fn entry(&self, named: &str) -> Option<&(Map<String, Value>, Value)> {
        let name = named.rsplit('/').next().unwrap_or(named);
        self.0.iter().rev().find(|(definition, _)| {
            let family = definition["family"].as_str().unwrap_or_default();
            name == family || name == format!("{family}:{}", definition["revision"])
        })
    }

    pub(super) fn find_active(&self, named: &str) -> Result<&Map<String, Value>, Refusal> {
        self.find(named).ok_or_else(|| (400, "ClientException", "Unable to describe task definition.".to_owned()))
    }

    pub(super) fn describe(&self, request: &Value) -> Result<Value, Refusal> {
        let named = request["taskDefinition"].as_str().unwrap_or_default();
        let (definition, tags) = self
            .entry(named)
            .ok_or_else(|| (400, "ClientException", "Unable to describe task definition.".to_owned()))?;
        let wants_tags =
            request["include"].as_array().is_some_and(|include| include.iter().any(|field| field == "TAGS"));
        let mut answer = json!({"taskDefinition": definition});
        if wants_tags {
            answer["tags"] = tags.clone();
        }
        Ok(answer)
    }

    pub(super) fn list(&self, request: &Value) -> Value {
        let family = request["familyPrefix"].as_str();
        let limit = request["maxResults"].as_u64().map_or(100, |limit| usize::try_from(limit).unwrap_or(100));
        let ours = self.0.iter().filter(|(definition, _)| family.is_none_or(|family| definition["family"] == family));
        let mut arns: Vec<&Value> = ours.map(|(definition, _)| &definition["taskDefinitionArn"]).collect();
        if request["sort"] == "DESC" {
            arns.reverse();
        }
        arns.truncate(limit);
        json!({"taskDefinitionArns": arns})
    }

    pub(super) fn register(&mut self, request: &Value, now: Timestamp) -> Result<Value, Refusal> {
        let Some(members) = request.as_object() else {
            return Err((400, "SerializationException", "Start of structure expected".to_owned()));
        };
        check(members)?;
        let mut members = members.clone();
        let tags = members.shift_remove("tags").unwrap_or_else(|| json!([]));
        let family = members["family"].as_str().unwrap_or_default().to_owned();
        let newest = self.0.iter().rev().find(|(definition, _)| definition["family"] == family.as_str());
        let revision = newest.and_then(|(definition, _)| definition["revision"].as_u64()).unwrap_or(0) + 1;
        let described = describe(members, revision, now);
        self.0.push((described.clone(), tags.clone()));
        Ok(json!({"taskDefinition": described, "tags": tags}))
    }
}

/// A container of a definition.
pub(super) fn container<'a>(definition: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    definition.get("containerDefinitions")?.as_array()?.iter().find(|container| container["name"] == name)
}

/// The rules of Express Mode for an update (Amazon ECS developer guide, "Express Mode services: getting started").
pub(super) fn check_express(definition: &Map<String, Value>) -> Result<(), String> {
    let main = container(definition, "Main").ok_or("The task definition must contain a container named Main.")?;
    let ports = main["portMappings"].as_array().map_or(&[][..], Vec::as_slice);
    let [port] = ports else { return Err("The Main container must have exactly one port mapping.".to_owned()) };
    if port["name"].as_str().is_none_or(str::is_empty) || port["containerPort"].as_u64().is_none() {
        return Err("The port mapping of the Main container must have a name and a containerPort.".to_owned());
    }
    if port["protocol"].as_str().is_some_and(|protocol| protocol != "tcp") {
        return Err("The port mapping of the Main container must use TCP.".to_owned());
    }
    let compatible =
        definition["compatibilities"].as_array().is_some_and(|list| list.iter().any(|item| item == "FARGATE"));
    if compatible { Ok(()) } else { Err("The task definition must be compatible with FARGATE.".to_owned()) }
}

/// The definition with what ECS fills in.
fn describe(mut definition: Map<String, Value>, revision: u64, now: Timestamp) -> Map<String, Value> {
    let family = definition.get("family").and_then(Value::as_str).unwrap_or_default().to_owned();
    for container in definition.get_mut("containerDefinitions").and_then(Value::as_array_mut).into_iter().flatten() {
        let Some(members) = container.as_object_mut() else { continue };
        members.entry("cpu").or_insert(json!(0));
        members.entry("essential").or_insert(json!(true));
        for empty in ["environment", "mountPoints", "volumesFrom", "portMappings", "systemControls"] {
            members.entry(empty).or_insert(json!([]));
        }
        for port in members["portMappings"].as_array_mut().into_iter().flatten().filter_map(Value::as_object_mut) {
            let number = port.get("containerPort").cloned().unwrap_or_default();
            port.entry("hostPort").or_insert(number);
            port.entry("protocol").or_insert(json!("tcp"));
        }
    }
    let is_fargate = definition
        .get("requiresCompatibilities")
        .and_then(Value::as_array)
        .is_some_and(|list| list.iter().any(|item| item == "FARGATE"));
    let compatibilities = if is_fargate { json!(["EC2", "FARGATE"]) } else { json!(["EC2"]) };
    for (member, value) in [("volumes", json!([])), ("placementConstraints", json!([]))] {
        definition.entry(member).or_insert(value);
    }
    let arn = format!("arn:aws:ecs:{REGION}:{ACCOUNT}:task-definition/{family}:{revision}");
    definition.insert("taskDefinitionArn".to_owned(), json!(arn));
    definition.insert("revision".to_owned(), json!(revision));
    definition.insert("status".to_owned(), json!("ACTIVE"));
    definition.insert(
        "requiresAttributes".to_owned(),
        json!([{"name": "com.amazonaws.ecs.capability.docker-remote-api.1.18"}]),
    );
    definition.insert("compatibilities".to_owned(), compatibilities);
    definition.insert("registeredAt".to_owned(), json!(now.as_second()));
    definition
        .insert("registeredBy".to_owned(), json!(format!("arn:aws:sts::{ACCOUNT}:assumed-role/deployer/sandbox")));
    definition
}

/// What ECS refuses at registration, with its words where they are known (they come from public issues and the developer guide).
fn check(definition: &Map<String, Value>) -> Result<(), Refusal> {
    let client = |message: &str| (400, "ClientException", message.to_owned());
    for (member, is_typed) in [
        ("family", Value::is_string as fn(&Value) -> bool),
        ("cpu", Value::is_string),
        ("memory", Value::is_string),
        ("networkMode", Value::is_string),
        ("containerDefinitions", Value::is_array),
        ("requiresCompatibilities", Value::is_array),
        ("runtimePlatform", Value::is_object),
    ] {
        if definition.get(member).is_some_and(|value| !value.is_null() && !is_typed(value)) {
            return Err((400, "SerializationException", format!("{member} has an unexpected type")));
        }
    }
    let text = |member: &str| definition.get(member).and_then(Value::as_str);
    if Value::Object(definition.clone()).to_string().len() > MAX_SIZE {
        return Err(client("Actual length of the task definition exceeds the limit of 65536 bytes."));
    }
    if text("family").is_none_or(|family| family.is_empty() || !is_name(family)) {
        return Err(client(
            "Family should not be null or empty and contains only letters, numbers, hyphens and underscores.",
        ));
    }
    let containers = definition.get("containerDefinitions").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    if containers.is_empty() {
        return Err(client("Container list cannot be empty."));
    }
    if containers.len() > 10 {
        return Err(client("A task definition can have at most 10 containers."));
    }
    if !containers.iter().any(|container| container["essential"] != false) {
        return Err(client("A task definition must have at least one essential container."));
    }
    if definition.get("tags").and_then(Value::as_array).is_some_and(|tags| tags.len() > 50) {
        return Err((400, "InvalidParameterException", "Too many tags. The maximum is 50.".to_owned()));
    }
    let is_fargate = definition
        .get("requiresCompatibilities")
        .and_then(Value::as_array)
        .is_some_and(|list| list.iter().any(|item| item == "FARGATE"));
    if is_fargate {
        check_fargate(definition)?;
    }
    containers.iter().try_for_each(|container| check_container(container, containers))
}

/// Fargate's sizes (Amazon ECS developer guide, "Task definition parameters for Fargate").
fn check_fargate(definition: &Map<String, Value>) -> Result<(), Refusal> {
    let client = |message: String| (400, "ClientException", message);
    let text = |member: &str| definition.get(member).and_then(Value::as_str);
    if text("networkMode") != Some("awsvpc") {
        return Err(client("Fargate only supports network mode 'awsvpc'.".to_owned()));
    }
    let (Some(cpu), Some(memory)) = (text("cpu"), text("memory")) else {
        let missing = if text("cpu").is_none() { "cpu" } else { "memory" };
        return Err(client(format!("Fargate requires that '{missing}' be defined at the task level.")));
    };
    let amount = |text: &str, unit: &str| {
        let lower = text.to_lowercase();
        match lower.strip_suffix(unit) {
            Some(number) => number.trim().parse::<f64>().map_or(0.0, |number| number * 1024.0),
            None => lower.trim().parse().unwrap_or(0.0),
        }
    };
    #[expect(clippy::cast_possible_truncation, reason = "sizes are small whole numbers")]
    let (cpu_units, mebibytes) = (amount(cpu, "vcpu") as i64, amount(memory, "gb") as i64);
    let fits = match cpu_units {
        256 => [512, 1024, 2048].contains(&mebibytes),
        512 => (1024..=4096).contains(&mebibytes) && mebibytes % 1024 == 0,
        1024 => (2048..=8192).contains(&mebibytes) && mebibytes % 1024 == 0,
        2048 => (4096..=16_384).contains(&mebibytes) && mebibytes % 1024 == 0,
        4096 => (8192..=30_720).contains(&mebibytes) && mebibytes % 1024 == 0,
        8192 => (16_384..=61_440).contains(&mebibytes) && mebibytes % 4096 == 0,
        16_384 => (32_768..=122_880).contains(&mebibytes) && mebibytes % 8192 == 0,
        32_768 => [61_440, 122_880, 249_856].contains(&mebibytes),
        _ => false,
    };
    match fits {
        true => Ok(()),
        false => Err(client(format!("No Fargate configuration exists for given values: {cpu} CPU, {memory} memory."))),
    }
}

fn check_container(container: &Value, containers: &[Value]) -> Result<(), Refusal> {
    let client = |message: String| (400, "ClientException", message);
    let Some(name) = container["name"].as_str().filter(|name| is_name(name) && !name.is_empty()) else {
        return Err(client("Container.name must consist of letters, numbers, hyphens and underscores.".to_owned()));
    };
    if container["image"].as_str().is_none_or(str::is_empty) {
        return Err(client("Container.image should not be null or empty.".to_owned()));
    }
    if containers.iter().filter(|other| other["name"] == name).count() > 1 {
        return Err(client(format!("Container names must be unique: {name}.")));
    }
    for port in container["portMappings"].as_array().into_iter().flatten() {
        if port.get("hostPort").is_some_and(|host| *host != port["containerPort"]) {
            let message = "When networkMode=awsvpc, the host ports and container ports in port mappings must match.";
            return Err(client(message.to_owned()));
        }
    }
    for dependency in container["dependsOn"].as_array().into_iter().flatten() {
        let target = dependency["containerName"].as_str().unwrap_or_default();
        let Some(found) = containers.iter().find(|other| other["name"] == target) else {
            return Err(client(format!("Cannot depend on container + '{target}' because it does not exist")));
        };
        if dependency["condition"] == "HEALTHY" && found.get("healthCheck").is_none() {
            return Err(client(format!(
                "A container that others depend on with HEALTHY must have health check configured: {target}"
            )));
        }
    }
    let routers =
        containers.iter().filter(|other| other.get("firelensConfiguration").is_some_and(Value::is_object)).count();
    if container["logConfiguration"]["logDriver"] == "awsfirelens" && routers != 1 {
        let message = "When using the awsfirelens log driver, exactly one container must have a firelensConfiguration.";
        return Err(client(message.to_owned()));
    }
    Ok(())
}

fn is_name(text: &str) -> bool {
    text.len() <= 255 && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
}
