//! `aws-chunked` bodies: how the SDKs and the CLI frame an upload whose checksum or signature follows. Signatures and
//! checksums are not verified.

use hyper::header::{CONTENT_ENCODING, HeaderMap, HeaderValue};

/// Whether the headers announce a framed body.
pub(crate) fn is_chunked(headers: &HeaderMap) -> bool {
    let starts = |name: &str, text: &str| {
        headers.get(name).and_then(|value| value.to_str().ok()).is_some_and(|value| value.starts_with(text))
    };
    starts("x-amz-content-sha256", "STREAMING-") || encodings(headers).iter().any(|encoding| encoding == "aws-chunked")
}

/// Takes `aws-chunked` out of the content encoding: it belongs to the transfer, not to the object.
pub(crate) fn strip(headers: &mut HeaderMap) {
    let mut rest = encodings(headers);
    rest.retain(|encoding| encoding != "aws-chunked");
    headers.remove(CONTENT_ENCODING);
    if let Some(value) = (!rest.is_empty()).then(|| rest.join(",")).and_then(|text| HeaderValue::from_str(&text).ok()) {
        headers.insert(CONTENT_ENCODING, value);
    }
}

fn encodings(headers: &HeaderMap) -> Vec<String> {
    headers
        .get_all(CONTENT_ENCODING)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(|encoding| encoding.trim().to_owned())
        .filter(|encoding| !encoding.is_empty())
        .collect()
}

/// The payload of a framed body: `size[;signature] CRLF data CRLF`, until a chunk of size 0; trailers are skipped.
pub(crate) fn unwrap(mut body: &[u8]) -> Option<Vec<u8>> {
    let mut payload = Vec::with_capacity(body.len());
    loop {
        let end = body.windows(2).position(|pair| pair == b"\r\n")?;
        let (head, rest) = body.split_at_checked(end)?;
        let size = head.split(|byte| *byte == b';').next()?;
        let size = usize::from_str_radix(std::str::from_utf8(size).ok()?.trim(), 16).ok()?;
        let data = rest.get(2..)?;
        if size == 0 {
            return Some(payload);
        }
        payload.extend_from_slice(data.get(..size)?);
        body = data.get(size..)?.strip_prefix(b"\r\n")?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_are_joined_and_trailers_skipped() {
        let body = b"5;chunk-signature=ab\r\nhello\r\n6\r\n world\r\n0\r\nx-amz-checksum-crc32:AAAAAA==\r\n\r\n";
        assert_eq!(unwrap(body).as_deref(), Some(&b"hello world"[..]));
    }

    #[test]
    fn a_cut_body_is_not_a_body() {
        assert_eq!(unwrap(b"ff\r\nhello\r\n"), None);
        assert_eq!(unwrap(b"not hex\r\n"), None);
        assert_eq!(unwrap(b""), None);
    }

    #[test]
    fn the_other_encodings_stay() {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip,aws-chunked"));
        assert!(is_chunked(&headers));
        strip(&mut headers);
        assert_eq!(headers.get(CONTENT_ENCODING).unwrap(), "gzip");
    }
}
