//! The first words of a line by which a program says that it breaks, although no level stands there. It matches the
//! table's patterns, each in one pass over a bounded head.

use memchr::memmem;

use super::rows::{self, Rows, Shape};
use super::{Stated, words};

/// How much of a line is looked at, in bytes.
const HEAD: usize = 512;
/// The longest first word that is looked at, in bytes.
const WORD: usize = 128;

/// The row of the first pattern that a text begins with.
pub(super) fn read(text: &[u8], rows: Rows) -> Option<Stated> {
    let start = Start::of(text)?;
    super::step();
    rows::all().find_map(|(row, entry)| match entry.shape {
        Shape::Text(level, patterns) if rows.counts(row) => {
            patterns.iter().any(|pattern| start.fits(pattern.as_bytes())).then_some(Stated { level, row })
        }
        _ => None,
    })
}

/// The start of a text that may be one.
struct Start<'a> {
    text: &'a [u8],
    head: &'a [u8],
    /// The length of the first word.
    word: usize,
}

impl<'a> Start<'a> {
    fn of(text: &'a [u8]) -> Option<Self> {
        let text = text.trim_ascii_end();
        let (first, second) = (*text.first()?, *text.get(1)?);
        let head = text.get(..HEAD).unwrap_or(text);
        let word = head.iter().take(WORD).position(|byte| *byte <= b' ').unwrap_or(head.len().min(WORD));
        // A name before a colon, the name of an error, or a program's own log of a line of its source.
        let has_colon = || head.get(..word).is_some_and(|word| memchr::memchr(b':', word).is_some());
        (rows::is_beginning(first, second) || error_name(head) > 0 || has_colon()).then_some(Self { text, head, word })
    }

    /// Whether a pattern fits the whole text.
    fn fits(&self, pattern: &[u8]) -> bool {
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
    let is_error = name.ends_with(b"Error")
        || name.ends_with(b"Exception")
        || [&b".exceptions."[..], b".errors."].iter().any(|module| memmem::find(name, module).is_some());
    if is_class && is_error { length } else { 0 }
}
