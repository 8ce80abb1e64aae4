//! What the stand-in lets happen: good days and bad ones, by name.

use std::fmt;
use std::str::FromStr;

/// What happens to deployments of what has not run before; going back always works.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Scenario {
    /// The canary works and logs.
    #[default]
    Good,
    /// The canary works, but no log object of it ever lands.
    NoLogs,
    /// The canary works, and logs a panic.
    BadLogs,
    /// The canary raises an alarm.
    CanaryFails,
    /// The pushed image has no manifest for ARM64.
    Amd64Only,
    /// The tasks of the new revision stop as soon as they start.
    TaskNeverStarts,
}

impl Scenario {
    const ALL: [Self; 6] =
        [Self::Good, Self::NoLogs, Self::BadLogs, Self::CanaryFails, Self::Amd64Only, Self::TaskNeverStarts];

    fn name(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::NoLogs => "no-logs",
            Self::BadLogs => "bad-logs",
            Self::CanaryFails => "canary-fails",
            Self::Amd64Only => "amd64-only",
            Self::TaskNeverStarts => "task-never-starts",
        }
    }

    /// What happens, in one sentence.
    pub fn description(self) -> &'static str {
        match self {
            Self::Good => "the new revision starts, serves and logs",
            Self::NoLogs => "the new revision starts and serves, but none of its logs land in S3",
            Self::BadLogs => "the new revision starts and serves, and logs a panic",
            Self::CanaryFails => "the new revision starts and answers with errors, which raises the service's alarm",
            Self::Amd64Only => "the pushed image has no manifest for the task definition's architecture",
            Self::TaskNeverStarts => "the tasks of the new revision stop as soon as they start",
        }
    }
}

impl fmt::Display for Scenario {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Scenario {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let names = || Self::ALL.map(Self::name).join(", ");
        Self::ALL
            .into_iter()
            .find(|scenario| scenario.name() == text)
            .ok_or_else(|| format!("there is no scenario `{text}`, only {}", names()))
    }
}
