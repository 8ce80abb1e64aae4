//! ECS: Express Mode services, their deployments and tasks. What has happened is kept; what is happening follows from the clock.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};

use super::cloud::Refusal;
use super::ecr::Ecr;
use super::firelens::{self, LogState};
use super::rollout::{Course, Rollout, Stop, TaskLife};
use super::s3::Buckets;
use super::{ACCOUNT, REGION, Scenario};

mod answers;
mod task_definitions;

use task_definitions::TaskDefinitions;

/// The seeded service.
const SERVICE: &str = "express-mode-custom-td-f9de";

/// ECS, as far as it is played.
#[derive(Debug)]
pub(super) struct Ecs {
    scenario: Scenario,
    start: Timestamp,
    definitions: TaskDefinitions,
    services: Vec<String>,
    deployments: Vec<Deployment>,
    logs: LogState,
}

/// A deployment of a service to a task definition; the service's first one lies before the sandbox's time.
#[derive(Clone, Debug)]
pub(super) struct Deployment {
    service: String,
    id: String,
    task_definition: String,
    /// The task definition that it replaces.
    source: Option<usize>,
    rollout: Rollout,
    /// What its logs say.
    voice: Voice,
}

/// What the tasks of a deployment log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Voice {
    /// A server that starts and serves.
    Good,
    /// A server that starts and panics.
    Panics,
    /// Nothing lands.
    Silent,
}

/// A task and the deployment that started it.
#[derive(Clone, Debug)]
pub(super) struct Task<'a> {
    pub(super) id: String,
    pub(super) deployment: &'a Deployment,
    pub(super) life: TaskLife,
}

impl Task<'_> {
    fn at(&self, seconds: i64) -> Timestamp {
        self.deployment
            .rollout
            .created
            .checked_add(SignedDuration::from_secs(seconds))
            .unwrap_or(self.deployment.rollout.created)
    }

    pub(super) fn created(&self) -> Timestamp {
        self.at(self.life.created)
    }

    pub(super) fn started(&self) -> Option<Timestamp> {
        self.life.started.map(|seconds| self.at(seconds))
    }

    pub(super) fn stopped(&self) -> Option<Timestamp> {
        self.life.stopped.map(|seconds| self.at(seconds))
    }

    pub(super) fn task_definition(&self) -> &str {
        &self.deployment.task_definition
    }

    pub(super) fn voice(&self) -> Voice {
        self.deployment.voice
    }

    pub(super) fn arn(&self) -> String {
        format!("arn:aws:ecs:{REGION}:{ACCOUNT}:task/default/{}", self.id)
    }
}

impl Ecs {
    /// The article's service, which has been running revision 5 for a day.
    pub(super) fn seeded(scenario: Scenario, start: Timestamp) -> Self {
        let definitions = TaskDefinitions::seeded(start);
        let mut ecs = Self {
            scenario,
            start,
            definitions,
            services: Vec::new(),
            deployments: Vec::new(),
            logs: LogState::default(),
        };
        ecs.add_service(SERVICE);
        ecs
    }

    /// Another service that has been running the seeded revision for a day; gives its ARN.
    pub(super) fn add_service(&mut self, name: &str) -> String {
        let arn = format!("arn:aws:ecs:{REGION}:{ACCOUNT}:service/default/{name}");
        let created = self.start.checked_sub(SignedDuration::from_hours(24)).unwrap_or(self.start);
        let rollout = Rollout { created, course: Course::Works, stopped: None };
        let task_definition = self.definitions.seeded_arn();
        let id = self.next_id();
        self.services.push(arn.clone());
        self.deployments.push(Deployment {
            service: arn.clone(),
            id,
            task_definition,
            source: None,
            rollout,
            voice: Voice::Good,
        });
        arn
    }

    pub(super) fn described(&self, family: &str) -> Vec<Value> {
        self.definitions.described(family)
    }

    /// Writes the log objects that are due.
    pub(super) fn write_logs(&mut self, now: Timestamp, buckets: &Buckets) {
        let mut logs = std::mem::take(&mut self.logs);
        for task in self.services.iter().flat_map(|service| self.tasks(service)) {
            if let Some(definition) = self.definitions.find(task.task_definition()) {
                firelens::write(&task, definition, now, buckets, &mut logs);
            }
        }
        self.logs = logs;
    }

