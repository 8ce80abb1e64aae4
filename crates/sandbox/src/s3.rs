//! The sandbox's S3: versioned buckets in memory, path-style, one request in and one reply out. What it does not serve
//! (multipart uploads, copies, tags, access control) it refuses as S3's `NotImplemented`; it never pretends.

mod bucket;
mod listing;
mod object_headers;
mod refusal;
mod xml;

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::ops::Bound;
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;

use self::bucket::{Bucket, Object, Version};
use self::object_headers::MetadataNames;
use self::refusal::Refusal;
use crate::clock::VirtualClock;
use crate::wire::{Reply, Request};

/// The bytes of a key, at most (S3 user guide, "Naming Amazon S3 objects").
const KEY_BYTES: usize = 1_024;

/// Query parameters that only say how a request was made: the SDKs' name of the operation.
const NEUTRAL: &str = "x-id";

/// The parameters of `ListObjectsV2`.
const LISTING: [&str; 8] =
    ["list-type", "prefix", "delimiter", "start-after", "continuation-token", "max-keys", "encoding-type", NEUTRAL];

/// The parameters of `ListObjectVersions` that are served: one page from the beginning.
const VERSIONS: [&str; 4] = ["versions", "prefix", "max-keys", NEUTRAL];

/// The account that has to own the bucket, or S3 refuses the request (S3 user guide, "Verifying bucket ownership with
/// bucket owner condition").
pub(crate) const EXPECTED_OWNER: &str = "x-amz-expected-bucket-owner";

