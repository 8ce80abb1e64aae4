//! Puts split lines together again, so that levels and patterns are read of the whole: the log driver cuts at 16 KiB.
//! It keeps what is open at the end of an object for the next one of the same task.

use std::borrow::Cow;

use super::{Piece, Record};
use crate::problem::MAX_LINE;

/// The length at which container runtimes cut, in bytes: where they leave no mark, as on Fargate, a piece is known by
/// it (<https://github.com/aws/aws-for-fluent-bit/issues/175>).
pub(crate) const CUT: usize = 16 << 10;
/// Lines that may be open at once: two streams of two containers. Each can hold a mebibyte, so few may be open.
const MAX_OPEN: usize = 4;

/// Lines whose pieces have not all come.
#[derive(Debug, Default)]
pub struct Pieces {
    open: Vec<Open>,
    /// Joined lines that were cut at [`MAX_LINE`].
    cut: u64,
}

/// A line of which pieces have come.
#[derive(Debug)]
struct Open {
    id: Id,
    /// The record of the piece that came first.
    record: Record<'static>,
    /// The texts, with the number of each where pieces are numbered, in their order.
    texts: Vec<(u32, String)>,
    length: usize,
    /// The number of the last piece.
    last: Option<u32>,
    is_cut: bool,
}

/// What the pieces of a line share.
#[derive(Debug, PartialEq, Eq)]
enum Id {
    Marked(String),
    Unmarked { container: Option<String>, source: Option<String> },
}

impl Open {
    fn is_of(&self, record: &Record<'_>, piece: Option<&Piece<'_>>) -> bool {
        match (&self.id, piece) {
            (Id::Marked(id), Some(piece)) => *id == piece.id,
            (Id::Unmarked { container, source }, None) => {
                container.as_deref() == container_of(record) && source.as_deref() == record.source.as_deref()
            }
            _ => false,
        }
    }

    /// Puts a text in its place, as far as there is room.
    fn add(&mut self, ordinal: Option<u32>, text: &str) {
        let ordinal = ordinal.unwrap_or_else(|| self.texts.last().map_or(1, |(last, _)| last.saturating_add(1)));
        let room = MAX_LINE - self.length.min(MAX_LINE);
        let kept = text.get(..text.floor_char_boundary(room)).unwrap_or_default();
        self.is_cut |= kept.len() < text.len();
        if kept.is_empty() && self.is_cut {
            // Counted as there, so that the last one is not waited for.
            self.texts.push((ordinal, String::new()));
            return;
        }
        self.length += kept.len();
        let place = self.texts.partition_point(|(known, _)| *known <= ordinal);
        self.texts.insert(place, (ordinal, kept.to_owned()));
    }

    fn is_whole(&self) -> bool {
        self.last.is_some_and(|last| self.texts.len() >= usize::try_from(last).unwrap_or(usize::MAX))
    }

    fn joined(mut self) -> Record<'static> {
        let texts: Vec<String> = self.texts.into_iter().map(|(_, text)| text).collect();
        self.record.message = Cow::Owned(texts.concat());
        self.record
    }
}

/// Which container a record is of.
fn container_of<'a>(record: &'a Record<'_>) -> Option<&'a str> {
    record.container_id.as_deref().or(record.container_name.as_deref())
}

impl Pieces {
    /// Whether a record goes by unjoined: nothing is open, and it is none of a cut line.
    pub(crate) fn lets_pass(&self, record: &Record<'_>) -> bool {
        self.open.is_empty() && record.message.len() != CUT
    }

    /// The record that a line completes, or nothing while more pieces must come.
    pub(crate) fn take<'a>(&mut self, record: Record<'a>, piece: Option<&Piece<'_>>) -> Option<Record<'a>> {
        let known = self.open.iter().position(|open| open.is_of(&record, piece));
        let is_open = piece.map_or(record.message.len() == CUT, |piece| !piece.is_last);
        let ordinal = piece.and_then(|piece| piece.ordinal);
        // The last piece may come before others only where pieces are numbered.
        let waits = is_open || ordinal.is_some_and(|ordinal| ordinal > 1);
        let Some(at) = known else {
            if !waits || self.open.len() >= MAX_OPEN {
                return Some(record);
            }
            self.open.push(Open::of(record, piece));
            return None;
        };
        let open = self.open.get_mut(at)?;
        open.add(ordinal, &record.message);
        if !is_open {
            let count = u32::try_from(open.texts.len()).unwrap_or(u32::MAX);
            open.last = Some(ordinal.unwrap_or(count));
        }
        open.is_whole().then(|| self.open.swap_remove(at)).map(|open| {
            self.cut += u64::from(open.is_cut);
            open.joined()
        })
    }

