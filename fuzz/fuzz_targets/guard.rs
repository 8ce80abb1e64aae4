//! Arbitrary bytes as an upload to a service with a guard, for a coverage-guided search. What must hold is in
//! `../guard.rs`, which a test runs, too.

#![no_main]

#[path = "../guard.rs"]
mod guard;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    guard::read(data);
});
