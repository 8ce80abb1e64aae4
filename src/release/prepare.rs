//! Reading everything that a plan needs, with as few round trips one after another as can be: the head, the desired
//! task definition, and what the event asks for, side by side. It decides nothing.

use release_protocol::plan::Service;

use crate::aws::ecr::ImageQuery;
use crate::aws::heads::VersionedHead;
use crate::aws::{Aws, Failure};
use crate::head::{self, Head};
use crate::observe::live::{Revisions, observe_service, read_definition, read_upload};
use crate::observe::way_back::{Serving, look, read_ahead};
use crate::plan::way_back::{WayBack, When};
use crate::plan::{Asked, Inputs, Live, Request, ask};
use crate::trigger::{ImagePush, Trigger};

/// What was read, and what the event asks for beside it.
pub(super) struct Prepared {
    pub(super) service: Service<head::Aws>,
    pub(super) live: Live,
    pub(super) inputs: Inputs,
    pub(super) asked: Asked,
    /// Where a way back leads.
    pub(super) serving: Serving,
    /// What was found on it, where it counts before the claim.
    pub(super) way_back: Option<WayBack>,
}

/// Reads all of it.
pub(super) async fn read(
    aws: &Aws,
    request: &Request,
    execution: &str,
    revisions: &mut Revisions,
) -> Result<(Option<VersionedHead>, Prepared), Failure> {
    let arn = &request.service.arn;
    let live = async {
        let (held, (service, revision)) =
            tokio::try_join!(aws.head(request, execution), observe_service(aws, arn, revisions))?;
        let head = held.as_ref().map(|held| &held.head);
        let (live, serving) = read_desired(aws, request, head, &service, revision).await?;
        Ok((held, service, live, serving))
    };
    let ((held, service, live, serving), inputs) = tokio::try_join!(live, read_inputs(aws, request))?;
    let asked = ask(request, &live, &inputs);
    let prepared = Prepared { service, live, inputs, asked, serving, way_back: None };
    Ok((held, with_way_back(aws, request, prepared).await))
}

/// Reads the service once more; the rest stays as it was.
pub(super) async fn reread(
    aws: &Aws,
    request: &Request,
    revisions: &mut Revisions,
    before: Prepared,
) -> Result<Prepared, Failure> {
    let arn = &request.service.arn;
    let (service, revision) = observe_service(aws, arn, revisions).await?;
    let (live, serving) = match service.desired == before.service.desired {
        true => {
            let serving = Serving::unread(revision, service.active.clone());
            (Live { serving: Some(service.active.clone()), ..before.live }, serving)
        }
        false => read_desired(aws, request, None, &service, revision).await?,
    };
    let asked = ask(request, &live, &before.inputs);
    let prepared = Prepared { service, live, asked, serving, way_back: None, ..before };
    Ok(with_way_back(aws, request, prepared).await)
}

/// The desired task definition, whole, and what is known of the one that serves. Where the way back counts before the
/// claim, what a look at it needs is read beside.
async fn read_desired(
    aws: &Aws,
    request: &Request,
    head: Option<&Head>,
    service: &Service<head::Aws>,
    revision: String,
) -> Result<(Live, Serving), Failure> {
    let arn = &request.service.arn;
    let mut serving = Serving::unread(revision, service.active.clone());
    if When::of(&request.service) != When::BeforeTheClaim {
        let (live, needs) = read_definition(aws, arn, service).await?;
        serving.needs = needs;
        return Ok((live, serving));
    }
    let is_desired = service.active == service.desired;
    let ahead = Box::pin(read_ahead(aws, arn, head, is_desired, &mut serving));
    let (read, ()) = tokio::join!(read_definition(aws, arn, service), ahead);
    let (live, needs) = read?;
    serving.needs = needs.or(serving.needs);
    Ok((live, serving))
}

/// Looks at the way back, where it counts before the claim and something is to be deployed.
async fn with_way_back(aws: &Aws, request: &Request, prepared: Prepared) -> Prepared {
    let service = &request.service;
    if When::of(service) != When::BeforeTheClaim || !matches!(prepared.asked, Asked::Draft(_)) {
        return prepared;
    }
    let way_back = look(aws, &service.arn, prepared.serving.clone()).await;
    Prepared { asked: way_back.judge(service, prepared.asked), way_back: Some(way_back), ..prepared }
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
    let registry = request.service.registry();
    let repository = request.service.repository.as_ref().map_or("", |repository| &repository.name);
    ImageQuery { registry, repository, digest: Some(&push.digest), tag: Some(&push.tag) }
}
