//! The ECS API model of `RegisterTaskDefinition` compared with a document: members it does not have or requires, values
//! of another type or outside an enumeration. It reads the whole document whatever is wrong in it, and changes nothing.
//!
//! The model is the SDK's own: the generated types read themselves through a `ShapeDeserializer`, and the one here
//! walks a JSON value.

use aws_sdk_ecs::operation::register_task_definition::RegisterTaskDefinitionInput;
use aws_sdk_ecs::types;
use aws_smithy_schema::Schema;
use aws_smithy_schema::serde::{SerdeError, ShapeDeserializer};
use aws_smithy_types::{BigDecimal, BigInteger, Blob, DateTime, Document};
use serde_json::{Map, Value};

use super::pointer::escape;
use super::{TaskDefinition, kind};

pub mod model;

/// The places of each kind that are kept: no reader wants more, and a document of 64 KiB can be wrong in thousands.
const MAX_PLACES: usize = 100;

/// Where a document departs from the model.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Departures {
    /// Members that the model does not have.
    pub unknown: Vec<UnknownMember>,
    /// Values of another JSON type.
    pub mistyped: Vec<Mistyped>,
    /// Texts that the model's enumeration does not list.
    pub unlisted: Vec<Unlisted>,
    /// Members that the model requires of a structure that is there.
    pub absent: Vec<Absent>,
}

/// A member that its structure requires and the document does not have, or has as null.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Absent {
    /// The place of the structure, as a JSON pointer.
    pub pointer: String,
    /// The member's name.
    pub name: &'static str,
}

/// A member that its structure does not have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownMember {
    /// The place, as a JSON pointer.
    pub pointer: String,
    /// The member's name.
    pub name: String,
    /// The names that the structure has.
    pub known: Vec<String>,
}

/// A value of another JSON type than the model's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistyped {
    /// The place, as a JSON pointer.
    pub pointer: String,
    /// What the model has there, with its article.
    pub expected: &'static str,
    /// What the document has there, with its article.
    pub found: &'static str,
}

/// A text that is not among the values of its enumeration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unlisted {
    /// The place, as a JSON pointer.
    pub pointer: String,
    /// The text.
    pub value: String,
    /// The enumeration's values.
    pub known: &'static [&'static str],
}

/// Holds the whole document against the model.
pub fn departures(definition: &TaskDefinition) -> Departures {
    let mut reader = Reader { at: At::Document(definition.members()), path: Vec::new(), found: Departures::default() };
    // The reader answers every question, with a default where the value is wrong, so the generated code has nothing to
    // fail on; what it builds is of no interest here.
    let _ = RegisterTaskDefinitionInput::deserialize(&mut reader);
    reader.found
}

/// The names of the members that registration takes.
pub fn members() -> impl Iterator<Item = &'static str> {
    RegisterTaskDefinitionInput::SCHEMA.members().iter().filter_map(|member| member.member_name())
}

/// The values of the enumeration that a text member, or a list's items, belong to, by the member's Smithy shape id
/// without namespace. The schemas carry no enumerations, the generated types do; `shape_ids_of_enumerations_exist`
/// holds the table to the model.
fn enumeration(shape: &str) -> Option<&'static [&'static str]> {
    Some(match shape {
        "RegisterTaskDefinitionInput$networkMode" => types::NetworkMode::values(),
        "RegisterTaskDefinitionInput$pidMode" => types::PidMode::values(),
        "RegisterTaskDefinitionInput$ipcMode" => types::IpcMode::values(),
        "RegisterTaskDefinitionInput$requiresCompatibilities" => types::Compatibility::values(),
        "RuntimePlatform$cpuArchitecture" => types::CpuArchitecture::values(),
        "RuntimePlatform$operatingSystemFamily" => types::OsFamily::values(),
        "ContainerDefinition$versionConsistency" => types::VersionConsistency::values(),
        "PortMapping$protocol" => types::TransportProtocol::values(),
        "PortMapping$appProtocol" => types::ApplicationProtocol::values(),
        "ContainerDependency$condition" => types::ContainerCondition::values(),
        "LogConfiguration$logDriver" => types::LogDriver::values(),
        "FirelensConfiguration$type" => types::FirelensConfigurationType::values(),
        "EnvironmentFile$type" => types::EnvironmentFileType::values(),
        "Ulimit$name" => types::UlimitName::values(),
        "EFSVolumeConfiguration$transitEncryption" => types::EfsTransitEncryption::values(),
        "EFSAuthorizationConfig$iam" => types::EfsAuthorizationConfigIam::values(),
        _ => return None,
    })
}

