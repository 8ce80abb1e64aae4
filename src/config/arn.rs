//! The ARN of an ECS service, checked and taken apart. No other resource has an ARN here.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::image::is_account;

/// `arn:<partition>:ecs:<region>:<account>:service/<cluster>/<service>`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ServiceArn(String);

impl ServiceArn {
    /// Checks the form (Amazon ECS developer guide, "Amazon Resource Names": the long format, which Express Mode always
    /// uses).
    pub fn parse(text: &str) -> Result<Self, String> {
        let refused =
            || format!("`{text}` is not a service's ARN: arn:aws:ecs:<region>:<account>:service/<cluster>/<service>");
        let parts: Vec<&str> = text.splitn(6, ':').collect();
        let ["arn", partition, "ecs", region, account, resource] = parts[..] else { return Err(refused()) };
        let names: Vec<&str> = resource.split('/').collect();
        let ["service", cluster, name] = names[..] else { return Err(refused()) };
        let is_name = |name: &str| {
            !name.is_empty()
                && name.len() <= 255
                && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b))
        };
        let well_formed =
            partition.starts_with("aws") && is_name(region) && is_account(account) && is_name(cluster) && is_name(name);
        if well_formed { Ok(Self(text.to_owned())) } else { Err(refused()) }
    }

    /// The whole ARN.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The region.
    pub fn region(&self) -> &str {
        self.field(3)
    }

    /// The account.
    pub fn account(&self) -> &str {
        self.field(4)
    }

    /// The cluster's name.
    pub fn cluster(&self) -> &str {
        self.0.split('/').nth(1).unwrap_or_default()
    }

    /// The service's name.
    pub fn name(&self) -> &str {
        self.0.split('/').nth(2).unwrap_or_default()
    }

    fn field(&self, index: usize) -> &str {
        self.0.split(':').nth(index).unwrap_or_default()
    }
}

impl fmt::Display for ServiceArn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for ServiceArn {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        Self::parse(&text)
    }
}

impl From<ServiceArn> for String {
    fn from(arn: ServiceArn) -> Self {
        arn.0
    }
}
