//! A task definition as the JSON document it is: reading it, drafting the next one, comparing two.
//! It knows names and shapes, never whether ECS would accept them; that is `validate`.

use serde::{Deserialize, Serialize, Serializer};
use serde_json::{Map, Value, json};

use crate::image::{Digest, Platform};

mod difference;
pub mod pointer;
pub mod references;
mod repeated;
pub mod schema;
pub(crate) mod size;
mod syntax;

pub use difference::Difference;
pub use repeated::Repeated;
pub use syntax::encoding;

/// The largest document that ECS takes, in bytes, as it is sent: without spaces and line breaks between its members
/// (Amazon ECS service quotas, "Task definition size").
pub const MAX_DOCUMENT: usize = 64 * 1024;

/// The longest text that is read, in bytes: that of a document with spaces for people.
pub const MAX_TEXT: usize = 1024 * 1024;

/// The tag that marks a revision with the release that registered it: how a lost answer is found again.
pub const RELEASE_TAG: &str = "express-deployer:release";

/// The members of a described task definition that registration does not take (API model of `DescribeTaskDefinition`
/// less that of `RegisterTaskDefinition`).
pub const READ_ONLY: [&str; 9] = [
    "taskDefinitionArn",
    "revision",
    "status",
    "requiresAttributes",
    "compatibilities",
    "registeredAt",
    "deregisteredAt",
    "deleteRequestedAt",
    "registeredBy",
];

/// Why a text is not a task definition at all.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// A text so long that it is not read.
    #[error("the text has more than {MAX_TEXT} bytes")]
    TooLong,
    /// A document that has more bytes than ECS takes, as it is sent.
    #[error("the document has {0} bytes without its spaces; ECS takes at most {MAX_DOCUMENT}")]
    TooLarge(usize),
    /// A text in another encoding than UTF-8.
    #[error("the text is {0}, not UTF-8")]
    Encoded(&'static str),
    /// A syntax error, with its place (both counted from 1).
    #[error("line {line}, column {column}: {message}")]
    NotJson {
        /// The line.
        line: usize,
        /// The column, in bytes.
        column: usize,
        /// What is wrong.
        message: String,
        /// What to do.
        help: &'static str,
    },
    /// JSON, but not an object: what it is instead.
    #[error("the document is {0}, not a JSON object")]
    NotAnObject(&'static str),
}

/// A JSON object in the shape of `RegisterTaskDefinition`'s input. Members that this program does not know are kept.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(from = "Map<String, Value>")]
pub struct TaskDefinition {
    members: Map<String, Value>,
    repeated: Vec<Repeated>,
}

impl From<Map<String, Value>> for TaskDefinition {
    fn from(members: Map<String, Value>) -> Self {
        Self { members, repeated: Vec::new() }
    }
}

impl Serialize for TaskDefinition {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.members.serialize(serializer)
    }
}

impl PartialEq for TaskDefinition {
    /// Whether both say the same.
    fn eq(&self, other: &Self) -> bool {
        self.members == other.members
    }
}

impl TaskDefinition {
    /// Reads a document that somebody wrote.
    pub fn parse(text: &[u8]) -> Result<Self, Unreadable> {
        if text.len() > MAX_TEXT {
            return Err(Unreadable::TooLong);
        }
        if let Some(encoding) = encoding(text) {
            return Err(Unreadable::Encoded(encoding));
        }
        let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
        match syntax::least_size(text) {
            size if size > MAX_DOCUMENT => return Err(Unreadable::TooLarge(size)),
            _ => {}
        }
        match serde_json::from_slice(text).map_err(|error| syntax::explain(text, &error))? {
            Value::Object(members) => {
                let definition = Self { members, repeated: repeated::repeated(text) };
                match definition.size() {
                    size if size > MAX_DOCUMENT => Err(Unreadable::TooLarge(size)),
                    _ => Ok(definition),
                }
            }
            other => Err(Unreadable::NotAnObject(kind(&other))),
        }
    }

    /// The members that stood twice in the text, as far as it was a text.
    pub fn repeated(&self) -> &[Repeated] {
        &self.repeated
    }

    /// The bytes of the JSON text, as it is sent.
    fn size(&self) -> usize {
        let mut count = Count(0);
        // What is counted cannot fail to be written.
        let _ = serde_json::to_writer(&mut count, &self.members);
        count.0
    }

    /// The document that would register the described revision again: read-only members go, tags come in (`aws:` tags
    /// cannot be set).
    pub fn from_description(described: Map<String, Value>, tags: &[Value]) -> Self {
        let mut definition = Self::from(described).without(&READ_ONLY);
        definition.carry_tags(tags);
        definition
    }

    /// The document without these members.
    #[must_use]
    pub fn without(mut self, members: &[&str]) -> Self {
        for member in members {
            self.members.shift_remove(*member);
        }
        self
    }

