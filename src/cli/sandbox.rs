//! `sandbox`: the sandbox, a replacement for AWS, kept running until it is interrupted.

use std::io;
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;

use super::{Unusable, runtime};
use crate::aws::Clock;
use crate::config::parse_duration;
use sandbox::{Advance, Error, Options, Sandbox, Scenario};

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The port on 127.0.0.1; 0 takes a free one.
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// What happens to the next deployment.
    #[arg(long, default_value_t = Scenario::Good, value_name = "NAME")]
    scenario: Scenario,
    /// How far the virtual clock moves each time somebody looks at a deployment, such as `15s`: time passes only while
    /// somebody watches.
    #[arg(long, value_name = "DURATION", default_value = "15s", value_parser = seconds)]
    advance_per_observation: Duration,
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds = parse_duration(text).filter(|seconds| *seconds <= 3600);
    seconds.map(Duration::from_secs).ok_or_else(|| "a whole number with a unit, such as `15s`, up to `1h`".to_owned())
}

pub(super) fn run(arguments: &Arguments) -> Result<ExitCode, Unusable> {
    runtime()?.block_on(async {
        let options = Options {
            port: arguments.port,
            scenario: arguments.scenario,
            start: Clock::system().now(),
            advance: Advance::PerObservation(arguments.advance_per_observation),
            ..Options::default()
        };
        let sandbox = Sandbox::start(options).await.map_err(|error| match error {
            Error::Listen { port, source } if source.kind() == io::ErrorKind::AddrInUse => {
                format!("another program listens on 127.0.0.1:{port}; `--port 0` takes a free port").into()
            }
            error => Unusable::from(error),
        })?;
        say!("listening on {}", sandbox.endpoint())?;
        super::print_error(format_args!(
            "try: AWS_ENDPOINT_URL={} AWS_REGION=ap-northeast-1 AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test aws s3 ls",
            sandbox.endpoint()
        ));
        std::future::pending::<()>().await;
        Ok(ExitCode::SUCCESS)
    })
}
