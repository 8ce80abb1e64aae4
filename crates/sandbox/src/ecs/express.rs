//! Express Mode's calls: what they refuse, what an update begins, and how a service is described.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};

use super::super::api::{ApiError, INFRASTRUCTURE_ROLE, epoch, text};
use super::super::deployment::{DeploymentEnding, DeploymentTimes, Manner, SecondUpdate};
use super::super::ecr::{Pull, Registry};
use super::super::firelens;
use super::super::rollout::{Cause, Rollout, RolloutOutcome};
use super::super::scenario::Scenario;
use super::definitions::{Definition, includes_tags};
use super::service::{Deployment, Revision, Service};
use super::{CLUSTER, Context, Ecs, check_cluster, service_not_found};

/// What an update cannot carry beside `taskDefinitionArn`.
const NOT_WITH_A_TASK_DEFINITION: [&str; 6] =
    ["primaryContainer", "executionRoleArn", "taskRoleArn", "cpu", "memory", "cpuArchitecture"];

impl Ecs {
    /// `DescribeExpressGatewayService`.
    pub(super) fn describe_express(&self, input: &Value, now: Timestamp) -> Result<Value, ApiError> {
        let reference = text(input, "serviceArn")?;
        let service = self
            .service(reference)
            .filter(|service| service.arn() == reference)
            .ok_or_else(|| ApiError::new("ResourceNotFoundException", "Service not found."))?;
        let running = service.running(now);
        let mut shown: Vec<usize> = service.live(now).into_iter().collect();
        if let Some(target) = running.map(|deployment| deployment.target).filter(|target| !shown.contains(target)) {
            shown.push(target);
        }
        let configurations: Vec<Value> = shown
            .into_iter()
            .filter_map(|index| service.revisions.get(index))
            .map(|revision| self.configuration(service, revision))
            .collect();
        let mut described = json!({
            "cluster": CLUSTER, "serviceName": service.name, "serviceArn": service.arn(),
            "infrastructureRoleArn": INFRASTRUCTURE_ROLE,
            "status": {"statusCode": service.status}, "activeConfigurations": configurations,
            "createdAt": epoch(service.created), "updatedAt": epoch(service.updated),
        });
        if let Some(deployment) = running {
            described["currentDeployment"] = json!(service.deployment_arn(deployment));
        }
        if includes_tags(input) {
            described["tags"] = json!([]);
        }
        Ok(json!({"service": described}))
    }

    fn configuration(&self, service: &Service, revision: &Revision) -> Value {
        let mut shown = json!({
            "serviceRevisionArn": service.revision_arn(revision), "healthCheckPath": "/health",
            "createdAt": epoch(revision.created),
            "ingressPaths": [{"accessType": "PUBLIC", "endpoint": "https://ex-99879651ad6c475e9537a5c5e0bcc347.ecs.ap-northeast-1.on.aws"}],
            "networkConfiguration": {"subnets": ["subnet-0a1b2c3d"], "securityGroups": ["sg-0a1b2c3d"]},
            "scalingTarget": {"minTaskCount": 1, "maxTaskCount": 20, "autoScalingMetric": "AVERAGE_CPU", "autoScalingTargetValue": 60},
        });
        if self.names_definitions {
            shown["taskDefinitionArn"] = json!(revision.definition_arn);
        }
        for (name, value) in revision.settings.as_object().into_iter().flatten() {
            shown[name] = value.clone();
        }
        if let Some(definition) = self.definitions.by_arn(&revision.definition_arn) {
            for member in ["cpu", "memory", "executionRoleArn", "taskRoleArn"] {
                if let Some(given) = definition.member(member) {
                    shown[member] = json!(given);
                }
            }
        }
        shown
    }

