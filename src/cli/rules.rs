//! `rules`: the table of rules, a line each.

use std::process::ExitCode;

use clap::Args;
use serde_json::{Value, json};

use super::Unusable;
use crate::validate::Rule;
use crate::validate::rules::TABLE;

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Print them as a JSON array.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(arguments: &Arguments) -> Result<ExitCode, Unusable> {
    let mut rules: Vec<&Rule> = TABLE.to_vec();
    rules.sort_by_key(|rule| rule.id);
    if arguments.json {
        let rows: Vec<Value> = rules
            .iter()
            .map(|rule| {
                json!({
                    "id": rule.id,
                    "severity": rule.severity,
                    "summary": rule.summary,
                    "why": rule.why,
                    "source": rule.source,
                    "evidence": rule.evidence,
                    "foundIn": rule.found_in,
                    "fix": rule.repair.is_some(),
                    "canBeAllowed": !rule.is_final,
                })
            })
            .collect();
        say!("{}", serde_json::to_string_pretty(&rows)?)?;
        return Ok(ExitCode::SUCCESS);
    }
    let width = rules.iter().map(|rule| rule.id.len()).max().unwrap_or_default();
    for rule in rules {
        say!("{:width$}  {:7}  {}", rule.id, rule.severity.to_string(), rule.summary)?;
    }
    Ok(ExitCode::SUCCESS)
}
