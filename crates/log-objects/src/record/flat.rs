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
    let (mut before, mut rest) = text.split_at_checked(memchr2(b'"', b'\\', text.as_bytes())?)?;
    if let Some(after) = rest.strip_prefix('"') {
        return Some((Cow::Borrowed(before), after));
    }
    let mut plain = String::with_capacity(text.len());
    loop {
        plain.push_str(before);
        plain.push(match rest.as_bytes() {
            [b'"', ..] => return Some((Cow::Owned(plain), rest.get(1..)?)),
            [_, letter @ (b'"' | b'\\' | b'/'), ..] => char::from(*letter),
            [_, b'n', ..] => '\n',
            [_, b't', ..] => '\t',
            [_, b'r', ..] => '\r',
            [_, b'b', ..] => '\u{8}',
            [_, b'f', ..] => '\u{c}',
            _ => return None,
        });
        let after = rest.get(2..)?;
        (before, rest) = after.split_at_checked(memchr2(b'"', b'\\', after.as_bytes())?)?;
    }
}
