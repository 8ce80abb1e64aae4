//! What the compiler works out of the table, so that most names and lines are done with after one look.
#![expect(
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    clippy::panic,
    reason = "only the compiler runs these, and stops where a place does not exist; the table has fewer than 128 rows"
)]

use super::table::ROWS;
use super::{Row, Shape};

/// How many patterns there are.
const COUNT: usize = count();

/// A pattern of the table.
#[derive(Clone, Copy)]
pub(in super::super) struct Pattern {
    /// Its row.
    pub(in super::super) row: Row,
    /// The pattern.
    pub(in super::super) text: &'static str,
    /// Two bytes that must stand somewhere behind its first `~`; nothing where it has no such.
    pub(in super::super) anchor: Option<[u8; 2]>,
}

/// The patterns by their first byte; of one first byte in the order of the table.
static PATTERNS: [Pattern; COUNT] = sorted();

/// Where the patterns of each first byte begin in [`PATTERNS`].
static BEGINNINGS: [u16; 257] = beginnings();

const fn patterns_of(row: usize) -> &'static [&'static str] {
    match ROWS[row].shape {
        Shape::Text(_, patterns) => patterns,
        _ => &[],
    }
}

const fn count() -> usize {
    let (mut count, mut row) = (0, 0);
    while row < ROWS.len() {
        count += patterns_of(row).len();
        row += 1;
    }
    count
}

/// How many patterns begin with a lesser byte.
const fn beginnings() -> [u16; 257] {
    let (mut counts, mut row) = ([0; 257], 0);
    while row < ROWS.len() {
        let mut at = 0;
        while at < patterns_of(row).len() {
            counts[patterns_of(row)[at].as_bytes()[0] as usize + 1] += 1;
            at += 1;
        }
        row += 1;
    }
    let mut byte = 0;
    while byte < 256 {
        counts[byte + 1] += counts[byte];
        byte += 1;
    }
    counts
}

const fn sorted() -> [Pattern; COUNT] {
    let none = Pattern { row: Row(0), text: "", anchor: None };
    let (mut sorted, mut free, mut row) = ([none; COUNT], beginnings(), 0);
    while row < ROWS.len() {
        let mut at = 0;
        while at < patterns_of(row).len() {
            let text = patterns_of(row)[at];
            let first = text.as_bytes()[0] as usize;
            sorted[free[first] as usize] = Pattern { row: Row(row as u8), text, anchor: anchor(text.as_bytes()) };
            free[first] += 1;
            at += 1;
        }
        row += 1;
    }
    sorted
}

const fn anchor(pattern: &[u8]) -> Option<[u8; 2]> {
    let mut at = 0;
    while at < pattern.len() {
        if pattern[at] == b'~' && at + 2 < pattern.len() {
            let pair = [pattern[at + 1], pattern[at + 2]];
            return if pair[0] == b'%' || pair[1] == b'%' || pair[1] == b'~' { None } else { Some(pair) };
        }
        at += 1;
    }
    None
}

/// The patterns that begin with a byte.
pub(in super::super) fn patterns(first: u8) -> &'static [Pattern] {
    &PATTERNS[usize::from(BEGINNINGS[usize::from(first)])..usize::from(BEGINNINGS[usize::from(first) + 1])]
}

/// Where the first row stands whose kind comes after that of the members, and the first after that of the words.
pub(super) const MEMBERS_END: u8 = row("logfmt").0;
pub(super) const WORDS_START: u8 = row("brackets").0;
pub(super) const WORDS_END: u8 = row("go-crash").0;

/// Which first letters and lengths the names of members have that a row asks for, by [`member_bit`].
static MEMBERS: [u64; 32] = members();

const fn member_bit(first: u8, length: usize) -> usize {
    ((first as usize & 63) << 5) | (length & 31)
}

const fn members() -> [u64; 32] {
    let (mut set, mut row) = ([0; 32], 0);
    while row < ROWS.len() {
        let lists: [&[&str]; 2] = match ROWS[row].shape {
            Shape::Member(names, beside) | Shape::Number(names, beside, _) => [names, beside],
            Shape::Present(names) => [names, &[]],
            _ => [&[], &[]],
        };
        let mut list = 0;
        while list < 2 {
            let mut name = 0;
            while name < lists[list].len() {
                let bytes = lists[list][name].as_bytes();
                let (mut at, mut dots) = (0, 0);
                while at < bytes.len() {
                    dots += (bytes[at] == b'.') as usize;
                    at += 1;
                }
                let bit = member_bit(bytes[0], bytes.len() - dots);
                set[bit / 64] |= 1 << (bit % 64);
                name += 1;
            }
            list += 1;
        }
        row += 1;
    }
    set
}

/// Whether a member's joined name may be one that a row asks for.
pub(in super::super) fn is_member(name: &[u8]) -> bool {
    let bit = member_bit(name.first().copied().unwrap_or_default(), name.len());
    MEMBERS[bit / 64] & (1 << (bit % 64)) != 0
}

/// The row of an id that stands in the table, for constants.
pub(super) const fn row(id: &str) -> Row {
    let mut at = 0;
    while at < ROWS.len() {
        let (known, id) = (ROWS[at].id.as_bytes(), id.as_bytes());
        let mut same = 0;
        while same < id.len() && same < known.len() && known[same] == id[same] {
            same += 1;
        }
        if same == id.len() && same == known.len() {
            return Row(at as u8);
        }
        at += 1;
    }
    panic!("no such row")
}
