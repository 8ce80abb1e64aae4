//! What S3 answers instead of what was asked: error codes, their status and text. A refusal never carries an object's
//! content.
//!
//! Codes, statuses and texts are those of the S3 API reference, "Error responses".

use thiserror::Error;

use super::xml;
use crate::wire::Reply;

/// One of S3's errors, or its `304 Not Modified`.
#[derive(Debug, Error, PartialEq, Eq)]
pub(super) enum Refusal {
    /// The bucket is of another account than the one that has to own it.
    #[error("Access Denied")]
    AccessDenied,
    #[error("The specified bucket does not exist")]
    NoSuchBucket,
    #[error("The specified key does not exist.")]
    NoSuchKey {
        /// The version of the delete marker that hides the key.
        marker: Option<String>,
    },
    #[error("The specified version does not exist.")]
    NoSuchVersion,
    #[error("At least one of the pre-conditions you specified did not hold: {condition}")]
    PreconditionFailed { condition: &'static str },
    #[error("not modified")]
    NotModified { etag: String },
    #[error("{0}")]
    InvalidArgument(&'static str),
    #[error("The specified method is not allowed against this resource.")]
    MethodNotAllowed {
        /// The delete marker that was asked for by its version.
        marker: Option<String>,
    },
    #[error("The requested range is not satisfiable")]
    InvalidRange { length: usize },
    #[error("A header or query you provided implies functionality that is not implemented: {0}")]
    NotImplemented(String),
    #[error("Your previous request to create the named bucket succeeded and you already own it.")]
    BucketAlreadyOwnedByYou,
    #[error("The specified bucket is not valid.")]
    InvalidBucketName,
    #[error("Your key is too long")]
    KeyTooLong,
    #[error("Your metadata headers exceed the maximum allowed metadata size")]
    MetadataTooLarge,
}

impl Refusal {
    /// The answer on the wire. `resource` is the path that was asked for, `id` the request's id.
    pub(super) fn reply(&self, resource: &str, id: &str) -> Reply {
        let (status, code) = self.code();
        let mut headers = Vec::new();
        match self {
            Self::NotModified { etag } => {
                return Reply { status, headers: vec![("etag", etag.clone())], body: Vec::new() };
            }
            Self::NoSuchKey { marker: Some(version) } | Self::MethodNotAllowed { marker: Some(version) } => {
                headers.push(("x-amz-delete-marker", "true".to_owned()));
                headers.push(("x-amz-version-id", version.clone()));
            }
            Self::InvalidRange { length } => headers.push(("content-range", format!("bytes */{length}"))),
            _ => {}
        }
        headers.push(("content-type", "application/xml".to_owned()));
        let inner = [
            xml::text("Code", code),
            xml::text("Message", &self.to_string()),
            xml::text("Resource", resource),
            xml::text("RequestId", id),
        ];
        Reply { status, headers, body: xml::error_document(&inner.concat()).into_bytes() }
    }

    fn code(&self) -> (u16, &'static str) {
        match self {
            Self::AccessDenied => (403, "AccessDenied"),
            Self::NoSuchBucket => (404, "NoSuchBucket"),
            Self::NoSuchKey { .. } => (404, "NoSuchKey"),
            Self::NoSuchVersion => (404, "NoSuchVersion"),
            Self::PreconditionFailed { .. } => (412, "PreconditionFailed"),
            Self::NotModified { .. } => (304, "NotModified"),
            Self::InvalidArgument(_) => (400, "InvalidArgument"),
            Self::MethodNotAllowed { .. } => (405, "MethodNotAllowed"),
            Self::InvalidRange { .. } => (416, "InvalidRange"),
            Self::NotImplemented(_) => (501, "NotImplemented"),
            Self::BucketAlreadyOwnedByYou => (409, "BucketAlreadyOwnedByYou"),
            Self::InvalidBucketName => (400, "InvalidBucketName"),
            Self::KeyTooLong => (400, "KeyTooLongError"),
            Self::MetadataTooLarge => (400, "MetadataTooLarge"),
        }
    }
}
