//! Counts what waits for what: the time from an event to the moment at which the update comes in, with the chain of
//! calls and checkpoints that lead there; what a whole good release takes, also while calls fail; and S3 requests per
//! look while nothing has landed. The sandbox answers each call, checkpoints included, after a fixed latency, so that
//! time divided by it is the number of round trips in a row.

#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "a benchmark measures real time and prints it"
)]

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use express_deployer::aws::{Aws, Clock};
use express_deployer::config::Config;
use express_deployer::release::{self, Deployer};
use sandbox::executions::Execution;
use sandbox::{Arrival, Call, Fault, FaultKind, Moment, Options, Sandbox, Scenario};

/// A round trip within a region, roughly.
const LATENCY: Duration = Duration::from_millis(20);

/// From the event of an image index to the update, at most.
const MOST_MILLISECONDS: u32 = 190;
/// Checkpoints before the update, at most.
const MOST_CHECKPOINTS: usize = 3;

/// Calls that each need the answer to the one before: the service and its deployments, the task definition that they
/// name, the claim, the revision, the fence, the update.
const FORCED_CALLS: u32 = 6;
/// Releases among whose calls some fail.
const UNLUCKY: u32 = 30;

const UPDATE: &str = "UpdateExpressGatewayService";
const CHECKPOINT: &str = "CheckpointDurableExecution";

/// What one event led to.
struct Played {
    began: Instant,
    execution: Execution,
    arrivals: Vec<Arrival>,
    calls: Vec<Call>,
}

async fn play(event: &str, scenario: Scenario, latency: Duration) -> Played {
    play_with(event, Options { scenario, latency, ..Options::default() }).await
}

async fn play_with(event: &str, options: Options) -> Played {
    let sandbox = Sandbox::start(options).await.unwrap();
    let clock = sandbox.clock();
    let aws = Aws::new(sandbox.sdk_config(), Clock::from_fn(move || clock.now()));
    let config = Config::parse(include_str!("../deployer.example.toml")).unwrap();
    let handler = release::handler(Deployer { config: config.into(), aws, metrics: |_| {} }).unwrap();
    let events = vec![("bench".to_owned(), event.to_owned())];
    let began = Instant::now();
    let execution = sandbox.executions().run(&handler, events).await.unwrap().remove(0);
    Played { began, execution, arrivals: sandbox.arrivals(), calls: sandbox.calls() }
}

impl Played {
    /// The calls up to the update, and it, each with the time since the event.
    fn until_the_update(&self) -> Vec<(Duration, &Arrival)> {
        let update = self.arrivals.iter().position(|arrival| arrival.operation == UPDATE).unwrap();
        self.arrivals[..=update].iter().map(|arrival| (arrival.at - self.began, arrival)).collect()
    }

    fn print_chain(&self) {
        println!(
            "Its calls as they came in, with the milliseconds since the event; those of one moment wait side by side:"
        );
        for (since, arrival) in self.until_the_update() {
            println!("  {:>5} ms  {:<6} {}", since.as_millis(), arrival.service, arrival.operation);
        }
    }

    fn print_whole(&self) {
        let Execution { checkpoints, invocations, metered, .. } = self.execution;
        println!(
            "A whole good release: {checkpoints} checkpoints, {invocations} invocations, {metered} metered operations"
        );
        let mut kinds: BTreeMap<&str, u32> = BTreeMap::new();
        for operation in &self.execution.operations {
            *kinds.entry(&operation.kind).or_default() += 1;
        }
        println!("  recorded: {kinds:?}");
    }
}

fn print_time_to_the_update(name: &str, played: &Played) {
    let chain = played.until_the_update();
    let milliseconds = chain.last().unwrap().0.as_secs_f64() * 1_000.0;
    let round_trips = milliseconds / (LATENCY.as_secs_f64() * 1_000.0);
    let checkpoints = chain.iter().filter(|(_, arrival)| arrival.operation == CHECKPOINT).count();
    println!("  {name:<14} {milliseconds:>4.0} ms, {round_trips:>4.1} round trips in a row, {checkpoints} checkpoints");
}

#[tokio::main]
async fn main() {
    // What a process does once, such as making its first client, is not what is measured.
    play(include_str!("../events/ecr-image-push.json"), Scenario::Good, Duration::ZERO).await;
    println!(
        "From an event until {UPDATE} comes in, at {} ms a call (an image index: at most {MOST_MILLISECONDS} ms and {MOST_CHECKPOINTS} checkpoints):",
        LATENCY.as_millis()
    );
    let index = play(include_str!("../events/ecr-image-push.json"), Scenario::Good, LATENCY).await;
    print_time_to_the_update("image index", &index);
    for (name, event) in [
        ("single image", include_str!("../events/ecr-image-push-single-manifest.json")),
        ("upload", include_str!("../events/s3-object-created.json")),
    ] {
        print_time_to_the_update(name, &play(event, Scenario::Good, LATENCY).await);
    }
    let bound = LATENCY.as_millis() * u128::from(FORCED_CALLS - 1 + u32::try_from(MOST_CHECKPOINTS).unwrap());
    println!(
        "  what depends on what forces {FORCED_CALLS} calls in a row, the update included, and {MOST_CHECKPOINTS} checkpoints: {bound} ms"
    );
    index.print_chain();
    index.print_whole();
    print_unlucky(index.calls.len()).await;
    print_looks().await;
}

/// Calls of a release while one in 33 calls fails, at random.
async fn print_unlucky(without: usize) {
    let mut calls = 0;
    for seed in 1..=UNLUCKY {
        let options = Options { faults: faults(seed.into()), ..Options::default() };
        calls += play_with(include_str!("../events/ecr-image-push.json"), options).await.calls.len();
    }
    let float = |calls: usize| f64::from(u32::try_from(calls).unwrap());
    let with = float(calls) / f64::from(UNLUCKY);
    println!(
        "Calls of a good release: {without}; with 3 % of them failing: {with:.0}, {:.2} times as many (at most 2)",
        with / float(without)
    );
}

/// Faults of several kinds on 3 % of the first thousand calls.
fn faults(seed: u64) -> Vec<Fault> {
    let kinds = [FaultKind::Throttle, FaultKind::ServerError, FaultKind::Drop];
    let mut state = seed;
    let mut draw = |below: u64| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % below
    };
    let hit: Vec<u32> = (1..=1_000).filter(|_| draw(100) < 3).collect();
    let fault = |nth: u32| Fault {
        operation: "*".to_owned(),
        nth,
        times: 1,
        moment: if draw(2) == 0 { Moment::Before } else { Moment::After },
        kind: kinds[usize::try_from(draw(3)).unwrap()],
    };
    hit.into_iter().map(fault).collect()
}

/// S3 requests for logs, while nothing lands.
async fn print_looks() {
    let calls = play(include_str!("../events/ecr-image-push.json"), Scenario::NoLogs, Duration::ZERO).await.calls;
    let count = |operation: &str| calls.iter().filter(|call| call.operation == operation).count();
    // The state bucket's heads and reports are objects as well; logs are read from another bucket.
    let s3 = calls.iter().filter(|call| call.service == "s3" && call.resource.starts_with("your-log-bucket")).count();
    let looks = count("DescribeTasks");
    println!(
        "S3 requests for logs, per look at one task, while nothing lands: {s3} in {looks} looks (at most 2 per look)"
    );
}
