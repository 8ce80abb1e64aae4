//! One versioned bucket: keys in UTF-8 binary order, each with its versions. It knows no HTTP.

use std::collections::BTreeMap;
use std::ops::Bound;

use jiff::Timestamp;
use md5::{Digest, Md5};

use super::refusal::Refusal;
use crate::api::ACCOUNT;

/// A stored object: what was sent and what describes it.
#[derive(Debug)]
pub(super) struct Object {
    /// The content.
    pub(super) body: Vec<u8>,
    /// The quoted entity tag.
    pub(super) etag: String,
    /// The headers that a read gives back: content type, content encoding, user metadata.
    pub(super) headers: Vec<(&'static str, String)>,
}

impl Object {
    /// An object with its entity tag: the MD5 of the content, as of any upload in one part that is not encrypted with a
    /// key of KMS (Amazon S3 API reference, `Object`).
    pub(super) fn new(body: Vec<u8>, headers: Vec<(&'static str, String)>) -> Self {
        let tag = u128::from_be_bytes(Md5::digest(&body).into());
        Self { body, etag: format!("\"{tag:032x}\""), headers }
    }
}

/// One version of a key.
#[derive(Debug)]
pub(super) struct Version {
    pub(super) id: String,
    pub(super) modified: Timestamp,
    /// The object, or nothing for a delete marker.
    pub(super) object: Option<Object>,
}

/// A bucket with versioning enabled.
#[derive(Debug)]
pub(super) struct Bucket {
    pub(super) created: Timestamp,
    /// The account that it belongs to.
    pub(super) owner: String,
    /// Oldest version first; a key has at least one.
    keys: BTreeMap<String, Vec<Version>>,
}

impl Bucket {
    /// An empty bucket of the sandbox's account.
    pub(super) fn new(created: Timestamp) -> Self {
        Self { created, owner: ACCOUNT.to_owned(), keys: BTreeMap::new() }
    }

    /// The current object of a key with its version, or what S3 says where there is none.
    pub(super) fn current(&self, key: &str) -> Result<(&Version, &Object), Refusal> {
        let version = self.keys.get(key).and_then(|versions| versions.last());
        let version = version.ok_or(Refusal::NoSuchKey { marker: None })?;
        match &version.object {
            Some(object) => Ok((version, object)),
            None => Err(Refusal::NoSuchKey { marker: Some(version.id.clone()) }),
        }
    }

    /// One version of a key. A delete marker cannot be read.
    pub(super) fn version(&self, key: &str, id: &str) -> Result<(&Version, &Object), Refusal> {
        if id.is_empty() {
            return Err(Refusal::InvalidArgument("Version id cannot be the empty string"));
        }
        let versions = self.keys.get(key).ok_or(Refusal::NoSuchVersion)?;
        let version = versions.iter().find(|version| version.id == id).ok_or(Refusal::NoSuchVersion)?;
        match &version.object {
            Some(object) => Ok((version, object)),
            None => Err(Refusal::MethodNotAllowed { marker: Some(version.id.clone()) }),
        }
    }

    /// Adds a version: an object, or a delete marker.
    pub(super) fn push(&mut self, key: &str, version: Version) {
        self.keys.entry(key.to_owned()).or_default().push(version);
    }

    /// Gives the newest version of a key another id.
    pub(super) fn name_newest(&mut self, key: &str, id: &str) {
        if let Some(version) = self.keys.get_mut(key).and_then(|versions| versions.last_mut()) {
            id.clone_into(&mut version.id);
        }
    }

    /// Removes one version for good and says whether it was a delete marker; an unknown version is nothing to S3.
    pub(super) fn remove(&mut self, key: &str, id: &str) -> Option<bool> {
        let versions = self.keys.get_mut(key)?;
        let position = versions.iter().position(|version| version.id == id)?;
        let removed = versions.remove(position);
        if versions.is_empty() {
            self.keys.remove(key);
        }
        Some(removed.object.is_none())
    }

    /// All versions from a key on, of each key the newest first, and whether it is that.
    pub(super) fn versions_from(&self, start: &str) -> impl Iterator<Item = (&str, &Version, bool)> {
        self.keys.range::<str, _>((Bound::Included(start), Bound::Unbounded)).flat_map(|(key, versions)| {
            let newest_first = versions.iter().rev().enumerate();
            newest_first.map(move |(age, version)| (key.as_str(), version, age == 0))
        })
    }

    /// The current objects from `start` on, in order; no key before it is touched.
    pub(super) fn objects_from(&self, start: Bound<&str>) -> impl Iterator<Item = (&str, &Version, &Object)> {
        self.keys.range::<str, _>((start, Bound::Unbounded)).filter_map(|(key, versions)| {
            let version = versions.last()?;
            Some((key.as_str(), version, version.object.as_ref()?))
        })
    }
}
