//! Snappy blocks as Fluent Bit uploads them: raw, without the framing format and without magic bytes, one after another
//! with nothing between them where the upload had several parts. They are decoded as they arrive.
//!
//! The format is that of `format_description.txt` in google/snappy. A decoder of our own, because the libraries want a
//! whole block in memory and its end known.

use crate::problem::Problem;
use crate::record::Record;
use crate::text::{Lines, Text};

/// How far back a copy may reach: the compressor works on pieces of 64 KiB that know nothing of each other
/// (`kBlockSize` in `snappy.cc`).
const WINDOW: usize = 64 << 10;

/// Snappy blocks, one after another.
#[derive(Debug, Default)]
pub(super) struct Snappy {
    state: State,
    /// Decoded bytes: the window, and behind it what has not been handed on.
    decoded: Vec<u8>,
    handed_on: usize,
    /// Bytes that the block still has to give.
    missing: u64,
}

#[derive(Clone, Copy, Debug)]
enum State {
    /// Between blocks, or inside the length that a block begins with.
    Length { value: u64, shift: u32 },
    /// Before an element.
    Tag,
    /// Inside the bytes that follow a tag: how many are still to come, their value so far, and the bits that they have.
    Operand { tag: u8, left: u8, value: u32, shift: u32 },
    /// Inside a literal: its bytes that are still to come.
    Literal(usize),
}

impl Default for State {
    fn default() -> Self {
        Self::Length { value: 0, shift: 0 }
    }
}

/// Whether bytes are the start of a block of log lines: a length, then a literal that fits into it and, where lines are
/// JSON, begins an object.
pub(super) fn is_block(start: &[u8], lines: Lines) -> bool {
    let end = start.iter().position(|byte| byte & 0x80 == 0).filter(|end| *end < 5);
    let Some((length, element)) = end.and_then(|end| start.split_at_checked(end + 1)) else { return false };
    let length = length.iter().rev().fold(0, |value: u64, byte| value << 7 | u64::from(byte & 0x7f));
    let Some(tag) = element.first().filter(|tag| matches!(*tag & 3, 0)) else { return false };
    let extra = usize::from((tag >> 2).saturating_sub(59));
    let literal = match element.get(1..1 + extra) {
        None => return false,
        Some([]) => u64::from(tag >> 2) + 1,
        Some(bytes) => bytes.iter().rev().fold(0, |value, byte| value << 8 | u64::from(*byte)) + 1,
    };
    let begins_object = element.get(1 + extra) == Some(&b'{');
    literal <= length && (lines == Lines::Bare || begins_object)
}

impl Snappy {
    /// Whether a block has begun and not ended.
    pub(super) fn is_inside(&self) -> bool {
        !matches!(self.state, State::Length { shift: 0, .. })
    }

