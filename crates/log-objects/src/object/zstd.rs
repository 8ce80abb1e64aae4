//! A zstd stream, decoded block by block as it arrives, because one byte of a block can stand for 128 KiB: never more
//! than one block is decoded before it is handed on. Several frames may follow one another, as in multipart uploads.
//!
//! The layout of frames and blocks is that of RFC 8878, section 3.1.1.

use std::fmt;
use std::io::Read;

use ruzstd::decoding::{BlockDecodingStrategy, FrameDecoder};

use crate::problem::{MAX_MEMBERS, Problem};
use crate::record::Record;
use crate::text::Text;

/// The largest window that is kept: what RFC 8878 asks every decoder to support. Fluent Bit's level 1 takes half a MiB.
const MAX_WINDOW: u64 = 8 << 20;
/// How much is handed on at a time.
const OUTPUT: usize = 64 << 10;
/// The header of a block.
const BLOCK_HEADER: usize = 3;
/// The largest block (`Block_Maximum_Size`).
const MAX_BLOCK: usize = 128 << 10;

/// A zstd stream of several frames.
pub(super) struct Zstd {
    decoder: FrameDecoder,
    /// Bytes of a frame's header or of a block that is not there in full.
    carry: Vec<u8>,
    output: Vec<u8>,
    frames: u32,
    /// Whether a frame's header was read and its last block not, and whether a checksum will follow that.
    frame: Option<Checksum>,
}

#[derive(Clone, Copy, Debug)]
struct Checksum(bool);

impl Default for Zstd {
    fn default() -> Self {
        let mut decoder = FrameDecoder::new();
        decoder.set_max_window_size(MAX_WINDOW);
        Self { decoder, carry: Vec::new(), output: vec![0; OUTPUT], frames: 0, frame: None }
    }
}

impl fmt::Debug for Zstd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Zstd").field("frames", &self.frames).finish_non_exhaustive()
    }
}

impl Zstd {
    /// Whether a frame has begun and not ended.
    pub(super) fn is_inside(&self) -> bool {
        self.frame.is_some() || !self.carry.is_empty()
    }

