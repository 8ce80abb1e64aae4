//! `completions` and `man`: what a shell and a manual need to know of the command line, made from its own definition.

use std::io::{self, Write as _};
use std::process::ExitCode;

use clap::{Args, Command};
use clap_complete::{Shell, generate};
use clap_mangen::Man;

use super::Unusable;

#[derive(Debug, Args)]
pub(super) struct Completions {
    /// The shell.
    #[arg(value_enum)]
    shell: Shell,
}

#[derive(Debug, Args)]
pub(super) struct Manual {
    /// The command that the page is about; without one, the tool itself.
    command: Option<String>,
}

impl Completions {
    /// Prints the script that the shell reads.
    pub(super) fn run(&self, mut tool: Command) -> Result<ExitCode, Unusable> {
        let (name, mut script) = (tool.get_name().to_owned(), Vec::new());
        generate(self.shell, &mut tool, name, &mut script);
        print(&script)
    }
}

impl Manual {
    /// Prints a page for `man -l -`.
    pub(super) fn run(&self, mut tool: Command) -> Result<ExitCode, Unusable> {
        tool.build();
        let page = match &self.command {
            None => tool,
            Some(wanted) => {
                let commands: Vec<&str> = tool.get_subcommands().map(Command::get_name).collect();
                let unknown = || format!("`{wanted}` is not a command; there is {}", commands.join(", "));
                tool.find_subcommand(wanted).cloned().ok_or_else(unknown)?
            }
        };
        let mut text = Vec::new();
        Man::new(page).render(&mut text)?;
        print(&text)
    }
}

fn print(text: &[u8]) -> Result<ExitCode, Unusable> {
    let mut out = io::stdout().lock();
    out.write_all(text)?;
    out.flush()?;
    Ok(ExitCode::SUCCESS)
}
