//! Arbitrary bytes as an event, for a coverage-guided search. What must hold is in `../recogniser.rs`, which a test runs,
//! too.

#![no_main]

#[path = "../recogniser.rs"]
mod recogniser;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    recogniser::read(data);
});
