//! An ECR repository as the configuration names it. It asks no registry.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::image::{ImageRef, PrivateEcr, registry_host};

/// An ECR repository: `NAME`, or `ACCOUNT.dkr.ecr.REGION.amazonaws.com/NAME` where it is not in the registry of the
/// service's account and region.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Repository {
    /// Its name.
    pub name: String,
    /// The account and the region of the registry, where they are named.
    registry: Option<(String, String)>,
}

impl Repository {
    /// The registry, where it is named.
    pub fn registry(&self) -> Option<PrivateEcr<'_>> {
        self.registry.as_ref().map(|(account, region)| PrivateEcr { account, region })
    }

    /// Reads the name, with or without a registry's host.
    ///
    /// # Errors
    /// A sentence that says what to write.
    pub fn parse(text: &str) -> Result<Self, String> {
        let refused = || {
            format!(
                "`{text}` is not an ECR repository: write its name alone, or \
                 `ACCOUNT.dkr.ecr.REGION.amazonaws.com/NAME` for another account or region, without a tag"
            )
        };
        let reference = ImageRef::parse(text);
        let registry = match (reference.registry, reference.private_ecr()) {
            (None, _) => None,
            (Some(_), Some(PrivateEcr { account, region })) => Some((account.to_owned(), region.to_owned())),
            (Some(_), None) => return Err(refused()),
        };
        let is_name = !reference.repository.is_empty() && !reference.repository.contains(':');
        if !is_name || reference.tag.is_some() || reference.digest.is_some() {
            return Err(refused());
        }
        Ok(Self { name: reference.repository.to_owned(), registry })
    }
}

impl fmt::Display for Repository {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.registry {
            Some((account, region)) => write!(f, "{}/{}", registry_host(account, region), self.name),
            None => f.write_str(&self.name),
        }
    }
}

impl TryFrom<String> for Repository {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        Self::parse(&text)
    }
}

impl From<Repository> for String {
    fn from(repository: Repository) -> Self {
        repository.to_string()
    }
}
