//! The JSON types of a task definition's members, as `RegisterTaskDefinition`'s model has them. A wrong type is a
//! `SerializationException` before anything else is looked at; members that are not listed pass.

use serde_json::Value;

use super::super::api::ApiError;

/// The type of a member.
enum Shape {
    Text,
    Integer,
    Flag,
    /// A map from text to text.
    Map,
    List(&'static Self),
    Members(&'static [(&'static str, Self)]),
}

use Shape::{Flag, Integer, List, Map, Members, Text};

const TEXTS: Shape = List(&Text);
const PAIR: Shape = Members(&[("name", Text), ("value", Text)]);
const SECRET: Shape = Members(&[("name", Text), ("valueFrom", Text)]);
const LOG_CONFIGURATION: Shape = Members(&[("logDriver", Text), ("options", Map), ("secretOptions", List(&SECRET))]);
const HEALTH_CHECK: Shape = Members(&[
    ("command", TEXTS),
    ("interval", Integer),
    ("timeout", Integer),
    ("retries", Integer),
    ("startPeriod", Integer),
]);
const PORT_MAPPING: Shape = Members(&[
    ("containerPort", Integer),
    ("hostPort", Integer),
    ("protocol", Text),
    ("name", Text),
    ("appProtocol", Text),
    ("containerPortRange", Text),
]);
const LINUX_PARAMETERS: Shape = Members(&[
    ("capabilities", Members(&[("add", TEXTS), ("drop", TEXTS)])),
    ("devices", List(&Members(&[("hostPath", Text), ("containerPath", Text), ("permissions", TEXTS)]))),
    ("initProcessEnabled", Flag),
    ("sharedMemorySize", Integer),
    ("tmpfs", List(&Members(&[("containerPath", Text), ("size", Integer), ("mountOptions", TEXTS)]))),
    ("maxSwap", Integer),
    ("swappiness", Integer),
]);
const CONTAINER: Shape = Members(&[
    ("name", Text),
    ("image", Text),
    ("repositoryCredentials", Members(&[("credentialsParameter", Text)])),
    ("cpu", Integer),
    ("memory", Integer),
    ("memoryReservation", Integer),
    ("links", TEXTS),
    ("portMappings", List(&PORT_MAPPING)),
    ("essential", Flag),
    (
        "restartPolicy",
        Members(&[("enabled", Flag), ("ignoredExitCodes", List(&Integer)), ("restartAttemptPeriod", Integer)]),
    ),
    ("entryPoint", TEXTS),
    ("command", TEXTS),
    ("environment", List(&PAIR)),
    ("environmentFiles", List(&Members(&[("value", Text), ("type", Text)]))),
    ("mountPoints", List(&Members(&[("sourceVolume", Text), ("containerPath", Text), ("readOnly", Flag)]))),
    ("volumesFrom", List(&Members(&[("sourceContainer", Text), ("readOnly", Flag)]))),
    ("linuxParameters", LINUX_PARAMETERS),
    ("secrets", List(&SECRET)),
    ("dependsOn", List(&Members(&[("containerName", Text), ("condition", Text)]))),
    ("startTimeout", Integer),
    ("stopTimeout", Integer),
    ("versionConsistency", Text),
    ("hostname", Text),
    ("user", Text),
    ("workingDirectory", Text),
    ("disableNetworking", Flag),
    ("privileged", Flag),
    ("readonlyRootFilesystem", Flag),
    ("dnsServers", TEXTS),
    ("dnsSearchDomains", TEXTS),
    ("extraHosts", List(&Members(&[("hostname", Text), ("ipAddress", Text)]))),
    ("dockerSecurityOptions", TEXTS),
    ("interactive", Flag),
    ("pseudoTerminal", Flag),
    ("dockerLabels", Map),
    ("ulimits", List(&Members(&[("name", Text), ("softLimit", Integer), ("hardLimit", Integer)]))),
    ("logConfiguration", LOG_CONFIGURATION),
    ("healthCheck", HEALTH_CHECK),
    ("systemControls", List(&Members(&[("namespace", Text), ("value", Text)]))),
    ("resourceRequirements", List(&Members(&[("value", Text), ("type", Text)]))),
    ("firelensConfiguration", Members(&[("type", Text), ("options", Map)])),
    ("credentialSpecs", TEXTS),
]);
const EFS: Shape = Members(&[
    ("fileSystemId", Text),
    ("rootDirectory", Text),
    ("transitEncryption", Text),
    ("transitEncryptionPort", Integer),
    ("authorizationConfig", Members(&[("accessPointId", Text), ("iam", Text)])),
]);
const VOLUME: Shape = Members(&[
    ("name", Text),
    ("host", Members(&[("sourcePath", Text)])),
    ("efsVolumeConfiguration", EFS),
    ("configuredAtLaunch", Flag),
]);
const TASK_DEFINITION: Shape = Members(&[
    ("family", Text),
    ("taskRoleArn", Text),
    ("executionRoleArn", Text),
    ("networkMode", Text),
    ("containerDefinitions", List(&CONTAINER)),
    ("volumes", List(&VOLUME)),
    ("placementConstraints", List(&Members(&[("type", Text), ("expression", Text)]))),
    ("requiresCompatibilities", TEXTS),
    ("cpu", Text),
    ("memory", Text),
    ("tags", List(&Members(&[("key", Text), ("value", Text)]))),
    ("pidMode", Text),
    ("ipcMode", Text),
    ("proxyConfiguration", Members(&[("type", Text), ("containerName", Text), ("properties", List(&PAIR))])),
    ("ephemeralStorage", Members(&[("sizeInGiB", Integer)])),
    ("runtimePlatform", Members(&[("cpuArchitecture", Text), ("operatingSystemFamily", Text)])),
    ("enableFaultInjection", Flag),
]);

