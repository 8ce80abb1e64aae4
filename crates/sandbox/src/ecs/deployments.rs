//! Service deployments, service revisions and plain services as the API shows them, and the one call that intervenes.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::super::api::{ApiError, epoch, page, text, texts};
use super::super::deployment::Manner;
use super::super::faults::FaultKind;
use super::super::rollout::{Phase, Status, THRESHOLD};
use super::service::{Deployment, Revision, Service};
use super::{CLUSTER, Context, Ecs, check_cluster, cluster_arn, missing, service_not_found};

/// How long a deployment is listed, in seconds: 90 days (Amazon ECS API reference, `ListServiceDeployments`).
const LISTED: f64 = 90.0 * 86_400.0;

impl Ecs {
    /// `ListServiceDeployments`, newest first.
    pub(super) fn list_deployments(&self, input: &Value, context: Context<'_>) -> Result<Value, ApiError> {
        check_cluster(input)?;
        let service = self.service(text(input, "service")?).ok_or_else(service_not_found)?;
        let statuses = texts(input, "status")?;
        let bound = |member: &str| input.pointer(&format!("/createdAt/{member}")).and_then(Value::as_f64);
        let (after, before) = (bound("after"), bound("before"));
        let now = epoch(context.now).as_f64().unwrap_or_default();
        let briefs: Vec<Value> = service
            .deployments
            .iter()
            .rev()
            .skip(usize::from(context.blindness == Some(FaultKind::Stale)))
            .map(|deployment| brief(service, deployment, context.now))
            .filter(|brief| brief["createdAt"].as_f64().is_some_and(|at| now - at <= LISTED))
            .filter(|brief| statuses.is_empty() || statuses.iter().any(|status| brief["status"] == *status))
            .filter(|brief| {
                let created = brief["createdAt"].as_f64().unwrap_or_default();
                after.is_none_or(|after| created >= after) && before.is_none_or(|before| created <= before)
            })
            .collect();
        let (briefs, next) = page(&briefs, input, 20)?;
        let mut answer = json!({"serviceDeployments": briefs});
        if let Some(next) = next {
            answer["nextToken"] = json!(next);
        }
        Ok(answer)
    }

    /// `DescribeServiceDeployments`.
    pub(super) fn describe_deployments(&self, input: &Value, context: Context<'_>) -> Result<Value, ApiError> {
        let arns = bounded(texts(input, "serviceDeploymentArns")?, 20, "serviceDeploymentArns")?;
        let (mut found, mut failures) = (Vec::new(), Vec::new());
        for arn in arns {
            match self.deployment(arn).filter(|_| sees_items(context)) {
                Some((service, deployment)) => found.push(describe(service, deployment, context.now)),
                None => failures.push(missing(arn)),
            }
        }
        Ok(json!({"serviceDeployments": found, "failures": failures}))
    }

    /// Every deployment of every service as `DescribeServiceDeployments` shows it, oldest first.
    pub(crate) fn all_deployments(&self, now: Timestamp) -> Vec<Value> {
        let pairs = self
            .services
            .iter()
            .flat_map(|service| service.deployments.iter().map(move |deployment| (service, deployment)));
        let described = pairs.map(|(service, deployment)| {
            let mut described = describe(service, deployment, now);
            let target = service.revisions.get(deployment.target);
            described["taskDefinition"] = json!(target.map(|revision| &revision.definition_arn));
            described
        });
        described.collect()
    }

    fn deployment(&self, arn: &str) -> Option<(&Service, &Deployment)> {
        self.services.iter().find_map(|service| {
            let deployment = service.deployments.iter().find(|deployment| service.deployment_arn(deployment) == arn)?;
            Some((service, deployment))
        })
    }

    /// `StopServiceDeployment`, with ROLLBACK only.
    pub(super) fn stop_deployment(&mut self, input: &Value, now: Timestamp) -> Result<Value, ApiError> {
        let arn = text(input, "serviceDeploymentArn")?;
        match input.get("stopType").and_then(Value::as_str) {
            None | Some("ROLLBACK") => {}
            Some("ABORT") => {
                return Err(ApiError::new(
                    "UnsupportedFeatureException",
                    "The sandbox stops a deployment by ROLLBACK only.",
                ));
            }
            Some(_) => return Err(ApiError::parameter("Invalid stopType.")),
        }
        let not_found = || ApiError::new("ServiceDeploymentNotFoundException", "Service deployment not found.");
        let status =
            self.deployment(arn).map(|(_, deployment)| Service::phase(deployment, now).status).ok_or_else(not_found)?;
        if status.is_final() {
            let message = format!("Cannot stop a service deployment in {} status.", status.name());
            return Err(ApiError::new("ConflictException", message));
        }
        // A deployment that is being stopped or rolled back already takes the request and goes on.
        if matches!(status, Status::Pending | Status::InProgress) {
            for service in &mut self.services {
                let index = service.deployments.iter().position(|deployment| service.deployment_arn(deployment) == arn);
                if let Some(deployment) = index.and_then(|index| service.deployments.get_mut(index)) {
                    deployment.rollout.rollback_requested = Some(now);
                }
            }
        }
        Ok(json!({"serviceDeploymentArn": arn}))
    }