/// Members that the API reference marks as required, in structures that a task definition may have or not; the
/// generated schemas do not say it. What every task definition needs has rules of its own. Sorted, so that a structure
/// finds its own.
pub const REQUIRED: [&str; 24] = [
    "ContainerDependency$condition",
    "ContainerDependency$containerName",
    "ContainerRestartPolicy$enabled",
    "Device$hostPath",
    "EFSVolumeConfiguration$fileSystemId",
    "EnvironmentFile$type",
    "EnvironmentFile$value",
    "EphemeralStorage$sizeInGiB",
    "FirelensConfiguration$type",
    "HealthCheck$command",
    "HostEntry$hostname",
    "HostEntry$ipAddress",
    "LogConfiguration$logDriver",
    "ProxyConfiguration$containerName",
    "RepositoryCredentials$credentialsParameter",
    "ResourceRequirement$type",
    "ResourceRequirement$value",
    "Secret$name",
    "Secret$valueFrom",
    "Tmpfs$containerPath",
    "Tmpfs$size",
    "Ulimit$hardLimit",
    "Ulimit$name",
    "Ulimit$softLimit",
];

/// The values of an enumeration by the shape id of a member that has it, such as `PortMapping$protocol`; none for
/// another member.
pub fn values(member: &str) -> &'static [&'static str] {
    enumeration(member).unwrap_or_default()
}

/// Reads shapes from a JSON value; never fails.
struct Reader<'a> {
    at: At<'a>,
    path: Vec<Step<'a>>,
    found: Departures,
}

/// Where a reader is.
#[derive(Clone, Copy)]
enum At<'a> {
    Document(&'a Map<String, Value>),
    Value(&'a Value),
}

/// A step of a JSON pointer.
enum Step<'a> {
    Member(&'a str),
    Item(usize),
}

impl<'a> At<'a> {
    fn members(self) -> Option<&'a Map<String, Value>> {
        match self {
            Self::Document(members) => Some(members),
            Self::Value(value) => value.as_object(),
        }
    }

    fn value(self) -> Option<&'a Value> {
        match self {
            Self::Document(_) => None,
            Self::Value(value) => Some(value),
        }
    }
}

impl<'a> Reader<'a> {
    fn pointer(&self) -> String {
        self.path.iter().fold(String::new(), |pointer, step| match step {
            Step::Member(name) => pointer + "/" + &escape(name),
            Step::Item(index) => pointer + "/" + &index.to_string(),
        })
    }

    fn note_mistyped(&mut self, expected: &'static str) {
        if self.found.mistyped.len() < MAX_PLACES {
            let found = match self.at.value() {
                Some(Value::Number(_)) if expected.ends_with("integer") => "a number that is none",
                Some(other) => kind(other),
                None => "an object",
            };
            self.found.mistyped.push(Mistyped { pointer: self.pointer(), expected, found });
        }
    }

    /// The value as the model wants it, else its type's default and a note.
    fn read<T: Default>(&mut self, expected: &'static str, value: Option<T>) -> T {
        if value.is_none() {
            self.note_mistyped(expected);
        }
        value.unwrap_or_default()
    }

    /// Steps into a value, lets the generated code read it, and steps back.
    fn within(
        &mut self,
        step: Step<'a>,
        value: &'a Value,
        consume: &mut dyn FnMut(&mut Self) -> Result<(), SerdeError>,
    ) -> Result<(), SerdeError> {
        let outer = std::mem::replace(&mut self.at, At::Value(value));
        self.path.push(step);
        let result = consume(self);
        self.path.pop();
        self.at = outer;
        result
    }

    fn note_unknown(&mut self, schema: &Schema<'_>, name: &'a str) {
        if self.found.unknown.len() < MAX_PLACES {
            let known = schema.members().iter().filter_map(|member| member.member_name()).map(str::to_owned).collect();
            self.path.push(Step::Member(name));
            self.found.unknown.push(UnknownMember { pointer: self.pointer(), name: name.to_owned(), known });
            self.path.pop();
        }
    }

