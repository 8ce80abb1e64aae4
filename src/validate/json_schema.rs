//! A JSON Schema of the task definition as Express Mode accepts it, for editors: the members, types and enumerations of
//! the ECS API model, and what rules know about single values. It refuses nothing that the rules let pass; what takes
//! more than one place to see is left to them.

use serde_json::{Map, Value, json};

use super::rules::TABLE;
use super::rules::tables::{
    HEALTH_CHECK_RANGES, LOG_DRIVERS_ON_EC2, MAX_CONTAINERS, REFUSED_LINUX_PARAMETERS, REFUSED_OF_CONTAINERS,
    REFUSED_OF_TASKS, SIZES, Steps,
};
use crate::task_definition::READ_ONLY;
use crate::task_definition::schema::REQUIRED;
use crate::task_definition::schema::model::{Member, Shape, model};

/// A family, a container or a volume.
const NAME: &str = "^[A-Za-z0-9_-]{1,255}$";

/// Members that every task definition for Express Mode, and every container in it, must have; not null.
const REQUIRED_HERE: [&str; 8] = [
    "RegisterTaskDefinitionInput$family",
    "RegisterTaskDefinitionInput$networkMode",
    "RegisterTaskDefinitionInput$containerDefinitions",
    "RegisterTaskDefinitionInput$requiresCompatibilities",
    "RegisterTaskDefinitionInput$cpu",
    "RegisterTaskDefinitionInput$memory",
    "ContainerDefinition$name",
    "ContainerDefinition$image",
];

/// The schema, in draft 7: the newest one that editors for JSON know in full.
pub fn task_definition() -> Value {
    let mut schema = json!({
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "ECS task definition for Express Mode",
        "$comment": "Made from the ECS API model and the rules of express-deployer: UPDATE_DOCS=1 cargo test --test it docs",
    });
    let mut task = of_shape(&model(), false);
    if let Some(properties) = task.get_mut("properties").and_then(Value::as_object_mut) {
        for member in READ_ONLY {
            let description = "Described by ECS and ignored when a definition is registered.";
            properties.insert(member.to_owned(), json!({"readOnly": true, "description": description}));
        }
    }
    merge(&mut schema, task);
    schema
}

fn merge(schema: &mut Value, more: Value) {
    if let (Value::Object(schema), Value::Object(more)) = (schema, more) {
        schema.extend(more);
    }
}

fn of_shape(shape: &Shape, is_nullable: bool) -> Value {
    let kind = |name: &str| if is_nullable { json!([name, "null"]) } else { json!(name) };
    match shape {
        Shape::Structure(members) => of_structure(members, &kind("object")),
        Shape::List(item) => json!({"type": kind("array"), "items": of_shape(item, false)}),
        Shape::Map(value) => json!({"type": kind("object"), "additionalProperties": of_shape(value, false)}),
        Shape::Boolean => json!({"type": kind("boolean")}),
        Shape::Integer => json!({"type": kind("integer")}),
        Shape::Number => json!({"type": kind("number")}),
        Shape::Text(None) => json!({"type": kind("string")}),
        Shape::Text(Some(values)) => {
            let null = is_nullable.then_some(Value::Null);
            let values: Vec<Value> = values.iter().map(|value| json!(value)).chain(null).collect();
            json!({"enum": values})
        }
    }
}

fn of_structure(members: &[Member], kind: &Value) -> Value {
    let mut properties = Map::new();
    let mut required = Vec::new();
    for member in members {
        let id = member.id.as_str();
        let is_required = REQUIRED.contains(&id) || REQUIRED_HERE.contains(&id);
        if is_required {
            required.push(member.name.as_str());
        }
        properties.insert(member.name.clone(), of_member(member, is_required));
    }
    let mut schema = json!({"type": kind, "additionalProperties": false});
    if !required.is_empty() {
        merge(&mut schema, json!({"required": required}));
    }
    merge(&mut schema, json!({"properties": properties}));
    let structure = members.first().and_then(|member| member.id.split_once('$')).map_or("", |(name, _)| name);
    match structure {
        "RegisterTaskDefinitionInput" => merge(&mut schema, json!({"allOf": sizes()})),
        "ContainerDefinition" => merge(&mut schema, main_container()),
        _ => {}
    }
    schema
}

