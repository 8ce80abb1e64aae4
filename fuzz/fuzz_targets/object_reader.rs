//! Arbitrary bytes as a log object, for a coverage-guided search. What must hold is in `../object_reader.rs`, which a
//! test runs, too.

#![no_main]

#[path = "../object_reader.rs"]
mod object_reader;

libfuzzer_sys::fuzz_target!(|data: &[u8]| object_reader::read(data));
