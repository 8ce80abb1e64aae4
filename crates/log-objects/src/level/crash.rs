//! The first words of a line by which a program says that it breaks, although no level stands there. It matches the
//! table's patterns, each in one pass over a bounded head.

use memchr::memmem;

use super::rows::{self, Pattern, Row, Rows};
use super::{Stated, words};

/// How much of a line is looked at, in bytes.
const HEAD: usize = 512;
/// The longest first word that is looked at, in bytes.
const WORD: usize = 128;

/// The first row of which a pattern fits the text.
pub(super) fn read(text: &[u8], rows: Rows) -> Option<Stated> {
    let start = Start::of(text)?;
    super::step();
    // The row that stands first counts, so rows behind one that fits are not looked at.
    let fits = |first: u8, found: Option<Row>| {
        let better = rows::patterns(first).iter().take_while(|pattern| found.is_none_or(|found| pattern.row < found));
        better.filter(|pattern| start.fits(pattern)).map(|pattern| pattern.row).find(|row| rows.counts(*row)).or(found)
    };
    let mut found = fits(start.first, None);
    if start.has_colon || start.error > 0 {
        found = fits(b'%', found);
    }
    if start.has_colon {
        found = fits(b'~', found);
    }
    let row = found?;
    row.level().map(|level| Stated { level, row })
}

/// The start of a text that may be one.
struct Start<'a> {
    text: &'a [u8],
    head: &'a [u8],
    first: u8,
    /// The length of the name of a program: of the first word up to its last or first colon.
    program: usize,
    /// Whether a colon stands in the first word, as behind a program's name or its source's.
    has_colon: bool,
    /// The length of the name of an error at the start; 0 where none stands there.
    error: usize,
    /// Which pairs of bytes come in the head, as a bit for each pair's hash: the anchors of most patterns do not. All of
    /// them where the first word has no colon, since then little is searched for.
    pairs: [u64; 4],
}

impl<'a> Start<'a> {
    fn of(text: &'a [u8]) -> Option<Self> {
        let first = *text.first()?;
        let has_patterns = !rows::patterns(first).is_empty();
        let may_be_name = first.is_ascii_alphabetic() || matches!(first, b'/' | b'.' | b'<' | b'_');
        if !has_patterns && !may_be_name {
            return None;
        }
        let head = text.get(..HEAD).unwrap_or(text);
        let word = head.iter().take(WORD).position(|byte| *byte <= b' ').unwrap_or(head.len().min(WORD));
        let has_colon = may_be_name && memchr::memchr(b':', head.get(..word)?).is_some();
        let error = if may_be_name { error_name(head) } else { 0 };
        if !has_patterns && !has_colon && error == 0 {
            return None;
        }
        let text = text.trim_ascii_end();
        let head = text.get(..HEAD).unwrap_or(text);
        let program = head.get(..word).map_or(0, |word| match word {
            [name @ .., b':'] => name.len(),
            _ => word.iter().position(|byte| *byte == b':').unwrap_or(word.len()),
        });
        let pairs = if has_colon { pairs_of(head) } else { [u64::MAX; 4] };
        Some(Self { text, head, first, program, has_colon, error, pairs })
    }

    /// Whether a pattern fits the whole text.
    fn fits(&self, pattern: &Pattern) -> bool {
        // Most are done with here.
        if pattern.anchor.is_some_and(|pair| !has_pair(&self.pairs, pair)) {
            return false;
        }
        let pattern = pattern.text.as_bytes();
        let (at, next) = match pattern {
            [b'%', b'e', ..] if self.error == 0 => return false,
            [b'%', b'p', next @ ..] => (self.program, next),
            [b'%' | b'~', ..] => (0, &[][..]),
            _ => (0, pattern),
        };
        let known = next.iter().take(2).take_while(|byte| !matches!(byte, b'%' | b'~'));
        if !known.zip(at..).all(|(byte, at)| self.head.get(at) == Some(byte)) {
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
            b"%e" => Some(if text.len() == self.head.len() { self.error } else { error_name(text) }).filter(|length| {
                *length > 0
                    && !text.get(*length..).is_some_and(|after| after.first() == Some(&b':') && words::is_zero(after))
            }),
            b"%p" => Some(self.program).filter(|length| *length > 0 && text.len() == self.head.len()),
            _ => text.starts_with(piece).then_some(piece.len()),
        }
    }
}

/// A place among 256 for a pair of bytes, as a word and a bit in it.
fn place_of(pair: [u8; 2]) -> (usize, u64) {
    let [first, second] = pair;
    let hash = first.wrapping_mul(167) ^ second.wrapping_mul(13);
    (usize::from(hash >> 6), 1 << (hash & 63))
}

fn pairs_of(text: &[u8]) -> [u64; 4] {
    let mut pairs = [0; 4];
    for pair in text.array_windows() {
        let (word, bit) = place_of(*pair);
        if let Some(word) = pairs.get_mut(word) {
            *word |= bit;
        }
    }
    pairs
}

fn has_pair(pairs: &[u64; 4], pair: [u8; 2]) -> bool {
    let (word, bit) = place_of(pair);
    pairs.get(word).is_some_and(|word| word & bit != 0)
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