fn of_member(member: &Member, is_required: bool) -> Value {
    let mut schema = of_shape(&member.shape, !is_required);
    let Some((rules, fact)) = refusal(member).or_else(|| fact(&member.id)) else { return schema };
    // The rules' own words come first, where an editor shows them.
    let mut described = json!({"description": described(rules)});
    if fact.get("enum").is_some() || fact.get("const").is_some() {
        schema = json!({});
    }
    merge(&mut schema, fact);
    merge(&mut described, schema);
    described
}

/// What happens otherwise, by these rules.
fn described(ids: &[&str]) -> String {
    let rules = ids.iter().filter_map(|id| TABLE.iter().find(|rule| rule.id == *id));
    rules.map(|rule| format!("{} ({})", rule.why, rule.id)).collect::<Vec<_>>().join("\n\n")
}

/// The rules and the constraint about a member that Fargate refuses; it may be there as long as it says nothing.
fn refusal(member: &Member) -> Option<(&'static [&'static str], Value)> {
    let (structure, name) = member.id.split_once('$')?;
    let rules: &[&str] = match structure {
        "RegisterTaskDefinitionInput" if REFUSED_OF_TASKS.contains(&name) => &["unsupported-member"],
        "ContainerDefinition" if REFUSED_OF_CONTAINERS.contains(&name) => &["unsupported-member"],
        "LinuxParameters" if REFUSED_LINUX_PARAMETERS.contains(&name) => &["unsupported-linux-parameter"],
        "Volume" if matches!(name, "dockerVolumeConfiguration" | "fsxWindowsFileServerVolumeConfiguration") => {
            &["unsupported-volume"]
        }
        "HostVolumeProperties" if name == "sourcePath" => &["unsupported-volume"],
        _ => return None,
    };
    let nothing = match member.shape {
        Shape::List(_) => json!({"maxItems": 0}),
        Shape::Boolean => json!({"enum": [false, null]}),
        Shape::Text(_) => json!({"enum": ["", null]}),
        Shape::Structure(_) | Shape::Map(_) | Shape::Integer | Shape::Number => json!({"enum": [null]}),
    };
    Some((rules, nothing))
}

/// The rules and the constraint about a member of which more is known than its type.
fn fact(id: &str) -> Option<(&'static [&'static str], Value)> {
    Some(match id {
        "RegisterTaskDefinitionInput$family" => (&["invalid-family"], json!({"pattern": NAME})),
        "RegisterTaskDefinitionInput$networkMode" => (&["non-awsvpc-network"], json!({"const": "awsvpc"})),
        "RegisterTaskDefinitionInput$requiresCompatibilities" => {
            (&["missing-fargate"], json!({"contains": {"const": "FARGATE"}}))
        }
        "RegisterTaskDefinitionInput$cpu" => (&["missing-task-size", "invalid-fargate-size"], cpu()),
        "RegisterTaskDefinitionInput$memory" => {
            (&["missing-task-size", "invalid-fargate-size"], json!({"pattern": format!("^ *[0-9]+ *$|{GIGABYTES}")}))
        }
        "RegisterTaskDefinitionInput$containerDefinitions" => (
            &["missing-main-container", "too-many-containers"],
            json!({"minItems": 1, "maxItems": MAX_CONTAINERS, "contains": is_main()}),
        ),
        "RegisterTaskDefinitionInput$pidMode" => (&["unsupported-member"], json!({"enum": ["task", null]})),
        "RegisterTaskDefinitionInput$tags" => (&["invalid-tag", "too-many-tags"], json!({"maxItems": 50})),
        "EphemeralStorage$sizeInGiB" => (&["out-of-range-ephemeral-storage"], json!({"minimum": 20, "maximum": 200})),
        "Tag$key" => (
            &["invalid-tag"],
            json!({"minLength": 1, "maxLength": 128, "not": {"type": "string", "pattern": "^[aA][wW][sS]:"}}),
        ),
        "Tag$value" => (&["invalid-tag"], json!({"maxLength": 256})),
        "Volume$name" => (&["invalid-volume-name"], json!({"pattern": NAME})),
        _ => return fact_of_a_container(id),
    })
}

