//! An S3 in memory: objects with versions, conditional writes, listings. Path style only; what is not here answers `NotImplemented`.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use sha2::{Digest as _, Sha256};

use super::clock::VirtualClock;
use super::wire::{Reply, Request};

/// Keys on one page of a listing (Amazon S3 API reference, `ListObjectsV2`).
const MAX_KEYS: usize = 1_000;

/// The buckets of a sandbox.
#[derive(Debug)]
pub(super) struct Buckets {
    clock: VirtualClock,
    buckets: Mutex<BTreeMap<String, BTreeMap<String, Vec<Version>>>>,
}

/// One version of an object; versions are kept oldest first.
#[derive(Clone, Debug)]
struct Version {
    id: String,
    etag: String,
    body: Vec<u8>,
    content_type: Option<String>,
    content_encoding: Option<String>,
    modified: Timestamp,
    is_delete_marker: bool,
}

/// A refusal: status and S3's error code.
type Refusal = (u16, &'static str);

const NO_SUCH_KEY: Refusal = (404, "NoSuchKey");

impl Buckets {
    pub(super) fn new(clock: VirtualClock) -> Self {
        Self { clock, buckets: Mutex::default() }
    }

    pub(super) fn create(&self, bucket: &str) {
        self.lock().entry(bucket.to_owned()).or_default();
    }

    /// Stores an object, in a bucket that is made by the way.
    pub(super) fn put(&self, bucket: &str, key: &str, body: Vec<u8>, content_encoding: Option<&str>) {
        let version = self.version(body, None, content_encoding.map(str::to_owned));
        self.lock().entry(bucket.to_owned()).or_default().entry(key.to_owned()).or_default().push(version);
    }

    /// Names the newest version of an object, for events that name theirs.
    pub(super) fn name_version(&self, bucket: &str, key: &str, id: &str) {
        if let Some(version) = self.lock().get_mut(bucket).and_then(|keys| keys.get_mut(key)?.last_mut()) {
            id.clone_into(&mut version.id);
        }
    }

    pub(super) fn get(&self, bucket: &str, key: &str) -> Option<Vec<u8>> {
        self.lock()
            .get(bucket)?
            .get(key)?
            .last()
            .filter(|version| !version.is_delete_marker)
            .map(|version| version.body.clone())
    }

    pub(super) fn keys(&self, bucket: &str) -> Vec<String> {
        let buckets = self.lock();
        let keys = buckets.get(bucket).into_iter().flatten();
        keys.filter(|(_, versions)| is_there(versions)).map(|(key, _)| key.clone()).collect()
    }

    /// The operation's name and what it is about.
    pub(super) fn operation(request: &Request) -> (&'static str, String) {
        let (bucket, key) = split(&request.path);
        let operation = match (request.method.as_str(), bucket, key) {
            ("GET", "", _) => "ListBuckets",
            ("GET", _, "") if request.query("location").is_some() => "GetBucketLocation",
            ("GET", _, "") => "ListObjectsV2",
            ("GET", ..) => "GetObject",
            ("HEAD", _, "") => "HeadBucket",
            ("HEAD", ..) => "HeadObject",
            ("PUT", _, "") => "CreateBucket",
            ("PUT", ..) => "PutObject",
            ("DELETE", ..) => "DeleteObject",
            _ => "Unknown",
        };
        let resource = match operation {
            "ListObjectsV2" => format!("{bucket}/{}", request.query("prefix").unwrap_or_default()),
            _ => request.path.trim_start_matches('/').to_owned(),
        };
        (operation, resource)
    }

    pub(super) fn handle(&self, request: &Request) -> Reply {
        let (bucket, key) = split(&request.path);
        let answer = match Self::operation(request).0 {
            "ListBuckets" => Ok(self.list_buckets()),
            "CreateBucket" => {
                self.create(bucket);
                Ok(empty(200))
            }
            "GetBucketLocation" => {
                self.exists(bucket).map(|()| xml("<LocationConstraint>ap-northeast-1</LocationConstraint>"))
            }
            "HeadBucket" => self.exists(bucket).map(|()| empty(200)),
            "ListObjectsV2" => self.list(bucket, request),
            "GetObject" => self.get_object(bucket, key, request),
            "HeadObject" => self.get_object(bucket, key, request).map(|reply| Reply { body: Vec::new(), ..reply }),
            "PutObject" => self.put_object(bucket, key, request),
            "DeleteObject" => self.delete_object(bucket, key),
            _ => Err((501, "NotImplemented")),
        };
        let mut reply = answer.unwrap_or_else(|(status, code)| error(status, code, &request.path));
        reply.headers.push(("x-amz-request-id", "SANDBOX000000000".to_owned()));
        reply
    }

    fn exists(&self, bucket: &str) -> Result<(), Refusal> {
        self.lock().contains_key(bucket).then_some(()).ok_or((404, "NoSuchBucket"))
    }

    fn list_buckets(&self) -> Reply {
        let buckets = self.lock();
        let date = iso(self.clock.now());
        let names = buckets
            .keys()
            .map(|name| format!("<Bucket><Name>{}</Name><CreationDate>{date}</CreationDate></Bucket>", escape(name)));
        xml(&format!(
            "<ListAllMyBucketsResult><Buckets>{}</Buckets></ListAllMyBucketsResult>",
            names.collect::<String>()
        ))
    }

    /// A page of keys in binary order. Only the keys under the prefix are walked, however many others there are.
    fn list(&self, bucket: &str, request: &Request) -> Result<Reply, Refusal> {
        let buckets = self.lock();
        let keys = buckets.get(bucket).ok_or((404, "NoSuchBucket"))?;
        let prefix = request.query("prefix").unwrap_or_default();
        let limit = request.query("max-keys").and_then(|text| text.parse().ok()).unwrap_or(MAX_KEYS).min(MAX_KEYS);
        let after = request.query("continuation-token").or_else(|| request.query("start-after")).unwrap_or_default();
        let from = if after >= prefix && !after.is_empty() {
            Bound::Excluded(after.to_owned())
        } else {
            Bound::Included(prefix.to_owned())
        };
        let delimiter = request.query("delimiter").filter(|delimiter| !delimiter.is_empty());
        let (mut contents, mut folders, mut last, mut is_truncated) =
            (String::new(), Vec::<String>::new(), String::new(), false);
        let mut count = 0;
        let under = keys.range::<String, _>((from, Bound::Unbounded)).take_while(|(key, _)| key.starts_with(prefix));
        for (key, versions) in under.filter(|(_, versions)| is_there(versions)) {
            let rest = key.get(prefix.len()..).unwrap_or_default();
            let folder = delimiter
                .and_then(|delimiter| rest.split_once(delimiter).map(|(name, _)| format!("{prefix}{name}{delimiter}")));
            if folder.as_ref().is_some_and(|folder| folders.last() == Some(folder)) {
                last.clone_from(key);
                continue;
            }
            if count == limit {
                is_truncated = true;
                break;
            }
            count += 1;
            last.clone_from(key);
            match (folder, versions.last()) {
                (Some(folder), _) => folders.push(folder),
                (None, Some(version)) => contents.push_str(&entry(key, version)),
                (None, None) => {}
            }
        }
        let common = |folder: &String| format!("<CommonPrefixes><Prefix>{}</Prefix></CommonPrefixes>", escape(folder));
        let folders = folders.iter().map(common).collect::<Vec<_>>().concat();
        let next = if is_truncated {
            format!("<NextContinuationToken>{}</NextContinuationToken>", escape(&last))
        } else {
            String::new()
        };
        let (bucket, prefix) = (escape(bucket), escape(prefix));
        Ok(xml(&format!(
            "<ListBucketResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Name>{bucket}</Name><Prefix>{prefix}</Prefix>\
             <KeyCount>{count}</KeyCount><MaxKeys>{limit}</MaxKeys><IsTruncated>{is_truncated}</IsTruncated>{next}{contents}{folders}</ListBucketResult>"
        )))
    }

    fn get_object(&self, bucket: &str, key: &str, request: &Request) -> Result<Reply, Refusal> {
        let buckets = self.lock();
        let versions = buckets.get(bucket).ok_or((404, "NoSuchBucket"))?.get(key);
        let version = match (versions, request.query("versionId")) {
            (Some(versions), Some(id)) => {
                versions.iter().find(|version| version.id == id).ok_or((404, "NoSuchVersion"))?
            }
            (None, Some(_)) => return Err((404, "NoSuchVersion")),
            (versions, None) => versions.and_then(|versions| versions.last()).ok_or(NO_SUCH_KEY)?,
        };
        if version.is_delete_marker {
            return Err(NO_SUCH_KEY);
        }
        if request.header("if-match").is_some_and(|etag| etag != version.etag) {
            return Err((412, "PreconditionFailed"));
        }
        let mut headers = vec![
            ("etag", version.etag.clone()),
            ("x-amz-version-id", version.id.clone()),
            ("last-modified", version.modified.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()),
            ("content-type", version.content_type.clone().unwrap_or_else(|| "binary/octet-stream".to_owned())),
        ];
        headers.extend(version.content_encoding.clone().map(|encoding| ("content-encoding", encoding)));
        Ok(Reply { status: 200, headers, body: version.body.clone() })
    }

    /// Stores a version where the conditions hold (Amazon S3 user guide, "How to prevent object overwrites with conditional writes").
    fn put_object(&self, bucket: &str, key: &str, request: &Request) -> Result<Reply, Refusal> {
        let mut buckets = self.lock();
        let keys = buckets.get_mut(bucket).ok_or((404, "NoSuchBucket"))?;
        let current = keys.get(key).and_then(|versions| versions.last()).filter(|version| !version.is_delete_marker);
        match (request.header("if-match"), request.header("if-none-match"), current) {
            (Some(_), _, None) => return Err(NO_SUCH_KEY),
            (Some(etag), _, Some(current)) if etag != current.etag => return Err((412, "PreconditionFailed")),
            (_, Some("*"), Some(_)) => return Err((412, "PreconditionFailed")),
            _ => {}
        }
        let content_type = request.header("content-type").map(str::to_owned);
        let encoding = request.header("content-encoding").map(|encoding| encoding.replace("aws-chunked", ""));
        let encoding = encoding
            .map(|encoding| encoding.trim_matches([',', ' ']).to_owned())
            .filter(|encoding| !encoding.is_empty());
        let version = self.version(request.body.clone(), content_type, encoding);
        let headers = vec![("etag", version.etag.clone()), ("x-amz-version-id", version.id.clone())];
        keys.entry(key.to_owned()).or_default().push(version);
        Ok(Reply { status: 200, headers, body: Vec::new() })
    }

    fn delete_object(&self, bucket: &str, key: &str) -> Result<Reply, Refusal> {
        let mut buckets = self.lock();
        let versions = buckets.get_mut(bucket).ok_or((404, "NoSuchBucket"))?.entry(key.to_owned()).or_default();
        versions.push(Version { is_delete_marker: true, ..self.version(Vec::new(), None, None) });
        Ok(empty(204))
    }

    fn version(&self, body: Vec<u8>, content_type: Option<String>, content_encoding: Option<String>) -> Version {
        let modified = self.clock.now();
        // An entity tag is opaque; S3's is an MD5 sum for simple uploads, this one is the start of a SHA-256 sum.
        let sum = format!("{:x}", Sha256::digest(&body));
        let etag = format!("\"{}\"", sum.get(..32).unwrap_or(&sum));
        let id = format!(
            "{:x}",
            Sha256::new().chain_update(&body).chain_update(modified.as_millisecond().to_be_bytes()).finalize()
        );
        let id = id.get(..32).unwrap_or(&id).to_owned();
        Version { id, etag, body, content_type, content_encoding, modified, is_delete_marker: false }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, BTreeMap<String, Vec<Version>>>> {
        self.buckets.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn is_there(versions: &[Version]) -> bool {
    versions.last().is_some_and(|version| !version.is_delete_marker)
}

/// Bucket and key of a path.
fn split(path: &str) -> (&str, &str) {
    let path = path.strip_prefix('/').unwrap_or(path);
    path.split_once('/').unwrap_or((path, ""))
}

fn entry(key: &str, version: &Version) -> String {
    let (key, etag, size, modified) = (escape(key), escape(&version.etag), version.body.len(), iso(version.modified));
    format!(
        "<Contents><Key>{key}</Key><LastModified>{modified}</LastModified><ETag>{etag}</ETag><Size>{size}</Size>\
         <StorageClass>STANDARD</StorageClass></Contents>"
    )
}

fn iso(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%S.000Z").to_string()
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

fn xml(body: &str) -> Reply {
    let body = format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n{body}").into_bytes();
    Reply { status: 200, headers: vec![("content-type", "application/xml".to_owned())], body }
}

fn empty(status: u16) -> Reply {
    Reply { status, headers: Vec::new(), body: Vec::new() }
}

/// An error as S3 sends it.
pub(super) fn error(status: u16, code: &str, path: &str) -> Reply {
    let resource = escape(path);
    Reply {
        status,
        ..xml(&format!("<Error><Code>{code}</Code><Message>{code}</Message><Resource>{resource}</Resource></Error>"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(
        method: &str,
        path: &str,
        query: &[(&str, &str)],
        headers: &[(&'static str, &str)],
        body: &str,
    ) -> Request {
        let query = query.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let headers = headers.iter().map(|(name, value)| ((*name).parse().unwrap(), value.parse().unwrap())).collect();
        Request { method: method.into(), path: path.into(), query, headers, body: body.into() }
    }

    fn buckets() -> Buckets {
        let buckets = Buckets::new(VirtualClock::at("2026-11-23T10:00:00Z".parse().unwrap()));
        buckets.create("b");
        buckets
    }

    fn put(buckets: &Buckets, headers: &[(&'static str, &str)], body: &str) -> Reply {
        buckets.handle(&request("PUT", "/b/k", &[], headers, body))
    }

    #[test]
    fn a_conditional_write_succeeds_for_one_only() {
        let buckets = buckets();
        assert_eq!(put(&buckets, &[("if-match", "\"x\"")], "0").status, 404);
        let first = put(&buckets, &[("if-none-match", "*")], "1");
        assert_eq!(first.status, 200);
        assert_eq!(put(&buckets, &[("if-none-match", "*")], "2").status, 412);
        let etag = first.headers[0].1.clone();
        assert_eq!(put(&buckets, &[("if-match", &etag)], "3").status, 200);
        assert_eq!(put(&buckets, &[("if-match", &etag)], "4").status, 412);
        assert_eq!(buckets.get("b", "k"), Some(b"3".to_vec()));
    }

    #[test]
    fn an_old_version_can_be_read_after_a_new_one() {
        let buckets = buckets();
        let old = put(&buckets, &[], "old").headers[1].1.clone();
        put(&buckets, &[], "new");
        let read = buckets.handle(&request("GET", "/b/k", &[("versionId", &old)], &[], ""));
        assert_eq!(read.body, b"old");
        assert_eq!(buckets.handle(&request("GET", "/b/k", &[("versionId", "no")], &[], "")).status, 404);
    }

    #[test]
    fn a_listing_pages_through_what_lies_under_a_prefix() {
        let buckets = buckets();
        for index in 0..2_500 {
            buckets.put("b", &format!("logs/{index:05}"), vec![1], None);
        }
        buckets.put("b", "other", vec![1], None);
        let (mut token, mut found) = (String::new(), 0);
        for _ in 0..3 {
            let page =
                buckets.handle(&request("GET", "/b", &[("prefix", "logs/"), ("continuation-token", &token)], &[], ""));
            let text = String::from_utf8(page.body).unwrap();
            found += text.matches("<Key>").count();
            token = text
                .split("<NextContinuationToken>")
                .nth(1)
                .and_then(|rest| rest.split('<').next())
                .unwrap_or_default()
                .to_owned();
        }
        assert_eq!((found, token.as_str()), (2_500, ""));
        let after =
            buckets.handle(&request("GET", "/b", &[("prefix", "logs/"), ("start-after", "logs/02498")], &[], ""));
        assert_eq!(String::from_utf8(after.body).unwrap().matches("<Key>").count(), 1);
    }

    #[test]
    fn a_deleted_object_is_gone_from_listing_and_reading() {
        let buckets = buckets();
        put(&buckets, &[], "1");
        assert_eq!(buckets.handle(&request("DELETE", "/b/k", &[], &[], "")).status, 204);
        assert_eq!(buckets.keys("b"), Vec::<String>::new());
        assert_eq!(buckets.handle(&request("GET", "/b/k", &[], &[], "")).status, 404);
    }
}