    pub(super) fn act(
        &mut self,
        operation: &str,
        request: &Value,
        now: Timestamp,
        ecr: &Ecr,
    ) -> Result<Value, Refusal> {
        match operation {
            "DescribeExpressGatewayService" => self.describe_service(request, now),
            "UpdateExpressGatewayService" => self.update_service(request, now, ecr),
            "RegisterTaskDefinition" => self.definitions.register(request, now),
            "DescribeTaskDefinition" => self.definitions.describe(request),
            "ListTaskDefinitions" => Ok(self.definitions.list(request)),
            "ListServiceDeployments" => self.list_deployments(request, now),
            "DescribeServiceDeployments" => Ok(self.describe_deployments(request, now)),
            "DescribeServiceRevisions" => Ok(self.describe_revisions(request)),
            "StopServiceDeployment" => self.stop_deployment(request, now),
            "ListTasks" => self.list_tasks(request, now),
            "DescribeTasks" => Ok(self.describe_tasks(request, now)),
            other => Err((400, "UnknownOperationException", format!("{other} is not played here"))),
        }
    }

    /// A service, by ARN or by name.
    fn service(&self, named: Option<&str>, missing: &'static str) -> Result<String, Refusal> {
        let named = named.unwrap_or_default();
        let found = self.services.iter().find(|arn| *arn == named || arn.ends_with(&format!("/{named}")));
        found.cloned().ok_or((400, missing, "Service not found.".to_owned()))
    }

    fn of_service<'a>(&'a self, service: &'a str) -> impl DoubleEndedIterator<Item = &'a Deployment> {
        self.deployments.iter().filter(move |deployment| deployment.service == service)
    }

    /// The deployment whose task definition serves, apart from one that is on its way.
    fn serving<'a>(&'a self, service: &'a str, now: Timestamp) -> Option<&'a Deployment> {
        self.of_service(service).rev().find(|deployment| deployment.rollout.is_successful(now))
    }

    fn running(&self, service: &str, now: Timestamp) -> Option<usize> {
        self.deployments
            .iter()
            .rposition(|deployment| deployment.service == service && !deployment.rollout.is_over(now))
    }

    fn describe_service(&self, request: &Value, now: Timestamp) -> Result<Value, Refusal> {
        let service = self.service(request["serviceArn"].as_str(), "ResourceNotFoundException")?;
        let running = self.running(&service, now).map(|index| &self.deployments[index]);
        let serving = self.serving(&service, now);
        let configurations: Vec<Value> =
            serving.into_iter().chain(running).map(|deployment| self.configuration(deployment)).collect();
        let mut described = json!({
            "cluster": "default", "serviceName": service.rsplit('/').next(), "serviceArn": service,
            "infrastructureRoleArn": format!("arn:aws:iam::{ACCOUNT}:role/ecsInfrastructureRoleForExpressServices"),
            "status": {"statusCode": "ACTIVE"}, "activeConfigurations": configurations,
            "createdAt": self.start.as_second() - 86_400, "updatedAt": now.as_second(),
        });
        if let Some(deployment) = running {
            described["currentDeployment"] = json!(deployment.arn());
        }
        Ok(json!({"service": described}))
    }

    fn configuration(&self, deployment: &Deployment) -> Value {
        let definition = self.definitions.find(&deployment.task_definition);
        let member = |name: &str| definition.and_then(|definition| definition.get(name)).cloned().unwrap_or_default();
        json!({
            "serviceRevisionArn": deployment.revision_arn(), "taskDefinitionArn": deployment.task_definition,
            "cpu": member("cpu"), "memory": member("memory"), "healthCheckPath": "/health",
            "executionRoleArn": member("executionRoleArn"), "createdAt": deployment.rollout.created.as_second(),
        })
    }