    /// `StopServiceDeployment` by a person, on the deployment under way; false where there is none.
    pub(crate) fn roll_back_by_hand(&mut self, name: &str, now: Timestamp) -> bool {
        let running = self.service(name).and_then(|service| Some(service.deployment_arn(service.running(now)?)));
        running.is_some_and(|arn| self.stop_deployment(&json!({"serviceDeploymentArn": arn}), now).is_ok())
    }

    /// `DescribeServiceRevisions`.
    pub(super) fn describe_revisions(&self, input: &Value, context: Context<'_>) -> Result<Value, ApiError> {
        let arns = bounded(texts(input, "serviceRevisionArns")?, 20, "serviceRevisionArns")?;
        let (mut found, mut failures) = (Vec::new(), Vec::new());
        for arn in arns {
            let pair = self.services.iter().find_map(|service| {
                Some((service, service.revisions.iter().find(|revision| service.revision_arn(revision) == arn)?))
            });
            match pair.filter(|_| sees_items(context)) {
                Some((service, revision)) => found.push(self.describe_revision(service, revision)),
                None => failures.push(missing(arn)),
            }
        }
        Ok(json!({"serviceRevisions": found, "failures": failures}))
    }

    /// `DescribeServices`: the plain view of an Express Mode service.
    pub(super) fn describe_services(&self, input: &Value, now: Timestamp) -> Result<Value, ApiError> {
        check_cluster(input)?;
        let references = bounded(texts(input, "services")?, 10, "services")?;
        let (mut found, mut failures) = (Vec::new(), Vec::new());
        for reference in references {
            match self.service(reference) {
                Some(service) => found.push(describe_service(service, now)),
                None => failures.push(missing(&super::arn(&format!("service/{CLUSTER}/{reference}")))),
            }
        }
        Ok(json!({"services": found, "failures": failures}))
    }

    fn describe_revision(&self, service: &Service, revision: &Revision) -> Value {
        let images: Vec<Value> = revision
            .images
            .iter()
            .map(|(name, image, digest)| match digest {
                Some(digest) => json!({"containerName": name, "image": image, "imageDigest": digest}),
                None => json!({"containerName": name, "image": image}),
            })
            .collect();
        let mut described = json!({
            "serviceRevisionArn": service.revision_arn(revision), "serviceArn": service.arn(), "clusterArn": cluster_arn(),
            "taskDefinition": revision.definition_arn, "platformVersion": "1.4.0", "platformFamily": "Linux",
            "capacityProviderStrategy": [{"capacityProvider": "FARGATE", "weight": 1, "base": 0}],
            "containerImages": images, "createdAt": epoch(revision.created),
        });
        // ECS says so where it found an image for another processor than the task definition names.
        if let Some(architecture) = self.architecture_override.as_ref().filter(|_| !revision.proven) {
            described["overrides"] = json!({"runtimePlatform": {"cpuArchitecture": architecture}});
        }
        described
    }
}

/// Deployments and revisions are eventually consistent: what was made just now may be missing still.
fn sees_items(context: Context<'_>) -> bool {
    context.blindness != Some(FaultKind::Missing)
}

fn bounded<'a>(list: Vec<&'a str>, most: usize, member: &str) -> Result<Vec<&'a str>, ApiError> {
    if list.is_empty() || list.len() > most {
        return Err(ApiError::parameter(format!("{member} must have between 1 and {most} elements.")));
    }
    Ok(list)
}

fn brief(service: &Service, deployment: &Deployment, now: Timestamp) -> Value {
    let phase = Service::phase(deployment, now);
    let target = service.revisions.get(deployment.target).map(|revision| service.revision_arn(revision));
    let mut brief = json!({
        "serviceDeploymentArn": service.deployment_arn(deployment), "serviceArn": service.arn(), "clusterArn": cluster_arn(),
        "targetServiceRevisionArn": target, "status": phase.status.name(), "createdAt": epoch(deployment.rollout.requested),
    });
    if let Some(reason) = &phase.reason {
        brief["statusReason"] = json!(reason);
    }
    if let Some(started) = deployment.rollout.started().filter(|started| *started <= now) {
        brief["startedAt"] = epoch(started);
    }
    if phase.status.is_final() {
        brief["finishedAt"] = epoch(phase.at);
    }
    brief
}

