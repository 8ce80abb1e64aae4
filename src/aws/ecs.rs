//! ECS in our own types: services, task definitions, deployments, tasks. Documents go in and come out as JSON, whole.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use aws_sdk_ecs::config::interceptors::AfterDeserializationInterceptorContextRef;
use aws_sdk_ecs::config::retry::RetryConfig;
use aws_sdk_ecs::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_ecs::error::BoxError;
use aws_sdk_ecs::types::{
    self, DeploymentLifecycleHookStatus, DeploymentLifecycleHookTargetType, ServiceDeploymentStatus,
    StopServiceDeploymentStopType, TaskDefinitionField,
};
use aws_smithy_types::body::SdkBody;
use futures_util::future::try_join_all;
use jiff::Timestamp;
use serde_json::{Map, Value};

use super::{Aws, Failure, FailureKind, failure};
use crate::config::ServiceArn;
use crate::image::{Digest, ImageRef};
use crate::plan::way_back::{Needs, RecordedImage};
use crate::plan::{Configuration, ListedDeployment, ServiceState};
use crate::rollout::course::{Course, Hook};
use crate::rollout::{CircuitBreaker, StoppedTask};
use crate::rollout::{Deployment, Holding, Status};
use crate::task_definition::{RELEASE_TAG, TaskDefinition};
use crate::text::Text;
use crate::verify::tasks::{ContainerProof, ExpectedTasks, TaskProof, is_planned};

/// The newest revisions that are searched for the release's tag. Nobody registers more of one family within a release's
/// crash.
const SEARCHED_REVISIONS: i32 = 10;

/// The deployments and tasks that one answer may hold (API model: `maxResults` up to 100).
const PAGE: i32 = 100;

/// The service revisions that one call describes (API model: at most 20).
const DESCRIBED_REVISIONS: usize = 20;

/// The pages of deployments that are read.
const MAX_PAGES: usize = 20;

/// The tasks of a service that are looked at.
const MAX_TASKS: usize = 500;

/// The running tasks that a report shows.
const MAX_PROOFS: usize = 5;

/// The stopped tasks that a report shows.
const MAX_STOPPED: usize = 5;

/// A task of a service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Task {
    /// The ARN of the task definition that it runs.
    pub definition_arn: String,
    /// Its ARN.
    pub arn: String,
    /// The last part of its ARN.
    pub id: String,
    /// Whether it has run: only then it can have logged.
    pub has_started: bool,
    /// When ECS made it.
    pub created: Option<Timestamp>,
}

impl Task {
    /// A task that has run, and that ECS may have forgotten.
    pub fn known(definition_arn: &str, arn: &str, created: Option<Timestamp>) -> Self {
        let (definition_arn, id) = (definition_arn.to_owned(), last_part(arn));
        Self { definition_arn, arn: arn.to_owned(), id, has_started: true, created }
    }
}

/// A service revision, as far as a release goes by it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceRevision {
    /// The ARN of the task definition that it stands for.
    pub task_definition: Option<String>,
    /// The CPU architecture that ECS runs its tasks on, where that is not the one of the task definition.
    pub architecture_override: Option<Text>,
    /// The digests of its images, as far as ECS recorded them.
    pub images: Vec<RecordedImage>,
}

/// A task definition as ECS describes it.
#[derive(Clone, Debug, PartialEq)]
pub struct DescribedDefinition {
    /// It, as it would be registered again.
    pub definition: TaskDefinition,
    /// Whether it is active, so that an update can lead to it.
    pub is_active: bool,
}

impl DescribedDefinition {
    /// What a task of it needs.
    pub fn needs(&self) -> Needs {
        Needs::of(&self.definition, self.is_active)
    }
}

impl Aws {
    /// The service's configurations and its newest deployments, read side by side; refused when the service is not
    /// active.
    pub async fn service_state(&self, service: &ServiceArn) -> Result<ServiceState, Failure> {
        let (configurations, deployments) = tokio::try_join!(self.configurations(service), self.deployments(service))?;
        Ok(ServiceState { configurations, deployments })
    }

