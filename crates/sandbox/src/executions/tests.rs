//! Real durable handlers, wrapped by the real SDK, run to their end over a socket: retries, waits, maps, and deaths at
//! every checkpoint.

use std::future::pending;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_durable_execution_sdk::builders::map_parallel::CompletionConfig;
use aws_durable_execution_sdk::builders::wait_for_condition::WaitDecision;
use aws_durable_execution_sdk::{
    BoxError, DurableContext, Options, RetryDecision, StepContext, StepError, StepSemantics, wrap,
};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::*;
use crate::loopback;

/// Far more real time than any of these handlers needs: a hang fails instead of lasting.
const PATIENCE: Duration = Duration::from_mins(1);

struct World {
    clock: VirtualClock,
    durable: DurableService,
    crash: CrashSignal,
    client: aws_sdk_lambda::Client,
}

fn start() -> Timestamp {
    "2026-11-23T10:00:00Z".parse().unwrap()
}

impl World {
    async fn new() -> Self {
        let clock = VirtualClock::at(start());
        let durable = DurableService::new(clock.clone());
        let served = durable.clone();
        let client = loopback::lambda(&loopback::serve(move |request| served.handle(request)).await);
        Self { clock, durable, crash: CrashSignal::new(), client }
    }

    fn executions(&self) -> Executions {
        Executions::new(self.clock.clone(), self.durable.clone(), self.crash.clone())
    }

    async fn run_all<H, Fut>(&self, handler: H, events: &[(&str, Value)]) -> Vec<Execution>
    where
        H: Fn(Value, DurableContext) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<Value, BoxError>> + Send,
    {
        let options = Options::builder().lambda_client(self.client.clone()).build().unwrap();
        let service = wrap(handler, options);
        let events = events.iter().map(|(name, event)| ((*name).to_owned(), event.to_string())).collect();
        tokio::time::timeout(PATIENCE, self.executions().run(&service, events)).await.unwrap().unwrap()
    }

    async fn run<H, Fut>(&self, handler: H) -> Execution
    where
        H: Fn(Value, DurableContext) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<Value, BoxError>> + Send,
    {
        self.run_all(handler, &[("one", json!({}))]).await.remove(0)
    }

    /// Seconds that the clock has moved.
    fn elapsed(&self) -> i64 {
        self.clock.now().as_second() - start().as_second()
    }
}

fn result(execution: &Execution) -> Value {
    match &execution.outcome {
        ExecutionOutcome::Succeeded(text) => serde_json::from_str(text).unwrap(),
        other => panic!("{other:?}"),
    }
}

fn every(seconds: u64, attempts: u32) -> impl Fn(&StepError, u32) -> RetryDecision + Send + Sync + 'static {
    move |_, attempt| {
        if attempt < attempts {
            RetryDecision::Retry { delay: Duration::from_secs(seconds) }
        } else {
            RetryDecision::Stop
        }
    }
}

fn operation(execution: &Execution, name: &str) -> (String, &'static str, u32) {
    let found = execution.operations.iter().find(|operation| operation.name.as_deref() == Some(name)).unwrap();
    (found.kind.clone(), found.status, found.attempts)
}

#[tokio::test]
async fn a_handler_gets_its_event_and_its_steps_are_recorded() {
    let world = World::new().await;
    let handler = |event: Value, ctx: DurableContext| async move {
        let name = event["name"].as_str().unwrap_or_default().to_owned();
        let greeting = ctx.step(move |_| async move { Ok(format!("hello {name}")) }).name("greet").await?;
        let length = greeting.len();
        let length = ctx.step(move |_| async move { Ok(length) }).name("measure").await?;
        Ok(json!([greeting, length]))
    };
    let execution = world.run_all(handler, &[("one", json!({ "name": "\"river\"\n" }))]).await.remove(0);
    assert_eq!(result(&execution), json!(["hello \"river\"\n", 14]));
    assert_eq!(execution.invocations, 1);
    assert_eq!(operation(&execution, "greet"), ("Step".to_owned(), "SUCCEEDED", 1));
    assert_eq!(execution.operations.len(), 2);
    assert_eq!((execution.metered, execution.checkpoints), (2, 4));
}

#[tokio::test]
async fn a_failing_step_is_tried_again_when_its_delay_is_over() {
    let world = World::new().await;
    let handler = |_, ctx: DurableContext| async move {
        let attempt = ctx
            .step(|step: StepContext| async move {
                if step.attempt() < 3 { Err("not yet".into()) } else { Ok(step.attempt()) }
            })
            .retry_strategy(every(30, 5))
            .name("flaky")
            .await?;
        Ok(json!(attempt))
    };
    let execution = world.run(handler).await;
    assert_eq!((result(&execution), execution.invocations), (json!(3), 3));
    assert_eq!(operation(&execution, "flaky"), ("Step".to_owned(), "SUCCEEDED", 3));
    assert_eq!(world.elapsed(), 60);
}

