//! Reading everything that a plan needs, with as few round trips one after another as can be, and planning on it. One step.

use std::sync::Arc;

use aws_durable_execution_sdk::{DurableContext, StepSemantics};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::step;
use super::{Deployer, Ending};
use crate::aws::ecr::Wanted;
use crate::aws::{Aws, Failure};
use crate::observe::live::{read_live, read_upload};
use crate::plan::{self, Plan, Request, Situation};
use crate::trigger::Trigger;

/// A plan, when it was made, and which version of the head it was made from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Planned {
    pub(super) at: Timestamp,
    pub(super) plan: Plan,
    pub(super) held: Held,
}

/// The version of the head that a claim replaces.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Held {
    pub(super) etag: Option<String>,
    pub(super) head: Option<crate::head::Head>,
}

/// Makes the plan.
pub(super) async fn plan(deployer: &Arc<Deployer>, ctx: &DurableContext, request: &Request) -> Result<Planned, Ending> {
    let (deployer, request, execution) = (Arc::clone(deployer), request.clone(), ctx.execution_arn().to_owned());
    let work = move |_| async move { Box::pin(read_and_plan(&deployer.aws, &request, &execution)).await };
    step::run(ctx, "plan", StepSemantics::AtLeastOncePerRetry, work).await
}

async fn read_and_plan(aws: &Aws, request: &Request, execution: &str) -> Result<Planned, Failure> {
    let at = aws.clock().now();
    let (situation, etag) = match &request.trigger {
        Trigger::ImagePush(push) => {
            let wanted = Wanted {
                account: &push.account,
                region: &push.region,
                repository: &push.repository,
                digest: Some(&push.digest),
                tag: Some(&push.tag),
            };
            let (held, live, image) = tokio::try_join!(
                aws.head(&request.state_bucket, &request.service.arn),
                read_live(aws, &request.service.arn),
                aws.inspect_image(&wanted)
            )?;
            let (head, etag) = held.map(|held| (held.head, held.etag)).unzip();
            (Situation { at, head, live, document: None, image }, etag)
        }
        Trigger::Upload(upload) => {
            let (held, live, (document, image)) = tokio::try_join!(
                aws.head(&request.state_bucket, &request.service.arn),
                read_live(aws, &request.service.arn),
                read_upload(aws, upload, &request.service.container)
            )?;
            let (head, etag) = held.map(|held| (held.head, held.etag)).unzip();
            (Situation { at, head, live, document: Some(document), image }, etag)
        }
    };
    let plan = plan::plan(request, execution, &situation);
    Ok(Planned { at, plan, held: Held { etag, head: situation.head } })
}