    pub(super) fn push(
        &mut self,
        input: &[u8],
        text: &mut Text,
        sink: &mut dyn FnMut(&Record<'_>),
    ) -> Result<(), Problem> {
        let mut carry = std::mem::take(&mut self.carry);
        carry.extend_from_slice(input);
        let mut rest = carry.as_slice();
        while let Some(length) = self.next_piece(rest)? {
            let Some((piece, more)) = rest.split_at_checked(length) else { break };
            self.decode(piece, text, sink)?;
            rest = more;
        }
        self.carry = rest.to_vec();
        Ok(())
    }

    /// The length of what comes next, a frame's header or a block; `None` as long as it cannot be told.
    fn next_piece(&self, rest: &[u8]) -> Result<Option<usize>, Problem> {
        let Some(Checksum(has_checksum)) = self.frame else {
            return Ok(rest.get(4).map(|descriptor| frame_header(*descriptor)));
        };
        let Some([first, second, third]) = rest.first_chunk::<BLOCK_HEADER>() else { return Ok(None) };
        let header = u32::from_le_bytes([*first, *second, *third, 0]);
        let (is_last, is_run, size) = (header & 1 == 1, (header >> 1) & 3 == 1, header >> 3);
        let size = if is_run { 1 } else { usize::try_from(size).unwrap_or(usize::MAX) };
        if size > MAX_BLOCK {
            return Err(damaged(&"a block over 128 KiB"));
        }
        Ok(Some(BLOCK_HEADER + size + if is_last && has_checksum { 4 } else { 0 }))
    }

    fn decode(&mut self, piece: &[u8], text: &mut Text, sink: &mut dyn FnMut(&Record<'_>)) -> Result<(), Problem> {
        if self.frame.is_none() {
            self.frames += 1;
            if self.frames > MAX_MEMBERS {
                return Err(Problem::Members);
            }
            self.decoder.reset(piece).map_err(|error| damaged(&error))?;
            self.frame = Some(Checksum(piece.get(4).is_some_and(|descriptor| descriptor & 4 != 0)));
            return Ok(());
        }
        let decoded = self.decoder.decode_blocks(piece, BlockDecodingStrategy::UptoBlocks(1));
        if decoded.map_err(|error| damaged(&error))? {
            self.frame = None;
        }
        loop {
            let given = self.decoder.read(&mut self.output).map_err(|error| damaged(&error))?;
            if given == 0 {
                return Ok(());
            }
            text.push(self.output.get(..given).unwrap_or(&self.output), sink)?;
        }
    }
}

/// The length of a frame's header, its magic number included, by its descriptor.
fn frame_header(descriptor: u8) -> usize {
    let is_single_segment = descriptor & 0x20 != 0;
    let window = usize::from(!is_single_segment);
    let dictionary = match descriptor & 3 {
        3 => 4,
        few => usize::from(few),
    };
    let content_size = match descriptor >> 6 {
        0 => usize::from(is_single_segment),
        1 => 2,
        2 => 4,
        _ => 8,
    };
    5 + window + dictionary + content_size
}

fn damaged(error: &dyn fmt::Display) -> Problem {
    Problem::Damaged("zstd", error.to_string())
}

#[cfg(test)]
mod tests {
    use ruzstd::encoding::{CompressionLevel, compress_to_vec};

    use super::*;
    use crate::object::{MAX_OBJECT, ObjectReader};
    use crate::text::Lines;

    fn compress(text: &[u8]) -> Vec<u8> {
        compress_to_vec(text, CompressionLevel::Fastest)
    }

    fn read_within(body: &[u8], step: usize, limit: u64) -> (Vec<String>, Vec<Problem>) {
        let mut messages = Vec::new();
        let mut reader = ObjectReader::new(Lines::Json, limit);
        for chunk in body.chunks(step) {
            reader.push(chunk, &mut |record| messages.push(record.message.to_string()));
        }
        let problems = reader.finish(&mut |record| messages.push(record.message.to_string()));
        (messages, problems)
    }

    fn read(body: &[u8], step: usize) -> (Vec<String>, Vec<Problem>) {
        read_within(body, step, MAX_OBJECT)
    }

    fn numbered(count: usize) -> (Vec<u8>, Vec<String>) {
        let messages: Vec<String> = (0..count).map(|n| format!("line {n} {}", n.wrapping_mul(2_654_435_761))).collect();
        let text = messages.iter().flat_map(|message| format!("{{\"log\":\"{message}\"}}\n").into_bytes()).collect();
        (text, messages)
    }

    /// A frame of runs: 128 KiB for every four bytes.
    fn bomb(blocks: usize) -> Vec<u8> {
        let mut frame = vec![0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x48];
        for block in 0..blocks {
            let is_last = u32::from(block + 1 == blocks);
            frame.extend_from_slice(&(is_last | 1 << 1 | 0x2_0000 << 3).to_le_bytes()[..3]);
            frame.push(b'a');
        }
        frame
    }

    #[test]
    fn any_cut_of_the_bytes_gives_the_same_records() {
        let (text, messages) = numbered(10_000);
        for step in [1, 2, 3, 7, 1000, usize::MAX] {
            assert_eq!(read(&compress(&text), step), (messages.clone(), vec![]), "step {step}");
        }
    }

    #[test]
    fn frames_follow_one_another() {
        let (text, messages) = numbered(2_000);
        let cut = text.len() / 3;
        let body = [compress(&text[..cut]), compress(b""), compress(&text[cut..])].concat();
        assert_eq!(read(&body, 4096), (messages, vec![]));
    }

    #[test]
    fn a_bomb_ends_at_the_limit_and_is_never_decoded_whole() {
        let body = bomb(100_000);
        assert!(body.len() < 500_000);
        let mut reader = ObjectReader::new(Lines::Bare, 3 << 20);
        reader.push(&body, &mut |_| {});
        assert_eq!((reader.decoded(), reader.is_open()), (3 << 20, false));
        assert_eq!(read_within(&body, 10, 3 << 20).1[0], Problem::TooLarge(3 << 20));
    }

    #[test]
    fn a_window_over_the_limit_is_refused() {
        let (messages, problems) = read(&[0x28, 0xb5, 0x2f, 0xfd, 0x00, 0xf8, 0x01, 0x00, 0x00, 0, 0, 0], 5);
        assert!(messages.is_empty() && matches!(problems[..], [Problem::Damaged("zstd", _)]), "{problems:?}");
    }

    #[test]
    fn a_truncated_stream_gives_what_came_before() {
        let (text, _) = numbered(30_000);
        let body = compress(&text);
        let (messages, problems) = read(&body[..body.len() / 2], 1000);
        assert!(messages.len() > 5_000 && messages.len() < 25_000, "{}", messages.len());
        assert_eq!(problems[0], Problem::Truncated("zstd"));
        let (messages, problems) = read(&[compress(b"{\"log\":\"kept\"}\n"), b"trailing".to_vec()].concat(), 1000);
        assert!(messages == ["kept"] && matches!(problems[..], [Problem::Damaged("zstd", _)]), "{problems:?}");
    }

    #[test]
    fn no_cut_and_no_flipped_byte_makes_it_panic() {
        let body = compress(b"{\"log\":\"one one one one\"}\n{\"log\":\"two\"}\n");
        for end in 0..body.len() {
            read(&body[..end], 5);
            for value in [0, 1, 0x20, 0x80, 0xf8, 0xff] {
                let mut flipped = body.clone();
                flipped[end] = value;
                read(&flipped, 5);
            }
        }
    }
}