    /// `UpdateExpressGatewayService`.
    pub(super) fn update_express(&mut self, input: &Value, context: Context<'_>) -> Result<Value, ApiError> {
        check_cluster(input)?;
        let reference = text(input, "serviceArn")?;
        let index =
            self.services.iter().position(|service| service.arn() == reference).ok_or_else(service_not_found)?;
        let given = |member: &str| input.get(member).is_some_and(|value| !value.is_null());
        if !given("taskDefinitionArn") {
            return Err(ApiError::new(
                "UnsupportedFeatureException",
                "The sandbox updates a service by taskDefinitionArn only.",
            ));
        }
        if let Some(member) = NOT_WITH_A_TASK_DEFINITION.iter().find(|member| given(member)) {
            return Err(ApiError::parameter(format!(
                "{member} cannot be specified when taskDefinitionArn is provided."
            )));
        }
        if let Some(service) = self.services.get(index).filter(|service| service.status != "ACTIVE") {
            let status = &service.status;
            return Err(ApiError::new(
                "ServiceNotActiveException",
                format!("Cannot perform this operation on a service in {status} status"),
            ));
        }
        let definition = self
            .definitions
            .by_arn(text(input, "taskDefinitionArn")?)
            .ok_or_else(|| ApiError::client("TaskDefinition not found."))?
            .clone();
        if !definition.is_active() {
            return Err(ApiError::client("TaskDefinition is inactive"));
        }
        check_express_rules(&definition)?;
        let busy = self.services.get(index).is_some_and(|service| service.running(context.now).is_some());
        if busy && self.second_update == SecondUpdate::Refuses {
            // No such refusal is modelled: whether AWS makes one, and in which words, is not known.
            return Err(ApiError::client("Cannot update the service while a service deployment is in progress."));
        }
        let settings: Map<String, Value> = ["healthCheckPath", "networkConfiguration", "scalingTarget"]
            .iter()
            .filter_map(|member| {
                Some(((*member).to_owned(), input.get(*member).filter(|value| !value.is_null())?.clone()))
            })
            .collect();
        self.deploy(index, &definition, settings, context)
    }

    /// An update by a person, as the console makes it; gives the deployment's ARN.
    pub(crate) fn deploy_by_hand(
        &mut self,
        name: &str,
        definition_arn: &str,
        context: Context<'_>,
    ) -> Result<String, ApiError> {
        let service_arn = self.service(name).ok_or_else(service_not_found)?.arn();
        self.update_express(&json!({"serviceArn": service_arn, "taskDefinitionArn": definition_arn}), context)?;
        let begun = self.service(name).and_then(|service| Some(service.deployment_arn(service.deployments.last()?)));
        begun.ok_or_else(service_not_found)
    }

    /// A person deploys a copy of each service's desired task definition.
    pub(crate) fn redeploy_by_hand(&mut self, context: Context<'_>) {
        let live = |service: &Service| {
            let desired = service.revisions.get(service.desired(context.now)?)?;
            Some((service.arn(), desired.definition_arn.clone()))
        };
        let live: Vec<(String, String)> = self.services.iter().filter_map(live).collect();
        for (service, definition) in live {
            // One that is refused because a deployment runs is not made.
            let _ = self.definitions.copy(&definition).map(|copy| self.deploy_by_hand(&service, &copy, context));
        }
    }