    async fn configurations(&self, service: &ServiceArn) -> Result<Vec<Configuration>, Failure> {
        const ACTION: &str = "ecs:DescribeExpressGatewayService";
        let request = self.ecs(service.region()).describe_express_gateway_service().service_arn(service.as_str());
        let answer = request.send().await.map_err(failure(ACTION, service.as_str()))?;
        let described = answer.service.unwrap_or_else(|| types::EcsExpressGatewayService::builder().build());
        let status = described.status.and_then(|status| status.status_code);
        if let Some(code) =
            status.as_ref().map(types::ExpressGatewayServiceStatusCode::as_str).filter(|code| *code != "ACTIVE")
        {
            let message = format!("the service is {code}; only an ACTIVE service can be released");
            return Err(Failure::new(ACTION, service.as_str(), FailureKind::Rejected, message));
        }
        let configurations = described.active_configurations.unwrap_or_default();
        let configurations = configurations.into_iter().filter_map(|configuration| {
            let task_definition = configuration.task_definition_arn;
            Some(Configuration { revision: configuration.service_revision_arn?, task_definition })
        });
        Ok(configurations.collect())
    }

    /// The service's deployments of the last 90 days, which is all that ECS keeps, newest first.
    pub async fn deployments(&self, service: &ServiceArn) -> Result<Vec<ListedDeployment>, Failure> {
        let client = self.ecs(service.region());
        let mut briefs = Vec::new();
        let mut next = None;
        for _ in 0..MAX_PAGES {
            let request = client.list_service_deployments().cluster(service.cluster()).service(service.as_str());
            let page = request.max_results(PAGE).set_next_token(next.take()).send().await;
            let page = page.map_err(failure("ecs:ListServiceDeployments", service.as_str()))?;
            briefs.extend(page.service_deployments.unwrap_or_default().into_iter().filter_map(brief));
            next = page.next_token;
            if next.is_none() {
                break;
            }
        }
        briefs.sort_by_key(|(created, _)| std::cmp::Reverse(*created));
        Ok(briefs.into_iter().map(|(_, listed)| listed).collect())
    }

    /// Service revisions, as many as one call describes. One that was just made may not be known yet, which passes.
    pub async fn service_revisions(
        &self,
        service: &ServiceArn,
        arns: &[String],
    ) -> Result<Vec<ServiceRevision>, Failure> {
        const ACTION: &str = "ecs:DescribeServiceRevisions";
        let request = self.ecs(service.region()).describe_service_revisions();
        let answer = request.set_service_revision_arns(Some(arns.to_vec())).send().await;
        let answer = answer.map_err(failure(ACTION, arns.first().map_or(service.as_str(), String::as_str)))?;
        let mut described: Vec<_> = answer.service_revisions.unwrap_or_default();
        let found = arns.iter().map(|arn| {
            let place = described.iter().position(|revision| revision.service_revision_arn.as_ref() == Some(arn));
            let place = place.ok_or_else(|| not_described(ACTION, arn, answer.failures.as_deref()))?;
            Ok(service_revision(described.swap_remove(place)))
        });
        found.collect()
    }

    /// A task definition as it would be registered again.
    pub async fn task_definition(&self, region: &str, arn: &str) -> Result<TaskDefinition, Failure> {
        Ok(self.described_definition(region, arn).await?.definition)
    }

    /// A task definition as ECS describes it. The document is read from the raw answer: what the SDK does not know
    /// stays in.
    pub async fn described_definition(&self, region: &str, arn: &str) -> Result<DescribedDefinition, Failure> {
        const ACTION: &str = "ecs:DescribeTaskDefinition";
        let answer = RawAnswer::default();
        let request =
            self.ecs(region).describe_task_definition().task_definition(arn).include(TaskDefinitionField::Tags);
        request.customize().interceptor(answer.clone()).send().await.map_err(failure(ACTION, arn))?;
        let mut body: Map<String, Value> = serde_json::from_slice(&answer.take()).map_err(|error| {
            Failure::new(ACTION, arn, FailureKind::OutcomeUnknown, format!("the answer is not JSON: {error}"))
        })?;
        let tags = body.get("tags").and_then(Value::as_array).cloned().unwrap_or_default();
        match body.remove("taskDefinition") {
            Some(Value::Object(members)) => {
                let is_active = members.get("status").is_none_or(|status| status == "ACTIVE");
                Ok(DescribedDefinition { definition: TaskDefinition::from_description(members, &tags), is_active })
            }
            _ => Err(Failure::new(ACTION, arn, FailureKind::OutcomeUnknown, "the answer has no task definition")),
        }
    }

