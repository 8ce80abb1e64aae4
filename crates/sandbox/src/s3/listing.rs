//! `ListObjectsV2`, and the first page of `ListObjectVersions`: what was asked, the walk over the keys, and the answer
//! as XML. A walk seeks; it never visits a key that cannot be on its page, except those hidden by a delete marker.

use std::ops::Bound;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use super::bucket::{Bucket, Object, Version};
use super::refusal::Refusal;
use super::xml;
use crate::wire::Request;

/// Keys on one page, at most (S3 API reference, `ListObjectsV2`, `max-keys`).
const PAGE: usize = 1_000;

/// What `encoding-type=url` leaves as it is.
const URL: &AsciiSet = &NON_ALPHANUMERIC.remove(b'/').remove(b'-').remove(b'_').remove(b'.').remove(b'*').remove(b'~');

/// A place between entries, from which a walk goes on.
#[derive(Debug, PartialEq, Eq)]
enum Place {
    /// Behind this key; the key need not exist.
    BehindKey(String),
    /// Behind every key with this prefix.
    BehindPrefix(String),
}

impl Place {
    /// The opaque continuation token.
    fn token(&self) -> String {
        let (kind, text) = match self {
            Self::BehindKey(key) => ('k', key),
            Self::BehindPrefix(prefix) => ('p', prefix),
        };
        format!("{kind}{}", utf8_percent_encode(text, NON_ALPHANUMERIC))
    }

    fn parse(token: &str) -> Option<Self> {
        let mut characters = token.chars();
        let kind = characters.next()?;
        let text = percent_decode_str(characters.as_str()).decode_utf8().ok()?.into_owned();
        match kind {
            'k' => Some(Self::BehindKey(text)),
            'p' => Some(Self::BehindPrefix(text)),
            _ => None,
        }
    }

    /// Where the walk starts, or nothing where no key can come after this place.
    fn start(&self) -> Option<Bound<String>> {
        match self {
            Self::BehindKey(key) => Some(Bound::Excluded(key.clone())),
            Self::BehindPrefix(prefix) => first_behind(prefix).map(Bound::Included),
        }
    }
}

/// The smallest text that is greater than every text with this prefix.
fn first_behind(prefix: &str) -> Option<String> {
    let mut text = prefix.to_owned();
    while let Some(last) = text.pop() {
        if let Some(next) = (last..=char::MAX).nth(1) {
            text.push(next);
            return Some(text);
        }
    }
    None
}

/// The parameters of one call.
struct Query<'a> {
    prefix: &'a str,
    delimiter: Option<&'a str>,
    start_after: Option<&'a str>,
    token: Option<&'a str>,
    limit: usize,
    encoded: bool,
}

impl<'a> Query<'a> {
    fn parse(request: &'a Request) -> Result<Self, Refusal> {
        let limit = match request.query("max-keys") {
            None => PAGE,
            Some(text) => {
                text.parse::<u32>().map_err(|_| Refusal::InvalidArgument("max-keys is not a valid number"))?.min(1_000)
                    as usize
            }
        };
        let encoded = match request.query("encoding-type") {
            None => false,
            Some("url") => true,
            Some(_) => return Err(Refusal::InvalidArgument("Invalid Encoding Method specified in Request")),
        };
        Ok(Self {
            prefix: request.query("prefix").unwrap_or_default(),
            delimiter: request.query("delimiter").filter(|delimiter| !delimiter.is_empty()),
            start_after: request.query("start-after").filter(|key| !key.is_empty()),
            token: request.query("continuation-token"),
            limit,
            encoded,
        })
    }

    /// Where the first page or this page starts: S3 heeds `start-after` on the first page alone.
    fn start(&self) -> Result<Option<Bound<String>>, Refusal> {
        let place = match (self.token, self.start_after) {
            (Some(token), _) => Some(
                Place::parse(token).ok_or(Refusal::InvalidArgument("The continuation token provided is incorrect"))?,
            ),
            (None, Some(key)) => Some(Place::BehindKey(key.to_owned())),
            (None, None) => None,
        };
        let Some(place) = place else { return Ok(Some(Bound::Included(self.prefix.to_owned()))) };
        Ok(place.start().map(|start| match &start {
            Bound::Excluded(text) | Bound::Included(text) if text.as_str() < self.prefix => {
                Bound::Included(self.prefix.to_owned())
            }
            _ => start,
        }))
    }

    fn written(&self, text: &str) -> String {
        if self.encoded { utf8_percent_encode(text, URL).to_string() } else { text.to_owned() }
    }
}

/// One line of a listing.
enum Entry<'a> {
    Object(&'a str, &'a Version, &'a Object),
    CommonPrefix(&'a str),
}

impl Entry<'_> {
    fn place(&self) -> Place {
        match self {
            Self::Object(key, ..) => Place::BehindKey((*key).to_owned()),
            Self::CommonPrefix(prefix) => Place::BehindPrefix((*prefix).to_owned()),
        }
    }
}