    /// Notes what the structure at this place requires and does not have.
    fn note_absent(&mut self, schema: &Schema<'_>, members: &Map<String, Value>) {
        let structure = local_name(schema);
        let first = REQUIRED.partition_point(|id| *id < structure);
        let of_structure = |id: &&'static str| id.strip_prefix(structure)?.strip_prefix('$');
        let required = REQUIRED.iter().skip(first).map_while(of_structure);
        for name in required.filter(|name| members.get(*name).is_none_or(Value::is_null)) {
            if self.found.absent.len() < MAX_PLACES {
                self.found.absent.push(Absent { pointer: self.pointer(), name });
            }
        }
    }

    /// Notes the text at this place when the member, or the list that it is an item of, has an enumeration without it.
    fn note_unlisted(&mut self, schema: &Schema<'_>) {
        if let Some(Value::String(value)) = self.at.value()
            && let Some(known) = enumeration(local_name(schema)).filter(|known| !known.contains(&value.as_str()))
            && self.found.unlisted.len() < MAX_PLACES
        {
            self.found.unlisted.push(Unlisted { pointer: self.pointer(), value: value.clone(), known });
        }
    }
}

/// A shape id without its namespace.
fn local_name<'a>(schema: &'a Schema<'_>) -> &'a str {
    schema.shape_id().as_str().rsplit('#').next().unwrap_or_default()
}

/// The model of a task definition has none of these types; should a later one get them, their values pass unread.
fn unmodelled<T>() -> Result<T, SerdeError> {
    Err(SerdeError::unsupported("no such type in the model of a task definition"))
}

