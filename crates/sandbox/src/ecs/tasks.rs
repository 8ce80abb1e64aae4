//! Tasks as the API lists and describes them, and as a log router sees them.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::super::api::{ApiError, epoch, optional_text, page, texts};
use super::super::firelens::{self, LogBehaviour, LogObject, Source};
use super::super::rollout::{Cause, later};
use super::super::scenario::Scenario;
use super::definitions::Definition;
use super::service::{Revision, Service, Task};
use super::{CLUSTER, Ecs, check_cluster, cluster_arn, missing, seeded, service_not_found};

/// How long a stopped task can be seen, in seconds.
const REMEMBERED: i64 = 3_600;

impl Ecs {
    /// The tasks that can be seen at `now`.
    fn visible(&self, now: Timestamp) -> impl Iterator<Item = (&Service, Task)> {
        self.services.iter().flat_map(move |service| {
            let seen = move |task: &Task| {
                task.life.created <= now
                    && task.life.stop.as_ref().is_none_or(|(_, stopped, _)| now < later(*stopped, REMEMBERED))
            };
            service.tasks().into_iter().filter(seen).map(move |task| (service, task))
        })
    }

    /// `ListTasks` by service and by family; running ones unless STOPPED ones are asked for.
    pub(super) fn list_tasks(&self, input: &Value, now: Timestamp) -> Result<Value, ApiError> {
        check_cluster(input)?;
        let service = match optional_text(input, "serviceName")? {
            Some(name) => Some(self.service(name).ok_or_else(service_not_found)?.name.clone()),
            None => None,
        };
        let family = optional_text(input, "family")?;
        let wanted = match optional_text(input, "desiredStatus")? {
            None | Some("RUNNING") => "RUNNING",
            Some("STOPPED") => "STOPPED",
            Some("PENDING") => "PENDING",
            Some(_) => return Err(ApiError::parameter("Invalid desiredStatus.")),
        };
        let arns: Vec<String> = self
            .visible(now)
            .filter(|(of, _)| service.as_ref().is_none_or(|name| of.name == *name))
            .filter(|(of, task)| {
                family.is_none_or(|family| {
                    self.definition(of, task).is_some_and(|definition| definition.family == family)
                })
            })
            .filter(|(_, task)| desired_status(task, now) == wanted)
            .map(|(_, task)| task.arn())
            .collect();
        let (arns, next) = page(&arns, input, 100)?;
        let mut answer = json!({"taskArns": arns});
        if let Some(next) = next {
            answer["nextToken"] = json!(next);
        }
        Ok(answer)
    }

    /// `DescribeTasks`, by ARN or id.
    pub(super) fn describe_tasks(&self, input: &Value, now: Timestamp) -> Result<Value, ApiError> {
        check_cluster(input)?;
        let references = texts(input, "tasks")?;
        if references.is_empty() || references.len() > 100 {
            return Err(ApiError::parameter("Tasks must have between 1 and 100 elements."));
        }
        let (mut found, mut failures) = (Vec::new(), Vec::new());
        for reference in references {
            match self.visible(now).find(|(_, task)| task.id == reference || task.arn() == reference) {
                Some((service, task)) => found.push(self.describe_task(service, &task, now)),
                None if reference.starts_with("arn:") => failures.push(missing(reference)),
                None => failures.push(missing(&super::arn(&format!("task/{CLUSTER}/{reference}")))),
            }
        }
        Ok(json!({"tasks": found, "failures": failures}))
    }

    fn definition(&self, service: &Service, task: &Task) -> Option<&Definition> {
        let revision = service.revisions.get(task.revision)?;
        self.definitions.by_arn(&revision.definition_arn)
    }

