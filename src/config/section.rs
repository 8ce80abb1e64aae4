//! One TOML table while it is read: typed access by key, every problem noted with its line, unknown keys noticed at the
//! end. It knows nothing of what the keys mean.

use std::borrow::Cow;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::Problem;

/// A table and where it starts, in bytes.
#[derive(Clone, Copy)]
pub(super) struct TableAt<'t> {
    table: &'t DeTable<'t>,
    start: usize,
}

/// A table under its path, and the list that collects problems.
pub(super) struct Section<'t, 'p> {
    text: &'t str,
    path: String,
    table: &'t DeTable<'t>,
    start: usize,
    asked: Vec<String>,
    problems: &'p mut Vec<Problem>,
}

impl<'t> Section<'t, '_> {
    pub(super) fn root<'p>(
        text: &'t str,
        table: &'t Spanned<DeTable<'t>>,
        problems: &'p mut Vec<Problem>,
    ) -> Section<'t, 'p> {
        Section { text, path: String::new(), table: table.get_ref(), start: 0, asked: Vec::new(), problems }
    }

    /// A section below this one.
    pub(super) fn child(&mut self, path: String, table: TableAt<'t>) -> Section<'t, '_> {
        let path = if self.path.is_empty() { path } else { format!("{}.{path}", self.path) };
        Section {
            text: self.text,
            path,
            table: table.table,
            start: table.start,
            asked: Vec::new(),
            problems: self.problems,
        }
    }

    /// Reads a section below this one to its end.
    pub(super) fn within<T>(
        &mut self,
        key: &str,
        table: TableAt<'t>,
        read: impl FnOnce(&mut Section<'_, '_>) -> T,
    ) -> T {
        let mut child = self.child(key.to_owned(), table);
        let value = read(&mut child);
        child.finish();
        value
    }

    /// Notes a problem at a key: at its line where the key is there, else at the table's.
    pub(super) fn problem(&mut self, key: &str, message: impl Into<String>) {
        let at = self.entry(key).map_or_else(|| self.start, |(name, _)| name.span().start);
        let key = if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) };
        self.problems.push(Problem { line: line_of(self.text, at), key, message: message.into() });
    }

    pub(super) fn text(&mut self, key: &str) -> Option<String> {
        let value = self.value(key)?;
        let text = value.get_ref().as_str().map(str::to_owned);
        if text.is_none() {
            self.problem(key, format!("expected a string, found {}", kind(value.get_ref())));
        }
        text
    }

    /// The keys of a table whose keys are names.
    pub(super) fn keys(&self) -> Vec<String> {
        self.table.keys().map(|key| key.get_ref().to_string()).collect()
    }

    /// Notes a problem where a key is there that must not be.
    pub(super) fn refuse(&mut self, key: &str, why: &str) {
        if self.entry(key).is_some() {
            self.asked.push(key.to_owned());
            self.problem(key, why);
        }
    }

    pub(super) fn required_text(&mut self, key: &str, what: &str) -> Option<String> {
        if self.entry(key).is_none() {
            self.asked.push(key.to_owned());
            self.problem(key, format!("missing: {what}"));
            return None;
        }
        self.text(key)
    }

    pub(super) fn texts(&mut self, key: &str) -> Option<Vec<String>> {
        let value = self.value(key)?;
        let texts = value
            .get_ref()
            .as_array()
            .and_then(|items| items.iter().map(|item| item.get_ref().as_str().map(str::to_owned)).collect());
        if texts.is_none() {
            self.problem(key, "expected a list of strings");
        }
        texts
    }

    /// A list of patterns: texts, or tables with `pattern` and `at = "start"`, which anchors it at the message's start.
    pub(super) fn patterns(&mut self, key: &str) -> Option<Vec<String>> {
        let value = self.value(key)?;
        let pattern = |item: &Spanned<DeValue<'_>>| -> Option<String> {
            if let Some(text) = item.get_ref().as_str() {
                return Some(text.to_owned());
            }
            let table = item.get_ref().as_table()?;
            let text = table.get("pattern")?.get_ref().as_str()?;
            let is_known = table.keys().all(|key| matches!(key.get_ref().as_ref(), "pattern" | "at"));
            let at = table.get("at").map(|at| at.get_ref().as_str());
            match at {
                _ if !is_known => None,
                Some(Some("start")) => Some(format!("^(?:{text})")),
                None => Some(text.to_owned()),
                Some(_) => None,
            }
        };
        let patterns = value.get_ref().as_array().and_then(|items| items.iter().map(pattern).collect());
        if patterns.is_none() {
            self.problem(
                key,
                "expected a list of strings, or of tables such as `{ pattern = \"Starting\", at = \"start\" }`",
            );
        }
        patterns
    }

    pub(super) fn switch(&mut self, key: &str) -> Option<bool> {
        let value = self.value(key)?;
        let switch = value.get_ref().as_bool();
        if switch.is_none() {
            self.problem(key, format!("expected true or false, found {}", kind(value.get_ref())));
        }
        switch
    }

    /// A whole number within bounds.
    pub(super) fn whole(&mut self, key: &str, least: u64, most: u64) -> Option<u64> {
        let number = self.number(key)?.parse().ok().filter(|number| (least..=most).contains(number));
        if number.is_none() {
            self.problem(key, format!("a whole number from {least} to {most}"));
        }
        number
    }

    /// A number within bounds, with or without a fraction.
    pub(super) fn share(&mut self, key: &str, least: f64, most: f64) -> Option<f64> {
        let number = self.number(key)?.parse().ok().filter(|number| (least..=most).contains(number));
        if number.is_none() {
            self.problem(key, format!("a number from {least} to {most}"));
        }
        number
    }

    /// A number as it is written, without the underscores that TOML allows; what is not a number is empty.
    fn number(&mut self, key: &str) -> Option<String> {
        let value = self.value(key)?.get_ref();
        let written = value.as_integer().map(toml::de::DeInteger::as_str).or_else(|| Some(value.as_float()?.as_str()));
        Some(written.unwrap_or_default().replace('_', ""))
    }

    pub(super) fn choice<T: Copy>(&mut self, key: &str, choices: &[(&str, T)]) -> Option<T> {
        let text = self.text(key)?;
        let chosen = choices.iter().find(|(name, _)| *name == text).map(|(_, value)| *value);
        if chosen.is_none() {
            let names: Vec<String> = choices.iter().map(|(name, _)| format!("\"{name}\"")).collect();
            self.problem(key, format!("`{text}` is none of {}", names.join(", ")));
        }
        chosen
    }

    pub(super) fn table(&mut self, key: &str) -> Option<TableAt<'t>> {
        let value = self.value(key)?;
        let table = as_table(value);
        if table.is_none() {
            self.problem(key, format!("expected a table, found {}", kind(value.get_ref())));
        }
        table
    }

    pub(super) fn tables(&mut self, key: &str) -> Vec<TableAt<'t>> {
        let Some(value) = self.value(key) else { return Vec::new() };
        let tables = value.get_ref().as_array().and_then(|items| items.iter().map(as_table).collect());
        tables.unwrap_or_else(|| {
            self.problem(key, "expected tables: write [[service]] with double brackets");
            Vec::new()
        })
    }

    /// Notes the keys that nobody asked for.
    pub(super) fn finish(mut self) {
        let unknown: Vec<String> = self.table.keys().map(|key| key.get_ref().to_string()).collect();
        for key in unknown.iter().filter(|key| !self.asked.contains(key)).cloned().collect::<Vec<_>>() {
            let close = self.asked.iter().filter(|known| strsim::damerau_levenshtein(known, &key) <= 3);
            let message = match close.min_by_key(|known| strsim::damerau_levenshtein(known, &key)) {
                Some(known) => format!("unknown key; did you mean `{known}`?"),
                None => format!("unknown key; known here are {}", self.asked.join(", ")),
            };
            self.problem(&key, message);
        }
    }

    fn entry(&self, key: &str) -> Option<(&'t Spanned<Cow<'t, str>>, &'t Spanned<DeValue<'t>>)> {
        self.table.iter().find(|(name, _)| name.get_ref() == key)
    }

    fn value(&mut self, key: &str) -> Option<&'t Spanned<DeValue<'t>>> {
        self.asked.push(key.to_owned());
        self.entry(key).map(|(_, value)| value)
    }
}

fn as_table<'t>(value: &'t Spanned<DeValue<'t>>) -> Option<TableAt<'t>> {
    value.get_ref().as_table().map(|table| TableAt { table, start: value.span().start })
}

/// What a value is, with its article.
fn kind(value: &DeValue<'_>) -> String {
    let name = value.type_str();
    format!("{} {name}", if name.starts_with(['a', 'e', 'i', 'o', 'u']) { "an" } else { "a" })
}

/// The line of a byte, from 1.
pub(super) fn line_of(text: &str, at: usize) -> usize {
    text.as_bytes().iter().take(at).filter(|byte| **byte == b'\n').count() + 1
}