fn fact_of_a_container(id: &str) -> Option<(&'static [&'static str], Value)> {
    Some(match id {
        "ContainerDefinition$name" => (&["invalid-container-name"], json!({"pattern": NAME})),
        "ContainerDefinition$image" => (&["invalid-image"], json!({"pattern": "^[A-Za-z0-9_:./#@-]+$"})),
        "ContainerDefinition$startTimeout" | "ContainerDefinition$stopTimeout" => {
            (&["out-of-range-timeout"], json!({"minimum": 0, "maximum": 120}))
        }
        "ContainerDefinition$environmentFiles" => (&["invalid-environment-file"], json!({"maxItems": 10})),
        "EnvironmentFile$value" => (&["invalid-environment-file"], json!({"pattern": "^arn:[^:]*:s3:.*/.*\\.env$"})),
        "PortMapping$containerPort" => (&["out-of-range-port"], json!({"minimum": 1, "maximum": 65535})),
        "PortMapping$name" => (&["invalid-port-name"], json!({"pattern": "^([a-z0-9_][a-z0-9_-]{0,63})?$"})),
        "LogConfiguration$logDriver" => (&["unsupported-log-driver"], log_drivers()),
        "HealthCheck$command" => {
            let words = json!([{"enum": ["CMD", "CMD-SHELL", "NONE"]}]);
            (&["invalid-health-check"], json!({"minItems": 1, "items": words, "additionalItems": {"type": "string"}}))
        }
        "ContainerRestartPolicy$restartAttemptPeriod" => {
            (&["invalid-restart-policy"], json!({"minimum": 60, "maximum": 1800}))
        }
        "ContainerRestartPolicy$ignoredExitCodes" => (&["invalid-restart-policy"], json!({"maxItems": 50})),
        "KernelCapabilities$add" => (&["unsupported-capability"], json!({"items": {"const": "SYS_PTRACE"}})),
        _ => {
            let member = id.strip_prefix("HealthCheck$")?;
            let (_, least, most) = HEALTH_CHECK_RANGES.iter().find(|(name, ..)| *name == member)?;
            (&["out-of-range-health-check"], json!({"minimum": least, "maximum": most}))
        }
    })
}

fn log_drivers() -> Value {
    let known = crate::task_definition::schema::values("LogConfiguration$logDriver");
    let here = known.iter().filter(|driver| !LOG_DRIVERS_ON_EC2.contains(driver)).map(|driver| json!(driver));
    json!({"enum": here.chain([Value::Null]).collect::<Vec<_>>()})
}

fn is_main() -> Value {
    json!({"required": ["name"], "properties": {"name": {"const": "Main"}}})
}

/// What Express Mode asks of the container that gets the traffic.
fn main_container() -> Value {
    let mapping = json!({
        "required": ["containerPort", "name"],
        "properties": {
            "containerPort": {"type": "integer"},
            "name": {"type": "string", "minLength": 1},
            "protocol": {"enum": ["tcp", null]},
        },
    });
    let ports = json!({"type": "array", "minItems": 1, "maxItems": 1, "items": mapping});
    json!({"if": is_main(), "then": {"required": ["portMappings"], "properties": {"portMappings": ports}}})
}

/// A size in vCPU or GB; whether Fargate has it is seen by `invalid-fargate-size` alone.
const VIRTUAL_CPUS: &str = "^ *([0-9]+\\.?[0-9]*|\\.[0-9]+) *[vV][cC][pP][uU] *$";
const GIGABYTES: &str = "^ *([0-9]+\\.?[0-9]*|\\.[0-9]+) *[gG][bB] *$";

fn cpu() -> Value {
    let sizes: Vec<String> = SIZES.iter().map(|(cpu, _)| cpu.to_string()).collect();
    json!({"anyOf": [{"enum": sizes}, {"pattern": VIRTUAL_CPUS}]})
}

/// For each `cpu` the `memory` that goes with it.
fn sizes() -> Vec<Value> {
    let rows = SIZES.iter().map(|(cpu, steps)| {
        let memory: Vec<String> = steps.iter().flat_map(|steps| amounts(*steps)).map(|size| size.to_string()).collect();
        json!({
            "if": {"required": ["cpu"], "properties": {"cpu": {"const": cpu.to_string()}}},
            "then": {"properties": {"memory": {"anyOf": [{"enum": memory}, {"pattern": GIGABYTES}]}}},
        })
    });
    rows.collect()
}

fn amounts((first, last, step): Steps) -> impl Iterator<Item = u64> {
    std::iter::successors(Some(first), move |size| size.checked_add(step)).take_while(move |size| *size <= last)
}
