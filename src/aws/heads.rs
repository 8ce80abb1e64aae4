//! Heads in the state bucket: read as what a release can have written, swapped by comparison. A head that none can have
//! written is an error that names the version to go back to.

use aws_sdk_s3::operation::get_object::GetObjectOutput;
use aws_sdk_s3::primitives::ByteStream;

use super::s3::read_bounded;
use super::{Aws, Failure, FailureKind, failure};
use crate::config::ServiceArn;
use crate::head::plausible::{Implausible, Reader};
use crate::head::{self, Head, MAX_HEAD};
use crate::plan::Request;

/// The action that reads a head.
const GET: &str = "s3:GetObject";

/// The versions of an implausible head among which the last plausible one is looked for.
const MAX_VERSIONS: i32 = 20;

/// A head and the version of it that was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VersionedHead {
    /// What it says.
    pub head: Head,
    /// Its entity tag.
    pub etag: String,
}

impl Aws {
    /// The head of a request's service, for the execution that carries the request; `None` before the first release.
    pub async fn head(&self, request: &Request, execution: &str) -> Result<Option<VersionedHead>, Failure> {
        let (bucket, key) = (&request.state_bucket, head::key(&request.service.arn));
        let resource = format!("arn:aws:s3:::{bucket}/{key}");
        let get = self.get(&self.home_region(), bucket, &key);
        let answer = match get.send().await.map_err(failure(GET, &resource)) {
            Ok(answer) => answer,
            Err(missing) if missing.kind == FailureKind::NotFound && !missing.message.starts_with("NoSuchBucket") => {
                return Ok(None);
            }
            Err(failure) => return Err(failure),
        };
        let reader = Reader { service: &request.service.arn, execution, now: self.clock().now() };
        let etag = answer.e_tag.clone().unwrap_or_default();
        match read(reader, &resource, answer).await? {
            Ok(head) => Ok(Some(VersionedHead { head, etag })),
            Err(implausible) => {
                let version = Box::pin(self.last_plausible(reader, bucket, &key)).await;
                Err(Failure::new(GET, &resource, FailureKind::Rejected, refusal(&implausible, version.as_deref())))
            }
        }
    }

    /// The newest version of a head that a release can have written; `None` also where it cannot be looked for.
    async fn last_plausible(&self, reader: Reader<'_>, bucket: &str, key: &str) -> Option<String> {
        let region = self.home_region();
        let list = self.s3(&region).list_object_versions().bucket(bucket).prefix(key).max_keys(MAX_VERSIONS);
        let listed = list.set_expected_bucket_owner(self.owner_of(bucket)).send().await.ok()?;
        let versions = listed.versions.unwrap_or_default().into_iter().filter(|version| version.key() == Some(key));
        for version in versions.filter_map(|version| version.version_id) {
            let answer = self.get(&region, bucket, key).version_id(&version).send().await.ok()?;
            if read(reader, key, answer).await.ok()?.is_ok() {
                return Some(version);
            }
        }
        None
    }

    /// Writes a head where it still is the version that was read (or absent); gives the new version, or `None` when
    /// somebody else was faster.
    pub async fn swap_head(
        &self,
        state_bucket: &str,
        service: &ServiceArn,
        held: Option<&str>,
        head: &Head,
    ) -> Result<Option<String>, Failure> {
        let key = head::key(service);
        let resource = format!("arn:aws:s3:::{state_bucket}/{key}");
        let body = serde_json::to_vec_pretty(head)
            .map_err(|error| Failure::new("s3:PutObject", &resource, FailureKind::Rejected, error.to_string()))?;
        let request = self.put(state_bucket, &key);
        let request = match held {
            Some(etag) => request.if_match(etag),
            None => request.if_none_match("*"),
        };
        let sent = request.content_type("application/json").body(ByteStream::from(body)).send().await;
        match sent.map_err(failure("s3:PutObject", &resource)) {
            Ok(answer) => Ok(Some(answer.e_tag.unwrap_or_default())),
            // With If-Match, a head that somebody removed is a 404: not the version that was read either.
            Err(lost)
                if matches!(lost.kind, FailureKind::Conflict | FailureKind::NotFound)
                    && !lost.message.starts_with("NoSuchBucket") =>
            {
                Ok(None)
            }
            Err(failure) => Err(failure),
        }
    }
}

async fn read(
    reader: Reader<'_>,
    resource: &str,
    answer: GetObjectOutput,
) -> Result<Result<Head, Implausible>, Failure> {
    let limit = i64::try_from(MAX_HEAD).unwrap_or(i64::MAX);
    if answer.content_length.is_some_and(|length| length > limit) {
        return Ok(Err(Implausible::TooLarge));
    }
    let body = read_bounded(answer.body, MAX_HEAD + 1).await;
    let body = body.map_err(|error| Failure::new(GET, resource, FailureKind::OutcomeUnknown, error.to_string()))?;
    Ok(reader.read(&body))
}

fn refusal(implausible: &Implausible, version: Option<&str>) -> String {
    let next = match version {
        Some(version) => format!("its last version that one can have written is {version}: copy that over it"),
        None => "no version that one can have written was found: remove it".to_owned(),
    };
    format!("no release can have written this head: {implausible}; {next}, and find out who writes below services/")
}
