//! The usual record read in one pass: an object whose members are strings. It gives up on everything else, which the
//! full parser then reads or refuses.
//!
//! A raw control character between two quotes, which JSON forbids and no encoder writes, passes as text.

use std::borrow::Cow;

use memchr::memchr2;

use super::Members;

/// The members of a line; `None` where a value is not a string and where the line is not an object at all.
pub(super) fn read(line: &str) -> Option<Members<'_>> {
    let mut members = Members::default();
    let mut rest = line.strip_prefix("{\"")?;
    loop {
        let (key, after) = rest.split_at_checked(memchr2(b'"', b'\\', rest.as_bytes())?)?;
        let (value, after) = string(after.strip_prefix("\":\"")?)?;
        if let Some(place) = members.place(key) {
            *place = Some(value);
        }
        rest = match after.strip_prefix(",\"") {
            Some(next) => next,
            None => return (after == "}").then_some(members),
        };
    }
}

/// What stands before the closing quote, with its escapes resolved, and what follows the quote; `None` for escapes of
/// `\u`, which come in pairs and may be broken.
pub(super) fn string(text: &str) -> Option<(Cow<'_, str>, &str)> {
    let mut end = memchr2(b'"', b'\\', text.as_bytes())?;
    if text.as_bytes()[end] == b'"' {
        return Some((Cow::Borrowed(&text[..end]), &text[end + 1..]));
    }
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    loop {
        plain.push_str(&rest[..end]);
        plain.push(match rest.as_bytes()[end..] {
            [b'"', ..] => return Some((Cow::Owned(plain), &rest[end + 1..])),
            [_, letter @ (b'"' | b'\\' | b'/'), ..] => char::from(letter),
            [_, b'n', ..] => '\n',
            [_, b't', ..] => '\t',
            [_, b'r', ..] => '\r',
            [_, b'b', ..] => '\u{8}',
            [_, b'f', ..] => '\u{c}',
            _ => return None,
        });
        rest = &rest[end + 2..];
        end = memchr2(b'"', b'\\', rest.as_bytes())?;
    }
}