    fn describe_task(&self, service: &Service, task: &Task, now: Timestamp) -> Value {
        let definition = self.definition(service, task);
        let revision = service.revisions.get(task.revision);
        let containers: Vec<Value> = definition
            .zip(revision)
            .map(|(definition, revision)| {
                definition
                    .containers()
                    .iter()
                    .map(|container| self.describe_container(container, revision, task, now))
                    .collect()
            })
            .unwrap_or_default();
        let stage = stage(task, now);
        let mut described = json!({
            "taskArn": task.arn(), "clusterArn": cluster_arn(), "group": format!("service:{}", service.name),
            "taskDefinitionArn": revision.map(|revision| revision.definition_arn.clone()),
            "lastStatus": stage, "desiredStatus": desired_status(task, now), "healthStatus": health(&containers),
            "launchType": "FARGATE", "capacityProviderName": "FARGATE", "platformVersion": "1.4.0", "platformFamily": "Linux",
            "connectivity": "CONNECTED", "createdAt": epoch(task.life.created), "containers": containers,
            "startedBy": format!("ecs-svc/{}", deployment_number(service, task)), "version": 1, "overrides": {}, "attachments": [],
        });
        if let Some(definition) = definition {
            let is_new = revision.is_some_and(|revision| !revision.proven);
            let other = self.architecture_override.as_ref().filter(|_| is_new).map(|name| name.to_lowercase());
            let architecture = other.unwrap_or_else(|| cpu_name(definition).to_owned());
            described["attributes"] = json!([{"name": "ecs.cpu-architecture", "value": architecture}]);
            described["cpu"] = json!(definition.member("cpu"));
            described["memory"] = json!(definition.member("memory"));
        }
        if let Some(started) = task.life.started.filter(|started| *started <= now) {
            described["startedAt"] = epoch(started);
        }
        if let Some((stopping, stopped, cause)) = task.life.stop.as_ref().filter(|(stopping, ..)| *stopping <= now) {
            described["stoppingAt"] = epoch(*stopping);
            described["stopCode"] = json!(cause.code);
            described["stoppedReason"] = json!(reason(cause, service, task));
            if *stopped <= now {
                described["stoppedAt"] = epoch(*stopped);
            }
        }
        described
    }

    fn describe_container(&self, container: &Value, revision: &Revision, task: &Task, now: Timestamp) -> Value {
        let name = container.get("name").and_then(Value::as_str).unwrap_or_default();
        let status = match stage(task, now) {
            "RUNNING" => "RUNNING",
            "STOPPED" | "DEPROVISIONING" => "STOPPED",
            _ => "PENDING",
        };
        let checked = container.get("healthCheck").is_some_and(Value::is_object);
        let healthy = status == "RUNNING" && task.life.started.is_some_and(|started| later(started, 20) <= now);
        let mut described = json!({
            "containerArn": super::arn(&format!("container/{CLUSTER}/{}/{}", task.id, seeded(&format!("{} {name}", task.id)))),
            "taskArn": task.arn(), "name": name, "image": container.get("image"), "runtimeId": format!("{}-3141592653", task.id),
            "lastStatus": status, "cpu": container.get("cpu").map_or_else(|| "0".to_owned(), Value::to_string),
            "healthStatus": if checked && healthy { "HEALTHY" } else { "UNKNOWN" }, "networkInterfaces": [],
        });
        if let Some((_, _, Some(digest))) = revision.images.iter().find(|(of, ..)| of == name) {
            let other = self.image_override.as_ref().filter(|_| !revision.proven && name == "Main");
            described["imageDigest"] = json!(other.unwrap_or(digest));
        }
        if let Some((_, _, cause)) = task.life.stop.as_ref().filter(|_| status == "STOPPED") {
            match &cause.culprit {
                Some((culprit, code)) if culprit == name => described["exitCode"] = json!(code),
                // Nothing was started, so nothing exited.
                None if cause.code == "TaskFailedToStart" => described["reason"] = json!(cause.reason),
                _ if task.life.started.is_some() => described["exitCode"] = json!(0),
                _ => {}
            }
        }
        described
    }

    /// The log objects that all tasks have stored by `now`, as far as they are `wanted`.
    pub(crate) fn log_objects(&self, now: Timestamp, wanted: &mut dyn FnMut(&str, &str) -> bool) -> Vec<LogObject> {
        let mut objects = Vec::new();
        for service in &self.services {
            for task in service.tasks() {
                let Some((definition, source)) = self.source(service, &task, now) else { continue };
                objects.extend(firelens::objects(&source, &definition.document, now, wanted));
                for other in self.others(&source, definition) {
                    objects.extend(firelens::objects(&other, &definition.document, now, wanted));
                }
            }
        }
        objects
    }