impl ShapeDeserializer for Reader<'_> {
    fn read_struct(
        &mut self,
        schema: &Schema<'_>,
        consume: &mut dyn FnMut(&Schema<'_>, &mut dyn ShapeDeserializer) -> Result<(), SerdeError>,
    ) -> Result<(), SerdeError> {
        let Some(members) = self.at.members() else {
            self.note_mistyped("an object");
            return Ok(());
        };
        self.note_absent(schema, members);
        for (name, value) in members {
            match schema.member_schema(name) {
                None => self.note_unknown(schema, name),
                Some(_) if value.is_null() => {}
                // A type that this reader does not know must not hide what comes after it.
                Some(member) => {
                    let _ = self.within(Step::Member(name), value, &mut |reader| consume(member, reader));
                }
            }
        }
        Ok(())
    }

    fn read_list(
        &mut self,
        schema: &Schema<'_>,
        consume: &mut dyn FnMut(&mut dyn ShapeDeserializer) -> Result<(), SerdeError>,
    ) -> Result<(), SerdeError> {
        let Some(Value::Array(items)) = self.at.value() else {
            self.note_mistyped("an array");
            return Ok(());
        };
        for (index, item) in items.iter().enumerate() {
            self.within(Step::Item(index), item, &mut |reader| {
                reader.note_unlisted(schema);
                consume(reader)
            })?;
        }
        Ok(())
    }

    fn read_map(
        &mut self,
        _schema: &Schema<'_>,
        consume: &mut dyn FnMut(String, &mut dyn ShapeDeserializer) -> Result<(), SerdeError>,
    ) -> Result<(), SerdeError> {
        let Some(entries) = self.at.members() else {
            self.note_mistyped("an object");
            return Ok(());
        };
        for (key, value) in entries {
            self.within(Step::Member(key), value, &mut |reader| consume(String::new(), reader))?;
        }
        Ok(())
    }

    fn read_boolean(&mut self, _schema: &Schema<'_>) -> Result<bool, SerdeError> {
        Ok(self.read("a boolean", self.at.value().and_then(Value::as_bool)))
    }

    fn read_byte(&mut self, _schema: &Schema<'_>) -> Result<i8, SerdeError> {
        unmodelled()
    }

    fn read_short(&mut self, _schema: &Schema<'_>) -> Result<i16, SerdeError> {
        unmodelled()
    }

    fn read_integer(&mut self, _schema: &Schema<'_>) -> Result<i32, SerdeError> {
        Ok(self.read(
            "a 32-bit integer",
            self.at.value().and_then(Value::as_i64).and_then(|number| number.try_into().ok()),
        ))
    }

    fn read_long(&mut self, _schema: &Schema<'_>) -> Result<i64, SerdeError> {
        Ok(self.read("an integer", self.at.value().and_then(Value::as_i64)))
    }

    fn read_float(&mut self, _schema: &Schema<'_>) -> Result<f32, SerdeError> {
        unmodelled()
    }

    fn read_double(&mut self, _schema: &Schema<'_>) -> Result<f64, SerdeError> {
        Ok(self.read("a number", self.at.value().and_then(Value::as_f64)))
    }

    fn read_big_integer(&mut self, _schema: &Schema<'_>) -> Result<BigInteger, SerdeError> {
        unmodelled()
    }

    fn read_big_decimal(&mut self, _schema: &Schema<'_>) -> Result<BigDecimal, SerdeError> {
        unmodelled()
    }

    fn read_string(&mut self, schema: &Schema<'_>) -> Result<String, SerdeError> {
        self.note_unlisted(schema);
        // Nobody looks at the text that is built, and a document has thousands.
        Ok(self.read("a string", self.at.value().and_then(Value::as_str).map(|_| String::new())))
    }

    fn read_blob(&mut self, _schema: &Schema<'_>) -> Result<Blob, SerdeError> {
        unmodelled()
    }

    fn read_timestamp(&mut self, _schema: &Schema<'_>) -> Result<DateTime, SerdeError> {
        unmodelled()
    }

    fn read_document(&mut self, _schema: &Schema<'_>) -> Result<Document, SerdeError> {
        unmodelled()
    }

    fn is_null(&self) -> bool {
        self.at.value().is_some_and(Value::is_null)
    }

    fn skip_value(&mut self) -> Result<(), SerdeError> {
        Ok(())
    }

    fn container_size(&self) -> Option<usize> {
        None
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn departures_of(document: &Value) -> Departures {
        departures(&TaskDefinition::parse(document.to_string().as_bytes()).unwrap())
    }

    #[test]
    fn the_model_has_the_members_that_registration_takes() {
        let names: Vec<&str> = members().collect();
        let expected = [
            "family",
            "taskRoleArn",
            "executionRoleArn",
            "networkMode",
            "containerDefinitions",
            "volumes",
            "placementConstraints",
            "requiresCompatibilities",
            "cpu",
            "memory",
            "tags",
            "pidMode",
            "ipcMode",
            "proxyConfiguration",
            "inferenceAccelerators",
            "ephemeralStorage",
            "runtimePlatform",
            "enableFaultInjection",
        ];
        for name in expected {
            assert!(names.contains(&name), "{name} is gone from the model");
        }
        for name in super::super::READ_ONLY {
            assert!(!names.contains(&name), "{name} became a member that registration takes");
        }
        let values = json!({
            "family": "web", "taskRoleArn": "a", "executionRoleArn": "a", "networkMode": "awsvpc",
            "containerDefinitions": [{"name": "Main"}], "volumes": [{"name": "v", "host": {"sourcePath": "/"}}],
            "placementConstraints": [{"type": "memberOf", "expression": "e"}], "requiresCompatibilities": ["FARGATE"],
            "cpu": "256", "memory": "512", "tags": [{"key": "k", "value": "v"}], "pidMode": "task", "ipcMode": "task",
            "proxyConfiguration": {"type": "APPMESH", "containerName": "c", "properties": [{"name": "n", "value": "v"}]},
            "inferenceAccelerators": [{"deviceName": "d", "deviceType": "t"}], "ephemeralStorage": {"sizeInGiB": 21},
            "runtimePlatform": {"cpuArchitecture": "ARM64", "operatingSystemFamily": "LINUX"},
            "enableFaultInjection": true
        });
        assert_eq!(departures_of(&values), Departures::default());
        assert_eq!(values.as_object().unwrap().len(), expected.len());
    }

    #[test]
    fn every_departure_is_found_in_one_walk() {
        let found = departures_of(&json!({
            "family": 7,
            "containerDefinitions": [
                {"name": "Main", "portMappings": [{"containerPort": "80", "Name": "web"}, {"containerPort": 80.5}]},
                null,
                {"command": [1, "two", {}], "dockerLabels": {"a/b": false}, "portMapping": []},
                {"cpu": 5_000_000_000_u64, "essential": "true", "dependsOn": [{"condition": "Healthy"}]}
            ],
            "requiresCompatibilities": ["FARGATE", "fargate"],
            "volumes": {},
            "cpu": null,
            "bogus": {"deep": 1}
        }));
        let unknown: Vec<&str> = found.unknown.iter().map(|member| member.pointer.as_str()).collect();
        assert_eq!(
            unknown,
            ["/containerDefinitions/0/portMappings/0/Name", "/containerDefinitions/2/portMapping", "/bogus"]
        );
        let mistyped: Vec<String> = found
            .mistyped
            .iter()
            .map(|place| format!("{}: {}, not {}", place.pointer, place.expected, place.found))
            .collect();
        assert_eq!(
            mistyped,
            [
                "/family: a string, not a number",
                "/containerDefinitions/0/portMappings/0/containerPort: a 32-bit integer, not a string",
                "/containerDefinitions/0/portMappings/1/containerPort: a 32-bit integer, not a number that is none",
                "/containerDefinitions/1: an object, not null",
                "/containerDefinitions/2/command/0: a string, not a number",
                "/containerDefinitions/2/command/2: a string, not an object",
                "/containerDefinitions/2/dockerLabels/a~1b: a string, not a boolean",
                "/containerDefinitions/3/cpu: a 32-bit integer, not a number that is none",
                "/containerDefinitions/3/essential: a boolean, not a string",
                "/volumes: an array, not an object",
            ]
        );
        let unlisted: Vec<&str> = found.unlisted.iter().map(|place| place.pointer.as_str()).collect();
        assert_eq!(unlisted, ["/containerDefinitions/3/dependsOn/0/condition", "/requiresCompatibilities/1"]);
    }

    #[test]
    fn shape_ids_of_enumerations_exist() {
        let wrong = json!("-");
        let found = departures_of(&json!({
            "networkMode": wrong, "pidMode": wrong, "ipcMode": wrong, "requiresCompatibilities": [wrong],
            "runtimePlatform": {"cpuArchitecture": wrong, "operatingSystemFamily": wrong},
            "volumes": [{"efsVolumeConfiguration": {"transitEncryption": wrong, "authorizationConfig": {"iam": wrong}}}],
            "containerDefinitions": [{
                "versionConsistency": wrong, "portMappings": [{"protocol": wrong, "appProtocol": wrong}],
                "dependsOn": [{"condition": wrong}], "logConfiguration": {"logDriver": wrong},
                "firelensConfiguration": {"type": wrong}, "environmentFiles": [{"type": wrong}], "ulimits": [{"name": wrong}]
            }]
        }));
        assert_eq!(found.unlisted.len(), 16);
    }

    #[test]
    fn shape_ids_of_required_members_exist() {
        let found = departures_of(&json!({
            "ephemeralStorage": {}, "proxyConfiguration": {}, "volumes": [{"efsVolumeConfiguration": {}}],
            "containerDefinitions": [{
                "dependsOn": [{}], "restartPolicy": {}, "environmentFiles": [{}], "firelensConfiguration": {},
                "healthCheck": {}, "extraHosts": [{}], "logConfiguration": {}, "repositoryCredentials": {},
                "resourceRequirements": [{}], "secrets": [{"valueFrom": null}], "ulimits": [{}],
                "linuxParameters": {"devices": [{}], "tmpfs": [{}]}
            }]
        }));
        assert_eq!(found.absent.len(), REQUIRED.len());
        assert!(REQUIRED.is_sorted());
        assert_eq!((found.unknown, found.mistyped, found.unlisted), (vec![], vec![], vec![]));
    }

    #[test]
    fn the_places_of_a_hopeless_document_are_bounded() {
        let many: Vec<Value> = (0..5_000).map(Value::from).collect();
        let found = departures_of(&json!({"containerDefinitions": [{"command": many}]}));
        assert_eq!(found.mistyped.len(), MAX_PLACES);
    }
}
