//! The plan: from a trigger, the live service, the image or document and the head, what a release will do, if anything.
//! Everything it looks at has been read before. Pure: no I/O.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use release_protocol::plan::Wish;

use crate::config::{BucketOwners, Config, Service};
use crate::image::{Digest, Platform};
use crate::task_definition::{TaskDefinition, Unreadable};
use crate::text::Text;
use crate::trigger::{ImagePush, Order, ReleaseId, Trigger, Upload};
use crate::validate::Finding;
use crate::verify::{Expectation, S3Output};

mod ask;
mod findings;
mod service_state;
#[cfg(test)]
mod tests;
pub mod way_back;

pub(crate) use ask::expect_logs;
pub use ask::{ask, tag_is_current};
pub use service_state::{Configuration, ListedDeployment, ServiceState, desired, serving};

/// One service that one trigger concerns. It is recorded with the release: a later configuration does not change a
/// running release.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Request {
    /// The service and how it is released.
    pub service: Service,
    /// Where heads and reports live.
    pub state_bucket: String,
    /// Buckets that another account than the service's owns.
    #[serde(default)]
    pub bucket_owners: BTreeMap<String, String>,
    /// What happened.
    pub trigger: Trigger,
    /// The time that counts: the event's, or that of its arrival where the event's lies well ahead of the clock.
    pub at: Timestamp,
    /// The metered operations of the execution that this release may use.
    pub share: u32,
}

impl Request {
    /// The request for a service of a configuration, which has its execution for itself.
    pub fn of(config: &Config, service: &Service, trigger: Trigger) -> Self {
        let (service, state_bucket) = (service.clone(), config.state_bucket.clone());
        let bucket_owners = config.bucket_owners.clone();
        Self { service, state_bucket, bucket_owners, at: trigger.at(), trigger, share: MAX_OPERATIONS }
    }

    /// Who has to own the buckets of this release.
    pub fn owners(&self) -> BucketOwners {
        BucketOwners { account: self.service.arn.account().to_owned(), named: self.bucket_owners.clone() }
    }

    /// The release's place in the order.
    pub fn order(&self, tag_is_current: bool) -> Order {
        self.trigger.order(self.at, tag_is_current)
    }

    /// Whether the event's time lies so far ahead of the clock that it does not count.
    pub fn is_ahead(&self) -> bool {
        self.at != self.trigger.at()
    }

    /// The release's id.
    pub fn release(&self) -> ReleaseId {
        self.trigger.release()
    }
}

/// The operations of one execution that Lambda allows (AWS Lambda developer guide, quotas of durable functions).
pub const MAX_OPERATIONS: u32 = 3_000;

/// What was read of what an event asks for.
#[derive(Clone, Debug)]
pub enum Inputs {
    /// A push: what the registry says of the image.
    Push(ImagePush, ImageEvidence),
    /// A push to a repository of the right name in a registry that the service does not name: nothing was read.
    ForeignPush(ImagePush),
    /// An upload: the document, and what the registry says of the image that it names for the container.
    Upload(Upload, Uploaded, ImageEvidence),
}

/// The task definition that the service runs, or is on its way to.
#[derive(Clone, Debug)]
pub struct Live {
    /// Its ARN.
    pub task_definition_arn: String,
    /// It, ready to be registered again: read-only members gone, tags carried over.
    pub definition: TaskDefinition,
    /// What serves while that is still on its way.
    pub serving: Option<String>,
}

/// What became of an uploaded document.
#[derive(Clone, Debug, PartialEq)]
pub enum Uploaded {
    /// It is there.
    Document(TaskDefinition),
    /// It is not a task definition.
    Unreadable(Unreadable),
    /// A later upload took its place, in a bucket without versions.
    Replaced,
    /// It was deleted.
    Gone,
}

/// What lies in a registry like an image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ImageContent {
    /// An image, for these platforms.
    Platforms(Vec<Platform>),
    /// Something that does not run: the reason.
    Artifact(String),
    /// Nothing that can be read, for good: the reason.
    Broken(String),
}

/// What the registry says about an image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ImageEvidence {
    /// It is there.
    Found {
        /// The digest that pins it.
        digest: Digest,
        /// What the tag points to by now; `None` when the tag is gone or there is none.
        tag_digest: Option<Digest>,
        /// What it holds.
        content: ImageContent,
    },
    /// The registry does not have it.
    Missing,
    /// It was not looked at: the reason.
    Unread(String),
}

/// What an event asks for, beside what the service is to run already.
#[derive(Clone, Debug, PartialEq)]
pub enum Asked {
    /// Something else: the draft of it.
    Draft(Box<Draft>),
    /// What the service is to run already: that task definition.
    Live(String),
    /// Something that was replaced where it lay: the reason.
    Replaced(String),
    /// What was pushed is not an image: the reason.
    NoImage(String),
    /// Something that cannot be deployed: the findings have errors.
    Rejected(Box<Outline>),
}

impl Asked {
    /// What that is to the release protocol.
    pub fn wish(&self) -> Wish {
        match self {
            Self::Draft(_) => Wish::Unmet,
            Self::Live(_) => Wish::Met,
            Self::Replaced(_) => Wish::Replaced,
            Self::NoImage(_) => Wish::NoImage,
            Self::Rejected(_) => Wish::Undeployable,
        }
    }
}

/// The image of the container that the release is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImageChange {
    /// The container.
    pub container: Text,
    /// The image that was live.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<Text>,
    /// The image of the new revision.
    pub after: Text,
    /// The tag that was pushed or resolved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tag: Option<Text>,
}

/// What a release would change, and what the checks found: what is recorded and reported of a draft, whether it is
/// registered or rejected.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Outline {
    /// The task definition that it stands on: the desired one of the service.
    pub base: String,
    /// What serves now.
    pub previous: String,
    /// The SHA-256 of the document that is registered, by content; `None` of what is rejected.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<Digest>,
    /// The container's image, before and after.
    pub image: Option<ImageChange>,
    /// Where the document differs from the live one.
    pub changes: Vec<Text>,
    /// What the checks found.
    pub findings: Vec<Finding>,
}

/// Where the revisions of a release log.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ExpectedLogs {
    /// What logs to look for.
    pub new: Expectation,
    /// Where the live revision logs, to hold the new one's logs against its own.
    pub previous: Vec<S3Output>,
}

/// The next task definition. The document is not recorded with the release: it may hold what nobody should see.
#[derive(Clone, Debug, PartialEq)]
pub struct Draft {
    /// The document.
    pub definition: TaskDefinition,
    /// What it changes.
    pub outline: Outline,
    /// What logs to look for.
    pub logs: ExpectedLogs,
}
