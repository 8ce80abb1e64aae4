//! The decoded bytes of an object, cut into lines and read as records. It knows no encoding.

use std::borrow::Cow;
use std::str::{Utf8Error, from_utf8};

use memchr::memchr_iter;
use serde::{Deserialize, Serialize};

use super::problem::{MAX_LINE, Problem};
use super::record::{self, Members, Pieces, Record, Templates};

/// What a line of an object is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Lines {
    /// A JSON object: the record.
    Json,
    /// The bare value of one member (`log_key`): the message, whatever it looks like.
    Bare,
}

/// Decoded bytes, cut into lines and read.
#[derive(Debug)]
pub(super) struct Text {
    lines: Lines,
    limit: u64,
    decoded: u64,
    /// The start of a line whose end has not come.
    carry: Vec<u8>,
    /// Whether that line is over the limit already.
    is_skipping: bool,
    templates: Templates,
    pieces: Pieces,
    not_json: u64,
    long_lines: u64,
}

impl Text {
    /// Takes at most `limit` bytes.
    pub(super) fn new(lines: Lines, limit: u64) -> Self {
        Self {
            lines,
            limit,
            decoded: 0,
            carry: Vec::new(),
            is_skipping: false,
            templates: Templates::default(),
            pieces: Pieces::default(),
            not_json: 0,
            long_lines: 0,
        }
    }

    /// Takes what the object before left open.
    pub(super) fn follow(&mut self, pieces: Pieces) {
        self.pieces = pieces;
    }

    /// What a line is.
    pub(super) fn lines(&self) -> Lines {
        self.lines
    }

    /// The most bytes that it takes.
    pub(super) fn limit(&self) -> u64 {
        self.limit
    }

    /// The bytes that it took.
    pub(super) fn decoded(&self) -> u64 {
        self.decoded
    }

    /// The memory that it holds between two pushes, in bytes.
    #[cfg(test)]
    pub(super) fn held(&self) -> usize {
        self.carry.capacity()
    }

    /// Takes the next bytes and hands out the records that they complete.
    pub(super) fn push(&mut self, bytes: &[u8], sink: &mut dyn FnMut(&Record<'_>)) -> Result<(), Problem> {
        let room = usize::try_from(self.limit - self.decoded).unwrap_or(usize::MAX);
        let within = bytes.get(..room).unwrap_or(bytes);
        self.decoded += within.len() as u64;
        self.cut(within, sink);
        if within.len() < bytes.len() { Err(Problem::TooLarge(self.limit)) } else { Ok(()) }
    }

    /// Bytes become text here, many lines at once where they can. Fluent Bit 1.9 lets overlong and surrogate sequences
    /// through, so a line of bad UTF-8 may be a good record: what is bad in it is replaced.
    fn cut(&mut self, bytes: &[u8], sink: &mut dyn FnMut(&Record<'_>)) {
        let valid = |error: Utf8Error| from_utf8(bytes.get(..error.valid_up_to()).unwrap_or_default());
        let text = from_utf8(bytes).or_else(valid).unwrap_or_default();
        let mut start = 0;
        for end in memchr_iter(b'\n', bytes) {
            let Some(line) = bytes.get(start..end) else { break };
            if !self.carry.is_empty() || self.is_skipping || line.len() > MAX_LINE {
                self.keep(line);
                self.end_line(sink);
            } else if let Some(line) = text.get(start..end) {
                self.read(line, sink);
            } else {
                self.read(&String::from_utf8_lossy(line), sink);
            }
            start = end + 1;
        }
        self.keep(bytes.get(start..).unwrap_or_default());
    }

    fn keep(&mut self, piece: &[u8]) {
        if self.is_skipping {
            return;
        }
        if self.carry.len() + piece.len() > MAX_LINE {
            self.is_skipping = true;
            self.long_lines += 1;
            self.carry = Vec::new();
        } else {
            self.carry.extend_from_slice(piece);
        }
    }

    fn end_line(&mut self, sink: &mut dyn FnMut(&Record<'_>)) {
        if !std::mem::take(&mut self.is_skipping) {
            let mut line = std::mem::take(&mut self.carry);
            self.read(&String::from_utf8_lossy(&line), sink);
            line.clear();
            self.carry = line;
        }
    }

    fn read(&mut self, line: &str, sink: &mut dyn FnMut(&Record<'_>)) {
        match self.lines {
            Lines::Bare => {
                let message = record::without_end(Cow::Borrowed(line));
                self.hand_out(Record { message, ..Record::default() }, None, sink);
            }
            Lines::Json if line.trim_ascii().is_empty() => {}
            Lines::Json => self.read_json(line, sink),
        }
    }

    fn read_json(&mut self, line: &str, sink: &mut dyn FnMut(&Record<'_>)) {
        if let Some(record) = self.templates.record(line) {
            if self.pieces.lets_pass(&record) {
                return sink(&record);
            }
            if let Some(record) = self.pieces.take(record, None) {
                sink(&record);
            }
            return;
        }
        match record::parse(line, &mut self.templates) {
            Ok(members) => {
                let (record, piece) = members.record(line);
                self.hand_out(record, piece.as_ref(), sink);
            }
            Err(_) => self.read_several(line, sink),
        }
    }

    /// A line that is not one object: several of them, or none. What is no object is counted, and what stands before it
    /// is read.
    fn read_several(&mut self, line: &str, sink: &mut dyn FnMut(&Record<'_>)) {
        let mut rest = line;
        loop {
            let is_between = |byte: char| byte.is_whitespace() || matches!(byte, ',' | '[' | ']' | '\u{feff}' | '\0');
            rest = rest.trim_start_matches(is_between);
            if rest.is_empty() {
                return;
            }
            let mut objects = serde_json::Deserializer::from_str(rest).into_iter::<Members<'_>>();
            let members = if rest.starts_with('{') { objects.next() } else { None };
            let Some(Ok(members)) = members else {
                self.not_json += 1;
                return;
            };
            let Some((object, after)) = rest.split_at_checked(objects.byte_offset()) else { return };
            let (record, piece) = members.record(object);
            self.hand_out(record, piece.as_ref(), sink);
            rest = after;
        }
    }

    fn hand_out(&mut self, record: Record<'_>, piece: Option<&record::Piece<'_>>, sink: &mut dyn FnMut(&Record<'_>)) {
        if piece.is_none() && self.pieces.lets_pass(&record) {
            sink(&record);
        } else if let Some(record) = self.pieces.take(record, piece) {
            sink(&record);
        }
    }

    /// The last line may lack its newline (`log_key` cuts a flush at a NUL byte); where the object broke off it is not
    /// a line. Returns what is wrong, and the lines whose pieces have not all come.
    pub(super) fn finish(mut self, whole: bool, sink: &mut dyn FnMut(&Record<'_>)) -> (Vec<Problem>, Pieces) {
        if whole && !self.carry.is_empty() {
            self.end_line(sink);
        }
        let counted = |count: u64, problem: fn(u64) -> Problem| (count > 0).then(|| problem(count));
        let problems = [
            counted(self.not_json, Problem::NotJson),
            counted(self.long_lines, Problem::LongLines),
            counted(self.pieces.take_cut(), Problem::LongRecords),
        ];
        (problems.into_iter().flatten().collect(), self.pieces)
    }
}
