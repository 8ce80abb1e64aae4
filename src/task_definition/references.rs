//! What a task definition names outside of itself: roles, images, secrets, files, volumes, destinations of logs. It
//! reads names; who may name what is for `validate` to say.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::TaskDefinition;
use super::pointer::escape;
use crate::image::ImageRef;

pub mod table;

use table::Class;

/// What a reference leads to, and what a container does with it: a role that pulls images is not the role of a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReferenceKind {
    /// The role with which ECS pulls images, reads secrets and writes `awslogs`.
    ExecutionRoles,
    /// The role with which the containers act.
    TaskRoles,
    /// The repository of an image, with its registry.
    Registries,
    /// The family.
    Families,
    /// A secret of Secrets Manager, or a parameter of Systems Manager.
    Secrets,
    /// An environment file in S3.
    EnvironmentFiles,
    /// A file system with its access point, or a path of the host.
    Volumes,
    /// An option of a log driver or of a log router.
    LogDestinations,
    /// Whatever opens the task to its host or its network: a kernel capability, a device, a name server.
    Capabilities,
    /// The key of a tag.
    Tags,
}

impl ReferenceKind {
    /// Every kind, with its key in `[service.guard]` and with what one of it is called.
    pub const ALL: [(Self, &'static str, &'static str); 10] = [
        (Self::ExecutionRoles, "execution_roles", "execution role"),
        (Self::TaskRoles, "task_roles", "task role"),
        (Self::Registries, "registries", "image repository"),
        (Self::Families, "families", "family"),
        (Self::Secrets, "secrets", "secret"),
        (Self::EnvironmentFiles, "environment_files", "environment file"),
        (Self::Volumes, "volumes", "volume"),
        (Self::LogDestinations, "log_destinations", "log destination"),
        (Self::Capabilities, "capabilities", "capability"),
        (Self::Tags, "tags", "tag"),
    ];

    fn row(self) -> (&'static str, &'static str) {
        let row = Self::ALL.iter().find(|(kind, ..)| *kind == self);
        row.map_or(("", ""), |(_, key, noun)| (key, noun))
    }

    /// Its list in `[service.guard]`.
    pub fn key(self) -> &'static str {
        self.row().0
    }

    /// What one of them is called.
    pub fn noun(self) -> &'static str {
        self.row().1
    }
}

/// One thing outside of a task definition that it names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reference {
    /// What it leads to.
    pub kind: ReferenceKind,
    /// The name, as it is compared: an image without tag and digest, a secret without its key and version, a file
    /// system with its access point.
    pub value: String,
    /// The place, as a JSON pointer.
    pub pointer: String,
    /// The name as it may be shown; options may hold passwords, so of most only the name of the option is left.
    pub shown: String,
}

impl Reference {
    /// Whether both lead to the same thing.
    pub fn is_same(&self, other: &Self) -> bool {
        self.kind == other.kind && self.value == other.value
    }
}

/// Everything that the document names outside of itself, in its order. Members that the API model does not have are not
/// read: `schema::departures` lists them.
pub fn references(definition: &TaskDefinition) -> Vec<Reference> {
    let mut walk = Walk::default();
    walk.through(definition.members());
    walk.leaves.iter().filter_map(|leaf| leaf.reference(&walk.leaves)).collect()
}

/// A value that names something, or helps to.
struct Leaf<'a> {
    path: &'static str,
    class: Class,
    /// The name of the member or of the option.
    name: &'a str,
    /// The text; empty for `true`.
    text: &'a str,
    pointer: String,
}

/// A walk through a document that collects what names something.
#[derive(Default)]
struct Walk<'a> {
    /// Where it is: a JSON pointer.
    pointer: String,
    /// The same without the indices of lists.
    path: String,
    leaves: Vec<Leaf<'a>>,
}

impl<'a> Walk<'a> {
    fn through(&mut self, members: &'a Map<String, Value>) {
        for (name, member) in members {
            let before = (self.pointer.len(), self.path.len());
            let step = escape(name);
            self.pointer.extend(["/", &step]);
            self.path.extend(["/", &step]);
            self.at(member, name);
            self.pointer.truncate(before.0);
            self.path.truncate(before.1);
        }
    }

