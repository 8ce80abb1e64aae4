//! Counts what waits for what: AWS round trips one after another from an event to the update, and S3 requests per look while nothing has
//! landed. The stand-in answers each call after a fixed latency, so elapsed time divided by it is the number of round trips in a row.

#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a benchmark measures real time and prints it"
)]

use std::sync::Arc;
use std::time::{Duration, Instant};

use aws_durable_execution_sdk as durable;
use express_deployer::aws::{Aws, Clock};
use express_deployer::config::Config;
use express_deployer::release::{self, Deployer};
use express_deployer::sandbox::{Call, Options, Sandbox, Scenario};

/// Long beside everything that is not waiting.
const LATENCY: Duration = Duration::from_millis(100);

/// Plays an event and gives the time from its start to the answer of the update, and the calls.
async fn play(event: &str, scenario: Scenario, latency: Duration) -> (Duration, Vec<Call>) {
    let sandbox = Arc::new(Sandbox::start(Options { scenario, latency, ..Options::default() }).await.unwrap());
    let clock = sandbox.clock();
    let aws = Aws::new(sandbox.sdk_config(), Clock::from_fn(move || clock.now()));
    let config = Config::parse(include_str!("../examples/deployer.toml")).unwrap();
    let deployer = Arc::new(Deployer { config, aws, metrics: |_| {} });
    let options =
        durable::Options::builder().lambda_client(durable::LambdaClient::new(&sandbox.sdk_config())).build().unwrap();
    let handler = durable::wrap(move |event, ctx| release::run(Arc::clone(&deployer), event, ctx), options);
    let began = Instant::now();
    let watching = Arc::clone(&sandbox);
    let updated = tokio::spawn(async move {
        while !watching.calls().iter().any(|call| call.operation == "UpdateExpressGatewayService") {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        began.elapsed()
    });
    let events = vec![("bench".to_owned(), event.to_owned())];
    sandbox.executions().run(&handler, events).await.unwrap();
    (updated.await.unwrap(), sandbox.calls())
}

#[tokio::main]
async fn main() {
    println!("AWS round trips in a row, from the event to the answer of UpdateExpressGatewayService:");
    for (name, event) in [
        ("image index", include_str!("../events/ecr-image-push.json")),
        ("single image", include_str!("../events/ecr-image-push-single-manifest.json")),
        ("upload", include_str!("../events/s3-object-created.json")),
    ] {
        let (elapsed, _) = play(event, Scenario::Good, LATENCY).await;
        println!("  {name:<14} {:>5.1}  (at most 6 for an image index)", elapsed.as_secs_f64() / LATENCY.as_secs_f64());
    }
    let (_, calls) = play(include_str!("../events/ecr-image-push.json"), Scenario::NoLogs, Duration::ZERO).await;
    let count = |operation: &str| calls.iter().filter(|call| call.operation == operation).count();
    // The state bucket's heads and reports are objects as well; logs are read from another bucket.
    let s3 = calls.iter().filter(|call| call.service == "s3" && call.resource.starts_with("your-log-bucket")).count();
    let looks = count("DescribeTasks");
    println!(
        "S3 requests for logs, per look at one task, while nothing lands: {s3} in {looks} looks (at most 2 per look)"
    );
}