    /// Begins a deployment and ends the one under way. Settings that the update does not name stay as they are.
    fn deploy(
        &mut self,
        index: usize,
        definition: &Definition,
        given: Map<String, Value>,
        context: Context<'_>,
    ) -> Result<Value, ApiError> {
        let now = context.now;
        let (revision_id, deployment_id) = (self.numeric_id("revision"), self.fresh("deployment"));
        let (scenario, mut manner) = (self.scenario_of(definition), self.manner.clone());
        let gone = || ApiError::server("the service is gone");
        let service = self.services.get_mut(index).ok_or_else(gone)?;
        let proven =
            service.revisions.iter().any(|revision| revision.proven && revision.definition_arn == definition.arn());
        let outcome = outcome(definition, context.registry, if proven { Scenario::Good } else { scenario });
        if proven {
            manner.ending = DeploymentEnding::default();
        }
        let images = resolve(definition, context.registry);
        let desired = service.desired(now).and_then(|desired| service.revisions.get(desired));
        let mut settings = desired.map_or_else(|| json!({}), |revision| revision.settings.clone());
        if let Some(settings) = settings.as_object_mut() {
            settings.extend(given);
        }
        let mut sources: Vec<usize> = service.live(now).into_iter().collect();
        let busy = service.running(now).is_some();
        if let Some(last) = service.deployments.last_mut().filter(|_| busy) {
            last.rollout.superseded = Some(now);
            sources.push(last.target);
        }
        let revision =
            Revision { id: revision_id, definition_arn: definition.arn(), created: now, images, settings, proven };
        let target = service.revisions.len();
        service.revisions.push(revision);
        let rollout = Rollout::new(now, outcome, manner, busy);
        service.deployments.push(Deployment { id: deployment_id.chars().take(21).collect(), sources, target, rollout });
        service.updated = now;
        let service = self.services.get(index).ok_or_else(gone)?;
        let revision = service.revisions.get(target).ok_or_else(gone)?;
        Ok(json!({"service": {
            "serviceArn": service.arn(), "cluster": CLUSTER, "serviceName": service.name, "status": {"statusCode": service.status},
            "targetConfiguration": self.configuration(service, revision),
            "createdAt": epoch(service.created), "updatedAt": epoch(service.updated),
        }}))
    }

    /// Nineteen digits, as service revisions are numbered.
    fn numeric_id(&mut self, kind: &str) -> String {
        let digits = self.fresh(kind);
        let number = u64::from_str_radix(digits.get(..15).unwrap_or_default(), 16).unwrap_or_default();
        format!("{:019}", number % 10_000_000_000_000_000_000)
    }

    /// Makes a stored task definition the live one of a service, as if it had been deployed a day ago; makes the
    /// service if need be.
    pub(crate) fn set_live(
        &mut self,
        name: &str,
        definition_arn: &str,
        registry: &Registry,
        now: Timestamp,
    ) -> Result<(), ApiError> {
        let definition = self
            .definitions
            .by_arn(definition_arn)
            .ok_or_else(|| ApiError::client("TaskDefinition not found."))?
            .clone();
        check_express_rules(&definition)?;
        // Long bakes were over by then as well.
        let times = self.manner.times;
        let longer = times.minutes().saturating_sub(DeploymentTimes::default().minutes()).max(0);
        let before = SignedDuration::from_hours(24) + SignedDuration::from_mins(longer);
        let requested = now.saturating_sub(before).unwrap_or(now);
        let (revision_id, deployment_id) = (self.numeric_id("revision"), self.fresh("deployment"));
        let revision = Revision {
            id: revision_id,
            definition_arn: definition.arn(),
            created: requested,
            images: resolve(&definition, registry),
            settings: json!({}),
            proven: true,
        };
        let rollout = Rollout::new(requested, RolloutOutcome::Healthy, Manner { times, ..Manner::default() }, false);
        let deployment =
            Deployment { id: deployment_id.chars().take(21).collect(), sources: Vec::new(), target: 0, rollout };
        let service = Service {
            name: name.to_owned(),
            status: "ACTIVE".to_owned(),
            created: requested,
            updated: requested,
            revisions: vec![revision],
            deployments: vec![deployment],
        };
        self.services.retain(|service| service.name != name);
        self.services.push(service);
        Ok(())
    }

    /// Sets a service's status; false where there is no such service.
    pub(crate) fn set_status(&mut self, name: &str, status: &str) -> bool {
        let service = self.services.iter_mut().find(|service| service.name == name);
        service.is_some_and(|service| {
            status.clone_into(&mut service.status);
            true
        })
    }
}

