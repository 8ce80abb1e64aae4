//! The level of a line that is made of `key=value` pairs. A setting that is called `level` is none.

use super::rows::{self, Features, Rows, Shape};
use super::{Stated, words};

/// The longest key that is looked at, in bytes.
const KEY: usize = 24;

/// Keys of which one stands in a line that a logger wrote, where the level is not its first pair.
const LOGGED: [&[u8]; 17] = [
    b"msg",
    b"message",
    b"time",
    b"ts",
    b"t",
    b"timestamp",
    b"caller",
    b"source",
    b"err",
    b"error",
    b"event",
    b"logger",
    b"component",
    b"code",
    b"module",
    b"trace_id",
    b"desc",
];

/// The level of the pairs of a text that begins with one.
pub(super) fn read(text: &[u8], before: Features, rows: Rows) -> Option<Stated> {
    let (mut found, mut pairs, mut is_logged): (Option<(usize, Stated)>, _, _) =
        (None, 0_usize, before.has(Features::TIME));
    let (mut from, mut is_first) = (0, true);
    while let Some(at) = text.get(from..).and_then(|rest| memchr::memchr(b'=', rest)).map(|at| from + at) {
        super::step();
        let (key, value) = (key(text.get(from..at)?), text.get(at + 1..)?);
        pairs += usize::from(!key.is_empty());
        is_logged |= LOGGED.contains(&key);
        if !key.is_empty()
            && let Some((rank, stated)) = of_pair(key, value, rows)
        {
            is_logged |= is_first;
            if found.is_none_or(|(known, _)| rank < known) {
                found = Some((rank, stated));
            }
        }
        is_first = false;
        if let Some((0, stated)) = found
            && is_logged
            && pairs > 1
        {
            return Some(stated);
        }
        from = at + 1 + quoted(value);
    }
    found.filter(|_| is_logged && pairs > 1).map(|(_, stated)| stated)
}

/// The word at the end of a text, where it can be a key.
fn key(before: &[u8]) -> &[u8] {
    let start = before.iter().rev().take(KEY + 1).take_while(|byte| **byte > b' ' && **byte != b'"').count();
    if start > KEY { b"" } else { before.get(before.len() - start..).unwrap_or_default() }
}

fn of_pair(key: &[u8], value: &[u8], rows: Rows) -> Option<(usize, Stated)> {
    // Most keys are done with here: those in question end in `l`, `y`, `e`, `v` or `t`.
    if !matches!(key.last(), Some(b'l' | b'y' | b'e' | b'v' | b't')) {
        return None;
    }
    let mut pairs = rows::pairs().filter_map(|(row, entry)| match entry.shape {
        Shape::Pair(keys) => Some((row, keys)),
        _ => None,
    });
    let (rank, (row, _)) =
        pairs.by_ref().enumerate().find(|(_, (_, keys))| keys.iter().any(|known| known.as_bytes() == key))?;
    let value = value.strip_prefix(b"\"").unwrap_or(value);
    let word = value.get(
        ..value
            .iter()
            .take(40)
            .position(|byte| matches!(byte, b' ' | b'"' | b'\t' | b'\r' | b'\n'))
            .unwrap_or(value.len().min(40)),
    )?;
    let level = words::decorated(word)?;
    rows.stated(row, level).map(|stated| (rank, stated))
}

/// The length of a quoted value; 0 for another.
fn quoted(value: &[u8]) -> usize {
    let Some(text) = value.strip_prefix(b"\"") else { return 0 };
    let mut from = 0;
    while let Some(at) = text.get(from..).and_then(|rest| memchr::memchr2(b'"', b'\\', rest)).map(|at| from + at) {
        super::step();
        if text.get(at) == Some(&b'"') {
            return at + 2;
        }
        from = at + 2;
    }
    value.len()
}
