//! How bad a log message says it is, from the ways in which programs commonly say so. It reads no meaning into a
//! message that does not say it.

mod crash;
mod json;
mod logfmt;
mod prefix;
mod rows;
mod words;

use std::fmt;

pub use rows::{Row, Rows};

/// How bad a message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Trace and debug.
    Debug,
    /// Info and notice.
    Info,
    /// Warnings.
    Warn,
    /// Errors, and everything worse.
    Error,
}

/// The level of a message, and by which row of the table it was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stated {
    /// The level.
    pub level: Level,
    /// The row.
    pub row: Row,
}

impl Level {
    /// The level that a message gives itself; `None` where it gives none.
    ///
    /// Which shapes are read stands in one table, `level/rows/table.rs`, from which docs/log-levels.md is made: the
    /// members of JSON objects, the pairs of logfmt, a word at the head of a text, and what programs write when they
    /// break.
    pub fn of(message: &str) -> Option<Self> {
        Stated::of(message, Rows::default()).map(|stated| stated.level)
    }

    fn from_rank(rank: u64) -> Option<Self> {
        [Self::Debug, Self::Info, Self::Warn, Self::Error].into_iter().nth(usize::try_from(rank).ok()?)
    }
}

impl Stated {
    /// The level that a message gives itself by the rows that count.
    // Inlined into a caller that is compiled for size, it would be compiled for size as well.
    #[inline(never)]
    pub fn of(message: &str, rows: Rows) -> Option<Self> {
        let message =
            message.trim_start_matches(|first: char| first.is_whitespace() || matches!(first, '\u{feff}' | '\0'));
        let text = message.as_bytes();
        match text.starts_with(b"{").then(|| json::read(text, rows)) {
            Some(Ok(stated)) => stated,
            Some(Err(json::NotJson)) | None => prefix::read(text, rows),
        }
    }
}

/// Counts a step of reading, in tests: however hostile a text is, they are few for each of its bytes.
#[inline]
fn step() {
    #[cfg(test)]
    tests::STEPS.with(|steps| steps.set(steps.get() + 1));
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Debug => "debug",
            Self::Info => "info",
            Self::Warn => "warn",
            Self::Error => "error",
        })
    }
}

/// How many records have which level.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct LevelCounts {
    /// Errors, and everything worse.
    pub error: u64,
    /// Warnings.
    pub warn: u64,
    /// Info and notice.
    pub info: u64,
    /// Trace and debug.
    pub debug: u64,
    /// Records that give themselves no level.
    pub unknown: u64,
}

impl LevelCounts {
    /// Counts a record.
    pub fn count(&mut self, level: Option<Level>) {
        *match level {
            Some(Level::Error) => &mut self.error,
            Some(Level::Warn) => &mut self.warn,
            Some(Level::Info) => &mut self.info,
            Some(Level::Debug) => &mut self.debug,
            None => &mut self.unknown,
        } += 1;
    }

    /// All records.
    pub fn total(&self) -> u64 {
        self.error + self.warn + self.info + self.debug + self.unknown
    }

    /// The share of errors, from 0 to 1; 0 without records.
    #[expect(clippy::cast_precision_loss, reason = "no verification reads 2^52 records")]
    pub fn error_ratio(&self) -> f64 {
        match self.total() {
            0 => 0.0,
            total => self.error as f64 / total as f64,
        }
    }
}

