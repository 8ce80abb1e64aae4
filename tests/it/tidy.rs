//! The invariants of ARCHITECTURE.md that can be read off the source text.

#![cfg(test)]

use std::fs;
use std::path::{Path, PathBuf};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

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
    let root = root();
    let mut paths = Vec::new();
    for folder in ["src", "crates", "tests"] {
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
        "src/main.rs",
        "src/telemetry.rs",
        "src/bin/",
        "src/lib.rs",
        "crates/sandbox/",
        "crates/release-protocol/tests/",
        "crates/release-protocol/examples/",
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
        let outside = ["src/cli", "src/lib.rs", "src/bin/", "crates/sandbox/", "tests/"];
        if outside.iter().any(|prefix| name.starts_with(prefix)) {
            continue;
        }
        let knows = |line: &str| line.contains("sandbox::") || line.contains("crate::cli");
        assert!(!code(&text).lines().any(knows), "{name}");
    }
}

/// The report tells what the stages made: they do not know it.
#[test]
fn the_report_stands_above_the_stages() {
    let above = ["src/report", "src/release", "src/aws/s3.rs", "src/cli", "src/lib.rs", "src/watch/tests.rs", "tests/"];
    for (name, text) in sources().into_iter().filter(|(name, _)| !above.iter().any(|above| name.starts_with(above))) {
        assert!(!code(&text).contains("crate::report"), "{name}");
    }
}

/// It is written from what AWS does, not from what the product makes of it.
#[test]
fn the_sandbox_depends_on_nothing_of_the_product() {
    let manifest = fs::read_to_string(root().join("crates/sandbox/Cargo.toml")).unwrap();
    let manifest: toml::Table = manifest.parse().unwrap();
    for table in ["dependencies", "dev-dependencies", "build-dependencies"] {
        let Some(dependencies) = manifest.get(table).and_then(toml::Value::as_table) else { continue };
        for (name, dependency) in dependencies {
            let is_path = dependency.get("path").is_some() || dependency.get("workspace").is_some();
            assert!(!is_path, "[{table}] {name} is a path");
        }
    }
}

/// The documents that the sandbox holds from the start are those that `events/` names.
#[test]
fn the_sandbox_is_seeded_with_the_documents_of_the_events() {
    for entry in fs::read_dir(root().join("crates/sandbox/src/seed/task-definitions")).unwrap() {
        let path = entry.unwrap().path();
        let own = root().join("events/task-definitions").join(path.file_name().unwrap());
        assert_eq!(fs::read_to_string(&path).unwrap(), fs::read_to_string(own).unwrap(), "{}", path.display());
    }
}

/// The release profile of a manifest, without what it says of single packages.
fn release_profile(manifest: &str) -> toml::Table {
    let manifest: toml::Table = fs::read_to_string(root().join(manifest)).unwrap().parse().unwrap();
    let mut profile = manifest["profile"]["release"].as_table().unwrap().clone();
    profile.remove("package");
    profile
}

#[test]
fn what_ships_ends_at_a_panic_and_the_empty_function_is_built_like_it() {
    let ships = release_profile("Cargo.toml");
    assert_eq!(ships["panic"].as_str(), Some("abort"));
    assert_eq!(release_profile("benches/empty-function/Cargo.toml"), ships);
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