/// The first entry from `start` on that the query asks for.
fn next_entry<'a>(bucket: &'a Bucket, query: &Query<'_>, start: &Bound<String>) -> Option<Entry<'a>> {
    let (key, version, object) = bucket.objects_from(start.as_ref().map(String::as_str)).next()?;
    let rest = key.strip_prefix(query.prefix)?;
    let rolled_up = query
        .delimiter
        .and_then(|delimiter| rest.find(delimiter).map(|at| at + delimiter.len()))
        .and_then(|length| key.get(..query.prefix.len() + length));
    Some(match rolled_up {
        Some(prefix) => Entry::CommonPrefix(prefix),
        None => Entry::Object(key, version, object),
    })
}

/// One page, and where the next one starts if there is one.
fn walk<'a>(bucket: &'a Bucket, query: &Query<'_>) -> Result<(Vec<Entry<'a>>, Option<Place>), Refusal> {
    let mut entries: Vec<Entry<'a>> = Vec::new();
    let mut next = query.start()?;
    while let Some(start) = next {
        let Some(entry) = next_entry(bucket, query, &start) else { break };
        if entries.len() == query.limit {
            let place = entries.last().map(Entry::place);
            return Ok((entries, place));
        }
        next = entry.place().start();
        entries.push(entry);
    }
    Ok((entries, None))
}

/// Answers `ListObjectsV2` with its document.
pub(super) fn list(name: &str, bucket: &Bucket, request: &Request) -> Result<String, Refusal> {
    let query = Query::parse(request)?;
    let (entries, next) = walk(bucket, &query)?;
    let mut inner = vec![
        xml::text("Name", name),
        xml::text("Prefix", &query.written(query.prefix)),
        xml::text("KeyCount", &entries.len().to_string()),
        xml::text("MaxKeys", &query.limit.to_string()),
        xml::text("IsTruncated", if next.is_some() { "true" } else { "false" }),
    ];
    inner.extend(query.delimiter.map(|delimiter| xml::text("Delimiter", &query.written(delimiter))));
    inner.extend(query.start_after.map(|key| xml::text("StartAfter", &query.written(key))));
    inner.extend(query.token.map(|token| xml::text("ContinuationToken", token)));
    inner.extend(next.map(|place| xml::text("NextContinuationToken", &place.token())));
    if query.encoded {
        inner.push(xml::text("EncodingType", "url"));
    }
    inner.extend(entries.iter().map(|entry| match entry {
        Entry::Object(key, version, object) => {
            let parts = [
                xml::text("Key", &query.written(key)),
                xml::text("LastModified", &version.modified.strftime("%Y-%m-%dT%H:%M:%S.000Z").to_string()),
                xml::text("ETag", &object.etag),
                xml::text("Size", &object.body.len().to_string()),
                xml::text("StorageClass", "STANDARD"),
            ];
            xml::element("Contents", &parts.concat())
        }
        Entry::CommonPrefix(prefix) => xml::element("CommonPrefixes", &xml::text("Prefix", &query.written(prefix))),
    }));
    Ok(xml::document("ListBucketResult", &inner.concat()))
}

/// Answers `ListObjectVersions` with its document: keys in order, of each the newest version first.
pub(super) fn list_versions(name: &str, bucket: &Bucket, request: &Request) -> Result<String, Refusal> {
    let query = Query::parse(request)?;
    let mut versions = bucket.versions_from(query.prefix).take_while(|(key, ..)| key.starts_with(query.prefix));
    let entries: Vec<String> = versions
        .by_ref()
        .take(query.limit)
        .map(|(key, version, is_latest)| {
            let mut parts = vec![
                xml::text("Key", key),
                xml::text("VersionId", &version.id),
                xml::text("IsLatest", if is_latest { "true" } else { "false" }),
                xml::text("LastModified", &version.modified.strftime("%Y-%m-%dT%H:%M:%S.000Z").to_string()),
            ];
            let Some(object) = &version.object else { return xml::element("DeleteMarker", &parts.concat()) };
            parts.extend([
                xml::text("ETag", &object.etag),
                xml::text("Size", &object.body.len().to_string()),
                xml::text("StorageClass", "STANDARD"),
            ]);
            xml::element("Version", &parts.concat())
        })
        .collect();
    let inner = [
        xml::text("Name", name),
        xml::text("Prefix", query.prefix),
        xml::text("MaxKeys", &query.limit.to_string()),
        xml::text("IsTruncated", if versions.next().is_some() { "true" } else { "false" }),
        entries.concat(),
    ];
    Ok(xml::document("ListVersionsResult", &inner.concat()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_survives_its_token() {
        for place in [Place::BehindKey("a/ü +%".to_owned()), Place::BehindPrefix(String::new())] {
            assert_eq!(Place::parse(&place.token()), Some(place));
        }
        assert_eq!(Place::parse("x"), None);
        assert_eq!(Place::parse(""), None);
    }

    #[test]
    fn the_text_behind_a_prefix_steps_over_what_is_no_character() {
        assert_eq!(first_behind("a/").as_deref(), Some("a0"));
        assert_eq!(first_behind("a\u{d7ff}").as_deref(), Some("a\u{e000}"));
        assert_eq!(first_behind("a\u{10ffff}").as_deref(), Some("b"));
        assert_eq!(first_behind("\u{10ffff}"), None);
        assert_eq!(first_behind(""), None);
    }
}
