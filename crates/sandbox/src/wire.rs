//! Requests and replies as the sandbox's services see them. No service is known here, and no socket.

use hyper::header::HeaderMap;

/// One HTTP request, read whole.
#[derive(Debug)]
pub(crate) struct Request {
    /// `GET`, `PUT`, `POST`, `HEAD` or `DELETE`.
    pub(crate) method: String,
    /// The path, percent-decoded, with its leading slash.
    pub(crate) path: String,
    /// The query, percent-decoded, in order; a key without `=` has an empty value.
    pub(crate) query: Vec<(String, String)>,
    /// The headers as they came.
    pub(crate) headers: HeaderMap,
    /// The body; `aws-chunked` uploads are already unwrapped.
    pub(crate) body: Vec<u8>,
}

impl Request {
    /// The first value of a query parameter.
    pub(crate) fn query(&self, key: &str) -> Option<&str> {
        self.query.iter().find(|(name, _)| name == key).map(|(_, value)| value.as_str())
    }

    /// A header's value, where it is text.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }
}

/// One HTTP reply.
#[derive(Debug)]
pub(crate) struct Reply {
    /// The status code.
    pub(crate) status: u16,
    /// Headers beside `content-length`, which the server adds.
    pub(crate) headers: Vec<(&'static str, String)>,
    /// The body.
    pub(crate) body: Vec<u8>,
}

impl Reply {
    /// A text.
    pub(crate) fn plain(status: u16, text: &str) -> Self {
        let headers = vec![("content-type", "text/plain".to_owned())];
        Self { status, headers, body: text.as_bytes().to_vec() }
    }
}