    /// Registers a document as it is and gives the new revision's ARN. The SDK does not repeat this call: an answer
    /// that was lost may have left a revision behind.
    pub async fn register(&self, region: &str, definition: &TaskDefinition) -> Result<String, Failure> {
        const ACTION: &str = "ecs:RegisterTaskDefinition";
        let family = definition.family().unwrap_or_default();
        let body = definition.to_json();
        let request = self
            .ecs(region)
            .register_task_definition()
            .family(family)
            .customize()
            .config_override(aws_sdk_ecs::config::Builder::new().retry_config(RetryConfig::disabled()))
            .mutate_request(move |request| {
                // The typed input would drop what the SDK does not know; the document goes out as it is, and is signed
                // afterwards.
                request.headers_mut().insert("content-length", body.len().to_string());
                *request.body_mut() = SdkBody::from(body.clone());
            });
        let answer = request.send().await.map_err(failure(ACTION, family))?;
        let arn = answer.task_definition.and_then(|definition| definition.task_definition_arn);
        arn.ok_or_else(|| Failure::new(ACTION, family, FailureKind::OutcomeUnknown, "the answer names no revision"))
    }

    /// The revisions that carry a release's mark, the oldest first, each as it would be registered again: the family's
    /// newest revisions are searched for its tag.
    pub async fn marked(
        &self,
        region: &str,
        family: &str,
        mark: &str,
    ) -> Result<Vec<(String, TaskDefinition)>, Failure> {
        let request = self.ecs(region).list_task_definitions().family_prefix(family).sort(types::SortOrder::Desc);
        let answer =
            request.max_results(SEARCHED_REVISIONS).send().await.map_err(failure("ecs:ListTaskDefinitions", family))?;
        let arns = answer.task_definition_arns.unwrap_or_default();
        let described = try_join_all(arns.iter().map(|arn| self.task_definition(region, arn))).await?;
        let marked =
            arns.into_iter().zip(described).filter(|(_, definition)| definition.tag(RELEASE_TAG) == Some(mark));
        Ok(marked.rev().collect())
    }

    /// Makes a task definition the desired one and gives the service revision that stands for it. Not repeated by the
    /// SDK.
    pub async fn update(&self, service: &ServiceArn, task_definition: &str) -> Result<String, Failure> {
        const ACTION: &str = "ecs:UpdateExpressGatewayService";
        let request = self.ecs(service.region()).update_express_gateway_service().service_arn(service.as_str());
        let once = aws_sdk_ecs::config::Builder::new().retry_config(RetryConfig::disabled());
        let request = request.task_definition_arn(task_definition).customize().config_override(once);
        let answer = request.send().await.map_err(failure(ACTION, service.as_str()))?;
        let target = answer
            .service
            .and_then(|service| service.target_configuration)
            .and_then(|target| target.service_revision_arn);
        target.ok_or_else(|| {
            Failure::new(ACTION, service.as_str(), FailureKind::OutcomeUnknown, "the answer names no service revision")
        })
    }

    /// The task definitions of the newest of these service revisions, as many as one call describes; those that ECS
    /// does not know are left out.
    pub async fn definitions_of(
        &self,
        service: &ServiceArn,
        revisions: impl IntoIterator<Item = String>,
    ) -> Result<HashMap<String, String>, Failure> {
        let revisions: Vec<String> = revisions.into_iter().take(DESCRIBED_REVISIONS).collect();
        if revisions.is_empty() {
            return Ok(HashMap::new());
        }
        let request =
            self.ecs(service.region()).describe_service_revisions().set_service_revision_arns(Some(revisions));
        let answer = request.send().await.map_err(failure("ecs:DescribeServiceRevisions", service.as_str()))?;
        let described = answer.service_revisions.unwrap_or_default().into_iter();
        Ok(described.filter_map(|revision| Some((revision.service_revision_arn?, revision.task_definition?))).collect())
    }

