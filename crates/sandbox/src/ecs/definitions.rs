//! Task definitions: registration, the revisions of each family, and how they are described. Every member that was sent
//! comes back, also one that nobody knows.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::super::api::{ACCOUNT, ApiError, REGION, epoch, optional_text, page, text};
use super::{checks, defaults, types};

/// One revision.
#[derive(Clone, Debug)]
pub(crate) struct Definition {
    pub(crate) family: String,
    pub(crate) revision: u32,
    /// As `DescribeTaskDefinition` shows it, without tags.
    pub(crate) document: Value,
    tags: Value,
}

impl Definition {
    pub(crate) fn arn(&self) -> String {
        format!("arn:aws:ecs:{REGION}:{ACCOUNT}:task-definition/{}", self.name())
    }

    /// `family:revision`.
    pub(crate) fn name(&self) -> String {
        format!("{}:{}", self.family, self.revision)
    }

    pub(crate) fn is_active(&self) -> bool {
        self.document.get("status").is_some_and(|status| status == "ACTIVE")
    }

    pub(crate) fn containers(&self) -> &[Value] {
        self.document.get("containerDefinitions").and_then(Value::as_array).map_or(&[], Vec::as_slice)
    }

    /// `arm64` or `amd64`, as images name it.
    pub(crate) fn architecture(&self) -> &'static str {
        match self.document.pointer("/runtimePlatform/cpuArchitecture").and_then(Value::as_str) {
            Some("ARM64") => "arm64",
            _ => "amd64",
        }
    }

    /// A top-level text member.
    pub(crate) fn member(&self, name: &str) -> Option<&str> {
        self.document.get(name).and_then(Value::as_str)
    }

    /// `taskDefinition`, and `tags` where they were asked for.
    fn describe(&self, with_tags: bool) -> Value {
        let mut answer = json!({"taskDefinition": self.document});
        if with_tags {
            answer["tags"] = self.tags.clone();
        }
        answer
    }
}

/// All revisions in the order of their registration.
#[derive(Debug, Default)]
pub(crate) struct Definitions(Vec<Definition>);

impl Definitions {
    /// `RegisterTaskDefinition`.
    pub(crate) fn register(&mut self, input: &Value, now: Timestamp) -> Result<Value, ApiError> {
        let definition = self.store(input, now, None)?;
        Ok(definition.describe(true))
    }

    /// Checks and stores a document, as the given revision or as the next one of its family.
    pub(crate) fn store(
        &mut self,
        input: &Value,
        now: Timestamp,
        revision: Option<u32>,
    ) -> Result<&Definition, ApiError> {
        types::check(input)?;
        checks::check(input)?;
        let family = text(input, "family")?.to_owned();
        let revision = revision.unwrap_or_else(|| self.newest(&family).saturating_add(1));
        let mut document = defaults::fill(input);
        let tags = document.as_object_mut().and_then(|members| members.shift_remove("tags")).unwrap_or(json!([]));
        let mut definition = Definition { family, revision, document, tags };
        definition.document["taskDefinitionArn"] = json!(definition.arn());
        definition.document["revision"] = json!(revision);
        definition.document["status"] = json!("ACTIVE");
        definition.document["registeredAt"] = epoch(now);
        definition.document["registeredBy"] = json!(format!("arn:aws:sts::{ACCOUNT}:assumed-role/deployer/deployer"));
        self.0.push(definition);
        self.0.last().ok_or_else(|| ApiError::server("the revision was not stored"))
    }

    /// Registers what a revision says once more, without its tags, and gives the new one's ARN.
    pub(crate) fn copy(&mut self, arn: &str) -> Option<String> {
        let mut copy = self.by_arn(arn)?.clone();
        copy.revision = self.newest(&copy.family).saturating_add(1);
        copy.tags = json!([]);
        let arn = copy.arn();
        copy.document["taskDefinitionArn"] = json!(arn);
        copy.document["revision"] = json!(copy.revision);
        self.0.push(copy);
        Some(arn)
    }

    fn newest(&self, family: &str) -> u32 {
        self.0
            .iter()
            .filter(|definition| definition.family == family)
            .map(|definition| definition.revision)
            .max()
            .unwrap_or(0)
    }

    /// By ARN, `family:revision`, or family (its newest active revision).
    pub(crate) fn find(&self, name: &str) -> Option<&Definition> {
        let name = name.strip_prefix(&format!("arn:aws:ecs:{REGION}:{ACCOUNT}:task-definition/")).unwrap_or(name);
        if name.contains(':') {
            return self.0.iter().find(|definition| definition.name() == name);
        }
        self.0.iter().rfind(|definition| definition.family == name && definition.is_active())
    }

    /// By ARN alone.
    pub(crate) fn by_arn(&self, arn: &str) -> Option<&Definition> {
        self.0.iter().find(|definition| definition.arn() == arn)
    }

    /// The documents of a family's revisions, oldest first.
    pub(crate) fn family(&self, family: &str) -> Vec<Value> {
        self.0
            .iter()
            .filter(|definition| definition.family == family)
            .map(|definition| definition.document.clone())
            .collect()
    }

    /// `DescribeTaskDefinition`.
    pub(crate) fn describe(&self, input: &Value) -> Result<Value, ApiError> {
        let name = text(input, "taskDefinition")?;
        let definition = self.find(name).ok_or_else(|| ApiError::client("Unable to describe task definition."))?;
        Ok(definition.describe(includes_tags(input)))
    }

    /// `DeregisterTaskDefinition`.
    pub(crate) fn deregister(&mut self, input: &Value, now: Timestamp) -> Result<Value, ApiError> {
        let name = text(input, "taskDefinition")?;
        let arn = self.find(name).filter(|_| name.contains(':')).map(Definition::arn);
        let definition = self
            .0
            .iter_mut()
            .find(|definition| Some(definition.arn()) == arn)
            .ok_or_else(|| ApiError::client("The specified task definition does not exist."))?;
        definition.document["status"] = json!("INACTIVE");
        definition.document["deregisteredAt"] = epoch(now);
        Ok(definition.describe(false))
    }

    /// `ListTaskDefinitions`. `familyPrefix` is the whole family, whatever its name says.
    pub(crate) fn list(&self, input: &Value) -> Result<Value, ApiError> {
        let family = optional_text(input, "familyPrefix")?;
        let status = optional_text(input, "status")?.unwrap_or("ACTIVE");
        let mut chosen: Vec<&Definition> = self
            .0
            .iter()
            .filter(|definition| family.is_none_or(|family| definition.family == family))
            .filter(|definition| definition.member("status") == Some(status))
            .collect();
        chosen.sort_by(|a, b| (&a.family, a.revision).cmp(&(&b.family, b.revision)));
        if optional_text(input, "sort")? == Some("DESC") {
            chosen.reverse();
        }
        let arns: Vec<String> = chosen.into_iter().map(Definition::arn).collect();
        let (arns, next) = page(&arns, input, 100)?;
        let mut answer = json!({"taskDefinitionArns": arns});
        if let Some(next) = next {
            answer["nextToken"] = json!(next);
        }
        Ok(answer)
    }
}

/// Whether `include` asks for tags.
pub(super) fn includes_tags(input: &Value) -> bool {
    input.get("include").and_then(Value::as_array).is_some_and(|include| include.iter().any(|item| item == "TAGS"))
}
