//! Log objects of every encoding, damaged, cut and spliced: what the fuzz target looks for, on inputs that are the same
//! every time.

#![cfg(test)]

use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;
use ruzstd::encoding::{CompressionLevel, compress_to_vec};

use crate::rules::Dice;

#[path = "../../fuzz/object_reader.rs"]
mod object_reader;

fn gzip(text: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap()
}

/// Objects as they should be, and two bombs.
fn bodies() -> Vec<Vec<u8>> {
    let record = r#"{"date":"2026-11-23T06:32:46.0Z","container_name":"Main","log":"Größe \"7\"","ecs_task_definition":"web:6"}"#;
    let piece = r#"{"partial_id":"a","partial_last":"false","log":"one "}"#;
    let text = format!("{record}\n{piece}\n{record}\nplain\n{}\n", piece.replace("false", "true")).repeat(20);
    let text = text.as_bytes();
    let zstd = |text: &[u8]| compress_to_vec(text, CompressionLevel::Fastest);
    let snappy = snap::raw::Encoder::new().compress_vec(text).unwrap();
    let bomb = vec![b'a'; 3 << 20];
    vec![
        text.to_vec(),
        gzip(text),
        [gzip(&text[..100]), gzip(&text[100..])].concat(),
        zstd(text),
        [zstd(&text[..100]), zstd(&text[100..])].concat(),
        snappy.clone(),
        [snappy.clone(), snappy].concat(),
        gzip(&bomb),
        zstd(&bomb),
    ]
}

#[test]
fn whatever_an_object_holds_it_is_read_within_its_bounds() {
    let bodies = bodies();
    let mut dice = Dice(0x9E37_79B9_7F4A_7C15);
    for round in 0..2_000 {
        let mut body = bodies[round % bodies.len()].clone();
        for _ in 0..dice.below(4) {
            let at = dice.below(body.len());
            match dice.below(4) {
                0 => body[at] = dice.below(256).try_into().unwrap(),
                1 => body.truncate(at + 1),
                2 => {
                    let other = &bodies[dice.below(bodies.len())];
                    body.splice(at.., other[dice.below(other.len())..].iter().copied());
                }
                _ => body.insert(at, b'\n'),
            }
        }
        let how = [dice.below(4).try_into().unwrap(), dice.below(256).try_into().unwrap()];
        object_reader::read(&[&how[..], &body].concat());
    }
}
