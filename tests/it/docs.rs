//! docs/rules.md, made from the table of rules and from the documents that fail and pass them. `UPDATE_DOCS=1 cargo
//! test --test it docs` writes it anew.

#![cfg(test)]

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use express_deployer::validate::rules::TABLE;
use express_deployer::validate::{FoundIn, Rule, RuleEvidence, Severity};
use similar::TextDiff;

mod events;
mod json_schema;
mod schemas;

const INTRODUCTION: &str = "# Rules

What `express-deployer check` and every release look for in a task definition. An **error** cannot work on Express Mode: nothing is registered.
A **warning** works, but probably not as meant. A **hint** is worth knowing.

A rule can be switched off, or taken as an error, by its id: with `--allow` and `--deny` on the command line, and per service in the
configuration:

```toml
[service.rules]
allow = [\"late-log-upload\"]
deny = [\"missing-s3-region\"]
```

This page is made from the rules themselves; its examples are run as tests. The lines of an example that begin with `-` fail, those that begin
with `+` pass.
";

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn sorted() -> Vec<&'static Rule> {
    let mut rules = TABLE.to_vec();
    rules.sort_by_key(|rule| rule.id);
    rules
}

fn page() -> String {
    let mut page = INTRODUCTION.to_owned();
    page.push_str(
        "\n*Refused* quotes the words of ECS, *observed* breaks later, *modelled* is what the API model allows, *documented* \
         nobody has seen\nenforced, *configured* is what your configuration says. Only what is documented alone is never an \
         error.\n",
    );
    page.push_str("\n| rule | severity | evidence | what it reports |\n| --- | --- | --- | --- |\n");
    for severity in [Severity::Error, Severity::Warning, Severity::Hint] {
        for rule in sorted().into_iter().filter(|rule| rule.severity == severity) {
            let (id, evidence) = (rule.id, kind(rule.evidence));
            writeln!(page, "| [{id}](#{id}) | {severity} | {evidence} | {} |", rule.summary).unwrap();
        }
    }
    for rule in sorted() {
        let source = link(rule.source) + &seen(rule);
        writeln!(
            page,
            "\n## {}\n\n{}: {}.\n\n{}{}\n\n```{}\n{}```\n\nSource: {source}",
            rule.id,
            rule.severity,
            rule.summary,
            rule.why,
            remarks(rule),
            if rule.found_in == FoundIn::Document { "diff" } else { "text" },
            example(rule)
        )
        .unwrap();
    }
    page
}

fn kind(evidence: RuleEvidence) -> &'static str {
    match evidence {
        RuleEvidence::Refused { .. } => "refused",
        RuleEvidence::Observed { .. } => "observed",
        RuleEvidence::Modelled => "modelled",
        RuleEvidence::Documented => "documented",
        RuleEvidence::Configured => "configured",
    }
}

/// An address or a file as the page shows it.
fn link(place: &str) -> String {
    if place.starts_with("https://") { format!("<{place}>") } else { format!("`{place}`") }
}

/// What was seen, where the rule says more than its source.
fn seen(rule: &Rule) -> String {
    match rule.evidence {
        RuleEvidence::Refused { words, seen } => format!("\n\nRefused with \u{201c}{words}\u{201d}: {}", link(seen)),
        RuleEvidence::Observed { seen } if seen != rule.source => format!("\n\nSeen: {}", link(seen)),
        _ => String::new(),
    }
}

#[test]
fn errors_are_what_was_seen_and_not_what_is_only_written() {
    for rule in TABLE {
        let is_documented = rule.evidence == RuleEvidence::Documented;
        assert!(rule.severity != Severity::Error || !is_documented, "{} is an error without evidence", rule.id);
        if let RuleEvidence::Refused { words, seen } = rule.evidence {
            let is_page = seen.starts_with("https://") && !seen.contains("//docs.");
            assert!(is_page && words.len() > 10, "{}: {seen} does not show a refusal", rule.id);
        }
    }
}

/// What is to be known of a rule beside its reason.
fn remarks(rule: &Rule) -> String {
    let found = match rule.found_in {
        FoundIn::Document => "",
        FoundIn::Plan => "\n\nFound while a release is planned, not by `check`.",
        FoundIn::Reading => "\n\nFound while the text is read.",
    };
    let repaired = if rule.repair.is_some() { "\n\n`--fix` repairs it." } else { "" };
    let is_final = if rule.is_final { " It cannot be allowed." } else { "" };
    format!("{found}{is_final}{repaired}")
}

/// How a document that fails the rule becomes one that passes it; what a report says where no document does.
fn example(rule: &Rule) -> String {
    let folder = root().join("tests/fixtures/rules").join(rule.id);
    let read = |name: &str| fs::read_to_string(folder.join(name)).unwrap();
    if rule.found_in != FoundIn::Document {
        return read("report.txt");
    }
    let (bad, good) = (read("bad.json"), read("good.json"));
    let diff = TextDiff::from_lines(&bad, &good);
    let mut text = String::new();
    for (number, hunk) in diff.unified_diff().context_radius(2).iter_hunks().enumerate() {
        if number > 0 {
            text.push_str(" …\n");
        }
        for change in hunk.iter_changes() {
            write!(text, "{}{change}", change.tag()).unwrap();
        }
    }
    text
}

#[test]
fn the_page_of_rules_is_what_the_rules_say() {
    let path = root().join("docs/rules.md");
    let page = page();
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs::write(&path, &page).unwrap();
    }
    let written = fs::read_to_string(&path).unwrap();
    assert!(written == page, "docs/rules.md is stale: UPDATE_DOCS=1 cargo test --test it docs");
}

#[test]
fn every_rule_says_why_and_where_it_is_written() {
    for rule in TABLE {
        assert!(rule.why.ends_with('.') && rule.why.len() > 40, "{} does not say why", rule.id);
        let is_page = rule.source.starts_with("https://");
        let is_file = Path::new(rule.source).extension().is_some();
        assert!(is_page || is_file, "{}: {} is not a source", rule.id, rule.source);
    }
}

#[test]
fn an_example_is_short_enough_to_be_read() {
    let long: BTreeSet<&str> =
        TABLE.iter().filter(|rule| example(rule).lines().count() > 40).map(|rule| rule.id).collect();
    assert_eq!(long, BTreeSet::new());
}