#[tokio::test]
async fn an_error_ends_the_execution_and_keeps_its_words() {
    let world = World::new().await;
    let execution = world.run(|_, _| async move { Err("the registry is gone".into()) }).await;
    let ExecutionOutcome::Failed { error_type, message } = execution.outcome else { panic!("{execution:?}") };
    assert_eq!((error_type.as_str(), message.contains("the registry is gone")), ("HandlerError", true));
}

#[tokio::test]
async fn a_wait_takes_virtual_time_alone() {
    let world = World::new().await;
    let handler = |_, ctx: DurableContext| async move {
        ctx.wait(Duration::from_mins(10)).name("bake").await?;
        Ok(json!("baked"))
    };
    let execution = world.run(handler).await;
    assert_eq!((result(&execution), execution.invocations, world.elapsed()), (json!("baked"), 2, 600));
    assert_eq!(operation(&execution, "bake"), ("Wait".to_owned(), "SUCCEEDED", 0));
}

/// Four checks, ten seconds apart, that note their attempts in the state.
async fn note_four_checks(ctx: DurableContext) -> Result<Value, BoxError> {
    let noted = ctx
        .wait_for_condition(
            |step: StepContext, mut noted: Vec<u32>| async move {
                noted.push(step.attempt());
                Ok(noted)
            },
            Vec::new(),
        )
        .wait_strategy_fn(|noted: Vec<u32>, _| match noted.len() {
            4 => WaitDecision::complete(),
            _ => WaitDecision::continue_with(Duration::from_secs(10)),
        })
        .name("follow")
        .await?;
    Ok(json!(noted))
}

#[tokio::test]
async fn a_polled_state_is_carried_from_check_to_check() {
    let world = World::new().await;
    let execution = world.run(|_, ctx| note_four_checks(ctx)).await;
    assert_eq!((result(&execution), world.elapsed()), (json!([1, 2, 3, 4]), 30));
    assert_eq!(operation(&execution, "follow"), ("WaitForCondition".to_owned(), "SUCCEEDED", 4));
    assert_eq!(
        (execution.metered, execution.checkpoints),
        (5, 8),
        "one, and one for each poll; two checkpoints a poll"
    );
}

/// The start of a check forgets the state that was recorded before it, and a check that dies leaves nothing: the next
/// life begins from the initial state, though not from the first attempt.
#[tokio::test]
async fn a_check_that_dies_takes_the_polled_state_with_it() {
    let world = World::new().await;
    let second_check_is_over = 4;
    world.durable.crash_at_checkpoint(second_check_is_over, false);
    let execution = world.run(|_, ctx| note_four_checks(ctx)).await;
    assert_eq!(result(&execution), json!([2, 3, 4, 5]));
}

/// Three services side by side: the second fails for good, the third waits.
async fn release_three(ctx: DurableContext) -> Result<Value, BoxError> {
    let batch = ctx
        .map(vec!["a", "b", "c"], |ctx: DurableContext, item: &'static str, _| async move {
            let built = ctx
                .step(move |_| async move { if item == "b" { Err("no image".into()) } else { Ok(item.to_owned()) } })
                .retry_strategy(every(1, 1))
                .name(format!("build-{item}"))
                .await?;
            if item == "c" {
                ctx.wait(Duration::from_mins(1)).await?;
            }
            Ok(built)
        })
        .completion(CompletionConfig::with_tolerated_failure_count(3))
        .name("services")
        .await?;
    Ok(json!(batch))
}

#[tokio::test]
async fn a_map_goes_on_around_a_failed_item() {
    let world = World::new().await;
    let execution = world.run(|_, ctx| release_three(ctx)).await;
    assert_eq!((result(&execution), world.elapsed()), (json!(["a", "c"]), 60));
    assert_eq!(operation(&execution, "services"), ("Map".to_owned(), "SUCCEEDED", 0));
    assert_eq!(operation(&execution, "build-b"), ("Step".to_owned(), "FAILED", 1));
    assert_eq!(execution.metered, 8, "a map, three branches, a step in each and a wait");
}

