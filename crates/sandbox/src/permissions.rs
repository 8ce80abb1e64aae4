//! What IAM checks of each request: the action, the resource, and the condition keys by which a policy may narrow it.
//! The sandbox allows everything; it only notes what a policy would have to.
//!
//! Actions, resources and keys are those of the Service Authorization Reference; where it is known to say less than
//! IAM asks for, the line says where that is known from.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

use super::api::{ACCOUNT, INFRASTRUCTURE_ROLE, REGION};
use super::ecs::CLUSTER;
use super::s3::signed_region;
use super::state::World;
use super::wire::Request;

/// Something that a policy must allow.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Permission {
    /// The action, with the service's prefix.
    pub action: String,
    /// The ARN, or `*` where the action knows none.
    pub resource: String,
    /// The condition keys of the request that policies look at.
    pub conditions: BTreeMap<&'static str, String>,
}

impl Permission {
    fn new(action: &str, resource: impl Into<String>) -> Self {
        Self { action: action.to_owned(), resource: resource.into(), conditions: BTreeMap::new() }
    }

    fn with(mut self, key: &'static str, value: impl Into<String>) -> Self {
        self.conditions.insert(key, value.into());
        self
    }
}

/// A call as far as IAM looks at it.
pub(crate) struct Asked<'a> {
    pub(crate) service: &'a str,
    pub(crate) operation: &'a str,
    /// As the list of calls names it.
    pub(crate) resource: &'a str,
    pub(crate) request: &'a Request,
    /// The JSON input, where the service has one.
    pub(crate) input: &'a Value,
    /// Of the answer.
    pub(crate) status: u16,
}

/// Everything that one call needs.
pub(crate) fn of(world: &World, asked: &Asked<'_>) -> Vec<Permission> {
    match asked.service {
        "ecs" => of_ecs(world, asked),
        "ecr" => of_ecr(asked),
        "s3" => of_s3(world, asked),
        "lambda" => vec![Permission::new(&format!("lambda:{}", asked.operation), asked.resource)],
        _ => Vec::new(),
    }
}

fn of_s3(world: &World, asked: &Asked<'_>) -> Vec<Permission> {
    let (bucket, key) = asked.resource.split_once('/').unwrap_or((asked.resource, ""));
    let Some(owner) = world.buckets.owner(bucket) else { return Vec::new() };
    let (bucket, object) = (format!("arn:aws:s3:::{bucket}"), format!("arn:aws:s3:::{bucket}/{key}"));
    let on = |action, resource: &str| Permission::new(action, resource).with("aws:ResourceAccount", owner.clone());
    match asked.operation {
        "GetObject" | "HeadObject" => {
            let by_version = asked.request.query("versionId").is_some();
            let read = on(if by_version { "s3:GetObjectVersion" } else { "s3:GetObject" }, &object);
            // Who may not list a bucket is told 403 of what is not there (S3 API reference, "GetObject").
            let missing = (asked.status == 404).then(|| on("s3:ListBucket", &bucket));
            std::iter::once(read).chain(missing).collect()
        }
        "PutObject" => {
            // If-Match reads what it compares with (S3 user guide, "How to prevent object overwrites with conditional
            // writes").
            let compares = asked.request.header("if-match").is_some();
            let read = compares.then(|| on("s3:GetObject", &object));
            std::iter::once(on("s3:PutObject", &object)).chain(read).collect()
        }
        "ListObjectsV2" => {
            let prefix = asked.request.query("prefix").unwrap_or_default();
            vec![on("s3:ListBucket", &bucket).with("s3:prefix", prefix)]
        }
        "ListObjectVersions" => {
            let prefix = asked.request.query("prefix").unwrap_or_default();
            vec![on("s3:ListBucketVersions", &bucket).with("s3:prefix", prefix)]
        }
        operation => vec![on(&format!("s3:{operation}"), if key.is_empty() { &bucket } else { &object })],
    }
}

fn of_ecr(asked: &Asked<'_>) -> Vec<Permission> {
    // A presigned URL carries the permission of whoever made it.
    if asked.operation == "DownloadLayer" {
        return Vec::new();
    }
    let registry = text(asked.input, "registryId").unwrap_or(ACCOUNT);
    let (region, repository) = (signed_region(asked.request), text(asked.input, "repositoryName").unwrap_or_default());
    let arn = format!("arn:aws:ecr:{region}:{registry}:repository/{repository}");
    let needed = Permission::new(&format!("ecr:{}", asked.operation), arn);
    vec![needed.with("aws:RequestedRegion", region).with("aws:ResourceAccount", registry)]
}

