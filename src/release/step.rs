//! What every step has in common: trouble that passes is retried by the durable service, trouble that stays ends the
//! release with a reason.

use std::time::Duration;

use aws_durable_execution_sdk::{BoxError, DurableContext, RetryDecision, StepContext, StepSemantics};
use futures_util::future::BoxFuture;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::value::{RawValue, to_raw_value};

use super::run::Ending;
use crate::aws::Failure;

/// The attempts of a step. With the pauses below, AWS may be in trouble for ten minutes before a release gives up.
pub(super) const MAX_ATTEMPTS: u32 = 12;

/// How long a body may work; the function's `Timeout` in template.yaml is longer.
pub(super) const BODY: Duration = Duration::from_mins(2);

/// The pause before the next attempt: long enough at once for ECS to list what a lost answer left behind.
pub(super) fn pause(attempt: u32) -> Duration {
    Duration::from_secs(5 * 2_u64.pow(attempt.saturating_sub(1).min(4))).min(Duration::from_mins(1))
}

/// What the engine says of work that was cut off, and what a report says of it.
const CUT_OFF: &str = "step interrupted (AtMostOncePerRetry)";
pub(super) const DIED: &str = "the process died in the middle of it; the log of the function has the reason";

/// The largest result that is recorded, in bytes: the engine takes four times as much, and every later invocation reads
/// it again.
pub(super) const MAX_RESULT: usize = 64 * 1024;

/// Why a result is not recorded, if it is too large.
pub(super) fn oversize(bytes: usize) -> Option<String> {
    (bytes > MAX_RESULT).then(|| format!("it came to {bytes} bytes, and at most {MAX_RESULT} are recorded"))
}

/// What a step records: the result as JSON, or the final reason why there is none.
type Recorded = Result<Box<RawValue>, String>;

/// A step's work with its types forgotten. The engine's code for a step is some tens of kilobytes that exist once for
/// each type of result and of body, so all steps have the same.
type Work = Box<dyn FnOnce(StepContext) -> BoxFuture<'static, Result<Recorded, Failure>> + Send>;

/// Does a step's work once, whatever becomes of the process meanwhile, and gives its recorded result. Trouble that
/// stays is recorded as the reason that ends the release; for trouble that passes the step is retried.
///
/// Work that was cut off counts as an attempt (`AtMostOncePerRetry`). So the next one knows to look for what the first
/// may have done, and work that the process does not survive is not begun again for as long as the execution may last.
pub(super) async fn run<T, W>(
    ctx: &DurableContext,
    name: &'static str,
    work: impl FnOnce(StepContext) -> W + Send + 'static,
) -> Result<T, Ending>
where
    T: Serialize + DeserializeOwned,
    W: Future<Output = Result<T, Failure>> + Send + 'static,
{
    let unreadable = move |error: serde_json::Error| format!("the result of {name} is no JSON: {error}");
    // Boxed also because a call of the SDK is a future of some ten kilobytes, which would be moved around with the
    // step.
    let work: Work = Box::new(move |attempt| {
        Box::pin(async move {
            let value = work(attempt).await?;
            Ok(to_raw_value(&value).map_err(unreadable).and_then(|result| {
                oversize(result.get().len()).map_or(Ok(result), |reason| Err(format!("the result of {name}: {reason}")))
            }))
        })
    });
    let recorded = run_recorded(ctx, name, work).await?;
    serde_json::from_str(recorded.get()).map_err(|error| Ending::failed(unreadable(error)))
}

async fn run_recorded(ctx: &DurableContext, name: &'static str, work: Work) -> Result<Box<RawValue>, Ending> {
    let step = ctx.step(|attempt| settle(work(attempt))).name(name).semantics(StepSemantics::AtMostOncePerRetry);
    let step = step.retry_strategy(|_, attempt| {
        if attempt >= MAX_ATTEMPTS { RetryDecision::Stop } else { RetryDecision::Retry { delay: pause(attempt) } }
    });
    match step.await {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(reason)) => Err(Ending::failed(reason)),
        Err(error) => {
            let last = match error.wire().and_then(|wire| wire.error_message()) {
                Some(CUT_OFF) => DIED.to_owned(),
                Some(message) => message.to_owned(),
                None => error.to_string(),
            };
            Err(Ending::failed(format!("{name} failed {MAX_ATTEMPTS} times: {last}")))
        }
    }
}

/// Sorts what the work came to: what stays is recorded, what passes is an error that the step is retried for. Work that
/// takes too long passes as well, before Lambda cuts it off: then nobody would know what it was waiting for.
async fn settle(work: BoxFuture<'static, Result<Recorded, Failure>>) -> Result<Recorded, BoxError> {
    match tokio::time::timeout(BODY, work).await {
        Ok(Ok(recorded)) => Ok(recorded),
        Ok(Err(failure)) if failure.is_transient() => Err(Box::new(failure).into()),
        Ok(Err(failure)) => Ok(Err(failure.to_string())),
        Err(_) => Err(format!("no end after {} s", BODY.as_secs()).into()),
    }
}