    /// What never got its last piece.
    pub(crate) fn rest(&mut self) -> impl Iterator<Item = Record<'static>> + '_ {
        self.open.drain(..).map(Open::joined)
    }

    /// How many joined lines were cut so far.
    pub(crate) fn take_cut(&mut self) -> u64 {
        std::mem::take(&mut self.cut)
    }

    /// Whether no line is open.
    pub fn is_empty(&self) -> bool {
        self.open.is_empty()
    }
}

impl Open {
    fn of(record: Record<'_>, piece: Option<&Piece<'_>>) -> Self {
        let id = match piece {
            Some(piece) => Id::Marked(piece.id.clone().into_owned()),
            None => Id::Unmarked {
                container: container_of(&record).map(str::to_owned),
                source: record.source.as_deref().map(str::to_owned),
            },
        };
        let ordinal = piece.and_then(|piece| piece.ordinal);
        let last = piece.filter(|piece| piece.is_last).and(ordinal);
        let mut open = Self { id, record: record.into_owned(), texts: Vec::new(), length: 0, last, is_cut: false };
        let text = std::mem::take(&mut open.record.message);
        open.add(ordinal, &text);
        open
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Templates, parse};
    use super::*;

    fn join(lines: &[String]) -> (Vec<String>, Pieces) {
        let mut pieces = Pieces::default();
        let mut joined = Vec::new();
        for line in lines {
            let (record, piece) = parse(line, &mut Templates::default()).unwrap().record(line);
            joined.extend(pieces.take(record, piece.as_ref()).map(|record| record.message.into_owned()));
        }
        (joined, pieces)
    }

    fn piece(id: &str, ordinal: u32, is_last: bool, log: &str) -> String {
        format!(
            r#"{{"partial_message":"true","partial_id":"{id}","partial_ordinal":"{ordinal}","partial_last":"{is_last}","log":"{log}"}}"#
        )
    }

    #[test]
    fn marked_pieces_are_joined_in_their_order_and_others_pass_between_them() {
        let between = r#"{"log":"between"}"#.to_owned();
        let (first, second, third) =
            (piece("a", 1, false, "one "), piece("a", 2, false, "two "), piece("a", 3, true, "three"));
        for order in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
            let pieces = [&first, &second, &third];
            let mut lines: Vec<String> = order.iter().map(|at| pieces[*at].clone()).collect();
            lines.insert(1, between.clone());
            lines.insert(2, piece("b", 1, false, "open"));
            let (joined, mut rest) = join(&lines);
            assert_eq!(joined, ["between", "one two three"], "{order:?}");
            assert_eq!(rest.rest().map(|record| record.message.into_owned()).collect::<Vec<_>>(), ["open"]);
        }
        let unnumbered = |last: bool, log: &str| {
            format!(r#"{{"partial_message":"true","partial_id":"c","partial_last":"{last}","log":"{log}"}}"#)
        };
        assert_eq!(join(&[unnumbered(false, "a"), unnumbered(false, "b"), unnumbered(true, "c")]).0, ["abc"]);
        assert_eq!(join(&[unnumbered(true, "alone")]).0, ["alone"]);
    }

    #[test]
    fn unmarked_pieces_are_known_by_their_length_and_joined_by_container_and_source() {
        let line = |container: &str, source: &str, log: &str| {
            format!(r#"{{"container_id":"{container}","source":"{source}","log":"{log}"}}"#)
        };
        let full = "x".repeat(CUT);
        let lines = [
            line("1", "stdout", &full),
            line("1", "stderr", "error"),
            line("2", "stdout", "other"),
            line("1", "stdout", &full),
            line("1", "stdout", "end"),
            line("1", "stdout", "next"),
        ];
        assert_eq!(join(&lines).0, ["error", "other", &format!("{full}{full}end"), "next"]);
        assert_eq!(join(&[line("1", "stdout", &"x".repeat(CUT - 1))]).0.len(), 1, "one byte less is no piece");
    }

    #[test]
    fn a_joined_message_is_bounded_and_the_cut_is_counted() {
        let log = "é".repeat(4 << 10);
        let lines: Vec<String> = (1..=200).map(|number| piece("a", number, number == 200, &log)).collect();
        let (joined, mut pieces) = join(&lines);
        assert_eq!((joined.len(), joined[0].len(), pieces.take_cut()), (1, MAX_LINE, 1));
        // No matter how many lines are begun, few are open.
        let lines: Vec<String> = (0..100).map(|number| piece(&number.to_string(), 1, false, "x")).collect();
        assert_eq!(join(&lines).0.len(), 100 - MAX_OPEN);
    }
}
