//! The level of a message that is a JSON object. It looks at the object's own members, and into those that are known to
//! hold the level; a text that breaks off is read as far as it goes.

use memchr::memchr2;

use super::rows::{self, JSON_LEVEL, Row, Rows, Shape};
use super::{Stated, words};

/// The longest joined name of a member that is looked at, in bytes.
const NAME: usize = 32;
/// Members whose own members are looked at, by their joined names.
const NESTED: [&[u8]; 5] = [b"log", b"level", b"record", b"recordlevel", b"@fields"];
/// How deep objects are looked into.
const DEPTH: usize = 3;
/// How many members are remembered until the end of the object.
const KEPT: usize = 8;

/// A text that begins as an object and is none.
#[derive(Debug)]
pub(super) struct NotJson;

/// The level of an object, and by which row.
pub(super) fn read(text: &[u8], rows: Rows) -> Result<Option<Stated>, NotJson> {
    let mut scan = Scan { rows, rest: text, beside: 0, best: None, numbers: [(Name::EMPTY, 0); KEPT], kept: 0 };
    match scan.object(Name::EMPTY, 0) {
        Err(NotJson) if scan.best.is_none() && scan.kept == 0 => Err(NotJson),
        _ => Ok(scan.result()),
    }
}

/// The name of a member in small letters without `_`, `-` and `.`, joined to those around it.
#[derive(Clone, Copy)]
struct Name {
    bytes: [u8; NAME],
    length: usize,
}

impl Name {
    const EMPTY: Self = Self { bytes: [0; NAME], length: 0 };

    fn joined(mut self, key: &[u8]) -> Option<Self> {
        for byte in key.iter().filter(|byte| !matches!(byte, b'_' | b'-' | b'.')) {
            *self.bytes.get_mut(self.length)? = byte.to_ascii_lowercase();
            self.length += 1;
        }
        Some(self)
    }

    fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or_default()
    }
}

struct Scan<'a> {
    rows: Rows,
    rest: &'a [u8],
    /// Which of the members were seen that rows ask for beside a level, as a bit for each row.
    beside: u128,
    /// The word of the row that stands first.
    best: Option<(Row, Stated)>,
    numbers: [(Name, u64); KEPT],
    kept: usize,
}

impl<'a> Scan<'a> {
    /// Reads an object at the start of the rest. It ends early where nothing can be better.
    fn object(&mut self, outer: Name, depth: usize) -> Result<(), NotJson> {
        self.rest = self.rest.trim_ascii_start().strip_prefix(b"{").ok_or(NotJson)?;
        loop {
            super::step();
            self.rest = self.rest.trim_ascii_start();
            if let Some(after) = self.rest.strip_prefix(b"}") {
                self.rest = after;
                return Ok(());
            }
            let key = self.string()?;
            let after = self.rest.trim_ascii_start().strip_prefix(b":").ok_or(NotJson)?;
            self.rest = after.trim_ascii_start();
            match outer.joined(key).filter(|name| name.length > 0) {
                Some(name) => self.value(name, depth)?,
                None => self.skip()?,
            }
            if self.best.is_some_and(|(row, _)| row == JSON_LEVEL) {
                return Ok(());
            }
            self.rest = self.rest.trim_ascii_start();
            match self.rest {
                [b',', after @ ..] => self.rest = after,
                [b'}', ..] => {}
                _ => return Err(NotJson),
            }
        }
    }

    fn value(&mut self, name: Name, depth: usize) -> Result<(), NotJson> {
        match self.rest {
            [b'"', ..] => {
                let value = self.string()?;
                self.see(name, value);
            }
            [b'{', ..] if depth + 1 < DEPTH && NESTED.contains(&name.as_bytes()) => self.object(name, depth + 1)?,
            [b'{' | b'[', ..] => {
                self.stand(&name);
                self.skip()?;
            }
            _ => {
                let end = self.rest.iter().take(40).position(|byte| matches!(byte, b',' | b'}' | b']' | b' ' | b'\n'));
                let (value, after) = self.rest.split_at_checked(end.ok_or(NotJson)?).ok_or(NotJson)?;
                self.rest = after;
                self.see(name, value);
            }
        }
        Ok(())
    }

    /// Remembers that a member is there.
    fn stand(&mut self, name: &Name) {
        for (at, (_, entry)) in rows::members().enumerate() {
            let beside = match entry.shape {
                Shape::Member(_, beside) | Shape::Number(_, beside, _) => beside,
                Shape::Present(members) if members.last().is_some_and(|last| last.as_bytes() == name.as_bytes()) => {
                    members
                }
                _ => continue,
            };
            if beside.iter().any(|known| known.as_bytes() == name.as_bytes()) {
                self.beside |= 1 << at;
            }
        }
    }

