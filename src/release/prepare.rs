//! Reading everything that a plan needs, with as few round trips one after another as can be: the head, what the service heads to, and what the
//! event asks for, side by side. It decides nothing.

use release_protocol::plan::Service;

use crate::aws::ecr::ImageQuery;
use crate::aws::s3::VersionedHead;
use crate::aws::{Aws, Failure};
use crate::head;
use crate::observe::live::{read_definition, read_service, read_upload};
use crate::plan::{Asked, ImageEvidence, Live, Request, Situation, Uploaded, ask};
use crate::trigger::{ImagePush, Trigger};

/// What was read, and what the event asks for beside it.
pub(super) struct Prepared {
    pub(super) service: Service<head::Aws>,
    pub(super) situation: Situation,
    pub(super) asked: Asked,
}

/// Reads all of it.
pub(super) async fn read(aws: &Aws, request: &Request) -> Result<(Option<VersionedHead>, Prepared), Failure> {
    let arn = &request.service.arn;
    let live = async {
        let service = read_service(aws, arn).await?;
        let live = read_definition(aws, arn, &service).await?;
        Ok((service, live))
    };
    let (held, (service, live), (document, image)) =
        tokio::try_join!(aws.head(&request.state_bucket, arn), live, read_wanted(aws, request))?;
    let situation = Situation { live, document, image };
    let asked = ask(request, &situation);
    Ok((held, Prepared { service, situation, asked }))
}

/// Reads the service once more; the rest stays as it was.
pub(super) async fn reread(aws: &Aws, request: &Request, before: Prepared) -> Result<Prepared, Failure> {
    let arn = &request.service.arn;
    let service = read_service(aws, arn).await?;
    let live = match service.desired == before.service.desired {
        true => Live { serving: Some(service.active.clone()), ..before.situation.live },
        false => read_definition(aws, arn, &service).await?,
    };
    let situation = Situation { live, ..before.situation };
    let asked = ask(request, &situation);
    Ok(Prepared { service, situation, asked })
}

async fn read_wanted(aws: &Aws, request: &Request) -> Result<(Option<Uploaded>, ImageEvidence), Failure> {
    match &request.trigger {
        Trigger::ImagePush(push) => Ok((None, aws.inspect_image(&wanted(push)).await?)),
        Trigger::Upload(upload) => {
            let (document, image) = read_upload(aws, upload, &request.service.container).await?;
            Ok((Some(document), image))
        }
    }
}

fn wanted(push: &ImagePush) -> ImageQuery<'_> {
    ImageQuery {
        account: &push.account,
        region: &push.region,
        repository: &push.repository,
        digest: Some(&push.digest),
        tag: Some(&push.tag),
    }
}
