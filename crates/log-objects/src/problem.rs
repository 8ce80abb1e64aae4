//! How much of a log object is read, and what can be wrong with one. Nothing is read here.

/// The longest line that is read, in bytes; the log driver cuts lines at 16 KiB.
pub const MAX_LINE: usize = 1 << 20;
/// The most gzip members, or frames of another encoding, in an object: each part of a multipart upload is one, and S3
/// takes 10,000 parts.
pub(crate) const MAX_MEMBERS: u32 = 10_000;

/// What is wrong with an object. What was read before still counts.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// An encoding that is recognised and not decoded.
    #[error("the object is {0}, which cannot be read yet")]
    Encoding(&'static str),
    /// The stream of this encoding breaks off.
    #[error("the {0} stream ends too early")]
    Truncated(&'static str),
    /// The stream of this encoding is damaged: what the decoder says.
    #[error("the {0} stream is damaged: {1}")]
    Damaged(&'static str, String),
    /// More gzip members, or other frames, than an upload can have parts.
    #[error("the object has more than {MAX_MEMBERS} compressed parts")]
    Members,
    /// More bytes than may be read: the limit.
    #[error("only the first {0} decoded bytes were read")]
    TooLarge(u64),
    /// Lines that hold no JSON object: how many.
    #[error("lines that are no JSON objects: {0}")]
    NotJson(u64),
    /// Lines over [`MAX_LINE`]: how many.
    #[error("lines over {MAX_LINE} bytes, left out: {0}")]
    LongLines(u64),
    /// Records joined of pieces that are over [`MAX_LINE`]: how many.
    #[error("records over {MAX_LINE} bytes, of which the first part was read: {0}")]
    LongRecords(u64),
}
