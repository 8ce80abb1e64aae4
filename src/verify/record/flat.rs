//! The usual record read in one pass: an object whose members are strings. It gives up on everything else, which the full parser then reads
//! or refuses.
//!
//! What lies between the quotes of members that nobody reads is not looked at, so a line with a control character there passes as a record.

use std::borrow::Cow;

use memchr::{memchr, memchr2};

use super::Members;

/// The members of a line; `None` where a value is no string, where the text is not UTF-8, and where the line is no object at all.
pub(super) fn read(line: &[u8]) -> Option<Members<'_>> {
    let mut members = Members::default();
    let mut rest = line.strip_prefix(b"{\"")?;
    loop {
        let (key, after) = rest.split_at_checked(memchr(b'"', rest)?)?;
        if memchr(b'\\', key).is_some() {
            return None;
        }
        let value = after.strip_prefix(b"\":\"")?;
        let (value, has_escapes, after) = string(value)?;
        if let Some(place) = members.place(key) {
            *place = Some(text(value, has_escapes)?);
        }
        rest = match after {
            [b',', b'"', next @ ..] => next,
            [b'}'] => return Some(members),
            _ => return None,
        };
    }
}

/// A string's text, without its escapes.
pub(super) fn text(value: &[u8], has_escapes: bool) -> Option<Cow<'_, str>> {
    let text = std::str::from_utf8(value).ok()?;
    Some(if has_escapes { Cow::Owned(unescape(text)?) } else { Cow::Borrowed(text) })
}

/// The text up to the closing quote, whether something in it is escaped, and what follows the quote.
pub(super) fn string(text: &[u8]) -> Option<(&[u8], bool, &[u8])> {
    let mut at = 0;
    let mut has_escapes = false;
    loop {
        at += memchr2(b'"', b'\\', text.get(at..)?)?;
        if text[at] == b'"' {
            return Some((&text[..at], has_escapes, &text[at + 1..]));
        }
        has_escapes = true;
        at += 2;
    }
}

/// The text with its escapes resolved; `None` for those of `\u`, which come in pairs and may be broken.
fn unescape(text: &str) -> Option<String> {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = memchr(b'\\', rest.as_bytes()) {
        plain.push_str(&rest[..at]);
        plain.push(match rest.as_bytes().get(at + 1)? {
            letter @ (b'"' | b'\\' | b'/') => char::from(*letter),
            b'n' => '\n',
            b't' => '\t',
            b'r' => '\r',
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            _ => return None,
        });
        rest = &rest[at + 2..];
    }
    plain.push_str(rest);
    Some(plain)
}
