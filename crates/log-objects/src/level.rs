//! How bad a log message says it is, from the ways in which programs commonly say so. It reads no meaning into a
//! message that does not say it.

mod json;
mod words;

use std::fmt;

/// The longest word that is a level, in bytes.
const LONGEST: usize = "informational".len();

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

impl Level {
    /// The level that a message gives itself; `None` where it gives none.
    ///
    /// In this order: the member `level`, `severity` or `lvl` of a message that is a JSON object (a word, or as `level`
    /// a number of pino and bunyan: 10 to 60); of a message that begins with `key=value`, `level=`, `lvl=` or
    /// `severity=`; glog's letter, date and time (`E1123 06:32:46`); a word among the first six, in capitals (`ERROR`),
    /// in brackets (`[error]`) or in colour, or the first after the time before a colon (`Error:`); `level=` anywhere;
    /// the first words of a panic or a stack trace.
    // Inlined into a caller that is compiled for size, it would be compiled for size as well.
    #[inline(never)]
    pub fn of(message: &str) -> Option<Self> {
        let message = message.trim_start();
        match message.starts_with('{').then(|| json::read(message)) {
            Some(Ok(level)) => level,
            Some(Err(_)) | None => words::read(message),
        }
    }

    fn from_word(word: &[u8]) -> Option<Self> {
        let mut lower = [0; LONGEST];
        let lower = lower.get_mut(..word.len())?;
        lower.copy_from_slice(word);
        lower.make_ascii_lowercase();
        match &*lower {
            b"error" | b"err" | b"erro" | b"fail" | b"fatal" | b"fata" | b"ftl" | b"critical" | b"crit" | b"panic"
            | b"pnc" | b"alert" | b"emerg" | b"emergency" | b"severe" => Some(Self::Error),
            b"warn" | b"warning" | b"wrn" => Some(Self::Warn),
            b"info" | b"inf" | b"notice" | b"information" | b"informational" => Some(Self::Info),
            b"debug" | b"debu" | b"dbug" | b"dbg" | b"trace" | b"trce" | b"trc" | b"verbose" | b"fine" | b"finer"
            | b"finest" => Some(Self::Debug),
            _ => None,
        }
    }

    /// The levels of pino and bunyan.
    fn from_number(number: u64) -> Option<Self> {
        match number {
            10..30 => Some(Self::Debug),
            30..40 => Some(Self::Info),
            40..50 => Some(Self::Warn),
            50..=60 => Some(Self::Error),
            _ => None,
        }
    }
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
    use super::*;

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
            (r#"{"x":[],"level":50}"#, "error"),
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
            (r#"{"level":60}"#, "error"),
            (r#"{"level":{"name":"error"}}"#, "none"),
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
    fn a_long_message_is_looked_at_once() {
        // Looking back from each `=` over all that came before would take minutes.
        assert_eq!(of(&"l=".repeat(1 << 19)), "none");
    }

    #[test]
    fn letters_that_are_cut_do_not_panic() {
        assert_eq!(of(&format!("{}é ERROR", "x".repeat(95))), "none");
    }
}