    fn at(&mut self, value: &'a Value, name: &'a str) {
        let text = match value {
            Value::Object(members) => return self.through(members),
            Value::Array(items) => {
                for (index, item) in items.iter().enumerate() {
                    let before = self.pointer.len();
                    self.pointer.extend(["/", &index.to_string()]);
                    self.at(item, name);
                    self.pointer.truncate(before);
                }
                return;
            }
            Value::String(text) if !text.is_empty() => text.as_str(),
            Value::Bool(true) => "",
            _ => return,
        };
        if let Some((path, class)) = table::find(&self.path).filter(|(_, class)| *class != Class::Nothing) {
            self.leaves.push(Leaf { path, class, name, text, pointer: self.pointer.clone() });
        }
    }
}

impl Leaf<'_> {
    fn reference(&self, all: &[Self]) -> Option<Reference> {
        let (kind, value) = match self.class {
            Class::Nothing => return None,
            Class::Text(kind) => (kind, self.compared(kind).into_owned()),
            Class::Member(kind) => (kind, self.labelled()),
            Class::Entry(kind) => {
                let name = self.name.to_ascii_lowercase();
                // A line break would begin another line of the router's configuration.
                let is_line = !self.text.contains(char::is_control);
                if kind == ReferenceKind::LogDestinations && is_line && table::names_nothing(&name) {
                    return None;
                }
                (kind, format!("{name}={}", self.text))
            }
            Class::Head(kind) => (kind, self.with_parts(kind, all)),
            Class::Part(kind) => {
                // Where there is no head the part stands for itself, so that it does not go unnoticed.
                let has_head = all.iter().any(|head| matches!(head.class, Class::Head(_)) && head.is_head_of(self));
                if has_head || self.says_nothing() {
                    return None;
                }
                (kind, format!("{}={}", self.name, self.text))
            }
        };
        let shown = match (self.class, value.split_once('=')) {
            (Class::Entry(_), Some((name, _))) if !table::is_shown(name) => format!("{name}=(not shown)"),
            _ => value.clone(),
        };
        Some(Reference { kind, value, pointer: self.pointer.clone(), shown })
    }

    /// The text as it is compared.
    fn compared(&self, kind: ReferenceKind) -> Cow<'_, str> {
        match kind {
            ReferenceKind::Registries => Cow::Owned(repository_of(self.text)),
            ReferenceKind::Secrets => Cow::Borrowed(secret_of(self.text)),
            _ => Cow::Borrowed(self.text),
        }
    }

    /// `pidMode:task`, or `privileged` for a member that is true.
    fn labelled(&self) -> String {
        if self.text.is_empty() { self.name.to_owned() } else { format!("{}:{}", self.name, self.text) }
    }

    /// The text with its parts in the order of the table: `fs-0123,accessPointId=fsap-0456`.
    fn with_parts(&self, kind: ReferenceKind, all: &[Self]) -> String {
        let mut value = if kind == ReferenceKind::Capabilities { self.labelled() } else { self.text.to_owned() };
        let mut parts: Vec<&Self> = all.iter().filter(|part| self.is_head_of(part) && !part.says_nothing()).collect();
        parts.sort_by_key(|part| part.path);
        for part in parts {
            value.extend([",", part.name, "=", part.text]);
        }
        value
    }

    /// Whether the other is a part in the structure that this one heads.
    fn is_head_of(&self, other: &Self) -> bool {
        let structure = self.pointer.rsplit_once('/').map_or("", |(structure, _)| structure);
        matches!(other.class, Class::Part(_))
            && other.pointer.strip_prefix(structure).is_some_and(|rest| rest.starts_with('/'))
    }

    /// The root of a file system is what a volume leads to anyway.
    fn says_nothing(&self) -> bool {
        self.text == "/"
    }
}

/// Docker Hub's registry, which image references leave out.
const DOCKER_HUB: &str = "docker.io";

/// Where an image comes from, with what Docker fills in: its registry and its repository.
fn repository_of(image: &str) -> String {
    let image = ImageRef::parse(image);
    let host = image.registry.unwrap_or(DOCKER_HUB).to_ascii_lowercase();
    // Docker Hub keeps official images below `library`.
    let is_official = host == DOCKER_HUB && !image.repository.contains('/');
    let namespace = if is_official { "library/" } else { "" };
    format!("{host}/{namespace}{}", image.repository)
}