    pub(super) fn push(
        &mut self,
        input: &[u8],
        text: &mut Text,
        sink: &mut dyn FnMut(&Record<'_>),
    ) -> Result<(), Problem> {
        let mut rest = input;
        while let Some((&byte, more)) = rest.split_first() {
            if let State::Literal(left) = self.state {
                let (literal, behind) = rest.split_at_checked(left).unwrap_or((rest, &[]));
                self.decoded.extend_from_slice(literal);
                rest = behind;
                self.state = State::Literal(left - literal.len());
                self.end_element(left - literal.len());
            } else {
                rest = more;
                self.take(byte)?;
            }
            if self.decoded.len() >= 4 * WINDOW || !self.is_inside() {
                self.hand_on(text, sink)?;
            }
        }
        self.hand_on(text, sink)
    }

    /// Takes a byte that is not inside a literal.
    fn take(&mut self, byte: u8) -> Result<(), Problem> {
        match self.state {
            State::Length { value, shift } => {
                let value = value | u64::from(byte & 0x7f) << shift;
                if byte & 0x80 == 0 {
                    self.missing = value;
                    self.decoded.clear();
                    self.handed_on = 0;
                    self.state = if value == 0 { State::default() } else { State::Tag };
                } else if shift < 28 {
                    self.state = State::Length { value, shift: shift + 7 };
                } else {
                    return Err(damaged("a length over 32 bits"));
                }
                Ok(())
            }
            State::Tag => {
                let left = match byte & 3 {
                    0 => (byte >> 2).saturating_sub(59),
                    1 => 1,
                    2 => 2,
                    _ => 4,
                };
                self.state = State::Operand { tag: byte, left, value: 0, shift: 0 };
                if left == 0 { self.element(byte, 0) } else { Ok(()) }
            }
            State::Operand { tag, left, value, shift } => {
                let value = value | u32::from(byte) << shift;
                if left > 1 {
                    self.state = State::Operand { tag, left: left - 1, value, shift: shift + 8 };
                    return Ok(());
                }
                self.element(tag, value)
            }
            State::Literal(_) => Ok(()),
        }
    }

    /// Begins a literal, or copies.
    fn element(&mut self, tag: u8, operand: u32) -> Result<(), Problem> {
        let short = u32::from(tag >> 2);
        let (length, offset) = match tag & 3 {
            0 if short < 60 => (u64::from(short) + 1, None),
            0 => (u64::from(operand) + 1, None),
            1 => (u64::from(short & 7) + 4, Some((u32::from(tag) >> 5) << 8 | operand)),
            _ => (u64::from(short) + 1, Some(operand)),
        };
        self.missing =
            self.missing.checked_sub(length).ok_or_else(|| damaged("more bytes than the block announces"))?;
        let length = usize::try_from(length).map_err(|_| damaged("a literal over the address space"))?;
        let Some(offset) = offset else {
            self.state = State::Literal(length);
            return Ok(());
        };
        let offset = usize::try_from(offset).unwrap_or(usize::MAX);
        if offset == 0 || offset > self.decoded.len() || offset > WINDOW {
            return Err(damaged("a copy from before the window"));
        }
        // A copy may overlap itself: its bytes repeat with the offset as their period.
        let from = self.decoded.len() - offset;
        let mut left = length;
        while left > 0 {
            let step = left.min(self.decoded.len() - from);
            self.decoded.extend_from_within(from..from + step);
            left -= step;
        }
        self.end_element(0);
        Ok(())
    }

    /// Goes on to the next element, or to the next block, when nothing is left of this one.
    fn end_element(&mut self, left: usize) {
        if left == 0 {
            self.state = if self.missing == 0 { State::default() } else { State::Tag };
        }
    }

    /// Hands decoded bytes on and keeps the window.
    fn hand_on(&mut self, text: &mut Text, sink: &mut dyn FnMut(&Record<'_>)) -> Result<(), Problem> {
        let fresh = self.decoded.get(self.handed_on..).unwrap_or_default();
        text.push(fresh, sink)?;
        let excess = self.decoded.len().saturating_sub(WINDOW);
        self.decoded.drain(..excess);
        self.handed_on = self.decoded.len();
        Ok(())
    }
}

fn damaged(what: &str) -> Problem {
    Problem::Damaged("snappy", what.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::object::{MAX_OBJECT, ObjectReader};

    fn compress(text: &[u8]) -> Vec<u8> {
        snap::raw::Encoder::new().compress_vec(text).unwrap()
    }

    fn read(body: &[u8], lines: Lines, step: usize) -> (Vec<String>, Vec<Problem>) {
        let mut messages = Vec::new();
        let mut reader = ObjectReader::new(lines, MAX_OBJECT).expecting_snappy();
        for chunk in body.chunks(step) {
            reader.push(chunk, &mut |record| messages.push(record.message.to_string()));
        }
        let problems = reader.finish(&mut |record| messages.push(record.message.to_string()));
        (messages, problems)
    }

    fn numbered(count: usize) -> (Vec<u8>, Vec<String>) {
        let messages: Vec<String> = (0..count).map(|n| format!("line {n} {}", n.wrapping_mul(2_654_435_761))).collect();
        let text = messages.iter().flat_map(|message| format!("{{\"log\":\"{message}\"}}\n").into_bytes()).collect();
        (text, messages)
    }

    #[test]
    fn any_cut_of_the_bytes_gives_the_same_records() {
        let (text, messages) = numbered(3_000);
        for step in [1, 2, 3, 7, 1000, usize::MAX] {
            assert_eq!(read(&compress(&text), Lines::Json, step), (messages.clone(), vec![]), "step {step}");
        }
    }

    #[test]
    fn blocks_glued_together_are_read_one_after_another() {
        let (text, messages) = numbered(20_000);
        let cut = text.len() / 3;
        let body = [compress(&text[..cut]), compress(b""), compress(&text[cut..])].concat();
        assert_eq!(read(&body, Lines::Json, 4096), (messages, vec![]));
    }

    #[test]
    fn runs_repeat_themselves() {
        let text = format!("{{\"log\":\"{}\"}}\n", "ab".repeat(100_000));
        let (messages, problems) = read(&compress(text.as_bytes()), Lines::Json, 333);
        assert_eq!((messages[0].len(), problems), (200_000, vec![]));
    }

    #[test]
    fn bare_lines_and_plain_text_are_told_apart() {
        assert_eq!(read(&compress(b"one\ntwo\n"), Lines::Bare, 3), (vec!["one".into(), "two".into()], vec![]));
        assert_eq!(read(b"{\"log\":\"plain\"}\n", Lines::Json, 3), (vec!["plain".into()], vec![]));
        assert_eq!(read(b"hello\n", Lines::Bare, 3), (vec!["hello".into()], vec![]));
    }

    #[test]
    fn what_breaks_off_or_lies_is_a_flaw() {
        let (text, _) = numbered(3_000);
        let body = compress(&text);
        let (messages, problems) = read(&body[..body.len() / 2], Lines::Json, 1000);
        assert!(messages.len() > 500 && problems == [Problem::Truncated("snappy")], "{problems:?}");
        for body in [&b"\x0a\x14{\"a\":1}\x09\xff"[..], b"\x08\x1c{\"log\":1}\x1c", b"\x09\x1c{\"log\":1\x02\xff\xff"] {
            let (_, problems) = read(body, Lines::Json, 1000);
            assert!(!problems.is_empty(), "{body:?}");
        }
    }

    #[test]
    fn no_cut_and_no_flipped_byte_makes_it_panic() {
        let body = compress(b"{\"log\":\"one one one one\"}\n{\"log\":\"two\"}\n");
        for end in 0..body.len() {
            read(&body[..end], Lines::Json, 5);
            for value in [0, 1, 2, 3, 0x80, 0xf0, 0xfc, 0xff] {
                let mut flipped = body.clone();
                flipped[end] = value;
                read(&flipped, Lines::Bare, 5);
            }
        }
    }
}
