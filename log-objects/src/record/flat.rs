//! The usual record read in one pass: an object whose members are strings. It gives up on everything else, which the full parser then reads
//! or refuses.
//!
//! A raw control character between two quotes, which JSON forbids and no encoder writes, passes as text.

use std::borrow::Cow;

use memchr::memchr2;

use super::Members;

/// The members of a line; `None` where a value is no string, where the text is not UTF-8, and where the line is no object at all.
pub(super) fn read(line: &[u8]) -> Option<Members<'_>> {
    let mut members = Members::default();
    let mut rest = line.strip_prefix(b"{\"")?;
    loop {
        let (key, after) = rest.split_at_checked(memchr2(b'"', b'\\', rest)?)?;
        let (value, after) = string(after.strip_prefix(b"\":\"")?)?;
        if let Some(place) = members.place(key) {
            *place = Some(text(value)?);
        }
        rest = match after {
            [b',', b'"', next @ ..] => next,
            [b'}'] => return Some(members),
            _ => return None,
        };
    }
}

/// Bytes as text, if they are UTF-8.
pub(super) fn text(bytes: Cow<'_, [u8]>) -> Option<Cow<'_, str>> {
    Some(match bytes {
        Cow::Borrowed(bytes) => Cow::Borrowed(std::str::from_utf8(bytes).ok()?),
        Cow::Owned(bytes) => Cow::Owned(String::from_utf8(bytes).ok()?),
    })
}

/// What stands before the closing quote, with its escapes resolved, and what follows the quote; `None` for escapes of `\u`, which come in
/// pairs and may be broken.
pub(super) fn string(text: &[u8]) -> Option<(Cow<'_, [u8]>, &[u8])> {
    let mut end = memchr2(b'"', b'\\', text)?;
    if text[end] == b'"' {
        return Some((Cow::Borrowed(&text[..end]), &text[end + 1..]));
    }
    let mut plain = Vec::with_capacity(text.len());
    let mut rest = text;
    loop {
        plain.extend_from_slice(&rest[..end]);
        plain.push(match rest[end..] {
            [b'"', ..] => return Some((Cow::Owned(plain), &rest[end + 1..])),
            [_, letter @ (b'"' | b'\\' | b'/'), ..] => letter,
            [_, b'n', ..] => b'\n',
            [_, b't', ..] => b'\t',
            [_, b'r', ..] => b'\r',
            [_, b'b', ..] => 8,
            [_, b'f', ..] => 12,
            _ => return None,
        });
        rest = &rest[end + 2..];
        end = memchr2(b'"', b'\\', rest)?;
    }
}