#[tokio::test]
async fn executions_share_one_clock_and_wake_in_the_order_of_their_timers() {
    let world = World::new().await;
    let order: Arc<Mutex<Vec<(String, i64)>>> = Arc::default();
    let (seen, clock) = (Arc::clone(&order), world.clock.clone());
    let handler = move |event: Value, ctx: DurableContext| {
        let (seen, clock) = (Arc::clone(&seen), clock.clone());
        async move {
            let minutes = event["minutes"].as_u64().unwrap_or_default();
            ctx.wait(Duration::from_mins(minutes)).await?;
            let at = clock.now().as_second() - start().as_second();
            seen.lock().unwrap().push((event["name"].as_str().unwrap_or_default().to_owned(), at));
            Ok(event)
        }
    };
    let event = |name: &str, minutes: u64| json!({ "name": name, "minutes": minutes });
    let ended = world.run_all(handler, &[("late", event("late", 9)), ("soon", event("soon", 4))]).await;
    assert_eq!(ended.iter().map(|one| one.name.as_str()).collect::<Vec<_>>(), ["late", "soon"]);
    assert_eq!(*order.lock().unwrap(), [("soon".to_owned(), 240), ("late".to_owned(), 540)]);
}

/// One step whose body counts its runs, cut once at a checkpoint; `START` is the first, `SUCCEED` the second.
async fn runs_of_a_cut_step(semantics: StepSemantics, checkpoint: u64, after: bool) -> (u32, Execution) {
    let world = World::new().await;
    world.durable.crash_at_checkpoint(checkpoint, after);
    let runs = Arc::new(AtomicU32::new(0));
    let counted = Arc::clone(&runs);
    let handler = move |_, ctx: DurableContext| {
        let counted = Arc::clone(&counted);
        async move {
            let attempt = ctx
                .step(move |step: StepContext| async move {
                    counted.fetch_add(1, Ordering::SeqCst);
                    Ok(step.attempt())
                })
                .semantics(semantics)
                .retry_strategy(every(5, 3))
                .name("register")
                .await?;
            Ok(json!(attempt))
        }
    };
    let execution = world.run(handler).await;
    (runs.load(Ordering::SeqCst), execution)
}

#[tokio::test]
async fn a_step_that_died_unrecorded_runs_again_in_the_same_attempt() {
    let (runs, execution) = runs_of_a_cut_step(StepSemantics::AtLeastOncePerRetry, 2, false).await;
    assert_eq!((runs, result(&execution), execution.invocations), (2, json!(1), 2));
}

#[tokio::test]
async fn a_step_that_died_recorded_does_not_run_again() {
    let (runs, execution) = runs_of_a_cut_step(StepSemantics::AtLeastOncePerRetry, 2, true).await;
    assert_eq!((runs, result(&execution), execution.invocations), (1, json!(1), 2));
}

#[tokio::test]
async fn a_step_that_must_not_repeat_sees_its_second_attempt_after_a_death() {
    let (runs, execution) = runs_of_a_cut_step(StepSemantics::AtMostOncePerRetry, 2, false).await;
    assert_eq!((runs, result(&execution), execution.invocations), (2, json!(2), 3));
    let (runs, execution) = runs_of_a_cut_step(StepSemantics::AtMostOncePerRetry, 1, true).await;
    assert_eq!((runs, result(&execution)), (1, json!(2)), "the body never ran in the first attempt");
    let (runs, execution) = runs_of_a_cut_step(StepSemantics::AtMostOncePerRetry, 1, false).await;
    assert_eq!((runs, result(&execution)), (1, json!(1)), "a start that was not stored never was");
}

#[tokio::test]
async fn a_crash_kills_what_is_running_and_it_starts_over_from_its_record() {
    let world = World::new().await;
    let crash = world.crash.clone();
    let lives = Arc::new(AtomicU32::new(0));
    let handler = move |_, ctx: DurableContext| {
        let (crash, lives) = (crash.clone(), Arc::clone(&lives));
        async move {
            ctx.step(|_| async { Ok(()) }).name("before").await?;
            let life = ctx
                .step(move |_| async move {
                    if lives.fetch_add(1, Ordering::SeqCst) == 0 {
                        crash.raise();
                        pending::<()>().await;
                    }
                    Ok("second life".to_owned())
                })
                .name("deadly")
                .await?;
            Ok(json!(life))
        }
    };
    let execution = world.run(handler).await;
    assert_eq!((result(&execution), execution.invocations), (json!("second life"), 2));
}