    /// Starts a deployment, in the place of one that runs.
    fn update_service(&mut self, request: &Value, now: Timestamp, ecr: &Ecr) -> Result<Value, Refusal> {
        let service = self.service(request["serviceArn"].as_str(), "ServiceNotFoundException")?;
        let invalid = |message: String| (400, "InvalidParameterException", message);
        let Some(named) = request["taskDefinitionArn"].as_str() else {
            return Err(invalid("only updates with taskDefinitionArn are played here".to_owned()));
        };
        let conflicting = ["primaryContainer", "executionRoleArn", "taskRoleArn", "cpu", "memory", "cpuArchitecture"];
        if let Some(member) = conflicting.iter().find(|member| request.get(**member).is_some()) {
            return Err(invalid(format!("{member} cannot be specified together with taskDefinitionArn.")));
        }
        let definition = self.definitions.find_active(named)?.clone();
        task_definitions::check_express(&definition).map_err(invalid)?;
        let task_definition = definition["taskDefinitionArn"].as_str().unwrap_or_default().to_owned();
        if let Some(index) = self.running(&service, now) {
            self.deployments[index].rollout.stopped.get_or_insert((now, Stop::Superseded));
        }
        let has_run = self
            .of_service(&service)
            .any(|earlier| earlier.task_definition == task_definition && earlier.rollout.is_successful(now));
        let (course, voice) = if has_run { (Course::Works, Voice::Good) } else { self.play(&definition, ecr) };
        let source = self
            .deployments
            .iter()
            .rposition(|deployment| deployment.service == service && deployment.rollout.is_successful(now));
        let (id, rollout) = (self.next_id(), Rollout { created: now, course, stopped: None });
        let deployment = Deployment { service: service.clone(), id, task_definition, source, rollout, voice };
        let answer = json!({"service": {
            "serviceArn": service, "cluster": "default", "serviceName": service.rsplit('/').next(), "status": {"statusCode": "ACTIVE"},
            "targetConfiguration": self.configuration(&deployment), "updatedAt": now.as_second(),
        }});
        self.deployments.push(deployment);
        Ok(answer)
    }

    /// What a new task definition does under the scenario; an image for another architecture never starts, whatever the scenario.
    fn play(&self, definition: &Map<String, Value>, ecr: &Ecr) -> (Course, Voice) {
        let wanted = if definition["runtimePlatform"]["cpuArchitecture"] == "ARM64" { "arm64" } else { "amd64" };
        let image =
            task_definitions::container(definition, "Main").and_then(|main| main["image"].as_str()).unwrap_or_default();
        let fits = ecr.architectures(image).is_none_or(|found| found.iter().any(|architecture| architecture == wanted));
        match self.scenario {
            _ if !fits => (Course::Crashes, Voice::Silent),
            Scenario::Good | Scenario::Amd64Only => (Course::Works, Voice::Good),
            Scenario::NoLogs => (Course::Works, Voice::Silent),
            Scenario::BadLogs => (Course::Works, Voice::Panics),
            Scenario::CanaryFails => (Course::Alarm, Voice::Silent),
            Scenario::TaskNeverStarts => (Course::Crashes, Voice::Silent),
        }
    }

    fn stop_deployment(&mut self, request: &Value, now: Timestamp) -> Result<Value, Refusal> {
        let arn = request["serviceDeploymentArn"].as_str().unwrap_or_default();
        let Some(deployment) = self.deployments.iter_mut().find(|deployment| deployment.arn() == arn) else {
            return Err((400, "ServiceDeploymentNotFoundException", "Service deployment not found.".to_owned()));
        };
        if deployment.rollout.is_over(now) {
            let message =
                format!("The service deployment is in {} and cannot be stopped.", deployment.rollout.status(now));
            return Err((400, "ConflictException", message));
        }
        let reason = "Service deployment rolled back because of a user request.".to_owned();
        deployment.rollout.stopped.get_or_insert((now, Stop::RolledBack(reason)));
        Ok(json!({"serviceDeploymentArn": arn}))
    }

    /// The tasks of a service, of all its deployments, oldest first.
    fn tasks<'a>(&'a self, service: &'a str) -> impl Iterator<Item = Task<'a>> {
        self.of_service(service).enumerate().flat_map(move |(nth, deployment)| {
            let replaced = self.of_service(service).skip(nth + 1).filter_map(|later| later.rollout.takes_over()).min();
            let lives = deployment.rollout.tasks(replaced).into_iter().enumerate();
            lives.map(move |(index, life)| Task { id: task_id(&deployment.id, index), deployment, life })
        })
    }

    /// Ids are numbers of 19 digits that only depend on how many there were before.
    fn next_id(&self) -> String {
        let sum = Sha256::digest(format!("deployment {}", self.deployments.len()));
        let number = sum.iter().take(8).fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
        format!("{}", 1_000_000_000_000_000_000 + number % 9_000_000_000_000_000_000)
    }
}

impl Deployment {
    fn arn(&self) -> String {
        self.service.replacen(":service/", ":service-deployment/", 1) + "/" + &self.id
    }

    fn revision_arn(&self) -> String {
        self.service.replacen(":service/", ":service-revision/", 1) + "/" + &self.id
    }
}

/// A task id: 32 hex digits.
fn task_id(deployment: &str, index: usize) -> String {
    let sum = format!("{:x}", Sha256::digest(format!("task {deployment} {index}")));
    sum.get(..32).unwrap_or(&sum).to_owned()
}
