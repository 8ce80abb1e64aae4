//! The sandbox's ECS: task definitions, Express Mode services, their deployments and tasks. State changes only through
//! calls; what a deployment looks like is computed from the calls so far and the time.

mod bare_image;
mod checks;
mod defaults;
mod definitions;
mod deployments;
mod express;
mod service;
mod tasks;
mod types;

use std::borrow::Cow;
use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

pub(crate) use definitions::Definition;
use service::Service;

use super::Options;
use super::api::{ACCOUNT, ApiError, REGION, optional_text};
use super::deployment::{Manner, SecondUpdate};
use super::ecr::{Registry, hex};
use super::faults::FaultKind;
use super::scenario::Scenario;
use definitions::Definitions;

/// The one cluster.
pub(crate) const CLUSTER: &str = "default";

/// Everything that ECS knows.
#[derive(Debug)]
pub(crate) struct Ecs {
    pub(crate) definitions: Definitions,
    services: Vec<Service>,
    scenario: Scenario,
    /// What awaits every revision that runs one of these images, by digest, whatever the scenario is.
    images: BTreeMap<String, Scenario>,
    second_update: SecondUpdate,
    /// How the next deployment goes.
    pub(crate) manner: Manner,
    architecture_override: Option<String>,
    image_override: Option<String>,
    names_definitions: bool,
    tasks_log: bool,
    /// When the sandbox was started: tasks log requests from about then on.
    opened: Timestamp,
    ids: u64,
}

/// What a call may look at besides ECS itself.
#[derive(Clone, Copy)]
pub(crate) struct Context<'a> {
    pub(crate) now: Timestamp,
    pub(crate) registry: &'a Registry,
    /// What this call does not see yet.
    pub(crate) blindness: Option<FaultKind>,
}

impl Ecs {
    pub(crate) fn new(options: &Options) -> Self {
        let manner = Manner {
            times: options.deployment,
            hook: options.hook.clone(),
            unknown_stage: options.unknown_stage.clone().map(Cow::Owned),
            ending: options.ending,
        };
        Self {
            definitions: Definitions::default(),
            services: Vec::new(),
            scenario: options.scenario,
            images: BTreeMap::new(),
            second_update: options.second_update,
            manner,
            architecture_override: options.architecture_override.clone(),
            image_override: options.image_override.clone(),
            names_definitions: options.names_definitions,
            tasks_log: options.tasks_log,
            opened: options.start,
            ids: 0,
        }
    }

    /// Decides what awaits every revision that runs the image of this digest.
    pub(crate) fn decide_image(&mut self, digest: &str, scenario: Scenario) {
        self.images.insert(digest.to_owned(), scenario);
    }

    /// What awaits a revision with this task definition: what its image is known for, else what the day has in store.
    fn scenario_of(&self, definition: &Definition) -> Scenario {
        let mut images = definition.containers().iter().filter_map(|container| container.get("image")?.as_str());
        let known = images.find_map(|image| self.images.get(image.split_once('@')?.1));
        known.copied().unwrap_or(self.scenario)
    }

    /// Runs one operation of the API.
    pub(crate) fn handle(&mut self, operation: &str, input: &Value, context: Context<'_>) -> Result<Value, ApiError> {
        match operation {
            "RegisterTaskDefinition" => self.definitions.register(input, context.now),
            "DescribeTaskDefinition" => self.definitions.describe(input),
            "DeregisterTaskDefinition" => self.definitions.deregister(input, context.now),
            "ListTaskDefinitions" => self.definitions.list(input),
            "DescribeExpressGatewayService" => self.describe_express(input, context.now),
            "UpdateExpressGatewayService" => self.update_express(input, context),
            "DescribeServices" => self.describe_services(input, context.now),
            "ListServiceDeployments" => self.list_deployments(input, context),
            "DescribeServiceDeployments" => self.describe_deployments(input, context),
            "DescribeServiceRevisions" => self.describe_revisions(input, context),
            "StopServiceDeployment" => self.stop_deployment(input, context.now),
            "ListTasks" => self.list_tasks(input, context.now),
            "DescribeTasks" => self.describe_tasks(input, context.now),
            _ => Err(ApiError::new("UnknownOperationException", "")),
        }
    }

    /// Text that has never been given out before and is the same in every run.
    fn fresh(&mut self, kind: &str) -> String {
        self.ids += 1;
        seeded(&format!("{kind} {}", self.ids))
    }

    /// The service that an ARN or a name in the cluster means.
    fn service(&self, reference: &str) -> Option<&Service> {
        self.services.iter().find(|service| service.is(reference))
    }
}

/// 32 hex digits made of a text.
pub(crate) fn seeded(text: &str) -> String {
    hex(Sha256::digest(text.as_bytes()).get(..16).unwrap_or_default())
}

/// An ARN of ECS in the sandbox's account.
fn arn(rest: &str) -> String {
    format!("arn:aws:ecs:{REGION}:{ACCOUNT}:{rest}")
}

fn cluster_arn() -> String {
    arn(&format!("cluster/{CLUSTER}"))
}

/// Refuses any cluster but the one there is.
fn check_cluster(input: &Value) -> Result<(), ApiError> {
    match optional_text(input, "cluster")? {
        Some(cluster) if cluster != CLUSTER && cluster != cluster_arn() => {
            Err(ApiError::new("ClusterNotFoundException", "Cluster not found."))
        }
        _ => Ok(()),
    }
}

fn service_not_found() -> ApiError {
    ApiError::new("ServiceNotFoundException", "Service not found.")
}

/// An entry of a `failures` list.
fn missing(arn: &str) -> Value {
    json!({"arn": arn, "reason": "MISSING"})
}

/// What a call is about, in a few words for the list of calls.
pub(crate) fn resource(input: &Value) -> String {
    const MEMBERS: [&str; 12] = [
        "serviceDeploymentArn",
        "serviceDeploymentArns",
        "serviceRevisionArns",
        "serviceArn",
        "service",
        "services",
        "serviceName",
        "taskDefinition",
        "tasks",
        "family",
        "familyPrefix",
        "repositoryName",
    ];
    MEMBERS
        .iter()
        .find_map(|member| match input.get(*member)? {
            Value::String(text) => Some(text.clone()),
            Value::Array(items) => Some(items.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" ")),
            _ => None,
        })
        .map(|text| text.chars().take(512).collect())
        .unwrap_or_default()
}
