//! What an object call says in its headers: conditions, ranges, and the headers that are stored with an object. It
//! decides nothing about keys or versions.

use std::collections::BTreeSet;
use std::ops::Range;

use super::bucket::Object;
use super::refusal::Refusal;
use crate::wire::Request;

/// Headers that S3 stores with an object and gives back as they were.
const STORED: [&str; 5] =
    ["content-type", "content-encoding", "content-disposition", "content-language", "cache-control"];

/// The prefix of user metadata.
const METADATA: &str = "x-amz-meta-";

/// The bytes of user metadata that S3 takes, names and values together (S3 user guide, "Working with object metadata").
const METADATA_BYTES: usize = 2_048;

/// Different metadata names that one sandbox keeps. Header names of a reply live as long as the process.
const METADATA_NAMES: usize = 256;

/// Headers that change what an upload means and that are not served here.
const UNSERVED_ON_PUT: [&str; 4] =
    ["x-amz-copy-source", "x-amz-write-offset-bytes", "x-amz-tagging", "x-amz-object-lock-mode"];

/// Headers that change what a read means and that are not served here.
const UNSERVED_ON_GET: [&str; 3] =
    ["if-modified-since", "if-unmodified-since", "x-amz-server-side-encryption-customer-algorithm"];

/// The user metadata names seen so far.
#[derive(Debug, Default)]
pub(super) struct MetadataNames(BTreeSet<&'static str>);

impl MetadataNames {
    fn keep(&mut self, name: &str) -> Result<&'static str, Refusal> {
        if let Some(known) = self.0.get(name) {
            return Ok(known);
        }
        if self.0.len() == METADATA_NAMES {
            return Err(Refusal::MetadataTooLarge);
        }
        let kept: &'static str = name.to_owned().leak();
        self.0.insert(kept);
        Ok(kept)
    }
}

/// The headers to store with an upload.
pub(super) fn stored(request: &Request, names: &mut MetadataNames) -> Result<Vec<(&'static str, String)>, Refusal> {
    refuse_unserved(request, &UNSERVED_ON_PUT)?;
    let mut headers = Vec::new();
    for name in STORED {
        let value = request.header(name).unwrap_or_default();
        let value = if name == "content-encoding" { without_chunking(value) } else { value.to_owned() };
        match (name, value.is_empty()) {
            (_, false) => headers.push((name, value)),
            ("content-type", true) => headers.push((name, "binary/octet-stream".to_owned())),
            _ => {}
        }
    }
    let mut bytes = 0;
    for (name, value) in &request.headers {
        let Some(own) = name.as_str().strip_prefix(METADATA) else { continue };
        let value = value.to_str().map_err(|_| Refusal::InvalidArgument("user metadata is not text"))?;
        bytes += own.len() + value.len();
        if bytes > METADATA_BYTES {
            return Err(Refusal::MetadataTooLarge);
        }
        headers.push((names.keep(name.as_str())?, value.to_owned()));
    }
    Ok(headers)
}

/// `aws-chunked` is how an upload travelled; S3 does not store it.
fn without_chunking(value: &str) -> String {
    let codings = value.split(',').map(str::trim).filter(|coding| !coding.is_empty() && *coding != "aws-chunked");
    codings.collect::<Vec<_>>().join(",")
}

fn refuse_unserved(request: &Request, unserved: &[&str]) -> Result<(), Refusal> {
    match unserved.iter().find(|name| request.headers.contains_key(**name)) {
        Some(name) => Err(Refusal::NotImplemented((*name).to_owned())),
        None => Ok(()),
    }
}

/// Whether a write may go on, given what is there (S3 user guide, "Conditional writes").
pub(super) fn check_write(request: &Request, current: Result<&Object, Refusal>) -> Result<(), Refusal> {
    match request.header("if-none-match") {
        Some("*") if current.is_ok() => return Err(Refusal::PreconditionFailed { condition: "If-None-Match" }),
        Some("*") | None => {}
        Some(_) => return Err(Refusal::NotImplemented("If-None-Match with an entity tag".to_owned())),
    }
    let Some(wanted) = request.header("if-match") else { return Ok(()) };
    if matches(wanted, &current?.etag) { Ok(()) } else { Err(Refusal::PreconditionFailed { condition: "If-Match" }) }
}

/// Whether a read is answered with the object.
pub(super) fn check_read(request: &Request, object: &Object) -> Result<(), Refusal> {
    refuse_unserved(request, &UNSERVED_ON_GET)?;
    if request.header("if-match").is_some_and(|wanted| !matches(wanted, &object.etag)) {
        return Err(Refusal::PreconditionFailed { condition: "If-Match" });
    }
    if request.header("if-none-match").is_some_and(|unwanted| matches(unwanted, &object.etag)) {
        return Err(Refusal::NotModified { etag: object.etag.clone() });
    }
    Ok(())
}

fn matches(list: &str, etag: &str) -> bool {
    let bare = etag.trim_matches('"');
    list.split(',').map(|one| one.trim().trim_matches('"')).any(|one| one == "*" || one == bare)
}

/// The bytes that a `Range` header asks for. As on S3, a header that cannot be read, or that asks for several ranges,
/// asks for everything.
pub(super) fn range(request: &Request, length: usize) -> Result<Option<Range<usize>>, Refusal> {
    let Some((first, last)) = request.header("range").and_then(|text| text.strip_prefix("bytes=")?.split_once('-'))
    else {
        return Ok(None);
    };
    let wanted = match (first.trim().parse::<usize>(), last.trim().parse::<usize>()) {
        (Ok(first), Ok(last)) if first > last => return Ok(None),
        (Ok(first), Ok(last)) => first..last.saturating_add(1).min(length),
        (Ok(first), Err(_)) if last.trim().is_empty() => first..length,
        (Err(_), Ok(0)) if first.is_empty() => return Err(Refusal::InvalidRange { length }),
        (Err(_), Ok(suffix)) if first.is_empty() => length.saturating_sub(suffix)..length,
        _ => return Ok(None),
    };
    if wanted.start >= length { Err(Refusal::InvalidRange { length }) } else { Ok(Some(wanted)) }
}
