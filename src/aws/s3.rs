//! S3 in our own types: uploads, reports, log objects. Whatever is read is bounded.

use aws_sdk_s3::operation::get_object::builders::GetObjectFluentBuilder;
use aws_sdk_s3::operation::put_object::builders::PutObjectFluentBuilder;
use aws_sdk_s3::primitives::ByteStream;
use jiff::Timestamp;

use super::{Aws, Failure, FailureKind, failure};
use crate::head::Outcome;
use crate::plan::{Request, Uploaded};
use crate::report::ReleaseReport;
use crate::task_definition::{MAX_TEXT, TaskDefinition, Unreadable};
use crate::trigger::Upload;

/// The largest report that is read back, in bytes.
const MAX_REPORT: usize = 4 * 1024 * 1024;

/// An object in a listing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// The key.
    pub key: String,
    /// The entity tag.
    pub etag: String,
    /// When it was written.
    pub modified: Option<Timestamp>,
    /// Its size in bytes, as it is stored.
    pub size: u64,
}

/// An object that was asked for: its bytes as they come.
#[derive(Debug)]
pub struct OpenObject {
    body: ByteStream,
    /// Its `ETag`.
    pub(crate) etag: String,
    resource: String,
}

impl OpenObject {
    /// Hands the bytes over as they come, until `take` has had enough.
    pub async fn read(mut self, mut take: impl FnMut(&[u8]) -> bool) -> Result<(), Failure> {
        let resource = self.resource;
        let broken = |error: aws_sdk_s3::primitives::ByteStreamError| {
            Failure::new("s3:GetObject", &resource, FailureKind::OutcomeUnknown, error.to_string())
        };
        while let Some(chunk) = self.body.try_next().await.map_err(broken)? {
            if !take(&chunk) {
                break;
            }
            // Decoding is work: the releases beside this one get their turn.
            tokio::task::yield_now().await;
        }
        Ok(())
    }
}

impl Aws {
    pub(super) fn home_region(&self) -> String {
        self.config().region().map(ToString::to_string).unwrap_or_default()
    }

    /// A request for an object, in a bucket of the account that has to own it.
    pub(super) fn get(&self, region: &str, bucket: &str, key: &str) -> GetObjectFluentBuilder {
        let request = self.s3(region).get_object().bucket(bucket).key(key);
        request.set_expected_bucket_owner(self.owner_of(bucket))
    }

    /// A request to write an object into the state bucket, which the same account has to own.
    pub(super) fn put(&self, state_bucket: &str, key: &str) -> PutObjectFluentBuilder {
        let request = self.s3(&self.home_region()).put_object().bucket(state_bucket).key(key);
        request.set_expected_bucket_owner(self.owner_of(state_bucket))
    }

    /// The uploaded document, in the version that the event names. Where to look is not the event's business.
    pub async fn uploaded(&self, region: &str, bucket: &str, upload: &Upload) -> Result<Uploaded, Failure> {
        let action = if upload.version.is_some() { "s3:GetObjectVersion" } else { "s3:GetObject" };
        let resource = format!("arn:aws:s3:::{bucket}/{}", upload.key);
        let request = self.get(region, bucket, &upload.key);
        // Without versions, the entity tag keeps a later upload from being read in the name of this event.
        let request = match (&upload.version, &upload.etag) {
            (Some(version), _) => request.version_id(version),
            (None, Some(etag)) => request.if_match(format!("\"{}\"", etag.trim_matches('"'))),
            (None, None) => request,
        };
        let answer = match request.send().await.map_err(failure(action, &resource)) {
            Ok(answer) => answer,
            Err(gone) if gone.kind == FailureKind::NotFound && !gone.message.starts_with("NoSuchBucket") => {
                return Ok(Uploaded::Gone);
            }
            Err(replaced) if replaced.kind == FailureKind::Conflict => return Ok(Uploaded::Replaced),
            Err(failure) => return Err(failure),
        };
        let size = usize::try_from(answer.content_length.unwrap_or(0)).unwrap_or(0);
        if size > MAX_TEXT {
            return Ok(Uploaded::Unreadable(Unreadable::TooLong));
        }
        let body = read_bounded(answer.body, MAX_TEXT + 1).await;
        let body =
            body.map_err(|error| Failure::new(action, &resource, FailureKind::OutcomeUnknown, error.to_string()))?;
        Ok(TaskDefinition::parse(&body).map_or_else(Uploaded::Unreadable, Uploaded::Document))
    }