/// Refuses a document with a member of another type than the model's.
pub(super) fn check(document: &Value) -> Result<(), ApiError> {
    walk(&TASK_DEFINITION, document)
}

fn walk(shape: &Shape, value: &Value) -> Result<(), ApiError> {
    let refused = |message: &str| Err(ApiError::new("SerializationException", message));
    match (shape, value) {
        (_, Value::Null) | (Text, Value::String(_)) | (Flag, Value::Bool(_)) => Ok(()),
        (Integer, Value::Number(number)) if number.as_i64().is_some_and(|number| i32::try_from(number).is_ok()) => {
            Ok(())
        }
        (List(item), Value::Array(items)) => items.iter().try_for_each(|value| walk(item, value)),
        (Map, Value::Object(members)) => members.values().try_for_each(|value| walk(&Text, value)),
        (Members(shapes), Value::Object(members)) => shapes
            .iter()
            .filter_map(|(name, shape)| members.get(*name).map(|value| (shape, value)))
            .try_for_each(|(shape, value)| walk(shape, value)),
        (List(_), _) => refused("Expected list or null"),
        (Map, _) => refused("Expected map or null"),
        (Members(_), _) => refused("Unexpected value type in payload"),
        (_, Value::Object(_)) => refused("Start of structure or map found where not expected."),
        (_, Value::Array(_)) => refused("Start of list found where not expected"),
        (Text, other) => refused(&format!("{} can not be converted to a String", token(other))),
        (Integer, other) => refused(&format!("{} can not be converted to an Integer", token(other))),
        (Flag, other) => refused(&format!("{} can not be converted to a Boolean", token(other))),
    }
}

fn token(value: &Value) -> &'static str {
    match value {
        Value::Bool(true) => "TRUE_VALUE",
        Value::Bool(false) => "FALSE_VALUE",
        Value::Number(number) if number.is_f64() => "DECIMAL_VALUE",
        Value::Number(_) => "NUMBER_VALUE",
        _ => "STRING_VALUE",
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn refusal(document: &Value) -> String {
        check(document).unwrap_err().message
    }

    #[test]
    fn a_wrong_type_is_refused_wherever_it_is() {
        assert_eq!(refusal(&json!({"cpu": 256})), "NUMBER_VALUE can not be converted to a String");
        assert_eq!(
            refusal(&json!({"containerDefinitions": [{"portMappings": [{"containerPort": "80"}]}]})),
            "STRING_VALUE can not be converted to an Integer"
        );
        assert_eq!(refusal(&json!({"containerDefinitions": {}})), "Expected list or null");
    }

    #[test]
    fn members_that_nobody_knows_pass() {
        assert_eq!(check(&json!({"containerDefinitions": [{"name": "Main", "soon": {"a": 1}}], "later": []})), Ok(()));
    }
}
