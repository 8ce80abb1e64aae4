//! The calls of a release that change something in ECS: register, update, stop. What a refusal means for them is said here; what follows from it
//! is not.

use std::time::Duration;

use release_protocol::course::{Answer, Refusal};
use release_protocol::head::Target;

use super::act::{Actor, mark};
use super::prepare::Prepared;
use crate::aws::ecs::RELEASE_TAG;
use crate::aws::{Aws, Failure, FailureKind};
use crate::head;
use crate::plan::{Asked, Request};
use crate::rollout::{End, Status};

/// How long after its fence was sent an update may still be called, so that what takes effect at all does so while others wait for the fence.
const LATEST_CALL: Duration = Duration::from_secs(5);

impl Actor<'_> {
    /// Registers the draft. Where a revision of this release may be there already, the oldest one with this content is taken: anybody may copy
    /// a tag, so only the content counts.
    pub(super) async fn register(&mut self, looks: bool) -> Result<Answer<head::Aws>, Failure> {
        let Some(Prepared { asked: Asked::Draft(draft), .. }) = &self.prepared else {
            return Err(self.failure(
                "ecs:RegisterTaskDefinition",
                FailureKind::Rejected,
                "there is no draft to register",
            ));
        };
        let (region, mut definition) = (self.request.service.arn.region(), draft.definition.clone());
        let mark = mark(self.request);
        definition.set_tag(RELEASE_TAG, &mark);
        if looks {
            let family = definition.family().unwrap_or_default();
            let marked = self.aws.marked(region, family, &mark).await?;
            let same = marked.into_iter().find(|(_, other)| other.differences(&definition, 1).is_empty());
            if let Some((found, _)) = same {
                self.tell("registered", found.clone());
                return Ok(Answer::Registered(found));
            }
        }
        match self.aws.register(region, &definition).await {
            Ok(registered) => {
                self.tell("registered", registered.clone());
                Ok(Answer::Registered(registered))
            }
            Err(failure) if failure.kind == FailureKind::OutcomeUnknown => Err(failure),
            Err(failure) => {
                let refusal = if failure.is_transient() { Refusal::Early } else { Refusal::Final };
                self.under_way.refusal = Some(failure.to_string());
                Ok(Answer::Refused(refusal))
            }
        }
    }

    pub(super) async fn update(&mut self, definition: &str) -> Result<Answer<head::Aws>, Failure> {
        if self.fence_sent.is_none_or(|sent| sent.elapsed() > LATEST_CALL) {
            return Ok(Answer::NotCalled);
        }
        let arn = &self.request.service.arn;
        match self.aws.update(arn, definition).await {
            Ok(revision) => {
                self.tell("updated", revision.clone());
                self.under_way.refusal = None;
                Ok(Answer::Updated(revision))
            }
            Err(failure) => {
                self.under_way.refusal = Some(failure.to_string());
                Ok(match self.classify(&failure).await? {
                    Some(refusal) => Answer::Refused(refusal),
                    None => Answer::Unclear,
                })
            }
        }
    }

    /// Why an update did nothing; `None` where it may have acted. ECS models no refusal because a deployment runs, so whatever is neither a denial
    /// nor about a parameter counts as that while one runs.
    async fn classify(&self, failure: &Failure) -> Result<Option<Refusal>, Failure> {
        let is_final = failure.message.starts_with("InvalidParameter")
            || matches!(failure.kind, FailureKind::Denied | FailureKind::NotFound);
        Ok(match failure.kind {
            FailureKind::OutcomeUnknown => None,
            FailureKind::Throttled => Some(Refusal::Early),
            _ if is_final => Some(Refusal::Final),
            _ => {
                let state = self.aws.service_state(&self.request.service.arn).await?;
                let otherwise = if failure.kind == FailureKind::Conflict { Refusal::Early } else { Refusal::Final };
                Some(if state.running().is_some() { Refusal::Busy } else { otherwise })
            }
        })
    }
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
