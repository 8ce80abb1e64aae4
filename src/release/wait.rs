//! What a release waits for, durably: another execution's fence, its own, the end of a deployment. A look never fails;
//! time is the pauses that were asked for.

use std::time::Duration;

use release_protocol::course::Wait;
use release_protocol::plan::Look;
use serde::{Deserialize, Serialize};

use super::look;
use super::run::{Ending, Run};
use crate::aws::{Aws, Failure};
use crate::head;
use crate::observe::live::read_deployments;
use crate::plan::Request;

/// How long a fence must have been seen unchanged to be past, in seconds: an update takes effect within 50 s of being
/// sent, or not at all.
const FENCE: u64 = 60;

/// The pause between two looks at a fence, in seconds.
const FENCE_PAUSE: u64 = 10;

/// How long after a call was given up it is looked for once more, in seconds: ECS lists a deployment within five
/// minutes.
const LAST_LOOK: u64 = 300;

/// The pause after a call that was refused for now, in seconds.
const PAUSE: u64 = 30;

/// The longest wait for a deployment of somebody else, in seconds: ECS lets none run for longer than 30 days.
const LONGEST: u64 = 30 * 24 * 3600;

/// How long AWS may give no usable answer, in seconds.
const MAX_TROUBLE: u64 = 900;

/// What came of a wait.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Waited {
    /// Seconds.
    pub(super) elapsed: u64,
    /// The fence that is past by now.
    pub(super) past_fence: Option<String>,
    is_over: bool,
    /// Since when nothing usable was heard, and what was heard.
    trouble: Option<(u64, String)>,
}

/// Waits until it is over.
pub(super) async fn run(run: &Run, wait: Wait<head::Aws>) -> Result<Waited, Ending> {
    match wait {
        Wait::Pause => pause(run, PAUSE).await,
        Wait::LastLook => pause(run, LAST_LOOK).await,
        Wait::Fence(_) | Wait::OwnFence(_) | Wait::Idle => look_until_over(run, wait).await,
    }
}

async fn pause(run: &Run, seconds: u64) -> Result<Waited, Ending> {
    let waited = run.ctx.wait(Duration::from_secs(seconds)).name("pause").await;
    waited.map_err(|error| Ending::failed(format!("the pause could not be made: {error}")))?;
    Ok(Waited { elapsed: seconds, is_over: true, ..Waited::default() })
}

async fn look_until_over(run: &Run, wait: Wait<head::Aws>) -> Result<Waited, Ending> {
    let (deployer, request, me) = (run.deployer.clone(), run.request.clone(), run.me());
    let (name, until_idle) = match &wait {
        Wait::Idle => ("wait for the deployment", true),
        _ => ("wait for the fence", false),
    };
    let looked_for = wait.clone();
    let look = move |mut waited: Waited| {
        let (deployer, request, wait, me) = (deployer.clone(), request.clone(), looked_for.clone(), me.clone());
        async move {
            match look_once(&deployer.aws, &request, &wait, &me, &mut waited).await {
                Ok(()) => waited.trouble = None,
                Err(failure) => {
                    let since = waited.trouble.as_ref().map_or(waited.elapsed, |(since, _)| *since);
                    waited.trouble = Some((since, failure.to_string()));
                    waited.is_over = waited.elapsed - since >= MAX_TROUBLE;
                }
            }
            if !waited.is_over {
                waited.elapsed += next_pause(until_idle, waited.elapsed);
            }
            waited
        }
    };
    // The pause is counted as soon as it is asked for.
    let pause = move |waited: &Waited| (!waited.is_over).then(|| last_pause(until_idle, waited.elapsed));
    let waited = look::until_last(&run.ctx, name, Waited::default(), look, pause).await?;
    match &waited.trouble {
        Some((_, reason)) => Err(Ending::failed(reason.clone())),
        None if until_idle && waited.elapsed >= LONGEST => {
            Err(Ending::failed("the deployment of somebody else did not end within 30 days"))
        }
        None => Ok(waited),
    }
}

/// The pause that follows so much waiting. It grows with the wait for a deployment, so that a month takes about a
/// hundred looks.
fn next_pause(until_idle: bool, elapsed: u64) -> u64 {
    if until_idle { (elapsed / 8).max(FENCE_PAUSE) } else { FENCE_PAUSE }
}

/// The pause that was counted last.
fn last_pause(until_idle: bool, elapsed: u64) -> u64 {
    let mut before = 0;
    while before + next_pause(until_idle, before) < elapsed {
        before += next_pause(until_idle, before);
    }
    elapsed - before
}

async fn look_once(
    aws: &Aws,
    request: &Request,
    wait: &Wait<head::Aws>,
    me: &head::Release,
    waited: &mut Waited,
) -> Result<(), Failure> {
    let arn = &request.service.arn;
    match wait {
        Wait::Idle => {
            let state = aws.service_state(arn).await?;
            waited.is_over = state.running().is_none() || waited.elapsed >= LONGEST;
        }
        Wait::Fence(id) => {
            let held = aws.head(request, &me.execution).await?;
            let fence = held.and_then(|held| held.head.fence);
            let stands = fence.is_some_and(|fence| fence.id == *id);
            waited.is_over = !stands || waited.elapsed >= FENCE;
            waited.past_fence = (stands && waited.is_over).then(|| id.clone());
        }
        Wait::OwnFence(look) => {
            let (held, is_listed) = tokio::try_join!(aws.head(request, &me.execution), is_listed(aws, request, look))?;
            waited.is_over = is_listed || waited.elapsed >= FENCE;
            let own = held.and_then(|held| held.head.fence).filter(|fence| fence.is_of(me));
            waited.past_fence = own.filter(|_| waited.elapsed >= FENCE).map(|fence| fence.id);
        }
        Wait::Pause | Wait::LastLook => waited.is_over = true,
    }
    Ok(())
}

async fn is_listed(aws: &Aws, request: &Request, look: &Look<head::Aws>) -> Result<bool, Failure> {
    let deployments = read_deployments(aws, &request.service.arn).await?;
    let newer = deployments.into_iter().take_while(|listed| Some(&listed.revision) != look.after.as_ref());
    let mut definitions = newer.filter_map(|listed| listed.definition);
    Ok(definitions.any(|definition| look.definitions.contains(&definition)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The most that Lambda takes as an execution timeout, in seconds (AWS Lambda API reference, `DurableConfig`).
    const MOST: u64 = 31_622_400;

    /// The one of somebody else that a release waits for, its own, another one that its way back waits for, and the way
    /// back; a day is left for what lies between.
    #[test]
    fn an_execution_may_live_through_four_deployments_of_thirty_days() {
        let template = include_str!("../../template.yaml");
        let (_, timeout) = template.split_once("ExecutionTimeout: ").unwrap();
        let timeout: u64 = timeout.lines().next().unwrap().parse().unwrap();
        assert_eq!(timeout, 4 * LONGEST + 24 * 3600);
        assert!(timeout <= MOST);
    }

    #[test]
    fn the_wait_for_a_month_takes_about_a_hundred_looks_and_counts_what_it_asks_for() {
        let (mut elapsed, mut looks) = (0, 0);
        while elapsed < LONGEST {
            let pause = next_pause(true, elapsed);
            elapsed += pause;
            assert_eq!(last_pause(true, elapsed), pause);
            looks += 1;
        }
        assert!((80..130).contains(&looks), "{looks}");
        assert_eq!((last_pause(false, 10), last_pause(false, 60)), (FENCE_PAUSE, FENCE_PAUSE));
    }
}
