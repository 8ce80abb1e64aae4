//! The calls of a release that change something in ECS: register, update, stop. What a refusal means for them is said
//! here; what follows from it is not.

use release_protocol::course::{Answer, Refusal};
use release_protocol::head::Target;

use crate::aws::{Aws, Failure, FailureKind};
use crate::config::ServiceArn;
use crate::head;
use crate::plan::{Draft, Request};
use crate::rollout::{End, Status};
use crate::task_definition::RELEASE_TAG;

/// What came of a call.
pub(super) enum Called {
    /// It was done: what it made.
    Done(String),
    /// It did nothing: what that means, and what ECS said.
    Refused(Refusal, Failure),
    /// It may have been done.
    Unclear(Failure),
}

/// What marks a revision with the release that registered it. One push can release several services with one family: it
/// names the service, too.
pub(super) fn mark(request: &Request) -> String {
    let service = &request.service.arn;
    format!("{}@{}/{}", request.release(), service.cluster(), service.name())
}

/// Registers the draft. Where a revision of this release may be there already, the oldest one with this content is
/// taken: anybody may copy a tag, so only the content counts.
pub(super) async fn register(aws: &Aws, request: &Request, draft: &Draft, looks: bool) -> Result<Called, Failure> {
    let (region, mut definition) = (request.service.arn.region(), draft.definition.clone());
    let mark = mark(request);
    definition.set_tag(RELEASE_TAG, &mark);
    if looks {
        let family = definition.family().unwrap_or_default();
        let marked = aws.marked(region, family, &mark).await?;
        let same = marked.into_iter().find(|(_, other)| other.differences(&definition, 1).is_empty());
        if let Some((found, _)) = same {
            return Ok(Called::Done(found));
        }
    }
    Ok(match aws.register(region, &definition).await {
        Ok(registered) => Called::Done(registered),
        Err(failure) if failure.kind == FailureKind::OutcomeUnknown => Called::Unclear(failure),
        Err(failure) if failure.is_transient() => Called::Refused(Refusal::Early, failure),
        Err(failure) => Called::Refused(Refusal::Final, failure),
    })
}

/// Has the service run a task definition; gives the service revision that ECS makes of it.
pub(super) async fn update(aws: &Aws, service: &ServiceArn, definition: &str) -> Result<Called, Failure> {
    Ok(match aws.update(service, definition).await {
        Ok(revision) => Called::Done(revision),
        Err(failure) => match classify(aws, service, &failure).await? {
            Some(refusal) => Called::Refused(refusal, failure),
            None => Called::Unclear(failure),
        },
    })
}

/// Why an update did nothing; `None` where it may have acted. ECS models no refusal because a deployment runs, so
/// whatever is neither a denial nor about a parameter counts as that while one runs.
async fn classify(aws: &Aws, service: &ServiceArn, failure: &Failure) -> Result<Option<Refusal>, Failure> {
    let is_final = failure.message.starts_with("InvalidParameter")
        || matches!(failure.kind, FailureKind::Denied | FailureKind::NotFound);
    Ok(match failure.kind {
        FailureKind::OutcomeUnknown => None,
        FailureKind::Throttled => Some(Refusal::Early),
        _ if is_final => Some(Refusal::Final),
        _ => {
            let state = aws.service_state(service).await?;
            let otherwise = if failure.kind == FailureKind::Conflict { Refusal::Early } else { Refusal::Final };
            Some(if state.running().is_some() { Refusal::Busy } else { otherwise })
        }
    })
}

/// Asks ECS to roll the release's own deployment back while it runs. Asking twice does no harm.
pub(super) async fn stop(
    aws: &Aws,
    request: &Request,
    target: &Target<head::Aws>,
) -> Result<Answer<head::Aws>, Failure> {
    let arn = &request.service.arn;
    let Some(deployment) = aws.find_deployment(arn, &target.revision).await? else {
        let message = "the deployment is not listed yet";
        return Err(Failure::new("ecs:ListServiceDeployments", arn.as_str(), FailureKind::OutcomeUnknown, message));
    };
    let seen = aws.deployment(arn.region(), &deployment).await?;
    let is_through = seen.status.end() == Some(End::Successful);
    let goes_already =
        matches!(seen.status, Status::StopRequested | Status::RollbackRequested | Status::RollbackInProgress);
    if seen.status.end().is_none() && !goes_already {
        match aws.stop(arn.region(), &deployment).await {
            // It ended between the two calls; the look that follows sees how.
            Err(failure) if failure.kind == FailureKind::Conflict => {}
            other => other?,
        }
    }
    Ok(Answer::Stopped { is_through })
}
