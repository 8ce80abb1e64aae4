//! What is live, and what was asked for: the desired task definition of a service, an uploaded document, the image that
//! it names.

use std::collections::HashMap;

use release_protocol::follow::Listed;
use release_protocol::plan::Service;

use crate::aws::ecr::ImageQuery;
use crate::aws::{Aws, Failure, FailureKind};
use crate::config::{self, ServiceArn};
use crate::head;
use crate::image::{Digest, ImageRef};
use crate::plan::way_back::Needs;
use crate::plan::{self, Configuration, ImageEvidence, ListedDeployment, Live, Uploaded};
use crate::rollout::Status;
use crate::trigger::Upload;

/// The task definitions of service revisions that were asked for. A revision stands for one for ever, so a release asks
/// once.
#[derive(Debug, Default)]
pub(crate) struct Revisions(HashMap<String, String>);

impl Revisions {
    /// Asks for what ECS does not say with the service, in one call.
    async fn look_up(&mut self, aws: &Aws, arn: &ServiceArn, configurations: &[&Configuration]) -> Result<(), Failure> {
        let unnamed = configurations.iter().filter(|configuration| configuration.task_definition.is_none());
        let mut unknown: Vec<String> = unnamed.map(|configuration| configuration.revision.clone()).collect();
        unknown.retain(|revision| !self.0.contains_key(revision));
        unknown.dedup();
        if unknown.is_empty() {
            return Ok(());
        }
        let described = aws.service_revisions(arn, &unknown).await?;
        let named = unknown.into_iter().zip(described);
        self.0.extend(named.filter_map(|(revision, described)| Some((revision, described.task_definition?))));
        Ok(())
    }

    fn definition_of(&self, configuration: &Configuration) -> Result<String, Failure> {
        let Configuration { revision, task_definition } = configuration;
        let named = task_definition.as_ref().or_else(|| self.0.get(revision)).cloned();
        named.ok_or_else(|| no_base("ecs:DescribeServiceRevisions", revision))
    }
}

fn no_base(action: &'static str, resource: &str) -> Failure {
    let message = "the service runs no task definition that could be the base of a release";
    Failure::new(action, resource, FailureKind::Rejected, message)
}

/// The desired task definition of a service, and the active one.
pub(crate) async fn read_service(
    aws: &Aws,
    arn: &ServiceArn,
    revisions: &mut Revisions,
) -> Result<Service<head::Aws>, Failure> {
    Ok(observe_service(aws, arn, revisions).await?.0)
}

/// The same, and the service revision that serves.
pub(crate) async fn observe_service(
    aws: &Aws,
    arn: &ServiceArn,
    revisions: &mut Revisions,
) -> Result<(Service<head::Aws>, String), Failure> {
    let state = aws.service_state(arn).await?;
    let desired = plan::desired(&state).ok_or_else(|| no_base("ecs:DescribeExpressGatewayService", arn.as_str()))?;
    let serving = plan::serving(&state).unwrap_or_else(|| desired.clone());
    revisions.look_up(aws, arn, &[&desired, &serving]).await?;
    let (desired, active) = (revisions.definition_of(&desired)?, revisions.definition_of(&serving)?);
    let running = state.running().map(|running| running.target.clone());
    let newest = state.deployments.first().map(|newest| newest.target.clone());
    Ok((Service { desired, active, running, newest }, serving.revision))
}

/// The desired task definition of a service, whole, and what the one that serves needs, if that is the same.
pub(crate) async fn read_definition(
    aws: &Aws,
    arn: &ServiceArn,
    service: &Service<head::Aws>,
) -> Result<(Live, Option<Needs>), Failure> {
    let described = aws.described_definition(arn.region(), &service.desired).await?;
    let serving = (service.active != service.desired).then(|| service.active.clone());
    let needs = serving.is_none().then(|| described.needs());
    let live = Live { task_definition_arn: service.desired.clone(), definition: described.definition, serving };
    Ok((live, needs))
}

/// The desired task definition of the service, for the command line.
#[cfg(feature = "cli")]
pub(crate) async fn read_live(aws: &Aws, arn: &ServiceArn) -> Result<Live, Failure> {
    let service = read_service(aws, arn, &mut Revisions::default()).await?;
    Ok(read_definition(aws, arn, &service).await?.0)
}

/// A service's deployments with their task definitions, the newest first; of those that are older than ECS describes in
/// one call, only the revision is known.
pub(crate) async fn read_deployments(aws: &Aws, arn: &ServiceArn) -> Result<Vec<Listed<head::Aws>>, Failure> {
    describe_deployments(aws, arn, &aws.deployments(arn).await?).await
}

/// The same for deployments that were listed already.
pub(crate) async fn describe_deployments(
    aws: &Aws,
    arn: &ServiceArn,
    listed: &[ListedDeployment],
) -> Result<Vec<Listed<head::Aws>>, Failure> {
    let revisions = listed.iter().map(|deployment| deployment.target.clone());
    let mut definitions = aws.definitions_of(arn, revisions).await?;
    let described = listed.iter().map(|deployment| Listed {
        revision: deployment.target.clone(),
        definition: definitions.remove(&deployment.target),
        is_successful: deployment.status == Status::Successful,
    });
    Ok(described.collect())
}

/// The uploaded document, and what the registry says about the image in it.
pub(crate) async fn read_upload(
    aws: &Aws,
    service: &config::Service,
    upload: &Upload,
) -> Result<(Uploaded, ImageEvidence), Failure> {
    let document = match &service.uploads {
        Some(place) if place.has(&upload.key) => aws.uploaded(service.arn.region(), &place.bucket, upload).await?,
        _ => Uploaded::Gone,
    };
    let written = match &document {
        Uploaded::Document(definition) => {
            definition.container(&service.container).and_then(|container| container.image())
        }
        _ => None,
    };
    let image = match written {
        Some(written) => read_written_image(aws, written).await?,
        None => ImageEvidence::Unread("there is no image to read".to_owned()),
    };
    Ok((document, image))
}

/// Looks up an image that a document names, where that is a private registry that the function can read.
async fn read_written_image(aws: &Aws, written: &str) -> Result<ImageEvidence, Failure> {
    let reference = ImageRef::parse(written);
    let Some(registry) = reference.private_ecr() else {
        let registry = reference.registry.unwrap_or("docker.io");
        return Ok(ImageEvidence::Unread(format!("{registry} is not a private ECR registry")));
    };
    let digest = match reference.digest.map(Digest::parse) {
        Some(None) => return Ok(ImageEvidence::Unread("its digest is not a sha256 digest".to_owned())),
        Some(digest) => digest,
        None => None,
    };
    let tag = reference.tag.or_else(|| digest.is_none().then_some("latest"));
    let (account, region, repository) = (registry.account, registry.region, reference.repository);
    let wanted = ImageQuery { account, region, repository, digest: digest.as_ref(), tag };
    match aws.inspect_image(&wanted).await {
        Err(denied) if denied.kind == FailureKind::Denied => Ok(ImageEvidence::Unread(denied.to_string())),
        other => other,
    }
}