    /// The deployment that brings a service revision; `None` while ECS does not list it yet.
    pub async fn find_deployment(
        &self,
        service: &ServiceArn,
        target_revision: &str,
    ) -> Result<Option<String>, Failure> {
        let deployments = self.deployments(service).await?;
        Ok(deployments.into_iter().find(|listed| listed.target == target_revision).map(|listed| listed.arn))
    }

    /// A deployment as it stands. One that was just listed may not be known yet, which passes.
    pub async fn deployment(&self, region: &str, arn: &str) -> Result<Deployment, Failure> {
        const ACTION: &str = "ecs:DescribeServiceDeployments";
        let request = self.ecs(region).describe_service_deployments().service_deployment_arns(arn);
        let answer = request.send().await.map_err(failure(ACTION, arn))?;
        let found = answer.service_deployments.unwrap_or_default().into_iter().next();
        found.map(deployment).ok_or_else(|| not_described(ACTION, arn, answer.failures.as_deref()))
    }

    /// Asks ECS to roll a running deployment back.
    pub async fn stop(&self, region: &str, arn: &str) -> Result<(), Failure> {
        let request = self.ecs(region).stop_service_deployment().service_deployment_arn(arn);
        let sent = request.stop_type(StopServiceDeploymentStopType::Rollback).send().await;
        sent.map(|_| ()).map_err(failure("ecs:StopServiceDeployment", arn))
    }

    /// The tasks of a service, oldest first: those that run, and those that stopped within the last hour.
    pub async fn tasks(&self, service: &ServiceArn) -> Result<Vec<Task>, Failure> {
        // In this order a task that stops meanwhile is in one of the two.
        let running = self.describe_tasks(service, types::DesiredStatus::Running).await?;
        let stopped = self.describe_tasks(service, types::DesiredStatus::Stopped).await?;
        Ok(running
            .iter()
            .chain(&stopped)
            .filter_map(|task| {
                let arn = task.task_arn()?;
                Some(Task {
                    definition_arn: task.task_definition_arn()?.to_owned(),
                    arn: arn.to_owned(),
                    id: last_part(arn),
                    has_started: task.started_at().is_some(),
                    created: task.created_at().and_then(|at| Timestamp::from_second(at.secs()).ok()),
                })
            })
            .collect())
    }

    /// What ECS says of the running tasks of this task definition, the oldest first.
    pub async fn task_proofs(
        &self,
        service: &ServiceArn,
        task_definition: &str,
        expected: &ExpectedTasks,
    ) -> Result<Vec<TaskProof>, Failure> {
        let tasks = self.describe_tasks(service, types::DesiredStatus::Running).await?;
        let ours = tasks.iter().filter(|task| task.task_definition_arn() == Some(task_definition));
        let mut proofs = Vec::new();
        for task in ours.take(MAX_PROOFS) {
            let mut containers = Vec::new();
            for container in task.containers() {
                containers.push(self.container_proof(container, expected).await);
            }
            let attribute = task.attributes().iter().find(|attribute| attribute.name() == "ecs.cpu-architecture");
            proofs.push(TaskProof {
                task: task.task_arn().map(last_part).unwrap_or_default().into(),
                architecture: attribute.and_then(types::Attribute::value).map(Text::from),
                containers,
            });
        }
        Ok(proofs)
    }

    async fn container_proof(&self, container: &types::Container, expected: &ExpectedTasks) -> ContainerProof {
        let name = container.name().unwrap_or_default();
        let image = container.image().map(ImageRef::parse);
        let planned = image.as_ref().and_then(|image| Digest::parse(image.digest?));
        let runs = container.image_digest().and_then(Digest::parse);
        let mut is_planned = is_planned(planned.as_ref(), runs.as_ref());
        if let (None, Some(image), Some(_), Some(runs)) = (is_planned, &image, &planned, &runs) {
            is_planned = self.index_names(image, runs).await;
        }
        let health = container.health_status().map(types::HealthStatus::as_str);
        ContainerProof {
            name: name.into(),
            status: container.last_status().map(Text::from),
            health: health.filter(|_| expected.is_checked(name)).map(Text::from),
            image_digest: runs.map(|digest| digest.as_str().into()),
            is_planned,
        }
    }