    /// Tasks of others that log into the same place at the same time.
    fn others(&self, source: &Source, definition: &Definition) -> Vec<Source> {
        let other = |number: usize, definition: &str, region: Option<&str>| {
            let task_id = seeded(&format!("other {number} {}", source.task_id));
            let arn = source.task_arn.replace(&source.task_id, &task_id);
            Source {
                task_arn: region.map_or_else(|| arn.clone(), |region| arn.replace("ap-northeast-1", region)),
                task_id,
                definition: definition.to_owned(),
                behaviour: LogBehaviour::Normal,
                ..source.clone()
            }
        };
        match self.scenario_of(definition) {
            _ if !self.tasks_log => Vec::new(),
            Scenario::Neighbour => vec![other(0, &source.definition, Some("us-east-1"))],
            Scenario::Crowd => (0..60).map(|number| other(number, "another-service:3", None)).collect(),
            _ => Vec::new(),
        }
    }

    /// A task as its log router sees it; none where nothing was started by `now`.
    fn source(&self, service: &Service, task: &Task, now: Timestamp) -> Option<(&Definition, Source)> {
        let definition = self.definition(service, task)?;
        let started = task.life.started.filter(|started| *started <= now)?;
        let scenario = self.scenario_of(definition);
        // A task whose log router dies by itself gets no word out, nor does a program that never got to run.
        let has_died = task.life.stop.as_ref().is_some_and(|(_, _, cause)| cause.culprit.is_some());
        if has_died && scenario != Scenario::CanaryDies {
            return None;
        }
        let proven = service.revisions.get(task.revision).is_some_and(|revision| revision.proven);
        let behaviour = match scenario {
            _ if !self.tasks_log => LogBehaviour::Silent,
            Scenario::CanaryDies if has_died => LogBehaviour::Dying,
            Scenario::VisitorsAndPanic if !proven => LogBehaviour::VisitedAndPanicking,
            Scenario::Visitors | Scenario::VisitorsAndPanic => LogBehaviour::Visited,
            Scenario::NoLogs | Scenario::Neighbour if !proven => LogBehaviour::Silent,
            Scenario::BadLogs if !proven => LogBehaviour::Panicking,
            Scenario::ErrorLogs if !proven => LogBehaviour::Failing,
            Scenario::ErrorLogs => LogBehaviour::Busy,
            _ => LogBehaviour::Normal,
        };
        let source = Source {
            task_id: task.id.clone(),
            task_arn: task.arn(),
            cluster: CLUSTER.to_owned(),
            definition: definition.name(),
            started,
            // What lies ahead may still change, so only a stop that has begun counts.
            stopping: task.life.stop.as_ref().map(|(stopping, ..)| *stopping).filter(|stopping| *stopping <= now),
            busy_from: self.opened,
            behaviour,
        };
        Some((definition, source))
    }
}

/// `lastStatus`.
fn stage(task: &Task, now: Timestamp) -> &'static str {
    if let Some((stopping, stopped, _)) = &task.life.stop {
        if *stopped <= now {
            return "STOPPED";
        }
        if *stopping <= now {
            return "DEPROVISIONING";
        }
    }
    match task.life.started {
        Some(started) if started <= now => "RUNNING",
        _ if now < later(task.life.created, 10) => "PROVISIONING",
        _ => "PENDING",
    }
}

fn desired_status(task: &Task, now: Timestamp) -> &'static str {
    if task.life.stop.as_ref().is_some_and(|(stopping, ..)| *stopping <= now) { "STOPPED" } else { "RUNNING" }
}

fn health(containers: &[Value]) -> &'static str {
    if containers.iter().any(|container| container["healthStatus"] == "HEALTHY") { "HEALTHY" } else { "UNKNOWN" }
}

fn cpu_name(definition: &Definition) -> &'static str {
    match definition.architecture() {
        "arm64" => "arm64",
        _ => "x86_64",
    }
}

/// The number that a plain service gives a deployment.
fn deployment_number(service: &Service, task: &Task) -> String {
    let id = service.deployments.get(task.deployment).map(|deployment| deployment.id.as_str()).unwrap_or_default();
    let digits = seeded(&format!("number of {id}"));
    format!("{:019}", u64::from_str_radix(digits.get(..15).unwrap_or_default(), 16).unwrap_or_default())
}

fn reason(cause: &Cause, service: &Service, task: &Task) -> String {
    if cause.code == "ServiceSchedulerInitiated" {
        return format!("Scaling activity initiated by (deployment ecs-svc/{})", deployment_number(service, task));
    }
    cause.reason.clone()
}
