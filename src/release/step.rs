//! What every step has in common: trouble that passes is retried by the durable service, trouble that stays ends the release with a reason.

use std::time::Duration;

use aws_durable_execution_sdk as durable;
use durable::builders::StepBuilder;
use durable::{BoxError, RetryDecision, StepSemantics};
use futures_util::future::BoxFuture;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::Ending;
use crate::aws::Failure;

/// The attempts of a step. With the pauses below, AWS may be in trouble for ten minutes before a release gives up.
const MAX_ATTEMPTS: u32 = 12;

/// How long a body may work; the function's `Timeout` in template.yaml is longer.
pub(super) const BODY: Duration = Duration::from_mins(2);

/// The pause before the next attempt: long enough at once for ECS to list what a lost answer left behind.
pub(super) fn pause(attempt: u32) -> Duration {
    Duration::from_secs(5 * 2_u64.pow(attempt.saturating_sub(1).min(4))).min(Duration::from_mins(1))
}

/// What a step body records: the result, or the final reason why there is none.
pub(super) type Answer<T> = Result<T, String>;

/// Does a body's work and sorts its result: what stays is recorded as a reason, what passes is an error that the step is retried for. Work
/// that takes too long passes as well: a body that Lambda cut off would be begun again without being counted.
pub(super) fn settle<'w, T: Send + 'w>(
    work: impl Future<Output = Result<T, Failure>> + Send + 'w,
) -> BoxFuture<'w, Result<Answer<T>, BoxError>> {
    // Boxed: a call of the SDK is a future of some ten kilobytes, which would be moved around with the step.
    Box::pin(async move {
        match tokio::time::timeout(BODY, work).await {
            Ok(Ok(value)) => Ok(Ok(value)),
            Ok(Err(failure)) if failure.is_passing() => Err(Box::new(failure).into()),
            Ok(Err(failure)) => Ok(Err(failure.to_string())),
            Err(_) => Err(format!("no end after {} s", BODY.as_secs()).into()),
        }
    })
}

/// Runs a step to its recorded result.
///
/// With `AtMostOncePerRetry` a body that was cut off counts as an attempt, so that the next one knows to look for what the first may have done.
pub(super) async fn run<T, F, Fut>(
    step: StepBuilder<Answer<T>, F, Fut>,
    name: &'static str,
    semantics: StepSemantics,
) -> Result<T, Ending>
where
    T: Serialize + DeserializeOwned + Send + 'static,
    F: FnOnce(durable::StepContext) -> Fut + Send + 'static,
    Fut: Future<Output = Result<Answer<T>, BoxError>> + Send + 'static,
{
    let step = step.name(name).semantics(semantics).retry_strategy(|_, attempt| {
        if attempt >= MAX_ATTEMPTS { RetryDecision::Stop } else { RetryDecision::Retry { delay: pause(attempt) } }
    });
    match step.await {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(reason)) => Err(Ending::failed(reason)),
        Err(error) => {
            let last = error.wire().and_then(|wire| wire.error_message().map(str::to_owned));
            Err(Ending::failed(format!(
                "{name} failed {MAX_ATTEMPTS} times: {}",
                last.unwrap_or_else(|| error.to_string())
            )))
        }
    }
}
