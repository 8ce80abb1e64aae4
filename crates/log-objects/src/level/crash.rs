//! The first words of a line by which a program says that it breaks, although no level stands there. It matches the
//! table's patterns, each in one pass over a bounded head.

use memchr::memmem;

use super::rows::{self, Rows};
use super::{Stated, words};

/// How much of a line is looked at, in bytes.
const HEAD: usize = 512;
/// The longest first word that is looked at, in bytes.
const WORD: usize = 128;

/// The first row of which a pattern fits the text.
pub(super) fn read(text: &[u8], rows: Rows) -> Option<Stated> {
    let start = Start::of(text)?;
    super::step();
    let fits = |first: u8| {
        let mut patterns = rows::patterns(first).filter(|(row, _)| rows.counts(*row));
        patterns.find(|(_, pattern)| start.fits(pattern.as_bytes())).map(|(row, _)| row)
    };
    let mut found = fits(start.first);
    if start.is_named {
        found = found.into_iter().chain(fits(b'%')).min();
    }
    if start.has_colon {
        found = found.into_iter().chain(fits(b'~')).min();
    }
    let row = found?;
    row.level().map(|level| Stated { level, row })
}

/// The start of a text that may be one.
struct Start<'a> {
    text: &'a [u8],
    head: &'a [u8],
    first: u8,
    /// The length of the first word.
    word: usize,
    /// Whether a colon stands in the first word, as behind a program's name or its source's.
    has_colon: bool,
    /// Whether that is so, or the first word is the name of an error.
    is_named: bool,
}

impl<'a> Start<'a> {
    fn of(text: &'a [u8]) -> Option<Self> {
        let first = *text.first()?;
        let has_patterns = rows::patterns(first).next().is_some();
        let may_be_name = first.is_ascii_alphabetic() || matches!(first, b'/' | b'.' | b'<' | b'_');
        if !has_patterns && !may_be_name {
            return None;
        }
        let head = text.get(..HEAD).unwrap_or(text);
        let word = head.iter().take(WORD).position(|byte| *byte <= b' ').unwrap_or(head.len().min(WORD));
        let has_colon = may_be_name && memchr::memchr(b':', head.get(..word)?).is_some();
        let is_named = has_colon || (may_be_name && error_name(head) > 0);
        if !has_patterns && !is_named {
            return None;
        }
        let text = text.trim_ascii_end();
        Some(Self { text, head: text.get(..HEAD).unwrap_or(text), first, word, has_colon, is_named })
    }

    /// Whether a pattern fits the whole text.
    fn fits(&self, pattern: &[u8]) -> bool {
        // Most are done with here.
        if let ([_, second, ..], Some(is)) = (pattern, self.head.get(1))
            && !matches!(pattern, [b'%' | b'~', ..])
            && !matches!(second, b'%' | b'~')
            && second != is
        {
            return false;
        }
        let mut rest = self.head;
        let mut at = 0;
        let mut is_loose = false;
        while at < pattern.len() {
            let length = pattern.get(at..).map_or(0, element);
            let Some(piece) = pattern.get(at..at + length) else { return false };
            at += length;
            let found = match piece {
                b"~" => {
                    is_loose = true;
                    continue;
                }
                _ if is_loose => self.find(rest, piece, at == pattern.len()),
                _ => self.starts(rest, piece).map(|length| (0, length)),
            };
            let Some((place, length)) = found else { return false };
            is_loose = false;
            rest = rest.get(place + length..).unwrap_or_default();
        }
        is_loose || (rest.is_empty() && self.text.len() <= HEAD)
    }

    /// Where a piece comes next, and its length; one that ends the pattern has to end the text.
    fn find(&self, text: &[u8], piece: &[u8], is_last: bool) -> Option<(usize, usize)> {
        match piece {
            b"%n" => {
                let place = text.iter().position(u8::is_ascii_digit)?;
                Some((place, self.starts(text.get(place..)?, piece)?))
            }
            b"%e" => {
                let place = text.iter().rposition(|byte| matches!(byte, b'(' | b' '))? + 1;
                Some((place, self.starts(text.get(place..)?, piece)?))
            }
            _ if is_last => text.ends_with(piece).then(|| (text.len() - piece.len(), piece.len())),
            _ => memmem::find(text, piece).map(|place| (place, piece.len())),
        }
    }

    /// The length of what a piece fits at the start of a text.
    fn starts(&self, text: &[u8], piece: &[u8]) -> Option<usize> {
        match piece {
            b"%n" => Some(text.iter().take_while(|byte| byte.is_ascii_digit()).count()).filter(|length| *length > 0),
            b"%e" => Some(error_name(text)).filter(|length| {
                *length > 0
                    && !text.get(*length..).is_some_and(|after| after.first() == Some(&b':') && words::is_zero(after))
            }),
            // Up to the colon that ends the first word.
            b"%p" => {
                let word = self.head.get(..self.word)?;
                word.strip_suffix(b":")
                    .or_else(|| word.split(|byte| *byte == b':').next())
                    .map(<[u8]>::len)
                    .filter(|length| *length > 0 && text.len() == self.head.len())
            }
            _ => text.starts_with(piece).then_some(piece.len()),
        }
    }
}

/// The length of the first element of a pattern: `~`, `%n`, `%e`, `%p`, or the text before the next of them.
fn element(pattern: &[u8]) -> usize {
    match pattern {
        [b'%', ..] => 2,
        [b'~', ..] => 1,
        _ => pattern.iter().position(|byte| matches!(byte, b'~' | b'%')).unwrap_or(pattern.len()),
    }
}

/// The length of the name of an error at the start of a text: `TypeError`, `java.lang.IllegalStateException`,
/// `PDO::Exception`; 0 where none stands there.
fn error_name(text: &[u8]) -> usize {
    let mut length = 0;
    while let Some(byte) = text.get(length).filter(|_| length < WORD) {
        let is_part = byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'$' | b'\\');
        let is_scope = *byte == b':' && text.get(length + 1) == Some(&b':');
        length += match (is_part, is_scope) {
            (true, _) => 1,
            (_, true) => 2,
            _ => break,
        };
    }
    let name = text.get(..length).unwrap_or_default();
    let is_class = name.first().is_some_and(u8::is_ascii_uppercase) || name.contains(&b'.') || name.contains(&b'\\');
    let class = name.rsplit(|byte| *byte == b'.').next().unwrap_or_default();
    let is_part = [&b"Handler"[..], b"Config", b"Mapper", b"Filter", b"Module", b"Service", b"Registry", b"Factory"];
    let is_module = [&b".exceptions."[..], b".errors."].iter().any(|module| memmem::find(name, module).is_some());
    let is_named = is_module && class.first().is_some_and(u8::is_ascii_uppercase);
    let is_error = name.ends_with(b"Error")
        || name.ends_with(b"Exception")
        || (is_named && !is_part.iter().any(|part| class.ends_with(part)));
    if is_class && is_error { length } else { 0 }
}
