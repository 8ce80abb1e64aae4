//! The bytes of one log object, pushed in as they arrive, turned into records: encodings by their magic bytes, bounded
//! in every direction. It does no I/O and judges no record; what is wrong with an object is a finding, never an error.

mod gzip;
mod snappy;
mod zstd;

use super::problem::Problem;
use super::record::{Pieces, Record};
use super::text::{Lines, Text};
use gzip::Gzip;
use snappy::Snappy;
use zstd::Zstd;

/// The most decoded bytes that are read of one object. Fluent Bit's own limit is 50 GB; what a verification needs
/// stands at the start.
pub const MAX_OBJECT: u64 = 64 << 20;
/// The bytes that decide the encoding: a snappy block has its first character at the twelfth at the latest.
const MAGIC: usize = 12;

/// A reader of one object. It holds one line and one inflate window, whatever the object's size.
#[derive(Debug)]
pub struct ObjectReader {
    may_be_snappy: bool,
    encoding: Encoding,
    /// Bytes taken in. A stream of empty blocks gives nothing and must end, too.
    taken: u64,
    text: Text,
    problem: Option<Problem>,
}

#[derive(Debug)]
enum Encoding {
    /// The first bytes, as long as they are too few to tell.
    Unknown(Vec<u8>),
    Plain,
    Gzip(Gzip),
    Zstd(Box<Zstd>),
    Snappy(Snappy),
}

impl ObjectReader {
    /// A reader that decodes at most `limit` bytes, and never more than [`MAX_OBJECT`].
    pub fn new(lines: Lines, limit: u64) -> Self {
        Self {
            may_be_snappy: lines == Lines::Json,
            encoding: Encoding::Unknown(Vec::new()),
            taken: 0,
            text: Text::new(lines, limit.min(MAX_OBJECT)),
            problem: None,
        }
    }

    /// A reader of an output whose option says `snappy`. Its blocks have no magic bytes: where a line is a JSON object
    /// they are recognised by themselves, where it is bare text only on this word.
    #[must_use]
    pub fn expecting_snappy(mut self) -> Self {
        self.may_be_snappy = true;
        self
    }

    /// A reader of the object that follows another one of the same task, which left these lines open.
    #[must_use]
    pub fn following(mut self, pieces: Pieces) -> Self {
        self.text.follow(pieces);
        self
    }

