//! `explain`: the section of docs/rules.md about one rule, for a terminal.

use std::process::ExitCode;

use anstyle::{AnsiColor, Style};
use clap::Args;

use super::Unusable;
use crate::validate::levels::unknown_rule;

/// The page; a test keeps it equal to the rules and their examples.
const PAGE: &str = include_str!("../../docs/rules.md");

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The rule's id, as in `error[missing-fargate]`.
    rule: String,
}

pub(super) fn run(arguments: &Arguments) -> Result<ExitCode, Unusable> {
    // As a finding shows it: `error[missing-fargate]`.
    let given = arguments.rule.trim();
    let id = given.split_once('[').and_then(|(_, rest)| rest.split(']').next()).unwrap_or(given);
    if let Some(problem) = unknown_rule(id) {
        return Err(problem.into());
    }
    let heading = format!("\n## {id}\n");
    let (_, behind) = PAGE.split_once(&heading).ok_or("docs/rules.md does not have this rule")?;
    let section = behind.split("\n## ").next().unwrap_or(behind).trim();
    let bold = Style::new().bold();
    say!("{bold}{id}{bold:#}\n")?;
    let mut is_example = false;
    for line in section.lines() {
        if line.starts_with("```") {
            is_example = !is_example;
            continue;
        }
        let style = match line.chars().next() {
            Some('-') if is_example => AnsiColor::Red.on_default(),
            Some('+') if is_example => AnsiColor::Green.on_default(),
            _ => Style::new(),
        };
        let indent = if is_example { "    " } else { "" };
        say!("{indent}{style}{line}{style:#}")?;
    }
    Ok(ExitCode::SUCCESS)
}
