//! `try`: one event through the real handler, against the sandbox, with each step printed as it happens.

use std::path::PathBuf;
use std::process::ExitCode;

use aws_durable_execution_sdk::lambda_runtime::tracing::subscriber::{
    layer::SubscriberExt as _, registry, util::SubscriberInitExt as _,
};
use clap::Args;
use sandbox::executions::ExecutionOutcome;
use sandbox::{Options, Sandbox, Scenario};

use super::progress::Progress;
use super::{Unusable, open, read_bounded, read_config, runtime};
use crate::aws::{Aws, Clock};
use crate::config::Config;
use crate::release::{self, Deployer};
use crate::report::Report;
use crate::trigger::{MAX_EVENT, recognise};

/// The configuration that fits the sandbox's service.
const CONFIG: &str = include_str!("../../deployer.example.toml");

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The event: a JSON file such as events/ecr-image-push.json, or `-` for standard input.
    event: PathBuf,
    /// What the sandbox lets happen: good, no-logs, bad-logs, error-logs, canary-fails, amd64-only, task-never-starts.
    #[arg(long, default_value_t = Scenario::Good, value_name = "NAME")]
    scenario: Scenario,
    /// The configuration; without it, the one of deployer.example.toml.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Print the report as JSON, and nothing else.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(arguments: &Arguments) -> Result<ExitCode, Unusable> {
    let event = read_event(arguments)?;
    let config = match &arguments.config {
        Some(path) => read_config(path)?,
        None => CONFIG.to_owned(),
    };
    let config = Config::parse(&config)?;
    let report = runtime()?.block_on(play(arguments, event, config))?;
    if arguments.json {
        say!("{}", serde_json::to_string_pretty(&report)?)?;
    } else {
        say!("\n{report}")?;
    }
    Ok(if report.is_well() { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

fn read_event(arguments: &Arguments) -> Result<String, Unusable> {
    let path = &arguments.event;
    let event = match path.as_os_str() == "-" {
        true => read_bounded(std::io::stdin(), path, MAX_EVENT, "an event")?,
        false => read_bounded(open(path)?, path, MAX_EVENT, "an event")?,
    };
    serde_json::from_str::<serde::de::IgnoredAny>(&event)
        .map_err(|error| format!("{}: not JSON: {error}", super::shown(path)))?;
    Ok(event)
}

/// Starts the sandbox a moment after the event, and plays the event to its end.
async fn play(arguments: &Arguments, event: String, config: Config) -> Result<Report, Unusable> {
    let start = recognise(&event).triggers.first().map_or(Options::default().start, crate::trigger::Trigger::at);
    let sandbox = Sandbox::start(Options { scenario: arguments.scenario, start, ..Options::default() }).await?;
    let clock = sandbox.clock();
    if !arguments.json {
        say!("scenario {}: {}\n", arguments.scenario, arguments.scenario.description())?;
        registry().with(Progress::new(clock.clone())).init();
    }
    let aws = Aws::new(sandbox.sdk_config(), Clock::from_fn(move || clock.now()));
    let handler = release::handler(Deployer { config: config.into(), aws, metrics: |_| {} })?;
    let executions = sandbox.executions().run(&handler, vec![("try".to_owned(), event)]).await?;
    let execution = executions.into_iter().next().ok_or("the sandbox ran no execution")?;
    match execution.outcome {
        ExecutionOutcome::Succeeded(result) => Ok(serde_json::from_str(&result)?),
        ExecutionOutcome::Failed { error_type, message } => {
            Err(format!("the execution failed: {error_type}: {message}").into())
        }
        outcome @ (ExecutionOutcome::TimedOut | ExecutionOutcome::Stopped) => {
            Err(format!("the execution was cut off: {outcome:?}").into())
        }
    }
}
