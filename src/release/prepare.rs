//! Reading everything that a plan needs, with as few round trips one after another as can be: the head, the desired
//! task definition, and what the event asks for, side by side. It decides nothing.

use release_protocol::plan::Service;

use crate::aws::ecr::ImageQuery;
use crate::aws::s3::VersionedHead;
use crate::aws::{Aws, Failure};
use crate::head;
use crate::image::PrivateEcr;
use crate::observe::live::{Revisions, read_definition, read_service, read_upload};
use crate::plan::{Asked, Inputs, Live, Request, ask};
use crate::trigger::{ImagePush, Trigger};

/// What was read, and what the event asks for beside it.
pub(super) struct Prepared {
    pub(super) service: Service<head::Aws>,
    pub(super) live: Live,
    pub(super) inputs: Inputs,
    pub(super) asked: Asked,
}

/// Reads all of it.
pub(super) async fn read(
    aws: &Aws,
    request: &Request,
    revisions: &mut Revisions,
) -> Result<(Option<VersionedHead>, Prepared), Failure> {
    let arn = &request.service.arn;
    let live = async {
        let service = read_service(aws, arn, revisions).await?;
        let live = read_definition(aws, arn, &service).await?;
        Ok((service, live))
    };
    let (held, (service, live), inputs) =
        tokio::try_join!(aws.head(&request.state_bucket, arn), live, read_inputs(aws, request))?;
    let asked = ask(request, &live, &inputs);
    Ok((held, Prepared { service, live, inputs, asked }))
}

/// Reads the service once more; the rest stays as it was.
pub(super) async fn reread(
    aws: &Aws,
    request: &Request,
    revisions: &mut Revisions,
    before: Prepared,
) -> Result<Prepared, Failure> {
    let arn = &request.service.arn;
    let service = read_service(aws, arn, revisions).await?;
    let live = match service.desired == before.service.desired {
        true => Live { serving: Some(service.active.clone()), ..before.live },
        false => read_definition(aws, arn, &service).await?,
    };
    let asked = ask(request, &live, &before.inputs);
    Ok(Prepared { service, live, asked, ..before })
}

async fn read_inputs(aws: &Aws, request: &Request) -> Result<Inputs, Failure> {
    Ok(match &request.trigger {
        Trigger::ImagePush(push) if !request.service.has_repository_of(push) => Inputs::ForeignPush(push.clone()),
        Trigger::ImagePush(push) => Inputs::Push(push.clone(), aws.inspect_image(&query(request, push)).await?),
        Trigger::Upload(upload) => {
            let (document, image) = read_upload(aws, &request.service, upload).await?;
            Inputs::Upload(upload.clone(), document, image)
        }
    })
}

/// Where an image is looked up comes from the configuration; the event says which one.
fn query<'a>(request: &'a Request, push: &'a ImagePush) -> ImageQuery<'a> {
    let PrivateEcr { account, region } = request.service.registry();
    let repository = request.service.repository.as_ref().map_or("", |repository| &repository.name);
    ImageQuery { account, region, repository, digest: Some(&push.digest), tag: Some(&push.tag) }
}
