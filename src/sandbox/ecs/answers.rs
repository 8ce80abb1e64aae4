//! What ECS says of deployments, revisions and tasks: lists and descriptions, in its own words.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::super::cloud::Refusal;
use super::super::rollout::Course;
use super::super::{ACCOUNT, REGION};
use super::{Deployment, Ecs, Task};

impl Ecs {
    pub(super) fn list_deployments(&self, request: &Value, now: Timestamp) -> Result<Value, Refusal> {
        let service = self.service(request["service"].as_str(), "ServiceNotFoundException")?;
        let limit = request["maxResults"].as_u64().map_or(20, |limit| usize::try_from(limit).unwrap_or(20));
        let briefs = self.of_service(&service).rev().take(limit).map(|deployment| {
            let mut brief = json!({
                "serviceDeploymentArn": deployment.arn(), "serviceArn": deployment.service, "clusterArn": cluster(),
                "targetServiceRevisionArn": deployment.revision_arn(), "createdAt": deployment.rollout.created.as_second(),
            });
            brief["status"] = json!(deployment.rollout.status(now));
            brief
        });
        Ok(json!({"serviceDeployments": briefs.collect::<Vec<_>>()}))
    }

    pub(super) fn describe_deployments(&self, request: &Value, now: Timestamp) -> Value {
        let (mut described, mut failures) = (Vec::new(), Vec::new());
        for arn in texts(&request["serviceDeploymentArns"]) {
            match self.deployments.iter().find(|deployment| deployment.arn() == arn) {
                Some(deployment) => described.push(self.describe_deployment(deployment, now)),
                None => failures.push(json!({"arn": arn, "reason": "MISSING"})),
            }
        }
        json!({"serviceDeployments": described, "failures": failures})
    }

    /// The deployments since the sandbox was started.
    pub(in super::super) fn described_deployments(&self, now: Timestamp) -> Vec<Value> {
        let new = self.deployments.iter().filter(|deployment| deployment.source.is_some());
        new.map(|deployment| self.describe_deployment(deployment, now)).collect()
    }

    fn describe_deployment(&self, deployment: &Deployment, now: Timestamp) -> Value {
        let running = self
            .tasks(&deployment.service)
            .filter(|task| task.deployment.id == deployment.id && is_running(task, now))
            .count();
        let mut described = deployment.rollout.describe(now, running);
        described["serviceDeploymentArn"] = json!(deployment.arn());
        described["serviceArn"] = json!(deployment.service);
        described["clusterArn"] = json!(cluster());
        described["targetServiceRevision"]["arn"] = json!(deployment.revision_arn());
        if let Some(source) = deployment.source.and_then(|index| self.deployments.get(index)) {
            described["sourceServiceRevisions"] =
                json!([{"arn": source.revision_arn(), "requestedTaskCount": 1, "runningTaskCount": 1}]);
            if described.get("rollback").is_some() {
                described["rollback"]["serviceRevisionArn"] = json!(source.revision_arn());
            }
        }
        described
    }

    pub(super) fn describe_revisions(&self, request: &Value) -> Value {
        let (mut described, mut failures) = (Vec::new(), Vec::new());
        for arn in texts(&request["serviceRevisionArns"]) {
            match self.deployments.iter().find(|deployment| deployment.revision_arn() == arn) {
                Some(deployment) => described.push(json!({
                    "serviceRevisionArn": arn, "serviceArn": deployment.service, "clusterArn": cluster(),
                    "taskDefinition": deployment.task_definition, "createdAt": deployment.rollout.created.as_second(),
                })),
                None => failures.push(json!({"arn": arn, "reason": "MISSING"})),
            }
        }
        json!({"serviceRevisions": described, "failures": failures})
    }

    pub(super) fn list_tasks(&self, request: &Value, now: Timestamp) -> Result<Value, Refusal> {
        let service = self.service(request["serviceName"].as_str(), "ServiceNotFoundException")?;
        let wants_stopped = request["desiredStatus"] == "STOPPED";
        let tasks = self.tasks(&service).filter(|task| task.created() <= now && is_stopped(task, now) == wants_stopped);
        Ok(json!({"taskArns": tasks.map(|task| task.arn()).collect::<Vec<_>>()}))
    }

    pub(super) fn describe_tasks(&self, request: &Value, now: Timestamp) -> Value {
        let (mut described, mut failures) = (Vec::new(), Vec::new());
        for arn in texts(&request["tasks"]) {
            let mut tasks = self.services.iter().flat_map(|service| self.tasks(service));
            match tasks.find(|task| task.created() <= now && (task.arn() == arn || task.id == arn)) {
                Some(task) => described.push(self.describe_task(&task, now)),
                None => failures.push(json!({"arn": arn, "reason": "MISSING"})),
            }
        }
        json!({"tasks": described, "failures": failures})
    }

    fn describe_task(&self, task: &Task<'_>, now: Timestamp) -> Value {
        let status = match () {
            () if is_stopped(task, now) => "STOPPED",
            () if is_running(task, now) => "RUNNING",
            () => "PENDING",
        };
        let definition = self.definitions.find(task.task_definition());
        let architecture = definition.map(|definition| {
            definition["runtimePlatform"]["cpuArchitecture"].as_str().unwrap_or("X86_64").to_lowercase()
        });
        let crashes = task.deployment.rollout.course == Course::Crashes;
        let containers = definition.and_then(|definition| definition["containerDefinitions"].as_array()).into_iter().flatten().map(|container| {
            let mut shown = json!({"name": container["name"], "image": container["image"], "lastStatus": status, "taskArn": task.arn()});
            if status == "STOPPED" {
                let is_guilty = crashes && container["name"] == "Main";
                shown["exitCode"] = json!(if is_guilty { 255 } else { 0 });
                if is_guilty {
                    shown["reason"] = json!("exec /server: exec format error");
                }
            }
            shown
        });
        let mut described = json!({
            "taskArn": task.arn(), "clusterArn": cluster(), "taskDefinitionArn": task.task_definition(), "lastStatus": status,
            "desiredStatus": if status == "STOPPED" { "STOPPED" } else { "RUNNING" }, "launchType": "FARGATE",
            "group": format!("service:{}", task.deployment.service.rsplit('/').next().unwrap_or_default()),
            "createdAt": task.created().as_second(), "containers": containers.collect::<Vec<_>>(), "version": 3,
            "attributes": [{"name": "ecs.cpu-architecture", "value": architecture}],
        });
        if let Some(started) = task.started().filter(|started| *started <= now) {
            described["startedAt"] = json!(started.as_second());
        }
        if let Some(stopped) = task.stopped().filter(|stopped| *stopped <= now) {
            described["stoppedAt"] = json!(stopped.as_second());
            described["stopCode"] =
                json!(if crashes { "EssentialContainerExited" } else { "ServiceSchedulerInitiated" });
            described["stoppedReason"] = json!(if crashes {
                "Essential container in task exited"
            } else {
                "Scaling activity initiated by deployment"
            });
        }
        described
    }
}

fn is_stopped(task: &Task<'_>, now: Timestamp) -> bool {
    task.stopped().is_some_and(|stopped| stopped <= now)
}

fn is_running(task: &Task<'_>, now: Timestamp) -> bool {
    task.started().is_some_and(|started| started <= now) && !is_stopped(task, now)
}

fn cluster() -> String {
    format!("arn:aws:ecs:{REGION}:{ACCOUNT}:cluster/default")
}

fn texts(list: &Value) -> impl Iterator<Item = &str> {
    list.as_array().into_iter().flatten().filter_map(Value::as_str)
}
