//! What every release of one function shares: the configuration, the way to AWS, and where metrics go.

use std::fmt;
use std::sync::Arc;

use crate::aws::{Aws, Failure, FailureKind};
use crate::config::{BucketOwners, Config, MAX_TEXT};

/// What every release of one function shares.
pub struct Deployer {
    /// The configuration, as it is now.
    pub config: Configured,
    /// The way to AWS.
    pub aws: Aws,
    /// Where a metric line goes: standard output on Lambda.
    pub metrics: fn(&str),
}

impl Deployer {
    /// The same for a release whose buckets have to belong to these accounts.
    pub(super) fn expecting(&self, owners: BucketOwners) -> Arc<Self> {
        let Self { config, aws, metrics } = self;
        Arc::new(Self { config: config.clone(), aws: aws.expecting(owners), metrics: *metrics })
    }
}

impl fmt::Debug for Deployer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Deployer").field("config", &self.config).finish_non_exhaustive()
    }
}

/// The configuration, or why there is none. A release that runs has a recorded one of its own, so only new events need
/// it.
#[derive(Clone, Debug)]
pub enum Configured {
    /// It is read and checked.
    Config(Box<Config>),
    /// It could not be read: the text, or `s3://bucket/key`. New events try again, and fail with the problems.
    Unusable(String),
}

impl From<Config> for Configured {
    fn from(config: Config) -> Self {
        Self::Config(Box::new(config))
    }
}

impl Configured {
    /// Reads a configuration: the text itself, or the object that it lies in.
    pub async fn from_source(aws: &Aws, given: String) -> Self {
        match read(aws, &given).await {
            Ok(config) => config.into(),
            Err(problem) => {
                tracing::error!(%problem, "the configuration is unusable: releases that run go on, new events fail");
                Self::Unusable(given)
            }
        }
    }

    /// The configuration, where it could be read.
    pub fn read(&self) -> Option<&Config> {
        match self {
            Self::Config(config) => Some(config),
            Self::Unusable(_) => None,
        }
    }

    /// Reads it once more: somebody may have mended it.
    pub(super) async fn read_again(&self, aws: &Aws) -> Result<Config, Failure> {
        match self {
            Self::Config(config) => Ok((**config).clone()),
            Self::Unusable(given) => read(aws, given).await,
        }
    }
}

async fn read(aws: &Aws, given: &str) -> Result<Config, Failure> {
    let text = if given.starts_with("s3://") { aws.text_at(given, MAX_TEXT).await? } else { given.to_owned() };
    Config::parse(&text).map_err(|problems| {
        let place = if given.starts_with("s3://") { given } else { "DEPLOYER_CONFIG" };
        Failure::new("configuration", place, FailureKind::Rejected, problems.to_string())
    })
}