/// The rules of Express Mode for a task definition.
fn check_express_rules(definition: &Definition) -> Result<(), ApiError> {
    let refuse = |message: &str| Err(ApiError::parameter(message));
    let compatibilities = definition.document.get("requiresCompatibilities").and_then(Value::as_array);
    if !compatibilities.is_some_and(|list| list.iter().any(|item| item == "FARGATE")) {
        return refuse("The task definition must be compatible with FARGATE.");
    }
    let Some(main) =
        definition.containers().iter().find(|container| container.get("name").is_some_and(|name| name == "Main"))
    else {
        return refuse("The task definition must have a container named 'Main'.");
    };
    let mappings = main.get("portMappings").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let [mapping] = mappings else {
        return refuse("The container 'Main' must have exactly one port mapping.");
    };
    if mapping.get("protocol").is_some_and(|protocol| protocol != "tcp") {
        return refuse("The port mapping of the container 'Main' must use the tcp protocol.");
    }
    if mapping.get("containerPort").is_none() || mapping.get("name").and_then(Value::as_str).is_none_or(str::is_empty) {
        return refuse("The port mapping of the container 'Main' must have a containerPort and a name.");
    }
    Ok(())
}

/// Name, image and digest of each container.
fn resolve(definition: &Definition, registry: &Registry) -> Vec<(String, String, Option<String>)> {
    images(definition)
        .map(|(name, image)| {
            let digest = match registry.pull(image, definition.architecture()) {
                Pull::Runs(digest) => digest,
                _ => None,
            };
            (name.to_owned(), image.to_owned(), digest)
        })
        .collect()
}

fn images(definition: &Definition) -> impl Iterator<Item = (&str, &str)> {
    definition
        .containers()
        .iter()
        .filter_map(|container| Some((container.get("name")?.as_str()?, container.get("image")?.as_str()?)))
}

/// What awaits a revision: what its images and its log router do by themselves, then what the scenario has in store.
fn outcome(definition: &Definition, registry: &Registry, scenario: Scenario) -> RolloutOutcome {
    let architecture = definition.architecture();
    for (name, image) in images(definition) {
        let no_pull = |why: &str| {
            RolloutOutcome::TasksStop(Cause {
                code: "TaskFailedToStart",
                reason: format!("CannotPullContainerError: pull image manifest has been retried 1 time(s): {why}"),
                culprit: None,
            })
        };
        match registry.pull(image, architecture) {
            Pull::Runs(_) => {}
            Pull::Missing => return no_pull(&format!("failed to resolve ref {image}: {image}: not found")),
            Pull::NoPlatform => {
                return no_pull(&format!(
                    "image Manifest does not contain descriptor matching platform 'linux/{architecture}'"
                ));
            }
            Pull::WrongArchitecture => return exits(name, 1, "Essential container in task exited: exec format error"),
        }
    }
    if let Some((router, _)) = firelens::defect(&definition.document) {
        return exits(&router, 255, "Essential container in task exited");
    }
    match scenario {
        Scenario::CanaryFails => RolloutOutcome::AlarmTriggers,
        Scenario::TaskNeverStarts => exits("Main", 1, "Essential container in task exited"),
        Scenario::CanaryDies => match exits("Main", 101, "Essential container in task exited") {
            RolloutOutcome::TasksStop(cause) => RolloutOutcome::CanaryDies(cause),
            other => other,
        },
        Scenario::Good
        | Scenario::NoLogs
        | Scenario::BadLogs
        | Scenario::ErrorLogs
        | Scenario::Amd64Only
        | Scenario::Neighbour
        | Scenario::Crowd
        | Scenario::Visitors
        | Scenario::VisitorsAndPanic => RolloutOutcome::Healthy,
    }
}

fn exits(container: &str, code: i32, reason: &str) -> RolloutOutcome {
    RolloutOutcome::TasksStop(Cause {
        code: "EssentialContainerExited",
        reason: reason.to_owned(),
        culprit: Some((container.to_owned(), code)),
    })
}
