//! What is live, and what was asked for: the task definition that a service heads to, an uploaded document, the image that it names.

use crate::aws::ecr::Wanted;
use crate::aws::{Aws, Failure, Trouble};
use crate::config::ServiceArn;
use crate::image::{Digest, ImageRef};
use crate::plan::{self, Heading, ImageEvidence, Live, ServiceState, Uploaded};
use crate::trigger::Upload;

/// The task definition that the service is heading to.
pub(crate) async fn read_live(aws: &Aws, service: &ServiceArn) -> Result<Live, Failure> {
    let state: ServiceState = aws.service_state(service).await?;
    let nothing = || Failure {
        action: "ecs:DescribeExpressGatewayService",
        resource: service.to_string(),
        kind: Trouble::Refused,
        message: "the service runs no task definition that could be the base of a release".to_owned(),
    };
    let task_definition_arn = match plan::heading(&state) {
        Heading::TaskDefinition(arn) => arn,
        Heading::Revision(revision) => {
            aws.service_revision(service, &revision).await?.task_definition.ok_or_else(nothing)?
        }
        Heading::Nothing => return Err(nothing()),
    };
    let definition = aws.task_definition(service.region(), &task_definition_arn).await?;
    Ok(Live { task_definition_arn, definition, serving: plan::serving(&state) })
}

/// The uploaded document, and what the registry says about the image in it.
pub(crate) async fn read_upload(
    aws: &Aws,
    upload: &Upload,
    container: &str,
) -> Result<(Uploaded, ImageEvidence), Failure> {
    let document = aws.uploaded(upload).await?;
    let written = match &document {
        Uploaded::Document(definition) => definition.container(container).and_then(|container| container.image()),
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
    let wanted = Wanted { account, region, repository, digest: digest.as_ref(), tag };
    match aws.inspect_image(&wanted).await {
        Err(denied) if denied.kind == Trouble::Denied => Ok(ImageEvidence::Unread(denied.to_string())),
        other => other,
    }
}
