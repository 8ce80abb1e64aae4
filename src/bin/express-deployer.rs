//! The command line tool: parses the arguments and turns the result into an exit code.

use std::process::ExitCode;

use clap::Parser as _;
use express_deployer::cli::{self, Arguments};

fn main() -> ExitCode {
    cli::run(Arguments::parse())
}
