//! Looks as a durable wait, one after another until one is the last. A look that its process did not survive is begun
//! again, and counted: an execution that dies of the same look each time comes to an end.

use std::time::Duration;

use aws_durable_execution_sdk::DurableContext;
use aws_durable_execution_sdk::builders::wait_for_condition::WaitDecision;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::run::Ending;
use super::step::{self, DIED};

/// Looks until no pause follows, and gives what was seen last. `pause` says how many seconds are to pass until the next
/// look.
///
/// The engine counts no look that was cut off, and would begin it again for as long as the execution may last. Such a
/// look is told by what is left of it: the wait has begun and holds nothing, since the record of a look that begins
/// takes the place of what was seen before. The wait ends there, and another one begins from the start.
pub(super) async fn until_last<S, L>(
    ctx: &DurableContext,
    name: &'static str,
    start: S,
    look: impl Fn(S) -> L + Clone + Send + Sync + 'static,
    pause: impl Fn(&S) -> Option<u64> + Clone + Send + Sync + 'static,
) -> Result<S, Ending>
where
    S: Clone + Serialize + DeserializeOwned + Send + Sync + 'static,
    L: Future<Output = S> + Send + 'static,
{
    let failed = |error: &dyn std::fmt::Display| Ending::failed(format!("{name} failed: {error}"));
    for deaths in 1..=step::MAX_ATTEMPTS {
        let has_begun = ctx.is_replaying();
        let (start, look, pause) = (start.clone(), look.clone(), pause.clone());
        let check = move |_, seen: Option<S>| {
            let is_cut_off = has_begun && seen.is_none();
            let looking = (!is_cut_off).then(|| look(seen.unwrap_or_else(|| start.clone())));
            async move {
                match looking {
                    Some(looking) => {
                        let seen = looking.await;
                        match step::oversize(serde_json::to_string(&seen)?.len()) {
                            Some(reason) => Err(reason.into()),
                            None => Ok(Some(seen)),
                        }
                    }
                    None => Ok(None),
                }
            }
        };
        let strategy = move |seen: Option<S>, _| match seen.as_ref().and_then(&pause) {
            Some(seconds) => WaitDecision::continue_with(Duration::from_secs(seconds)),
            None => WaitDecision::complete(),
        };
        let waited = ctx.wait_for_condition(check, None).wait_strategy_fn(strategy).name(name).await;
        if let Some(seen) = waited.map_err(|error| failed(&error))? {
            return Ok(seen);
        }
        ctx.wait(step::pause(deaths)).name("pause").await.map_err(|error| failed(&error))?;
    }
    Err(Ending::failed(format!("{name} failed {} times: {DIED}", step::MAX_ATTEMPTS)))
}
