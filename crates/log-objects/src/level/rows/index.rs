//! What the compiler works out of the table, so that most names and lines are done with after one look.
#![expect(
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    clippy::panic,
    reason = "only the compiler runs these, and stops where a place does not exist; the table has fewer than 128 rows"
)]

use super::table::ROWS;
use super::{Row, Shape};

/// Which two bytes the patterns begin with that begin with text, by [`hash`].
static BEGINNINGS: [u64; 16] = beginnings();

const fn hash(first: u8, second: u8) -> usize {
    (first as usize ^ ((second as usize) << 3)) & 1023
}

const fn beginnings() -> [u64; 16] {
    let (mut set, mut row) = ([0; 16], 0);
    while row < ROWS.len() {
        if let Shape::Text(_, patterns) = ROWS[row].shape {
            let mut at = 0;
            while at < patterns.len() {
                let bytes = patterns[at].as_bytes();
                if bytes.len() > 1 && bytes[0] != b'~' && bytes[0] != b'%' {
                    // Any byte may stand where the second is a wildcard.
                    let is_any = bytes[1] == b'~' || bytes[1] == b'%';
                    let (mut second, last) = if is_any { (0, 255) } else { (bytes[1] as usize, bytes[1] as usize) };
                    while second <= last {
                        let bit = hash(bytes[0], second as u8);
                        set[bit / 64] |= 1 << (bit % 64);
                        second += 1;
                    }
                }
                at += 1;
            }
        }
        row += 1;
    }
    set
}

/// Whether a pattern may begin with these two bytes.
pub(in super::super) fn is_beginning(first: u8, second: u8) -> bool {
    let bit = hash(first, second);
    BEGINNINGS[bit / 64] & (1 << (bit % 64)) != 0
}

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