    /// Takes the next bytes of the object and hands out the records that they complete.
    pub fn push(&mut self, chunk: &[u8], sink: &mut dyn FnMut(&Record<'_>)) {
        let mut rest = chunk;
        if let Encoding::Unknown(head) = &mut self.encoding {
            let missing = MAGIC.saturating_sub(head.len());
            let (first, more) = rest.split_at_checked(missing).unwrap_or((rest, &[]));
            head.extend_from_slice(first);
            rest = more;
            if head.len() < MAGIC {
                return;
            }
            self.recognise(sink);
        }
        self.decode(rest, sink);
    }

    /// Whether more bytes can give more records.
    pub fn is_open(&self) -> bool {
        self.problem.is_none()
    }

    /// Decoded bytes so far.
    pub fn decoded(&self) -> u64 {
        self.text.decoded()
    }

    /// Takes the end of the object: hands out what is left, lines whose pieces have not all come as they are, and says
    /// what was wrong.
    pub fn finish(self, sink: &mut dyn FnMut(&Record<'_>)) -> Vec<Problem> {
        let (problems, mut pieces) = self.finish_open(sink);
        pieces.rest().for_each(|record| sink(&record));
        problems
    }

    /// The same, but the lines whose pieces have not all come are kept for the next object.
    pub fn finish_open(mut self, sink: &mut dyn FnMut(&Record<'_>)) -> (Vec<Problem>, Pieces) {
        if matches!(self.encoding, Encoding::Unknown(_)) {
            self.recognise(sink);
        }
        let broken_off = match &self.encoding {
            Encoding::Gzip(gzip) if gzip.is_inside() => Some("gzip"),
            Encoding::Zstd(zstd) if zstd.is_inside() => Some("zstd"),
            Encoding::Snappy(snappy) if snappy.is_inside() => Some("snappy"),
            _ => None,
        };
        if let (Some(encoding), None) = (broken_off, &self.problem) {
            self.problem = Some(Problem::Truncated(encoding));
        }
        let whole = self.problem.is_none();
        let (more, pieces) = self.text.finish(whole, sink);
        (self.problem.into_iter().chain(more).collect(), pieces)
    }

    /// Decides by the first bytes alone: names and `Content-Encoding` do not always tell the truth (a failed
    /// compression at shutdown is uploaded plain under the same name).
    fn recognise(&mut self, sink: &mut dyn FnMut(&Record<'_>)) {
        let Encoding::Unknown(head) = std::mem::replace(&mut self.encoding, Encoding::Plain) else { return };
        match head.as_slice() {
            [0x1f, 0x8b, ..] => self.encoding = Encoding::Gzip(Gzip::default()),
            [0x28, 0xb5, 0x2f, 0xfd, ..] => self.encoding = Encoding::Zstd(Box::default()),
            [b'A', b'R', b'R', b'O', b'W', b'1', ..] => self.problem = Some(Problem::Encoding("an Arrow file")),
            [b'P', b'A', b'R', b'1', ..] => self.problem = Some(Problem::Encoding("a Parquet file")),
            start if self.may_be_snappy && snappy::is_block(start, self.text.lines()) => {
                self.encoding = Encoding::Snappy(Snappy::default());
            }
            _ => {}
        }
        self.decode(&head, sink);
    }

    fn decode(&mut self, bytes: &[u8], sink: &mut dyn FnMut(&Record<'_>)) {
        if self.problem.is_some() {
            return;
        }
        self.taken += bytes.len() as u64;
        let outcome = match &mut self.encoding {
            Encoding::Unknown(_) => Ok(()),
            Encoding::Plain => self.text.push(bytes, sink),
            Encoding::Gzip(gzip) => gzip.push(bytes, &mut self.text, sink),
            Encoding::Zstd(zstd) => zstd.push(bytes, &mut self.text, sink),
            Encoding::Snappy(snappy) => snappy.push(bytes, &mut self.text, sink),
        };
        self.problem = outcome.err();
        if self.problem.is_none() && self.taken > self.text.limit().saturating_add(1 << 20) {
            self.problem = Some(Problem::TooLarge(self.text.limit()));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;
    use crate::problem::MAX_LINE;

    fn gzip(text: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    }

    fn read_in(body: &[u8], lines: Lines, limit: u64, step: usize) -> (Vec<String>, Vec<Problem>) {
        let mut messages = Vec::new();
        let mut reader = ObjectReader::new(lines, limit);
        for chunk in body.chunks(step) {
            reader.push(chunk, &mut |record| messages.push(record.message.to_string()));
        }
        let problems = reader.finish(&mut |record| messages.push(record.message.to_string()));
        (messages, problems)
    }

    fn read(body: &[u8]) -> (Vec<String>, Vec<Problem>) {
        read_in(body, Lines::Json, MAX_OBJECT, usize::MAX)
    }

    #[test]
    fn any_cut_of_the_bytes_gives_the_same_records() {
        let text = b"{\"log\":\"one\"}\n\n{\"log\":\"two\"}\n{\"log\":\"three\"}";
        for body in [text.to_vec(), gzip(text), [gzip(&text[..20]), gzip(&text[20..])].concat()] {
            for step in [1, 2, 3, 7, 1000] {
                let (messages, problems) = read_in(&body, Lines::Json, MAX_OBJECT, step);
                assert_eq!((messages.join(" "), problems), ("one two three".to_owned(), vec![]), "step {step}");
            }
        }
    }

    #[test]
    fn output_larger_than_the_window_comes_out_whole() {
        let text = b"{\"log\":\"0123456789\"}\n".repeat(50_000);
        assert_eq!(read(&gzip(&text)).0.len(), 50_000);
    }

    #[test]
    fn a_truncated_or_damaged_stream_gives_what_came_before() {
        let noise: Vec<u8> = (0..30_000_u64)
            .flat_map(|line| {
                format!("{{\"log\":\"{:016x}\"}}\n", (line + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15)).into_bytes()
            })
            .collect();
        let whole = gzip(&noise);
        let (messages, problems) = read(&whole[..whole.len() / 2]);
        assert!(messages.len() > 10_000 && messages.len() < 20_000, "{}", messages.len());
        assert_eq!(problems, [Problem::Truncated("gzip")]);

        let mut damaged = whole.clone();
        let middle = damaged.len() / 2;
        damaged[middle..middle + 64].fill(0xff);
        let (messages, problems) = read(&damaged);
        assert!(
            messages.len() > 5_000 && matches!(problems[0], Problem::Damaged("gzip", _)),
            "{} {problems:?}",
            messages.len()
        );

        let (messages, problems) = read(&[gzip(b"{\"log\":\"kept\"}\n"), b"trailing".to_vec()].concat());
        assert!(messages == ["kept"] && matches!(problems[..], [Problem::Damaged("gzip", _)]), "{problems:?}");
    }

    #[test]
    fn no_cut_and_no_flipped_byte_makes_it_panic() {
        let body = gzip(b"{\"log\":\"one\",\"partial_id\":\"x\"}\n{\"log\":\"two\"}\n");
        for end in 0..body.len() {
            read(&body[..end]);
            for value in [0, 0x80, 0xff] {
                let mut flipped = body.clone();
                flipped[end] = value;
                read(&flipped);
            }
        }
    }

    #[test]
    fn a_bomb_ends_at_the_limit() {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(&vec![b'a'; 3 << 20]).unwrap();
        let bomb = encoder.finish().unwrap();
        assert!(bomb.len() < 64 << 10);
        let mut reader = ObjectReader::new(Lines::Bare, 3 << 19);
        reader.push(&bomb, &mut |_| {});
        assert_eq!((reader.decoded(), reader.is_open()), (3 << 19, false));
        assert!(reader.text.held() <= 2 * MAX_LINE);
        assert_eq!(
            reader.finish(&mut |_| panic!("no line ended")),
            [Problem::TooLarge(3 << 19), Problem::LongLines(1)]
        );
    }

    #[test]
    fn members_without_content_come_to_an_end() {
        let (_, problems) = read(&gzip(b"").repeat(10_001));
        assert_eq!(problems, [Problem::Members]);
        // A header, then stored blocks of no bytes for ever.
        let header = &gzip(b"")[..10];
        let blocks = [0x00, 0x00, 0x00, 0xff, 0xff].repeat(300_000);
        let (_, problems) = read_in(&[header, &blocks].concat(), Lines::Json, 1000, usize::MAX);
        assert_eq!(problems, [Problem::TooLarge(1000)]);
    }

    #[test]
    fn a_line_too_long_is_left_out_and_the_next_is_read() {
        let text = [vec![b'x'; MAX_LINE + 1], b"\nshort\n".to_vec()].concat();
        for step in [1000, usize::MAX] {
            let (messages, problems) = read_in(&text, Lines::Bare, MAX_OBJECT, step);
            assert_eq!((messages, problems), (vec!["short".to_owned()], vec![Problem::LongLines(1)]));
        }
    }

    #[test]
    fn lines_that_are_no_records_are_counted() {
        assert_eq!(read(b"plain text\n{\"log\":\"a\"}\n[1]\n"), (vec!["a".to_owned()], vec![Problem::NotJson(2)]));
        let bare = read_in(b"plain\n{\"json\":1}\n\nlast", Lines::Bare, MAX_OBJECT, 5);
        assert_eq!(bare, (["plain", "{\"json\":1}", "", "last"].map(str::to_owned).to_vec(), vec![]));
    }

    #[test]
    fn every_object_on_a_line_is_read() {
        let text = b"\xef\xbb\xbf{\"log\":\"a\"}{\"log\":\"b\"}  {\"x\":1},{\"log\":\"c\"}\0\n[{\"log\":\"d\"},{\"log\":\"e\"}]\n{\"log\":\"f\"}{\"log\n";
        let (messages, problems) = read(text);
        assert_eq!(messages, ["a", "b", r#"{"x":1}"#, "c", "d", "e", "f"]);
        assert_eq!(problems, [Problem::NotJson(1)]);
    }

    #[test]
    fn a_cut_line_is_joined_over_two_objects() {
        let line = |log: &str| format!("{{\"container_id\":\"1\",\"source\":\"stdout\",\"log\":\"{log}\"}}\n");
        let full = "x".repeat(crate::record::CUT);
        let mut messages = Vec::new();
        let mut reader = ObjectReader::new(Lines::Json, MAX_OBJECT);
        reader.push(line(&full).as_bytes(), &mut |_| panic!("it is not whole"));
        let (problems, pieces) = reader.finish_open(&mut |_| panic!("it is not whole"));
        assert!(problems.is_empty() && !pieces.is_empty());
        let mut reader = ObjectReader::new(Lines::Json, MAX_OBJECT).following(pieces);
        reader.push(line("end").as_bytes(), &mut |record| messages.push(record.message.to_string()));
        let (problems, pieces) = reader.finish_open(&mut |record| messages.push(record.message.to_string()));
        assert!(problems.is_empty() && pieces.is_empty());
        assert_eq!(messages, [format!("{full}end")]);
    }

    #[test]
    fn broken_text_loses_no_line() {
        let (messages, problems) = read(b"{\"log\":\"over \xc0\x80 long\"}\n{\"log\":\"after\"}\n");
        assert_eq!((messages.len(), messages[1].as_str(), problems), (2, "after", vec![]));
        assert!(messages[0].starts_with("over \u{fffd}") && messages[0].ends_with(" long"));
    }

    #[test]
    fn other_encodings_are_named_by_their_magic() {
        for (body, name) in [(&b"ARROW1\0\0"[..], "an Arrow file"), (b"PAR1", "a Parquet file")] {
            assert_eq!(read(body), (vec![], vec![Problem::Encoding(name)]));
        }
        assert_eq!(read(b""), (vec![], vec![]));
    }
}
