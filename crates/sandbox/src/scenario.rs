//! What goes wrong, or not, with every revision that is rolled out on the sandbox. It decides nothing by itself.

use std::fmt;
use std::str::FromStr;

/// What happens to rollouts. It concerns the revisions that are deployed while the sandbox runs; what was live before
/// stays healthy.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Scenario {
    /// Every rollout ends well and logs as it should.
    #[default]
    Good,
    /// The new revision runs, and not one log object of it arrives.
    NoLogs,
    /// The new revision runs, and logs a panic.
    BadLogs,
    /// The new revision runs, and more of its requests fail than before.
    ErrorLogs,
    /// The alarm that Express Mode made goes off during the canary.
    CanaryFails,
    /// The pushed images have no manifest for ARM64.
    Amd64Only,
    /// The new revision's tasks stop as soon as they have started.
    TaskNeverStarts,
    /// The canary's task panics under traffic and is replaced by one that does not.
    CanaryDies,
    /// The new revision says nothing, and one of the same name in another region does.
    Neighbour,
    /// Many tasks of another service write into the same bucket.
    Crowd,
    /// Visitors write what looks like a panic into the logs of every revision.
    Visitors,
    /// The same, and the new revision panics, too.
    VisitorsAndPanic,
}

/// A text that names no scenario.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown scenario `{0}`; the scenarios are {names}", names = Scenario::ALL.map(Scenario::name).join(", "))]
pub struct UnknownScenario(pub String);

impl Scenario {
    /// All scenarios, the good one first.
    pub const ALL: [Self; 12] = [
        Self::Good,
        Self::NoLogs,
        Self::BadLogs,
        Self::ErrorLogs,
        Self::CanaryFails,
        Self::Amd64Only,
        Self::TaskNeverStarts,
        Self::CanaryDies,
        Self::Neighbour,
        Self::Crowd,
        Self::Visitors,
        Self::VisitorsAndPanic,
    ];

    /// The name that `--scenario` takes.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::NoLogs => "no-logs",
            Self::BadLogs => "bad-logs",
            Self::ErrorLogs => "error-logs",
            Self::CanaryFails => "canary-fails",
            Self::Amd64Only => "amd64-only",
            Self::TaskNeverStarts => "task-never-starts",
            Self::CanaryDies => "canary-dies",
            Self::Neighbour => "neighbour",
            Self::Crowd => "crowd",
            Self::Visitors => "visitors",
            Self::VisitorsAndPanic => "visitors-and-panic",
        }
    }

    /// One sentence about what happens.
    pub const fn description(self) -> &'static str {
        match self {
            Self::Good => "Every rollout ends well, and its tasks log as they should.",
            Self::NoLogs => "The new revision runs, but not one log object of it arrives in S3.",
            Self::BadLogs => "The new revision runs, but it logs a panic.",
            Self::ErrorLogs => {
                "The new revision runs, but every third of its requests ends in an error, and no alarm sees it."
            }
            Self::CanaryFails => {
                "The service's alarm goes off while the canary carries its first traffic, and ECS rolls back."
            }
            Self::Amd64Only => "The pushed images were built for AMD64 alone, while the service runs on ARM64.",
            Self::TaskNeverStarts => {
                "The new revision's tasks stop right after their start, until ECS's circuit breaker rolls back."
            }
            Self::CanaryDies => {
                "The canary's task panics under its first traffic and dies; the one that takes its place stays healthy."
            }
            Self::Neighbour => {
                "The new revision logs nothing, but a service of the same name in another region logs into the bucket."
            }
            Self::Crowd => "Sixty tasks of another service log into the same bucket.",
            Self::Visitors => "Visitors ask every revision for paths that read like a panic.",
            Self::VisitorsAndPanic => "Visitors ask for paths that read like a panic, and the new revision does panic.",
        }
    }
}

impl fmt::Display for Scenario {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Scenario {
    type Err = UnknownScenario;

    fn from_str(text: &str) -> Result<Self, UnknownScenario> {
        Self::ALL.into_iter().find(|scenario| scenario.name() == text).ok_or_else(|| UnknownScenario(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_read_back() {
        for scenario in Scenario::ALL {
            assert_eq!(scenario.to_string().parse(), Ok(scenario));
            assert!(scenario.description().ends_with('.'));
        }
    }

    #[test]
    fn an_unknown_name_is_answered_with_the_known_ones() {
        let error = "canary".parse::<Scenario>().unwrap_err();
        assert_eq!(
            error.to_string(),
            "unknown scenario `canary`; the scenarios are good, no-logs, bad-logs, error-logs, canary-fails, amd64-only, \
             task-never-starts, canary-dies, neighbour, crowd, visitors, visitors-and-panic"
        );
    }
}