    /// Adds the tags that the document does not set itself; tags of AWS's own are left out.
    pub fn carry_tags(&mut self, tags: &[Value]) {
        let mut own = self.members.get("tags").and_then(Value::as_array).cloned().unwrap_or_default();
        for tag in tags {
            let Some(key) = tag["key"].as_str().filter(|key| !key.to_ascii_lowercase().starts_with("aws:")) else {
                continue;
            };
            if !own.iter().any(|present| present["key"].as_str() == Some(key)) {
                own.push(tag.clone());
            }
        }
        if own.is_empty() {
            return;
        }
        self.members.insert("tags".to_owned(), Value::Array(own));
    }

    /// Sets one tag, whatever the document says: also where it says that there are none (`null`).
    pub fn set_tag(&mut self, key: &str, value: &str) {
        let mut tags = match self.members.get_mut("tags").map(Value::take) {
            Some(Value::Array(tags)) => tags,
            _ => Vec::new(),
        };
        tags.retain(|tag| tag["key"].as_str() != Some(key));
        tags.push(json!({"key": key, "value": value}));
        self.members.insert("tags".to_owned(), Value::Array(tags));
    }

    /// The value of a tag.
    pub fn tag(&self, key: &str) -> Option<&str> {
        let tags = self.members.get("tags").and_then(Value::as_array)?;
        tags.iter().find(|tag| tag["key"].as_str() == Some(key)).and_then(|tag| tag["value"].as_str())
    }

    /// The same document with another image in the named container; `None` when there is no such container.
    pub fn with_image(&self, container: &str, image: &str) -> Option<Self> {
        let mut draft = self.clone();
        let containers = draft.members.get_mut("containerDefinitions")?.as_array_mut()?;
        let found = containers.iter_mut().find(|candidate| candidate["name"].as_str() == Some(container))?;
        found.as_object_mut()?.insert("image".to_owned(), Value::String(image.to_owned()));
        Some(draft)
    }

    /// The whole object.
    pub fn members(&self) -> &Map<String, Value> {
        &self.members
    }

    /// The value at a JSON pointer (RFC 6901).
    pub fn pointer(&self, pointer: &str) -> Option<&Value> {
        let (first, rest) = pointer.strip_prefix('/')?.split_once('/').map_or_else(
            || (pointer.get(1..).unwrap_or_default(), String::new()),
            |(first, rest)| (first, format!("/{rest}")),
        );
        self.members.get(&pointer::unescape(first))?.pointer(&rest)
    }

    /// A member of the document that is text.
    pub fn text(&self, member: &str) -> Option<&str> {
        self.members.get(member).and_then(Value::as_str)
    }

    /// The entries of a list; none where it is absent or something else.
    pub fn list(&self, member: &str) -> &[Value] {
        self.members.get(member).and_then(Value::as_array).map_or(&[], Vec::as_slice)
    }

    /// `family`.
    pub fn family(&self) -> Option<&str> {
        self.text("family")
    }

    /// The containers, in order; entries that are not objects are left out.
    pub fn containers(&self) -> impl Iterator<Item = Container<'_>> {
        self.list("containerDefinitions")
            .iter()
            .enumerate()
            .filter_map(|(index, value)| value.as_object().map(|members| Container { index, members }))
    }

    /// The first container with this name.
    pub fn container(&self, name: &str) -> Option<Container<'_>> {
        self.containers().find(|container| container.name() == Some(name))
    }

    /// The platform that images must have.
    pub fn platform(&self) -> Platform {
        let runtime = self.members.get("runtimePlatform");
        let member = |name: &str| runtime.and_then(|runtime| runtime.get(name)).and_then(Value::as_str);
        Platform::of_runtime(member("cpuArchitecture"), member("operatingSystemFamily"))
    }

    /// The JSON text, as it is sent.
    pub fn to_json(&self) -> String {
        Value::Object(self.members.clone()).to_string()
    }

    /// The SHA-256 of its content. ECS describes members, and objects in a list, in whatever order: that order does not
    /// count.
    pub fn digest(&self) -> Digest {
        let mut content = Value::Object(self.members.clone());
        sort(&mut content);
        Digest::of(content.to_string().as_bytes())
    }
}

/// Counts bytes and keeps none.
struct Count(usize);

impl std::io::Write for Count {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0 += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Sorts members, and the objects of each list; a list of texts, such as a command, stays as it is.
fn sort(value: &mut Value) {
    match value {
        Value::Object(members) => {
            members.values_mut().for_each(sort);
            members.sort_keys();
        }
        Value::Array(items) => {
            items.iter_mut().for_each(sort);
            if items.iter().all(Value::is_object) {
                items.sort_by_cached_key(Value::to_string);
            }
        }
        _ => {}
    }
}

/// One container definition and its place.
#[derive(Clone, Copy, Debug)]
pub struct Container<'a> {
    /// Its index in `containerDefinitions`.
    pub index: usize,
    /// Its members.
    pub members: &'a Map<String, Value>,
}

impl<'a> Container<'a> {
    /// Its JSON pointer.
    pub fn pointer(&self) -> String {
        format!("/containerDefinitions/{}", self.index)
    }