/// A secret without the key and the version that are read of it, and a parameter without its version: what the ARN of
/// either has behind its name (Amazon ECS API reference, `Secret`).
fn secret_of(reference: &str) -> &str {
    let fields = match reference.split(':').collect::<Vec<_>>()[..] {
        ["arn", _, "secretsmanager", ..] => 7,
        ["arn", ..] => 6,
        _ => 1,
    };
    let end = reference.match_indices(':').nth(fields - 1).map(|(end, _)| end);
    end.and_then(|end| reference.get(..end)).unwrap_or(reference)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn named(document: &Value) -> Vec<String> {
        let definition = TaskDefinition::parse(document.to_string().as_bytes()).unwrap();
        let one = |reference: Reference| format!("{} {}", reference.kind.key(), reference.value);
        references(&definition).into_iter().map(one).collect()
    }

    #[test]
    fn a_secret_is_compared_without_what_is_read_of_it() {
        let secret = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:shop-AbCdEf";
        for suffix in ["", ":password::", "::AWSCURRENT:", ":::0123"] {
            assert_eq!(secret_of(&format!("{secret}{suffix}")), secret);
        }
        let parameter = "arn:aws:ssm:eu-west-1:123456789012:parameter/shop/db";
        assert_eq!([parameter, &format!("{parameter}:3")].map(secret_of), [parameter; 2]);
        assert_eq!(["/shop/db", "/shop/db:3", "", ":"].map(secret_of), ["/shop/db", "/shop/db", "", ""]);
    }

    #[test]
    fn an_image_is_compared_by_its_repository() {
        assert_eq!(repository_of("nginx:1.27"), "docker.io/library/nginx");
        assert_eq!(repository_of("someone/nginx"), "docker.io/someone/nginx");
        assert_eq!(repository_of("Public.ECR.aws/a/b@sha256:00"), "public.ecr.aws/a/b");
        assert_eq!(repository_of("localhost:5000/web"), "localhost:5000/web");
    }

    #[test]
    fn a_file_system_is_one_thing_with_its_access_point() {
        let volume = |more: Value| {
            let mut volume = json!({"fileSystemId": "fs-1"});
            volume.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            named(&json!({"volumes": [{"name": "data", "efsVolumeConfiguration": volume}]}))
        };
        assert_eq!(volume(json!({})), ["volumes fs-1"]);
        assert_eq!(volume(json!({"rootDirectory": "/"})), ["volumes fs-1"]);
        let both = volume(
            json!({"rootDirectory": "/shop", "authorizationConfig": {"iam": "ENABLED", "accessPointId": "ap-1"}}),
        );
        assert_eq!(both, ["volumes fs-1,accessPointId=ap-1,rootDirectory=/shop"]);
        let headless = json!({"volumes": [{"efsVolumeConfiguration": {"rootDirectory": "/shop"}}]});
        assert_eq!(named(&headless), ["volumes rootDirectory=/shop"]);
    }

    #[test]
    fn what_opens_the_task_is_named_by_its_member() {
        let document = json!({"pidMode": "task", "containerDefinitions": [{
            "privileged": true, "interactive": true, "extraHosts": [{"ipAddress": "10.0.0.1", "hostname": "db"}],
            "linuxParameters": {"capabilities": {"add": ["SYS_PTRACE"], "drop": ["ALL"]}, "devices": [{"hostPath": "/dev/a"}]}
        }]});
        assert_eq!(
            named(&document),
            [
                "capabilities pidMode:task",
                "capabilities privileged",
                "capabilities hostname:db,ipAddress=10.0.0.1",
                "capabilities SYS_PTRACE",
                "capabilities hostPath:/dev/a",
            ]
        );
    }

    #[test]
    fn an_option_is_a_reference_unless_it_is_known_to_name_nothing() {
        let options = |options: Value| {
            named(
                &json!({"containerDefinitions": [{"logConfiguration": {"logDriver": "awsfirelens", "options": options}}]}),
            )
        };
        assert_eq!(options(json!({"Compression": "gzip", "upload_timeout": "30s"})), [""; 0]);
        assert_eq!(options(json!({"Bucket": "logs"})), ["log_destinations bucket=logs"]);
        assert_eq!(options(json!({"novelty": "x"})), ["log_destinations novelty=x"]);
        let smuggled = options(json!({"compression": "gzip\n    bucket elsewhere"}));
        assert_eq!(smuggled, ["log_destinations compression=gzip\n    bucket elsewhere"]);
    }

    #[test]
    fn values_of_options_are_shown_only_where_they_are_known_to_be_names() {
        let document =
            json!({"containerDefinitions": [{"logConfiguration": {"options": {"apikey": "hush", "bucket": "logs"}}}]});
        let definition = TaskDefinition::parse(document.to_string().as_bytes()).unwrap();
        let shown: Vec<String> = references(&definition).into_iter().map(|reference| reference.shown).collect();
        assert_eq!(shown, ["apikey=(not shown)", "bucket=logs"]);
    }
}