impl fmt::Display for LevelCounts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let counts = [
            (self.error, "error"),
            (self.warn, "warn"),
            (self.info, "info"),
            (self.debug, "debug"),
            (self.unknown, "without a level"),
        ];
        let named: Vec<String> =
            counts.iter().filter(|(count, _)| *count > 0).map(|(count, name)| format!("{count} {name}")).collect();
        if named.is_empty() { f.write_str("no records") } else { f.write_str(&named.join(", ")) }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    thread_local! {
        pub(super) static STEPS: Cell<u64> = const { Cell::new(0) };
    }

    fn of(message: &str) -> String {
        Level::of(message).map_or_else(|| "none".to_owned(), |level| level.to_string())
    }

    #[test]
    fn the_usual_ways_to_say_a_level_are_read() {
        for (message, level) in [
            (r#"{"level":"error","msg":"x"}"#, "error"),
            (r#"{"msg":"level=info","severity":"WARNING"}"#, "warn"),
            (r#"{"time":1,"lvl":"dbug"}"#, "debug"),
            (r#"{"time":1,"lvl":"dbgu"}"#, "none"),
            (r#"{"severity":17,"x":[]}"#, "none"),
            (r#"{"x":[],"severity":17}"#, "none"),
            (r#"{"x":[],"level":50,"msg":"x"}"#, "error"),
            (r#"{"x":[],"level":50}"#, "none"),
            (r#"{"EventId":0,"LogLevel":"Error"}"#, "error"),
            ("fail: Microsoft.AspNetCore.Server.Kestrel[13]", "error"),
            ("[06:32:46 INF] x", "info"),
            ("10:00AM FTL x", "error"),
            ("ERRO[0000] x", "error"),
            ("2026-11-23 06:32:46 [error    ] request failed", "error"),
            ("2026/11/23 06:32:46 error: x", "error"),
            ("06:32:46.123 [alert-scheduler-1] INFO  c.x.Job - done", "info"),
            ("[trace_id=abc] ERROR boom", "error"),
            ("[2026-11-23 06:32:46,123: ERROR/MainProcess] x", "error"),
            ("INFO set logger com.x level=ERROR", "info"),
            ("ERROR cannot apply level=info", "error"),
            (r#"ts=1 caller=x level=info msg="the ERROR page""#, "info"),
            ("Uncaught TypeError: x is not a function", "error"),
            ("Unhandled exception. System.Exception: x", "error"),
            (r#"{"level":30,"msg":"hello"}"#, "info"),
            (r#"{"level":60}"#, "none"),
            (r#"{"level":{"name":"error"}}"#, "error"),
            (r#"{"level":null,"lvl":[1,{}],"severity":-5,"x":0.5}"#, "none"),
            (r#"{"level":1.5,"severity":true,"levelname":"WARN"}"#, "warn"),
            (r#"{"log.level":"Critical","x":[1,{"level":"info"}]}"#, "error"),
            (r#"{"x":[1,{"level":"info"}],"severity":"Critical"}"#, "error"),
            (r#"{"time":"06:32:46","level":"WARN","msg":"cut off where the log driver cuts"#, "warn"),
            (r#"{ "msg": "a \"quoted\" name", "level": "warning" }"#, "warn"),
            (r#"{"pid":1,"level": 40 ,"msg":"x"}"#, "warn"),
            (r#"{"level":"other","severity":"error"}"#, "error"),
            (r#"{"level":"error","level":"info"}"#, "error"),
            ("\u{1b}[31mERROR\u{1b}[0m no database", "error"),
            ("\u{1b}[2m2026-11-23T06:32:46Z\u{1b}[0m \u{1b}[33m WARN\u{1b}[0m web: slow", "warn"),
            ("\u{1b}[1;32minfo\u{1b}[39m: ready", "info"),
            (r#"time=2026-11-23T06:32:46Z level=warn msg="a=b""#, "warn"),
            (r#"lvl="error" msg=x"#, "error"),
            ("2026-11-23T06:32:46.123Z  INFO web::server: Starting server on :8080", "info"),
            ("[2026-11-23T06:32:46Z ERROR web] no database", "error"),
            ("2026/11/23 06:32:46 [error] 29#29: *1 open() failed", "error"),
            ("ERROR:root:no database", "error"),
            ("error: no database", "error"),
            ("Error: listen EADDRINUSE", "error"),
            ("<warn> x", "warn"),
            ("WARN  [main] o.s.b.Application - x", "warn"),
            ("2026-11-23 06:32:46,123 | DEBUG | x", "debug"),
            ("E1123 06:32:46.000000 1 main.go:1] x", "error"),
            ("I1123 06:32:46.000000 1 main.go:1] ERROR", "info"),
            ("thread 'main' panicked at src/main.rs:1:1:", "error"),
            ("Traceback (most recent call last):", "error"),
            ("panic: runtime error: index out of range", "error"),
        ] {
            assert_eq!(of(message), level, "{message}");
        }
    }

    #[test]
    fn words_of_a_sentence_are_no_levels() {
        for message in [
            "Starting server on :8080",
            "error handling is switched on",
            "no error so far",
            "GET /error 200",
            "retry after the warning: no",
            "information desk opens at nine and closes when an ERROR occurs somewhere",
            "10.0.0.1 - - [23/Nov/2026:06:32:46 +0000] \"GET / HTTP/1.1\" 500 12",
            "sublevel=error",
            "",
            "日本語のメッセージ",
            "{broken json level error",
            r#"{"msg":"level","x":{"level":"error"}}"#,
            "[10m later] x",
            "ERROR_COUNT=0",
            "ERROR=0",
            "config ERROR_REPORTING=on loaded",
            "no ERROR so far",
            "0 ERROR in 5 files",
            "PASS 10 FAIL 0",
            "[error-handler] ready",
            "request done (error 0)",
            "Sent mail to <alert@example.com>",
            "F1040 form received",
            "E1001 order accepted",
            "Uncaught exception handler installed",
            "Unhandled exception filter registered",
        ] {
            assert_eq!(of(message), "none", "{message}");
        }
    }

    #[test]
    fn every_row_reads_its_examples_and_nothing_in_its_counterexamples() {
        assert_eq!(rows::EXAMPLES.len(), Row::ids().count());
        for example in rows::EXAMPLES {
            let row = Row::by_id(example.id).unwrap();
            assert!(!example.yes.is_empty() && !example.no.is_empty(), "{row}");
            for (line, level) in example.yes {
                let stated = Stated::of(line, Rows::default());
                assert_eq!(stated.map(|stated| stated.level), Some(*level), "{row}: {line} {stated:?}");
                assert!(
                    Stated::of(line, Rows::default().without(row)) != stated,
                    "{line} is read by {stated:?} without {row}"
                );
            }
            for line in example.no {
                assert!(Stated::of(line, Rows::default()).is_none_or(|stated| stated.row != row), "{row}: {line}");
            }
        }
    }

    /// docs/log-levels.md; `UPDATE_DOCS=1` writes it.
    #[test]
    fn the_page_shows_the_table() {
        use std::fmt::Write as _;
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/log-levels.md");
        let old = std::fs::read_to_string(path).unwrap();
        let (intro, _) = old.split_once("\n## ").unwrap();
        let mut page = intro.to_owned();
        let code = |line: &str| format!("`` {} ``", line.replace('\t', "\u{2409}").replace('\u{1b}', "\u{241b}"));
        for example in rows::EXAMPLES {
            let source = example.source.trim_start_matches("https://");
            let source = source.split('/').next().unwrap();
            let what = format!("{} ([{source}]({})).", capitalised(example.what), example.source);
            write!(page, "\n## {}\n\n{}\n\n", example.id, wrapped(&what)).unwrap();
            page.push_str("| line | level |\n| --- | --- |\n");
            for (line, level) in example.yes {
                writeln!(page, "| {} | {level} |", code(line).replace('|', "\\|")).unwrap();
            }
            for line in example.no {
                writeln!(page, "| {} | not by this row |", code(line).replace('|', "\\|")).unwrap();
            }
        }
        if std::env::var_os("UPDATE_DOCS").is_some() {
            std::fs::write(path, &page).unwrap();
        }
        assert!(std::fs::read_to_string(path).unwrap() == page, "docs/log-levels.md: UPDATE_DOCS=1 writes it anew");
    }

    /// A paragraph in lines of at most 120 characters.
    fn wrapped(text: &str) -> String {
        let (mut lines, mut length) = (String::new(), 0);
        for word in text.split(' ') {
            let width = word.chars().count();
            if length + width >= 120 {
                lines.push('\n');
                length = 0;
            } else if length > 0 {
                lines.push(' ');
                length += 1;
            }
            lines.push_str(word);
            length += width;
        }
        lines
    }

    fn capitalised(text: &str) -> String {
        let mut letters = text.chars();
        letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
    }

    /// The lines of public documentation, with their right levels.
    fn lines() -> impl Iterator<Item = (&'static str, &'static str, String)> {
        include_str!("../tests/levels.tsv").lines().skip(1).map(|line| {
            let mut columns = line.split('\t');
            let (right, framework, line) = (columns.next().unwrap(), columns.next().unwrap(), columns.next().unwrap());
            (right, framework, serde_json::from_str(line).unwrap())
        })
    }

    #[test]
    fn the_lines_of_many_frameworks_have_their_levels() {
        let (mut wrong, mut false_errors, mut all) = (Vec::new(), 0, 0);
        for (right, framework, line) in lines() {
            let read = of(&line);
            all += 1;
            if read != right {
                false_errors += u32::from(read == "error");
                wrong.push(format!(
                    "{framework}: {right}, not {read}: {line:?} {:?}",
                    Stated::of(&line, Rows::default())
                ));
            }
        }
        let share = wrong.len() * 100;
        assert!(share <= 2 * all && false_errors == 0, "{} of {all} are wrong:\n{}", wrong.len(), wrong.join("\n"));
    }

    #[test]
    fn the_steps_grow_with_a_hostile_text_and_no_faster() {
        let texts = [
            "l=",
            "level",
            "level=",
            "a=\"",
            "\\",
            "[",
            "[[[",
            "(error) ",
            "{\"",
            "{\"level\":",
            "{\"a\":{",
            "\u{1b}[31m",
            "at x(",
            "1:",
            "Error",
            "E ",
            "level=\"\\\" ",
            "{\"level\":1,",
            "{\"log\":{",
            "\"",
            ":",
            "| ",
            "-",
            "x.ERROR:",
            "<3>",
            "*",
        ];
        for text in texts {
            for prefix in ["", "{", "{\"a\":\"", "2026-11-23 06:32:46 ", "a=1 ", "{\"log\":"] {
                for size in [16 << 10, 128 << 10, 1 << 20] {
                    let message = format!("{prefix}{}", text.repeat(size / text.len()));
                    STEPS.set(0);
                    let _ = of(&message);
                    let steps = STEPS.get();
                    assert!(steps <= 64 + message.len() as u64, "{steps} steps for {size} bytes of {prefix}{text}");
                }
            }
        }
    }

    #[test]
    fn letters_that_are_cut_do_not_panic() {
        assert_eq!(of(&format!("{}é ERROR", "x".repeat(95))), "none");
    }
}