    /// The tasks of a service that ran this task definition and stopped, with what ECS says about them. ECS forgets
    /// them after an hour.
    pub async fn stopped_tasks(
        &self,
        service: &ServiceArn,
        task_definition: &str,
    ) -> Result<Vec<StoppedTask>, Failure> {
        let tasks = self.describe_tasks(service, types::DesiredStatus::Stopped).await?;
        let ours = tasks.iter().filter(|task| task.task_definition_arn() == Some(task_definition));
        Ok(ours.take(MAX_STOPPED).map(stopped_task).collect())
    }

    async fn describe_tasks(
        &self,
        service: &ServiceArn,
        desired: types::DesiredStatus,
    ) -> Result<Vec<types::Task>, Failure> {
        let client = self.ecs(service.region());
        let mut arns = Vec::new();
        let mut next = None;
        loop {
            let request = client
                .list_tasks()
                .cluster(service.cluster())
                .service_name(service.name())
                .desired_status(desired.clone());
            let page = request.max_results(PAGE).set_next_token(next.take()).send().await;
            let page = page.map_err(failure("ecs:ListTasks", service.as_str()))?;
            arns.extend(page.task_arns.unwrap_or_default());
            next = page.next_token;
            if next.is_none() || arns.len() >= MAX_TASKS {
                break;
            }
        }
        let pages = arns.chunks(usize::try_from(PAGE).unwrap_or(100)).map(|chunk| {
            let request = client.describe_tasks().cluster(service.cluster()).set_tasks(Some(chunk.to_vec()));
            async move { request.send().await.map_err(failure("ecs:DescribeTasks", service.as_str())) }
        });
        let pages = try_join_all(pages).await?;
        let mut tasks: Vec<types::Task> = pages.into_iter().flat_map(|page| page.tasks.unwrap_or_default()).collect();
        tasks.sort_by_key(|task| task.created_at().map(aws_smithy_types::DateTime::secs));
        Ok(tasks)
    }
}

/// A deployment in a list, and when it was created.
fn brief(brief: types::ServiceDeploymentBrief) -> Option<(i128, ListedDeployment)> {
    let listed = ListedDeployment {
        status: status(brief.status.as_ref()),
        target: brief.target_service_revision_arn?,
        arn: brief.service_deployment_arn?,
    };
    Some((brief.created_at.map_or(0, |at| at.as_nanos()), listed))
}

fn service_revision(described: types::ServiceRevision) -> ServiceRevision {
    let platform = described.overrides.and_then(|overrides| overrides.runtime_platform);
    let images = described.container_images.unwrap_or_default().into_iter().filter_map(|image| {
        Some(RecordedImage { container: image.container_name?, digest: Digest::parse(&image.image_digest?)? })
    });
    ServiceRevision {
        task_definition: described.task_definition,
        architecture_override: platform.and_then(|platform| platform.cpu_architecture).map(Text::from),
        images: images.collect(),
    }
}

fn status(status: Option<&ServiceDeploymentStatus>) -> Status {
    Status::from_word(status.map_or("", ServiceDeploymentStatus::as_str))
}

/// Why an answer does not describe what was asked for. What is known by its ARN exists, or did: these answers are only
/// eventually consistent, and the AWS CLI takes `MISSING` for "ask again" as well.
fn not_described(action: &'static str, arn: &str, failures: Option<&[types::Failure]>) -> Failure {
    let failure = failures.unwrap_or_default().first();
    let reason = failure.and_then(types::Failure::reason).unwrap_or("MISSING");
    let detail = failure.and_then(types::Failure::detail).map_or_else(String::new, |detail| format!(": {detail}"));
    let kind = if reason == "MISSING" { FailureKind::OutcomeUnknown } else { FailureKind::Rejected };
    Failure::new(action, arn, kind, format!("ECS does not describe it, {reason}{detail}"))
}

