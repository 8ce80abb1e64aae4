//! Counts what waits for what: the time from an event to the moment at which the update comes in, with the chain of
//! calls and checkpoints that lead there; what a whole good release takes; and S3 requests per look while nothing has
//! landed. The stand-in answers each call, checkpoints included, after a fixed latency, so that time divided by it is
//! the number of round trips in a row.

#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a benchmark measures real time and prints it"
)]

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use aws_durable_execution_sdk as durable;
use express_deployer::aws::{Aws, Clock};
use express_deployer::config::Config;
use express_deployer::release::{self, Deployer};
use express_deployer::sandbox::executions::Execution;
use express_deployer::sandbox::{Arrival, Call, Options, Sandbox, Scenario};

/// A round trip within a region, roughly.
const LATENCY: Duration = Duration::from_millis(20);

/// From the event of an image index to the update, at most.
const MOST_MILLISECONDS: u32 = 190;
/// Checkpoints before the update, at most.
const MOST_CHECKPOINTS: usize = 3;

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
    let sandbox = Sandbox::start(Options { scenario, latency, ..Options::default() }).await.unwrap();
    let clock = sandbox.clock();
    let aws = Aws::new(sandbox.sdk_config(), Clock::from_fn(move || clock.now()));
    let config = Config::parse(include_str!("../examples/deployer.toml")).unwrap();
    let deployer = Arc::new(Deployer { config: config.into(), aws, metrics: |_| {} });
    let options =
        durable::Options::builder().lambda_client(durable::LambdaClient::new(&sandbox.sdk_config())).build().unwrap();
    let handler = durable::wrap(move |event, ctx| release::run(Arc::clone(&deployer), event, ctx), options);
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
    index.print_chain();
    index.print_whole();
    print_looks().await;
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