/// What a request asks for.
#[derive(Clone, Copy, Debug)]
enum Call<'a> {
    ListBuckets,
    CreateBucket { bucket: &'a str },
    HeadBucket { bucket: &'a str },
    GetBucketLocation { bucket: &'a str },
    ListObjectsV2 { bucket: &'a str },
    ListObjectVersions { bucket: &'a str },
    GetObject { bucket: &'a str, key: &'a str },
    HeadObject { bucket: &'a str, key: &'a str },
    PutObject { bucket: &'a str, key: &'a str },
    DeleteObject { bucket: &'a str, key: &'a str },
}

impl<'a> Call<'a> {
    fn of(request: &'a Request) -> Result<Self, Refusal> {
        let path = request.path.strip_prefix('/').unwrap_or(&request.path);
        let (bucket, key) = path.split_once('/').unwrap_or((path, ""));
        let listing = request.query("list-type") == Some("2");
        let versions = request.query("versions").is_some();
        let located = request.query("location").is_some();
        let (call, parameters): (_, &[&str]) = match (request.method.as_str(), bucket, key) {
            ("GET", "", "") => (Self::ListBuckets, &["prefix", "max-buckets", "bucket-region", NEUTRAL]),
            ("GET", bucket, "") if located => (Self::GetBucketLocation { bucket }, &["location", NEUTRAL]),
            ("GET", bucket, "") if versions => (Self::ListObjectVersions { bucket }, &VERSIONS),
            ("GET", bucket, "") if listing => (Self::ListObjectsV2 { bucket }, &LISTING),
            ("PUT", bucket, "") if !bucket.is_empty() => (Self::CreateBucket { bucket }, &[NEUTRAL]),
            ("HEAD", bucket, "") if !bucket.is_empty() => (Self::HeadBucket { bucket }, &[NEUTRAL]),
            (_, _, "") | (_, "", _) => return Err(Refusal::NotImplemented(format!("{} on a bucket", request.method))),
            ("GET", bucket, key) => (Self::GetObject { bucket, key }, &["versionId", NEUTRAL]),
            ("HEAD", bucket, key) => (Self::HeadObject { bucket, key }, &["versionId", NEUTRAL]),
            ("PUT", bucket, key) => (Self::PutObject { bucket, key }, &[NEUTRAL]),
            ("DELETE", bucket, key) => (Self::DeleteObject { bucket, key }, &["versionId", NEUTRAL]),
            (method, _, _) => return Err(Refusal::NotImplemented(format!("{method} on an object"))),
        };
        let presigned = |name: &str| name.starts_with("X-Amz-");
        match request.query.iter().find(|(name, _)| !parameters.contains(&name.as_str()) && !presigned(name)) {
            Some((name, _)) => Err(Refusal::NotImplemented(name.clone())),
            None => Ok(call),
        }
    }

    /// The bucket that it is about; one that is only now made has no owner yet.
    fn bucket(self) -> Option<&'a str> {
        match self {
            Self::ListBuckets | Self::CreateBucket { .. } => None,
            Self::HeadBucket { bucket }
            | Self::GetBucketLocation { bucket }
            | Self::ListObjectsV2 { bucket }
            | Self::ListObjectVersions { bucket }
            | Self::GetObject { bucket, .. }
            | Self::HeadObject { bucket, .. }
            | Self::PutObject { bucket, .. }
            | Self::DeleteObject { bucket, .. } => Some(bucket),
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::ListBuckets => "ListBuckets",
            Self::CreateBucket { .. } => "CreateBucket",
            Self::HeadBucket { .. } => "HeadBucket",
            Self::GetBucketLocation { .. } => "GetBucketLocation",
            Self::ListObjectsV2 { .. } => "ListObjectsV2",
            Self::ListObjectVersions { .. } => "ListObjectVersions",
            Self::GetObject { .. } => "GetObject",
            Self::HeadObject { .. } => "HeadObject",
            Self::PutObject { .. } => "PutObject",
            Self::DeleteObject { .. } => "DeleteObject",
        }
    }
}

/// All buckets of the sandbox.
#[derive(Debug)]
pub(crate) struct Buckets {
    clock: VirtualClock,
    store: Mutex<Store>,
}

impl Buckets {
    /// No bucket yet. Times of objects are the clock's.
    pub(crate) fn new(clock: VirtualClock) -> Self {
        Self { clock, store: Mutex::default() }
    }

    /// Answers one request. The reply to a `HEAD` carries the body whose length its caller is to send without it.
    pub(crate) fn handle(&self, request: &Request) -> Reply {
        let mut store = self.lock();
        let id = store.next_serial();
        let answer = Call::of(request).and_then(|call| store.answer(call, request, self.clock.now()));
        let mut reply = answer.unwrap_or_else(|refusal| refusal.reply(&request.path, &id));
        reply.headers.push(("x-amz-request-id", id));
        reply
    }

    /// The operation that a request asks for, and its `bucket/key`. What is not served is called `NotImplemented`.
    pub(crate) fn operation(request: &Request) -> (&'static str, String) {
        let name = Call::of(request).map_or("NotImplemented", Call::name);
        (name, request.path.trim_start_matches('/').to_owned())
    }

    /// Makes a bucket; one that is there already stays as it is.
    pub(crate) fn create(&self, bucket: &str) {
        let now = self.clock.now();
        self.lock().buckets.entry(bucket.to_owned()).or_insert_with(|| Bucket::new(now));
    }

    /// Makes a bucket, if there is none, and gives it to an account.
    pub(crate) fn give(&self, bucket: &str, account: &str) {
        let now = self.clock.now();
        let mut store = self.lock();
        let bucket = store.buckets.entry(bucket.to_owned()).or_insert_with(|| Bucket::new(now));
        account.clone_into(&mut bucket.owner);
    }

    /// The account that a bucket belongs to.
    pub(crate) fn owner(&self, bucket: &str) -> Option<String> {
        self.lock().buckets.get(bucket).map(|bucket| bucket.owner.clone())
    }

    /// Writes an object as any client would. Says `false` where the bucket does not exist: then nothing is written.
    pub(crate) fn put(&self, bucket: &str, key: &str, body: Vec<u8>, content_encoding: Option<&str>) -> bool {
        let mut headers = vec![("content-type", "binary/octet-stream".to_owned())];
        headers.extend(content_encoding.map(|coding| ("content-encoding", coding.to_owned())));
        let mut store = self.lock();
        let id = store.next_version();
        let version = Version { id, modified: self.clock.now(), object: Some(Object::new(body, headers)) };
        let bucket = store.buckets.get_mut(bucket);
        bucket.map(|bucket| bucket.push(key, version)).is_some()
    }

    /// Gives the newest version of a key the id that an event names.
    pub(crate) fn name_version(&self, bucket: &str, key: &str, id: &str) {
        if let Some(bucket) = self.lock().buckets.get_mut(bucket) {
            bucket.name_newest(key, id);
        }
    }

    /// The content of a key's current object.
    pub(crate) fn get(&self, bucket: &str, key: &str) -> Option<Vec<u8>> {
        let store = self.lock();
        store.buckets.get(bucket)?.current(key).ok().map(|(_, object)| object.body.clone())
    }

    /// The keys of a bucket that have a current object, in UTF-8 binary order.
    pub(crate) fn keys(&self, bucket: &str) -> Vec<String> {
        let store = self.lock();
        let Some(bucket) = store.buckets.get(bucket) else { return Vec::new() };
        bucket.objects_from(Bound::Unbounded).map(|(key, ..)| key.to_owned()).collect()
    }

    fn lock(&self) -> MutexGuard<'_, Store> {
        self.store.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[derive(Debug, Default)]
struct Store {
    buckets: BTreeMap<String, Bucket>,
    names: MetadataNames,
    /// Counts requests and versions: ids must be unique, and the same run must give the same ids.
    serial: u64,
}

impl Store {
    fn next_serial(&mut self) -> String {
        self.serial += 1;
        format!("{:016X}", self.serial)
    }

    fn next_version(&mut self) -> String {
        self.serial += 1;
        format!("v{:031x}", self.serial)
    }

    fn bucket(&self, name: &str) -> Result<&Bucket, Refusal> {
        self.buckets.get(name).ok_or(Refusal::NoSuchBucket)
    }

    fn answer(&mut self, call: Call<'_>, request: &Request, now: Timestamp) -> Result<Reply, Refusal> {
        let owner = call.bucket().and_then(|bucket| self.buckets.get(bucket)).map(|bucket| bucket.owner.as_str());
        if request.header(EXPECTED_OWNER).zip(owner).is_some_and(|(expected, owner)| expected != owner) {
            return Err(Refusal::AccessDenied);
        }
        match call {
            Call::ListBuckets => Ok(xml_reply(self.list_buckets(request.query("prefix").unwrap_or_default()))),
            Call::CreateBucket { bucket } => self.create_bucket(bucket, now),
            Call::HeadBucket { bucket } => {
                self.bucket(bucket)?;
                Ok(reply(200, vec![("x-amz-bucket-region", signed_region(request).to_owned())], Vec::new()))
            }
            Call::GetBucketLocation { bucket } => {
                self.bucket(bucket)?;
                // The API names every region but the oldest one.
                let region = Some(signed_region(request)).filter(|region| *region != "us-east-1").unwrap_or_default();
                Ok(xml_reply(xml::document("LocationConstraint", region)))
            }
            Call::ListObjectsV2 { bucket } => listing::list(bucket, self.bucket(bucket)?, request).map(xml_reply),
            Call::ListObjectVersions { bucket } => {
                listing::list_versions(bucket, self.bucket(bucket)?, request).map(xml_reply)
            }
            Call::GetObject { bucket, key } | Call::HeadObject { bucket, key } => self.read(bucket, key, request),
            Call::PutObject { bucket, key } => self.write(bucket, key, request, now),
            Call::DeleteObject { bucket, key } => self.delete(bucket, key, request, now),
        }
    }

    fn list_buckets(&self, prefix: &str) -> String {
        let buckets = self.buckets.iter().filter(|(name, _)| name.starts_with(prefix)).map(|(name, bucket)| {
            let created = bucket.created.strftime("%Y-%m-%dT%H:%M:%S.000Z").to_string();
            xml::element("Bucket", &[xml::text("Name", name), xml::text("CreationDate", &created)].concat())
        });
        let inner =
            [xml::element("Owner", &xml::text("ID", "0")), xml::element("Buckets", &buckets.collect::<String>())];
        xml::document("ListAllMyBucketsResult", &inner.concat())
    }

    fn create_bucket(&mut self, name: &str, now: Timestamp) -> Result<Reply, Refusal> {
        if !is_bucket_name(name) {
            return Err(Refusal::InvalidBucketName);
        }
        match self.buckets.entry(name.to_owned()) {
            Entry::Occupied(_) => Err(Refusal::BucketAlreadyOwnedByYou),
            Entry::Vacant(vacant) => {
                vacant.insert(Bucket::new(now));
                Ok(reply(200, vec![("location", format!("/{name}"))], Vec::new()))
            }
        }
    }

    fn read(&self, bucket: &str, key: &str, request: &Request) -> Result<Reply, Refusal> {
        let bucket = self.bucket(bucket)?;
        let (version, object) = match request.query("versionId") {
            Some(id) => bucket.version(key, id)?,
            None => bucket.current(key)?,
        };
        object_headers::check_read(request, object)?;
        let length = object.body.len();
        let range = object_headers::range(request, length)?;
        let mut headers = object.headers.clone();
        headers.push(("etag", object.etag.clone()));
        headers.push(("last-modified", version.modified.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()));
        headers.push(("x-amz-version-id", version.id.clone()));
        headers.push(("accept-ranges", "bytes".to_owned()));
        let Some(range) = range else { return Ok(reply(200, headers, object.body.clone())) };
        headers.push(("content-range", format!("bytes {}-{}/{length}", range.start, range.end - 1)));
        Ok(reply(206, headers, object.body.get(range).unwrap_or_default().to_vec()))
    }

    fn write(&mut self, name: &str, key: &str, request: &Request, now: Timestamp) -> Result<Reply, Refusal> {
        if key.len() > KEY_BYTES {
            return Err(Refusal::KeyTooLong);
        }
        object_headers::check_write(request, self.bucket(name)?.current(key).map(|(_, object)| object))?;
        let object = Object::new(request.body.clone(), object_headers::stored(request, &mut self.names)?);
        let id = self.next_version();
        let headers = vec![("etag", object.etag.clone()), ("x-amz-version-id", id.clone())];
        let bucket = self.buckets.get_mut(name).ok_or(Refusal::NoSuchBucket)?;
        bucket.push(key, Version { id, modified: now, object: Some(object) });
        Ok(reply(200, headers, Vec::new()))
    }

    /// Without a version this adds a delete marker, whether or not the key exists; with one it removes that version.
    fn delete(&mut self, name: &str, key: &str, request: &Request, now: Timestamp) -> Result<Reply, Refusal> {
        let current = self.bucket(name)?.current(key).map(|(_, object)| object);
        object_headers::check_write(request, current)?;
        let fresh = self.next_version();
        let bucket = self.buckets.get_mut(name).ok_or(Refusal::NoSuchBucket)?;
        let (id, marker) = match request.query("versionId") {
            Some("") => return Err(Refusal::InvalidArgument("Version id cannot be the empty string")),
            Some(id) => (id.to_owned(), bucket.remove(key, id).unwrap_or(false)),
            None => {
                bucket.push(key, Version { id: fresh.clone(), modified: now, object: None });
                (fresh, true)
            }
        };
        let mut headers = vec![("x-amz-version-id", id)];
        if marker {
            headers.push(("x-amz-delete-marker", "true".to_owned()));
        }
        Ok(reply(204, headers, Vec::new()))
    }
}

fn reply(status: u16, headers: Vec<(&'static str, String)>, body: Vec<u8>) -> Reply {
    Reply { status, headers, body }
}

fn xml_reply(document: String) -> Reply {
    reply(200, vec![("content-type", "application/xml".to_owned())], document.into_bytes())
}

/// A bucket is in the region that its caller signs for: the sandbox is in all of them.
pub(crate) fn signed_region(request: &Request) -> &str {
    let scope = request.header("authorization").and_then(|text| text.split_once("Credential=")).map(|(_, rest)| rest);
    let region = scope.and_then(|scope| scope.split('/').nth(2)).unwrap_or_default();
    let named = !region.is_empty() && region.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    if named { region } else { "us-east-1" }
}

/// The form that S3 asks of a bucket's name (S3 user guide, "General purpose bucket naming rules").
fn is_bucket_name(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    (3..=63).contains(&name.len())
        && name.bytes().all(|byte| plain(byte) || byte == b'-' || byte == b'.')
        && name.bytes().next().is_some_and(plain)
        && name.bytes().last().is_some_and(plain)
        && !name.contains("..")
}

#[cfg(test)]
mod tests;