/// Steps, a retry, a poll, a map with a failure and a wait in one flow.
async fn whole_flow(ctx: DurableContext) -> Result<Value, BoxError> {
    let first = ctx.step(|_| async { Ok(1) }).name("recognise").await?;
    let second = ctx
        .step(|step: StepContext| async move { if step.attempt() == 1 { Err("again".into()) } else { Ok(2) } })
        .retry_strategy(every(7, 9))
        .semantics(StepSemantics::AtMostOncePerRetry)
        .await?;
    let polls = ctx
        .wait_for_condition(|_, polls: u32| async move { Ok(polls + 1) }, 0)
        .wait_strategy_fn(|polls, _| match polls {
            2.. => WaitDecision::complete(),
            _ => WaitDecision::continue_with(Duration::from_secs(30)),
        })
        .await?;
    let services = release_three(ctx).await?;
    Ok(json!([first, second, polls, services]))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flow_cut_at_any_checkpoint_comes_to_the_same_end() {
    let world = World::new().await;
    let whole = world.run(|_, ctx| whole_flow(ctx)).await;
    assert_eq!(result(&whole), json!([1, 2, 2, ["a", "c"]]));
    let checkpoints = world.durable.checkpoints();
    assert!(checkpoints > 15, "{checkpoints}");
    for nth in 1..=checkpoints {
        for after in [false, true] {
            let world = World::new().await;
            world.durable.crash_at_checkpoint(nth, after);
            let cut = world.run(|_, ctx| whole_flow(ctx)).await;
            assert_eq!(result(&cut), result(&whole), "cut at checkpoint {nth}, stored: {after}");
            assert!(cut.invocations > whole.invocations, "nothing died at checkpoint {nth}, stored: {after}");
        }
    }
}

#[tokio::test]
async fn a_failing_invocation_is_repeated_twice_and_no_more() {
    let world = World::new().await;
    let calls = AtomicU32::new(0);
    let broken = |_| {
        calls.fetch_add(1, Ordering::SeqCst);
        async { Err(lambda_runtime::Error::from("no memory left")) }
    };
    let ended = world.executions().run(&broken, vec![("one".to_owned(), "{}".to_owned())]).await.unwrap();
    let failed =
        ExecutionOutcome::Failed { error_type: "InvocationFailed".to_owned(), message: "no memory left".to_owned() };
    assert_eq!((&ended[0].outcome, calls.load(Ordering::SeqCst)), (&failed, 3));
}

#[tokio::test]
async fn a_panic_is_a_failed_invocation_and_the_next_one_may_succeed() {
    let world = World::new().await;
    let lives = Arc::new(AtomicU32::new(0));
    let handler = move |_, ctx: DurableContext| {
        let lives = Arc::clone(&lives);
        async move {
            ctx.step(|_| async { Ok(()) }).name("before").await?;
            assert!(lives.fetch_add(1, Ordering::SeqCst) > 0, "the first life ends here");
            Ok(json!("alive"))
        }
    };
    let execution = world.run(handler).await;
    assert_eq!((result(&execution), execution.invocations), (json!("alive"), 2));
}

#[tokio::test]
async fn what_cannot_be_started_is_refused_before_anything_runs() {
    let world = World::new().await;
    let service = wrap(
        |event: Value, _: DurableContext| async move { Ok(event) },
        Options::builder().lambda_client(world.client.clone()).build().unwrap(),
    );
    let executions = world.executions();
    let run = |name: &str, event: &str| executions.run(&service, vec![(name.to_owned(), event.to_owned())]);
    assert!(matches!(run("a b", "{}").await, Err(Error::Name(_))));
    assert!(matches!(run("a", "{").await, Err(Error::Event { .. })));
    assert!(matches!(run("a", &" ".repeat(EVENT_BYTES + 1)).await, Err(Error::EventTooLarge { .. })));
    assert!(run("a", "{}").await.is_ok());
    assert!(matches!(run("a", "{}").await, Err(Error::Duplicate(_))));
}

#[tokio::test]
async fn an_execution_that_is_stopped_between_two_invocations_ends_and_the_others_go_on() {
    let world = World::new().await;
    let durable = world.durable.clone();
    let handler = move |event: Value, ctx: DurableContext| {
        let durable = durable.clone();
        async move {
            ctx.wait(Duration::from_mins(event["minutes"].as_u64().unwrap_or_default())).await?;
            durable.cut_off("late", ExecutionOutcome::Stopped);
            Ok(json!("done"))
        }
    };
    let events = [("late", json!({ "minutes": 9 })), ("soon", json!({ "minutes": 4 }))];
    let ended = world.run_all(handler, &events).await;
    assert_eq!((&ended[0].outcome, ended[0].invocations), (&ExecutionOutcome::Stopped, 1));
    assert_eq!(result(&ended[1]), json!("done"));
    assert_eq!(world.elapsed(), 240, "nobody waits for the timer of what was stopped");
}

#[tokio::test]
async fn an_execution_that_is_stopped_while_it_runs_dies_at_once() {
    let world = World::new().await;
    let durable = world.durable.clone();
    let handler = move |_, ctx: DurableContext| {
        let durable = durable.clone();
        async move {
            ctx.step(|_| async { Ok(()) }).name("before").await?;
            durable.cut_off("one", ExecutionOutcome::TimedOut);
            ctx.step(|_| async { Ok(()) }).name("after").await?;
            pending::<()>().await;
            Ok(Value::Null)
        }
    };
    let execution = world.run(handler).await;
    assert_eq!((&execution.outcome, execution.invocations), (&ExecutionOutcome::TimedOut, 1));
    assert_eq!(execution.operations.len(), 1);
}