    /// Writes a release's report: over whatever lies there where the release owned its service, else only where nothing
    /// lies.
    pub async fn put_report(&self, request: &Request, report: &ReleaseReport, was_owner: bool) -> Result<(), Failure> {
        let key = report.key();
        let resource = format!("arn:aws:s3:::{}/{key}", request.state_bucket);
        let body = serde_json::to_vec_pretty(report)
            .map_err(|error| Failure::new("s3:PutObject", &resource, FailureKind::Rejected, error.to_string()))?;
        let put = self.put(&request.state_bucket, &key);
        let put = if was_owner { put } else { put.if_none_match("*") };
        let sent = put.content_type("application/json").body(ByteStream::from(body)).send().await;
        match sent.map_err(failure("s3:PutObject", &resource)) {
            Err(there) if there.kind == FailureKind::Conflict && there.message.starts_with("PreconditionFailed") => {
                Ok(())
            }
            Err(race) if race.kind == FailureKind::Conflict => {
                Err(Failure { kind: FailureKind::OutcomeUnknown, ..race })
            }
            sent => sent.map(|_| ()),
        }
    }

    /// The outcome in the report that lies where this one is to lie; `None` where there is none, or nothing that can be
    /// read as one.
    pub async fn stored_outcome(&self, request: &Request, report: &ReleaseReport) -> Result<Option<Outcome>, Failure> {
        let (region, key) = (self.home_region(), report.key());
        let Some(object) = self.open_object(&region, &request.state_bucket, &key).await? else { return Ok(None) };
        let mut body = Vec::new();
        let take = |chunk: &[u8]| {
            body.extend_from_slice(chunk);
            body.len() <= MAX_REPORT
        };
        object.read(take).await?;
        let stored: Option<ReleaseReport> = serde_json::from_slice(&body).ok();
        Ok(stored.map(|stored| stored.outcome))
    }

    /// The keys under a prefix, behind one where it is given: one page, and whether others follow.
    pub async fn list(
        &self,
        region: &str,
        bucket: &str,
        prefix: &str,
        start_after: Option<&str>,
        max_keys: i32,
    ) -> Result<(Vec<Listed>, bool), Failure> {
        let resource = format!("arn:aws:s3:::{bucket}");
        let request = self.s3(region).list_objects_v2().bucket(bucket).prefix(prefix).max_keys(max_keys);
        let request = request.set_expected_bucket_owner(self.owner_of(bucket));
        let request = request.set_start_after(start_after.map(str::to_owned));
        let answer = request.send().await.map_err(failure("s3:ListBucket", &resource))?;
        let is_truncated = answer.is_truncated.unwrap_or_default();
        let listed = answer.contents.unwrap_or_default().into_iter();
        let listed = listed.filter_map(|object| {
            let modified = object.last_modified.and_then(|at| Timestamp::from_second(at.secs()).ok());
            let size = object.size.and_then(|size| u64::try_from(size).ok()).unwrap_or_default();
            Some(Listed { key: object.key?, etag: object.e_tag.unwrap_or_default(), modified, size })
        });
        Ok((listed.collect(), is_truncated))
    }

    /// Asks for an object; `None` when it is gone.
    pub async fn open_object(&self, region: &str, bucket: &str, key: &str) -> Result<Option<OpenObject>, Failure> {
        let resource = format!("arn:aws:s3:::{bucket}/{key}");
        match self.get(region, bucket, key).send().await.map_err(failure("s3:GetObject", &resource)) {
            Ok(answer) => {
                let etag = answer.e_tag.unwrap_or_default();
                Ok(Some(OpenObject { body: answer.body, etag, resource }))
            }
            Err(gone) if gone.kind == FailureKind::NotFound => Ok(None),
            Err(failure) => Err(failure),
        }
    }

    /// A text that lies in S3, such as the configuration; `s3://bucket/key`.
    pub async fn text_at(&self, url: &str, limit: usize) -> Result<String, Failure> {
        let refused = |message: &str| Failure::new("s3:GetObject", url, FailureKind::Rejected, message);
        let (bucket, key) = url
            .strip_prefix("s3://")
            .and_then(|rest| rest.split_once('/'))
            .ok_or_else(|| refused("write s3://bucket/key"))?;
        if self.owner_of(bucket).is_none() {
            return Err(refused("DEPLOYER_CONFIG_OWNER has to name the account that owns the bucket"));
        }
        let (region, mut body) = (self.home_region(), Vec::new());
        let take = |chunk: &[u8]| {
            body.extend_from_slice(chunk);
            body.len() <= limit
        };
        let Some(object) = self.open_object(&region, bucket, key).await? else {
            return Err(Failure::new("s3:GetObject", url, FailureKind::NotFound, "there is no such object"));
        };
        object.read(take).await?;
        String::from_utf8(body).map_err(|_| refused("the object is not UTF-8 text"))
    }
}

/// Reads a body to its end or to the limit, whichever comes first.
pub(super) async fn read_bounded(
    mut body: ByteStream,
    limit: usize,
) -> Result<Vec<u8>, Box<dyn std::error::Error + Send + Sync>> {
    let mut read = Vec::new();
    while let Some(chunk) = body.try_next().await? {
        let room = limit.saturating_sub(read.len());
        read.extend_from_slice(chunk.get(..room).unwrap_or(&chunk));
        if read.len() >= limit {
            break;
        }
    }
    Ok(read)
}