    fn see(&mut self, name: Name, value: &[u8]) {
        // Names are 1 to 16 letters; the first says for most that no row asks for them.
        if !rows::is_member(name.as_bytes()) {
            return;
        }
        let number = number(value);
        // The usual one: nothing is better.
        if name.as_bytes() == b"level"
            && number.is_none()
            && self.rows.counts(JSON_LEVEL)
            && let Some(level) = words::decorated(value)
        {
            self.best = Some((JSON_LEVEL, Stated { level, row: JSON_LEVEL }));
            return;
        }
        self.stand(&name);
        for (row, entry) in rows::members() {
            match entry.shape {
                Shape::Member(names, beside) if number.is_none() && is_in(names, &name) && self.rows.counts(row) => {
                    let better = self.best.is_none_or(|(known, _)| row < known);
                    if let Some(level) = words::decorated(value).filter(|_| better) {
                        if beside.is_empty() {
                            self.best = Some((row, Stated { level, row }));
                        } else {
                            self.keep(name, level as u64 + WORD);
                        }
                        return;
                    }
                }
                Shape::Number(names, ..) if is_in(names, &name) => {
                    if let Some(number) = number {
                        return self.keep(name, number);
                    }
                }
                Shape::Present(names) if is_in(names, &name) => return self.keep(name, 0),
                _ => {}
            }
        }
    }

    fn keep(&mut self, name: Name, value: u64) {
        if let Some(place) = self.numbers.get_mut(self.kept) {
            *place = (name, value);
            self.kept += 1;
        }
    }

    /// What all members together say.
    fn result(&self) -> Option<Stated> {
        if let Some((_, stated)) = self.best {
            return Some(stated);
        }
        let kept = self.numbers.get(..self.kept).unwrap_or_default();
        rows::members().filter(|(row, _)| self.rows.counts(*row)).find_map(|(row, entry)| {
            let stands = |beside: &[&str]| beside.is_empty() || self.beside & (1 << row.place()) != 0;
            let level = match entry.shape {
                Shape::Member(names, beside) if !beside.is_empty() && stands(beside) => kept
                    .iter()
                    .find(|(name, value)| is_in(names, name) && *value >= WORD)
                    .and_then(|(_, value)| super::Level::from_rank(value - WORD)),
                Shape::Number(names, beside, scale) if stands(beside) => {
                    kept.iter().filter(|(name, _)| is_in(names, name)).find_map(|(_, value)| {
                        scale.iter().find(|(from, to, _)| (*from..=*to).contains(value)).map(|(.., level)| *level)
                    })
                }
                Shape::Present(names) => names
                    .iter()
                    .all(|known| kept.iter().any(|(name, _)| name.as_bytes() == known.as_bytes()))
                    .then_some(super::Level::Error),
                _ => None,
            };
            level.map(|level| Stated { level, row })
        })
    }

    /// The text of a string at the start of the rest, with its escapes.
    fn string(&mut self) -> Result<&'a [u8], NotJson> {
        let text = self.rest.strip_prefix(b"\"").ok_or(NotJson)?;
        let mut from = 0;
        loop {
            super::step();
            let at = from + text.get(from..).and_then(|rest| memchr2(b'"', b'\\', rest)).ok_or(NotJson)?;
            if text.get(at) == Some(&b'"') {
                self.rest = text.get(at + 1..).unwrap_or_default();
                return text.get(..at).ok_or(NotJson);
            }
            from = at + 2;
        }
    }

    /// Goes on behind any value.
    fn skip(&mut self) -> Result<(), NotJson> {
        let mut depth = 0_usize;
        loop {
            super::step();
            match self.rest.first().ok_or(NotJson)? {
                b'"' => {
                    self.string()?;
                }
                open @ (b'{' | b'[' | b'}' | b']') => {
                    self.rest = self.rest.get(1..).unwrap_or_default();
                    depth =
                        if matches!(open, b'{' | b'[') { depth + 1 } else { depth.checked_sub(1).ok_or(NotJson)? };
                }
                _ => {
                    let end = self.rest.iter().position(|byte| matches!(byte, b'"' | b'{' | b'[' | b'}' | b']' | b','));
                    let end = end.ok_or(NotJson)?;
                    // A comma between the members of what is skipped.
                    let comma = usize::from(depth > 0 && self.rest.get(end) == Some(&b','));
                    self.rest = self.rest.get(end + comma..).unwrap_or_default();
                }
            }
            if depth == 0 {
                return Ok(());
            }
        }
    }
}

/// What tells a word's level from a number among what is kept.
const WORD: u64 = 1 << 32;

fn is_in(names: &[&str], name: &Name) -> bool {
    names.iter().any(|known| {
        // `level.name` only as a member of `level`: `level_name` is `levelname`.
        known.bytes().filter(|byte| *byte != b'.').eq(name.as_bytes().iter().copied())
    })
}

fn number(value: &[u8]) -> Option<u64> {
    if value.len() > 9 {
        return None;
    }
    std::str::from_utf8(value).ok()?.parse().ok()
}
