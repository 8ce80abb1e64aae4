//! The command line: one word, one file below. Everything that is printed is printed here or there; exit codes are part of the contract.

use std::process::ExitCode;

use clap::{Parser, Subcommand};

mod check;
mod explain;
mod progress;
mod rules;
mod sandbox;
mod try_event;
mod verify;

/// Deploys Amazon ECS Express Mode services by itself, and proves each release by its logs.
#[derive(Debug, Parser)]
#[command(name = "express-deployer", version, about, max_term_width = 120)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Check task definitions against everything that ECS, Fargate, Express Mode and FireLens would refuse later.
    ///
    /// Exit code 0 when there is no error (warnings and hints are none), 1 when there is one, 2 when a file or an argument is unusable.
    Check(check::Arguments),
    /// Explain a rule: what it finds, why, an example and the source.
    Explain(explain::Arguments),
    /// List the rules.
    Rules(rules::Arguments),
    /// Send an event through the function, against a stand-in for AWS on this machine.
    ///
    /// Nothing leaves the machine and no AWS account is needed. Exit code 0 when every release ended well, 1 when one did not.
    Try(try_event::Arguments),
    /// Verify a live service by its logs in S3, as a release would.
    ///
    /// It reads and changes nothing. Exit code 0 when the logs prove what they should, 1 when they do not, 2 when they cannot be looked for.
    Verify(verify::Arguments),
    /// Keep the stand-in for AWS running, for the AWS CLI or for the function under another runner.
    Sandbox(sandbox::Arguments),
}

/// What ends a command without a result: usage, configuration, files. Exit code 2.
type Unusable = Box<dyn std::error::Error + Send + Sync>;

/// Runs a command.
pub fn run(arguments: Arguments) -> ExitCode {
    let done = match arguments.command {
        Command::Check(arguments) => check::run(&arguments),
        Command::Explain(arguments) => explain::run(&arguments),
        Command::Rules(arguments) => rules::run(&arguments),
        Command::Try(arguments) => try_event::run(&arguments),
        Command::Verify(arguments) => verify::run(&arguments),
        Command::Sandbox(arguments) => sandbox::run(&arguments),
    };
    done.unwrap_or_else(|error| {
        anstream::eprintln!("error: {error}");
        ExitCode::from(2)
    })
}

/// A runtime for a command that talks to the stand-in.
fn runtime() -> Result<tokio::runtime::Runtime, Unusable> {
    Ok(tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?)
}
