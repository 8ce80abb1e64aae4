//! Buckets as the configuration names them: who has to own them, and where in them task definitions are uploaded. It asks
//! no bucket.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

/// Which account has to own a bucket.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BucketOwners {
    /// The account of those that are not named.
    pub account: String,
    /// The owners of those that are, by the bucket's name.
    pub named: BTreeMap<String, String>,
}

impl BucketOwners {
    /// The owner of a bucket.
    pub fn of(&self, bucket: &str) -> &str {
        self.named.get(bucket).unwrap_or(&self.account)
    }
}

/// Where task definitions are uploaded: a key prefix that ends in a slash, or one key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Uploads {
    /// The bucket: the state bucket, unless `uploads` names another one.
    pub bucket: String,
    /// The prefix or the key.
    pub key: String,
}

impl Uploads {
    /// Whether an object lies there.
    pub fn has(&self, key: &str) -> bool {
        if self.key.ends_with('/') { key.starts_with(&self.key) } else { key == self.key }
    }

    /// Whether an object could lie at both places.
    pub(super) fn overlaps(&self, other: &Self) -> bool {
        self.bucket == other.bucket && (self.has(&other.key) || other.has(&self.key))
    }
}

impl fmt::Display for Uploads {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "s3://{}/{}", self.bucket, self.key)
    }
}
