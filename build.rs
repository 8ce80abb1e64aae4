//! Links the function for Linux at a fixed address, as Go links its programs, and without the index of stack frames. It
//! generates nothing.
//!
//! An executable that may lie anywhere carries a megabyte of addresses to correct (180 kB of the archive), and corrects
//! them at every cold start. What an attacker could make of a fixed address needs a fault in memory that safe Rust does
//! not have; stack, heap and libraries lie at random addresses as before. benches/README.md has the numbers.
//!
//! The index serves whoever unwinds the stack: the function aborts when it panics, and its stripped frames have no names.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    #[expect(clippy::disallowed_methods, reason = "this is how cargo tells a build script what it builds")]
    let is = |name: &str, value: &str| std::env::var(name).is_ok_and(|given| given == value);
    if is("CARGO_CFG_TARGET_OS", "linux") && is("CARGO_CFG_TARGET_ENV", "gnu") && is("PROFILE", "release") {
        println!("cargo::rustc-link-arg-bin=bootstrap=-no-pie");
        println!("cargo::rustc-link-arg-bin=bootstrap=-Wl,--no-eh-frame-hdr");
        // Zig, which `cargo lambda` links with, takes its default back where anything has tables to unwind by.
        println!("cargo::rustc-link-arg-bin=bootstrap=-fno-unwind-tables");
    }
}
