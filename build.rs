//! Links the function for Linux at a fixed address, as Go links its programs. It generates nothing.
//!
//! An executable that may lie anywhere carries a megabyte of addresses to correct (180 kB of the archive), and corrects
//! them at every cold start. What an attacker could make of a fixed address needs a fault in memory that safe Rust does
//! not have; stack, heap and libraries lie at random addresses as before. benches/README.md has the numbers.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    #[expect(clippy::disallowed_methods, reason = "this is how cargo tells a build script what it builds")]
    let is = |name: &str, value: &str| std::env::var(name).is_ok_and(|given| given == value);
    if is("CARGO_CFG_TARGET_OS", "linux") && is("CARGO_CFG_TARGET_ENV", "gnu") && is("PROFILE", "release") {
        println!("cargo::rustc-link-arg-bin=bootstrap=-no-pie");
    }
}
