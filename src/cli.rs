//! The command line: one word, one file below. Everything that is printed is printed here or there; exit codes are part
//! of the contract.

use std::fmt;
use std::fs::File;
use std::io::{self, Read, Write as _};
use std::path::Path;
use std::process::ExitCode;

use clap::{CommandFactory as _, Parser, Subcommand};

use crate::config::{BucketOwners, Config, MAX_TEXT, Service};

/// Prints a line on standard output.
macro_rules! say {
    ($($line:tt)*) => { $crate::cli::print_line(format_args!($($line)*)) };
}

mod check;
mod completions;
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
    /// Exit code 0 when there is no error (warnings and hints are none), 1 when there is one, 2 when a file or an
    /// argument is unusable.
    Check(check::Arguments),
    /// Explain a rule: what it finds, why, an example and the source.
    Explain(explain::Arguments),
    /// List the rules.
    Rules(rules::Arguments),
    /// Send an event through the function, against the sandbox, a replacement for AWS on this machine.
    ///
    /// Nothing leaves the machine and no AWS account is needed. Exit code 0 when every release ended well, 1 when one
    /// did not.
    Try(try_event::Arguments),
    /// Verify a live service by its logs in S3, as a release would.
    ///
    /// It reads and changes nothing. Exit code 0 when the logs prove what they should, 1 when they do not, 2 when they
    /// cannot be looked for.
    Verify(verify::Arguments),
    /// Keep the sandbox, a replacement for AWS, running, for the AWS CLI or for the function under another runner.
    Sandbox(sandbox::Arguments),
    /// Print the completions of a shell, for instance into `~/.local/share/bash-completion/completions/express-deployer`.
    Completions(completions::Completions),
    /// Print the manual page of the tool, or of one of its commands.
    Man(completions::Manual),
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
        Command::Completions(arguments) => arguments.run(Arguments::command()),
        Command::Man(arguments) => arguments.run(Arguments::command()),
    };
    done.unwrap_or_else(|error| {
        let cause = error.downcast_ref::<io::Error>().map(io::Error::kind);
        // Whoever reads the output has seen enough of it.
        if cause == Some(io::ErrorKind::BrokenPipe) {
            return ExitCode::SUCCESS;
        }
        print_error(format_args!("error: {error}"));
        ExitCode::from(2)
    })
}

/// An output that takes no line, such as a file on a full disk, is an error like any other, and no panic.
fn print_line(line: fmt::Arguments<'_>) -> io::Result<()> {
    let mut out = anstream::stdout().lock();
    writeln!(out, "{line}")?;
    out.flush()
}

/// Prints a line on standard error. What cannot be said there cannot be said anywhere.
fn print_error(line: fmt::Arguments<'_>) {
    writeln!(anstream::stderr().lock(), "{line}").unwrap_or_default();
}

/// A text without what moves a terminal's cursor or turns the direction of letters.
fn printable(text: &str) -> String {
    let turns = |character| matches!(character, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        if character.is_control() || turns(character) {
            shown.extend(character.escape_default());
        } else {
            shown.push(character);
        }
    }
    shown
}

/// The name of a file as messages show it.
fn shown(path: &Path) -> String {
    printable(&path.display().to_string())
}

/// A runtime for a command that talks to the sandbox.
fn runtime() -> Result<tokio::runtime::Runtime, Unusable> {
    Ok(tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?)
}

/// Opens a file; the error names it.
fn open(path: &Path) -> Result<File, Unusable> {
    Ok(File::open(path).map_err(|error| format!("{}: {error}", shown(path)))?)
}

/// Reads the text of a configuration.
fn read_config(path: &Path) -> Result<String, Unusable> {
    read_bounded(open(path)?, path, MAX_TEXT, "a configuration")
}

/// Reads up to so many bytes of what `path` names; more are refused.
fn read_bounded(source: impl Read, path: &Path, at_most: usize, what: &str) -> Result<String, Unusable> {
    let mut text = String::new();
    let bound = u64::try_from(at_most).unwrap_or(u64::MAX).saturating_add(1);
    let read = source.take(bound).read_to_string(&mut text);
    read.map_err(|error| format!("{}: {error}", shown(path)))?;
    if text.len() > at_most {
        return Err(format!("{}: more than {at_most} bytes; {what} has at most so many", shown(path)).into());
    }
    Ok(text)
}

/// The service of a configuration file that goes by a name or an ARN; without one, the only service that there is.
fn configured_service(path: &Path, wanted: Option<&str>) -> Result<(Service, BucketOwners), Unusable> {
    let shown = shown(path);
    let config = Config::parse(&read_config(path)?).map_err(|problems| format!("{shown}: {problems}"))?;
    let names: Vec<String> = config.services.iter().map(|service| format!("`{}`", service.arn.name())).collect();
    let names = names.join(", ");
    let is_wanted = |service: &Service| match wanted {
        Some(wanted) => service.arn.name() == wanted || service.arn.as_str() == wanted,
        None => true,
    };
    let mut found = config.services.into_iter().filter(is_wanted);
    match (found.next(), found.next()) {
        (Some(service), None) => {
            let owners = BucketOwners { account: service.arn.account().to_owned(), named: config.bucket_owners };
            Ok((service, owners))
        }
        (None, _) => {
            let wanted = wanted.unwrap_or_default();
            Err(format!("{shown}: no service `{wanted}` is configured; there is {names}").into())
        }
        (Some(_), Some(_)) if wanted.is_none() => {
            Err(format!("{shown} has several services: name one, or its ARN, with --service; there is {names}").into())
        }
        (Some(_), Some(_)) => Err(format!("{shown} has several services of that name: give the ARN").into()),
    }
}