fn of_ecs(world: &World, asked: &Asked<'_>) -> Vec<Permission> {
    let (operation, input) = (asked.operation, asked.input);
    let action = format!("ecs:{operation}");
    let on = |resource: String| Permission::new(&action, resource);
    match operation {
        "RegisterTaskDefinition" => {
            let family = arn(&format!("task-definition/{}:*", text(input, "family").unwrap_or_default()));
            let is_tagged = input.get("tags").and_then(Value::as_array).is_some_and(|tags| !tags.is_empty());
            let tag = Permission::new("ecs:TagResource", family.as_str()).with("ecs:CreateAction", operation);
            // The reference names the family; denials that people report name `*`.
            let register = [on("*".to_owned()), on(family)];
            register.into_iter().chain(is_tagged.then_some(tag)).chain(roles(input)).collect()
        }
        "UpdateExpressGatewayService" => {
            let named = text(input, "taskDefinitionArn").unwrap_or_default();
            let definition = world.ecs().definitions.find(named).map(|definition| definition.document.clone());
            let infrastructure = passed(INFRASTRUCTURE_ROLE, "ecs.amazonaws.com");
            let service = on(text(input, "serviceArn").unwrap_or_default().to_owned());
            let register = Permission::new("ecs:RegisterTaskDefinition", "*");
            [service, register, infrastructure].into_iter().chain(definition.iter().flat_map(roles)).collect()
        }
        "DescribeExpressGatewayService" => vec![on(text(input, "serviceArn").unwrap_or_default().to_owned())],
        "ListServiceDeployments" => vec![on(service_arn(text(input, "service").unwrap_or_default()))],
        "DescribeServiceDeployments" => with_services(&on, &texts(input, "serviceDeploymentArns")),
        "DescribeServiceRevisions" => with_services(&on, &texts(input, "serviceRevisionArns")),
        "StopServiceDeployment" => with_services(&on, &[text(input, "serviceDeploymentArn").unwrap_or_default()]),
        // Seen in policies that work: the reference names a container instance, which Fargate has none of.
        "ListTasks" => vec![on("*".to_owned()).with("ecs:cluster", cluster_arn())],
        "DescribeTasks" => {
            let tasks = texts(input, "tasks").into_iter();
            tasks.map(|task| on(task.to_owned()).with("ecs:cluster", cluster_arn())).collect()
        }
        _ => vec![on("*".to_owned())],
    }
}

/// A deployment or a revision, and the service that it belongs to: these actions are checked against both.
fn with_services(on: &dyn Fn(String) -> Permission, arns: &[&str]) -> Vec<Permission> {
    let service = |arn: &str| {
        let mut parts = arn.split('/').skip(1);
        parts.next().zip(parts.next()).map(|(cluster, name)| self::arn(&format!("service/{cluster}/{name}")))
    };
    arns.iter().flat_map(|arn| [Some((*arn).to_owned()), service(arn)]).flatten().map(on).collect()
}

/// The roles that a task definition hands to its tasks.
fn roles(definition: &Value) -> Vec<Permission> {
    let named = ["executionRoleArn", "taskRoleArn"].into_iter().filter_map(|member| text(definition, member));
    named.map(|role| passed(role, "ecs-tasks.amazonaws.com")).collect()
}

fn passed(role: &str, to: &str) -> Permission {
    let role = if role.starts_with("arn:") { role.to_owned() } else { format!("arn:aws:iam::{ACCOUNT}:role/{role}") };
    Permission::new("iam:PassRole", role).with("iam:PassedToService", to)
}

fn arn(rest: &str) -> String {
    format!("arn:aws:ecs:{REGION}:{ACCOUNT}:{rest}")
}

fn cluster_arn() -> String {
    arn(&format!("cluster/{CLUSTER}"))
}

fn service_arn(named: &str) -> String {
    if named.starts_with("arn:") { named.to_owned() } else { arn(&format!("service/{CLUSTER}/{named}")) }
}

fn text<'a>(input: &'a Value, member: &str) -> Option<&'a str> {
    input.get(member).and_then(Value::as_str)
}

fn texts<'a>(input: &'a Value, member: &str) -> Vec<&'a str> {
    input.get(member).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect()
}