    /// A member that is text.
    pub fn text(&self, member: &str) -> Option<&'a str> {
        self.members.get(member).and_then(Value::as_str)
    }

    /// `name`.
    pub fn name(&self) -> Option<&'a str> {
        self.text("name")
    }

    /// `image`.
    pub fn image(&self) -> Option<&'a str> {
        self.text("image")
    }

    /// Whether the task stops with this container; absent means yes.
    pub fn is_essential(&self) -> bool {
        self.members.get("essential").and_then(Value::as_bool).unwrap_or(true)
    }

    /// A member that is a list; absent means empty.
    pub fn list(&self, member: &str) -> &'a [Value] {
        self.members.get(member).and_then(Value::as_array).map_or(&[], Vec::as_slice)
    }

    /// `logConfiguration.logDriver`.
    pub fn log_driver(&self) -> Option<&'a str> {
        self.members.get("logConfiguration")?.get("logDriver")?.as_str()
    }

    /// An option of `logConfiguration`.
    pub fn log_option(&self, name: &str) -> Option<&'a str> {
        self.log_options()?.get(name)?.as_str()
    }

    /// `logConfiguration.options`.
    pub fn log_options(&self) -> Option<&'a Map<String, Value>> {
        self.members.get("logConfiguration")?.get("options")?.as_object()
    }

    /// Whether it routes logs: it has a `firelensConfiguration`.
    pub fn is_log_router(&self) -> bool {
        self.members.get("firelensConfiguration").is_some_and(Value::is_object)
    }
}

/// What a JSON value is, with its article.
pub fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
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

    #[test]
    fn a_syntax_error_names_its_place() {
        let error = TaskDefinition::parse(b"{\n  \"family\" \"web\"\n}").unwrap_err();
        assert_eq!(error.to_string(), "line 2, column 12: expected `:`");
        assert_eq!(TaskDefinition::parse(b"[]"), Err(Unreadable::NotAnObject("an array")));
        assert_eq!(TaskDefinition::parse(&vec![b' '; MAX_TEXT + 1]), Err(Unreadable::TooLong));
        let deep = [b"{\"a\":".repeat(300), b"1".to_vec()].concat();
        assert!(matches!(TaskDefinition::parse(&deep), Err(Unreadable::NotJson { .. })));
    }

    #[test]
    fn only_what_is_sent_counts_as_size() {
        let spaced = format!("{{{}\"family\":\"web\"}}", " ".repeat(MAX_DOCUMENT));
        assert!(TaskDefinition::parse(spaced.as_bytes()).is_ok());
        let fits = format!(r#"{{"family": "{}"}}"#, "x".repeat(MAX_DOCUMENT - r#"{"family":""}"#.len()));
        assert!(TaskDefinition::parse(fits.as_bytes()).is_ok());
        let over = fits.replace("family", "familys");
        assert_eq!(TaskDefinition::parse(over.as_bytes()), Err(Unreadable::TooLarge(MAX_DOCUMENT + 1)));
    }

    #[test]
    fn a_described_definition_loses_what_registration_refuses_and_nothing_else() {
        let described = json!({"family": "web", "revision": 5, "status": "ACTIVE", "novelty": {"kept": true}});
        let Value::Object(described) = described else { unreachable!() };
        let tags =
            [json!({"key": "team", "value": "a"}), json!({"key": "aws:cloudformation:stack-name", "value": "b"})];
        let definition = TaskDefinition::from_description(described, &tags);
        assert_eq!(
            definition.to_json(),
            r#"{"family":"web","novelty":{"kept":true},"tags":[{"key":"team","value":"a"}]}"#
        );
    }

    #[test]
    fn the_digest_stands_for_the_content_and_not_for_the_order_in_which_it_is_described() {
        let digest = |text: &str| TaskDefinition::parse(text.as_bytes()).unwrap().digest();
        let one = r#"{"family":"web","containerDefinitions":[{"command":["a","b"],"environment":[{"name":"A"},{"name":"B"}]}]}"#;
        let described = r#"{"containerDefinitions":[{"environment":[{"name":"B"},{"name":"A"}],"command":["a","b"]}],"family":"web"}"#;
        assert_eq!(digest(one), digest(described));
        for other in [one.replace("web", "app"), one.replace(r#"["a","b"]"#, r#"["b","a"]"#)] {
            assert_ne!(digest(one), digest(&other), "{other}");
        }
    }

    #[test]
    fn only_the_image_of_the_named_container_changes() {
        let before =
            document(json!({"containerDefinitions": [{"name": "Main", "image": "a"}, {"name": "side", "image": "b"}]}));
        let after = before.with_image("Main", "c").unwrap();
        let places: Vec<String> = before.differences(&after, 10).iter().map(ToString::to_string).collect();
        assert_eq!(places, ["/containerDefinitions/0/image: a -> c"]);
        assert_eq!(before.with_image("Other", "c"), None);
    }

    #[test]
    fn a_pointer_finds_its_value() {
        let definition = document(json!({"a/b": {"c": [1, 2]}}));
        assert_eq!(definition.pointer("/a~1b/c/1"), Some(&json!(2)));
        assert_eq!(definition.pointer("/a~1b"), Some(&json!({"c": [1, 2]})));
        assert_eq!(definition.pointer("/nothing"), None);
    }
}
