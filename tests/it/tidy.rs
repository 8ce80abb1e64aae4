//! The invariants of ARCHITECTURE.md that can be read off the source text.

#![cfg(test)]

use std::fs;
use std::path::{Path, PathBuf};

fn sources() -> Vec<(String, String)> {
    fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, found);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                found.push(path);
            }
        }
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut paths = Vec::new();
    for folder in ["src", "log-objects/src", "tests"] {
        walk(&root.join(folder), &mut paths);
    }
    paths.sort();
    let name = |path: &Path| path.strip_prefix(root).unwrap().to_str().unwrap().replace('\\', "/");
    paths.iter().map(|path| (name(path), fs::read_to_string(path).unwrap())).collect()
}

/// The part of a file before its unit tests.
fn code(text: &str) -> &str {
    text.split("#[cfg(test)]").next().unwrap()
}

#[test]
fn every_file_says_what_it_holds() {
    for (name, text) in sources() {
        assert!(text.starts_with("//! "), "{name} does not open with `//!`");
    }
}

#[test]
fn the_core_knows_no_client_no_clock_and_no_environment() {
    let shell = [
        "src/release",
        "src/aws",
        "src/observe",
        "src/cli",
        "src/sandbox",
        "src/main.rs",
        "src/stdout.rs",
        "src/bin/",
        "src/lib.rs",
        "tests/",
    ];
    let foreign = [
        "aws_sdk_",
        "aws_config",
        "aws_durable",
        "tokio::",
        "std::env",
        "std::fs",
        "std::net",
        "SystemTime",
        "crate::aws",
        "crate::observe",
        "crate::release",
    ];
    for (name, text) in sources() {
        if shell.iter().any(|prefix| name.starts_with(prefix)) {
            continue;
        }
        let schema_only = name.contains("schema");
        for word in foreign.iter().filter(|word| !(schema_only && **word == "aws_sdk_")) {
            let used = code(&text).lines().find(|line| line.contains(word) && !line.trim_start().starts_with("//"));
            assert!(used.is_none(), "{name} uses {word}: {}", used.unwrap_or_default());
        }
    }
}

#[test]
fn the_function_does_not_know_the_sandbox_or_the_command_line() {
    for (name, text) in sources() {
        let outside = ["src/cli", "src/sandbox", "src/lib.rs", "src/bin/", "tests/"]
            .iter()
            .any(|prefix| name.starts_with(prefix));
        if !outside {
            assert!(!code(&text).contains("crate::sandbox") && !code(&text).contains("crate::cli"), "{name}");
        }
    }
}

#[test]
fn no_module_is_named_after_nothing() {
    for (name, _) in sources() {
        let stem = Path::new(&name).file_stem().unwrap().to_str().unwrap();
        assert!(!["utils", "util", "helpers", "helper", "manager", "common", "misc"].contains(&stem), "{name}");
    }
}

#[test]
fn nothing_is_left_for_later() {
    for (name, text) in sources().into_iter().filter(|(name, _)| name != "tests/it/tidy.rs") {
        for word in ["todo!", "TODO", "FIXME", "unimplemented!", "#[ignore", "dbg!"] {
            assert!(!text.contains(word), "{name} holds {word}");
        }
    }
}