fn describe(service: &Service, deployment: &Deployment, now: Timestamp) -> Value {
    let phase = Service::phase(deployment, now);
    let mut described = brief(service, deployment, now);
    if let Some(members) = described.as_object_mut() {
        members.shift_remove("targetServiceRevisionArn");
    }
    let live = deployment.sources.first().copied();
    let sources: Vec<Value> = deployment
        .sources
        .iter()
        .map(|source| {
            let weight = if Some(*source) == live { 100.0 - phase.weight } else { 0.0 };
            summary(service, *source, weight, now)
        })
        .collect();
    described["sourceServiceRevisions"] = json!(sources);
    described["targetServiceRevision"] = summary(service, deployment.target, phase.weight, now);
    described["updatedAt"] = epoch(phase.at);
    if let Some(stage) = &phase.stage {
        described["lifecycleStage"] = json!(stage);
    }
    if let (Some(expires), Status::InProgress) = (phase.hook, phase.status) {
        described["lifecycleHookDetails"] = json!([{
            "hookId": super::seeded(&format!("hook {}", deployment.id)), "targetType": "PAUSE", "status": "AWAITING_ACTION",
            "expiresAt": epoch(expires), "timeoutAction": "CONTINUE",
        }]);
    }
    if phase.status == Status::Stopped {
        described["stoppedAt"] = epoch(phase.at);
    }
    if let (Some((started, reason)), Some(source)) =
        (&phase.rollback, live.and_then(|live| service.revisions.get(live)))
    {
        described["rollback"] =
            json!({"reason": reason, "startedAt": epoch(*started), "serviceRevisionArn": service.revision_arn(source)});
    }
    let alarm = format!("{}-rollback-alarm", service.name);
    described["alarms"] = alarms(&phase, &alarm);
    described["deploymentCircuitBreaker"] =
        json!({"status": breaker(&phase), "failureCount": phase.failures, "threshold": THRESHOLD});
    described["deploymentConfiguration"] = configuration(&deployment.rollout.manner, &alarm);
    described
}

fn configuration(manner: &Manner, alarm: &str) -> Value {
    let times = manner.times;
    let mut configuration = json!({
        "strategy": "CANARY", "maximumPercent": 200, "minimumHealthyPercent": 100, "bakeTimeInMinutes": times.bake,
        "canaryConfiguration": {"canaryPercent": times.canary_percent, "canaryBakeTimeInMinutes": times.canary_bake},
        "deploymentCircuitBreaker": {"enable": true, "rollback": manner.rolls_back()},
        "alarms": {"alarmNames": [alarm], "enable": true, "rollback": manner.rolls_back()},
    });
    if let Some(hook) = &manner.hook {
        configuration["lifecycleHooks"] = json!([{"targetType": "PAUSE", "lifecycleStages": [hook.stage]}]);
    }
    configuration
}

fn summary(service: &Service, revision: usize, weight: f64, now: Timestamp) -> Value {
    let (requested, running, pending) = service.counts(revision, now);
    json!({
        "arn": service.revisions.get(revision).map(|revision| service.revision_arn(revision)),
        "requestedTaskCount": requested, "runningTaskCount": running, "pendingTaskCount": pending,
        "requestedProductionTrafficWeight": weight, "requestedTestTrafficWeight": 0.0,
    })
}

fn alarms(phase: &Phase, alarm: &str) -> Value {
    let triggered: &[&str] = if phase.alarm { &[alarm] } else { &[] };
    let status = match phase.status {
        _ if phase.alarm => "TRIGGERED",
        status if status.is_final() => "MONITORING_COMPLETE",
        _ => "MONITORING",
    };
    json!({"status": status, "alarmNames": [alarm], "triggeredAlarmNames": triggered})
}

fn breaker(phase: &Phase) -> &'static str {
    match phase.status {
        _ if phase.failures >= THRESHOLD => "TRIGGERED",
        status if status.is_final() => "MONITORING_COMPLETE",
        _ => "MONITORING",
    }
}

fn describe_service(service: &Service, now: Timestamp) -> Value {
    let definition_of = |index: Option<usize>| {
        index.and_then(|index| service.revisions.get(index)).map(|revision| revision.definition_arn.clone())
    };
    let (mut desired, mut running, mut pending) = (0, 0, 0);
    for revision in 0..service.revisions.len() {
        let (a, b, c) = service.counts(revision, now);
        (desired, running, pending) = (desired + a, running + b, pending + c);
    }
    json!({
        "serviceArn": service.arn(), "serviceName": service.name, "clusterArn": cluster_arn(), "status": service.status,
        "taskDefinition": definition_of(service.desired(now)), "desiredCount": desired, "runningCount": running, "pendingCount": pending,
        "launchType": "FARGATE", "platformVersion": "1.4.0", "platformFamily": "Linux", "schedulingStrategy": "REPLICA",
        "deploymentController": {"type": "ECS"}, "resourceManagementType": "ECS", "deployments": [], "events": [],
        "createdAt": epoch(service.created),
    })
}