fn deployment(described: types::ServiceDeployment) -> Deployment {
    let status = status(described.status.as_ref());
    let target = described.target_service_revision;
    let alarms = described.alarms.and_then(|alarms| alarms.triggered_alarm_names);
    let rollback_reason = described.rollback.and_then(|rollback| rollback.reason);
    Deployment {
        arn: described.service_deployment_arn.unwrap_or_default(),
        target_revision: target.as_ref().and_then(|target| target.arn.clone()).unwrap_or_default(),
        status,
        stage: described.lifecycle_stage.map(|stage| stage.as_str().into()),
        traffic_percent: target.as_ref().and_then(|target| target.requested_production_traffic_weight),
        course: described.deployment_configuration.map(course).unwrap_or_default(),
        holding: described.lifecycle_hook_details.unwrap_or_default().into_iter().filter_map(holding).collect(),
        running_tasks: target.as_ref().map_or(0, |target| target.running_task_count),
        requested_tasks: target.as_ref().map_or(0, |target| target.requested_task_count),
        reason: described.status_reason.or(rollback_reason).map(Text::from),
        triggered_alarms: alarms.unwrap_or_default().into_iter().map(Text::from).collect(),
        circuit_breaker: described.deployment_circuit_breaker.map(|breaker| CircuitBreaker {
            status: breaker.status.map(|status| status.as_str().into()).unwrap_or_default(),
            failures: breaker.failure_count,
            threshold: breaker.threshold,
        }),
        architecture_override: None,
    }
}

fn course(configuration: types::DeploymentConfiguration) -> Course {
    let minutes = |minutes: Option<i32>| minutes.and_then(|minutes| u64::try_from(minutes).ok());
    let canary = configuration.canary_configuration;
    let hooks = configuration.lifecycle_hooks.unwrap_or_default().into_iter().map(|hook| Hook {
        is_pause: hook.target_type == Some(DeploymentLifecycleHookTargetType::Pause),
        stages: hook.lifecycle_stages().iter().map(|stage| stage.as_str().to_owned()).collect(),
        timeout: minutes(hook.timeout_configuration.and_then(|configured| configured.timeout_in_minutes)),
    });
    Course {
        canary_percent: canary.as_ref().and_then(|canary| canary.canary_percent),
        canary_bake: minutes(canary.and_then(|canary| canary.canary_bake_time_in_minutes)),
        bake: minutes(configuration.bake_time_in_minutes),
        hooks: hooks.collect(),
    }
}

/// A hook that is not through.
fn holding(hook: types::DeploymentLifecycleHookDetail) -> Option<Holding> {
    let awaits_action = match hook.status? {
        DeploymentLifecycleHookStatus::AwaitingAction => true,
        DeploymentLifecycleHookStatus::InProgress => false,
        _ => return None,
    };
    let function = hook.target_arn.as_deref().and_then(|arn| arn.split(':').nth(6).map(str::to_owned));
    Some(Holding { name: function.or(hook.hook_id).map_or_else(|| "a hook".into(), Text::from), awaits_action })
}

fn stopped_task(task: &types::Task) -> StoppedTask {
    let containers = task.containers().iter().map(|container| {
        let name = container.name().unwrap_or("?");
        let exit = container.exit_code().map_or_else(String::new, |code| format!(" exited with {code}"));
        let reason = container.reason().map_or_else(String::new, |reason| format!(": {reason}"));
        Text::from(format!("{name}{exit}{reason}"))
    });
    StoppedTask {
        task: task.task_arn().map(last_part).unwrap_or_default().into(),
        reason: task.stopped_reason().unwrap_or("ECS gives no reason").into(),
        containers: containers.collect(),
    }
}

fn last_part(arn: &str) -> String {
    arn.rsplit('/').next().unwrap_or(arn).to_owned()
}

/// Keeps the body of an answer.
#[derive(Clone, Debug, Default)]
struct RawAnswer(Arc<Mutex<Vec<u8>>>);

impl RawAnswer {
    fn take(&self) -> Vec<u8> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Intercept for RawAnswer {
    fn name(&self) -> &'static str {
        "raw-answer"
    }

    fn read_after_deserialization(
        &self,
        context: &AfterDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        if let Some(body) = context.response().body().bytes() {
            *self.0.lock().unwrap_or_else(PoisonError::into_inner) = body.to_vec();
        }
        Ok(())
    }
}
