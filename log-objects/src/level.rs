//! How bad a log message says it is, from the ways in which programs commonly say so. It reads no meaning into a message that does not say it.

use std::fmt;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::record::Key;

/// How much of a message is looked at for the words of a text prefix, in bytes: they come after a time and a thread's name at the most.
const HEAD: usize = 96;
/// The longest word that is a level, in bytes.
const LONGEST: usize = "informational".len();
/// How many words from the start can be the level.
const WORDS: usize = 6;

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
    /// In this order: the member `level`, `severity` or `lvl` of a message that is a JSON object (a word, or as `level` a number of pino and
    /// bunyan: 10 to 60); of a message that begins with `key=value`, `level=`, `lvl=` or `severity=`; glog's letter, date and time (`E1123
    /// 06:32:46`); a word among the first six, in capitals (`ERROR`), in brackets (`[error]`) or in colour, or the first after the time
    /// before a colon (`Error:`); `level=` anywhere; the first words of a panic or a stack trace.
    // Inlined into a caller that is compiled for size, it would be compiled for size as well.
    #[inline(never)]
    pub fn of(message: &str) -> Option<Self> {
        let message = message.trim_start();
        if let Some(members) = message.strip_prefix('{') {
            if let Some(level) = of_first_members(members.as_bytes()) {
                return Some(level);
            }
            if let Ok(Members(level)) = serde_json::from_str(message) {
                return level;
            }
        }
        let level = match is_logfmt(message) {
            true => of_logfmt(message).or_else(|| of_prefix(message)),
            false => of_prefix(message).or_else(|| of_logfmt(message)),
        };
        level.or_else(|| is_panic(message).then_some(Self::Error))
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
pub struct Levels {
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

impl Levels {
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

impl fmt::Display for Levels {
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

/// The level of a JSON object in which only members with plain values come before it, as nearly always; the rest is not looked at.
fn of_first_members(members: &[u8]) -> Option<Level> {
    let mut rest = members;
    loop {
        let (key, after) = rest.trim_ascii_start().strip_prefix(b"\"").and_then(string)?;
        let value = after.trim_ascii_start().strip_prefix(b":")?.trim_ascii_start();
        let (value, after) = match value.strip_prefix(b"\"") {
            Some(text) => string(text)?,
            None => value.split_at(value.iter().position(|byte| matches!(byte, b',' | b'}' | b'{' | b'['))?),
        };
        if is_level(key) {
            let number = || std::str::from_utf8(value).ok().filter(|_| key == b"level")?.trim_ascii_end().parse().ok();
            if let Some(level) = Level::from_word(value).or_else(|| Level::from_number(number()?)) {
                return Some(level);
            }
        }
        rest = after.trim_ascii_start().strip_prefix(b",")?;
    }
}

/// The text up to the closing quote and what follows it; `None` where something in it is escaped.
fn string(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let (text, after) = text.split_at(memchr::memchr2(b'"', b'\\', text)?);
    Some((text, after.strip_prefix(b"\"")?))
}

/// Whether a message begins with `key=value`, so that words in it are values, and its level is one of them.
fn is_logfmt(message: &str) -> bool {
    let name = message.bytes().take_while(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-'));
    let length = name.take(HEAD).count();
    length > 0 && message.as_bytes().get(length) == Some(&b'=')
}

/// `level=error`, at the start or behind a space; the value may be quoted.
fn of_logfmt(message: &str) -> Option<Level> {
    let bytes = message.as_bytes();
    for at in memchr::memchr_iter(b'=', bytes) {
        // The keys end in `l` (`level`, `lvl`) or `y` (`severity`): most `=` are done with here.
        if at == 0 || !matches!(bytes[at - 1] | 0x20, b'l' | b'y') {
            continue;
        }
        if ["level", "lvl", "severity"].iter().any(|key| ends_with_word(&bytes[..at], key.as_bytes())) {
            let value = bytes[at + 1..].strip_prefix(b"\"").unwrap_or(&bytes[at + 1..]);
            let length = value.iter().take(LONGEST + 1).take_while(|byte| byte.is_ascii_alphabetic()).count();
            return Level::from_word(&value[..length]);
        }
    }
    None
}

/// Whether the last word of a text is this one.
fn ends_with_word(text: &[u8], word: &[u8]) -> bool {
    let Some((before, last)) = text.len().checked_sub(word.len()).map(|at| text.split_at(at)) else { return false };
    last.eq_ignore_ascii_case(word) && before.last().is_none_or(|byte| matches!(byte, b' ' | b'\t'))
}

/// A word near the start that can only be a level. Few words of a message begin as one could, so few are looked at.
fn of_prefix(message: &str) -> Option<Level> {
    let is_space = |byte: &u8| *byte <= b' ' || *byte == b'|';
    let bytes = message.as_bytes();
    let mut rest = &bytes[..bytes.len().min(HEAD)];
    if let Some(level) = of_glog(rest) {
        return Some(level);
    }
    let (mut is_first, mut last): (bool, &[u8]) = (true, b"");
    for _ in 0..WORDS {
        rest = &rest[rest.iter().position(|byte| !is_space(byte))?..];
        let found = match rest[0] {
            open @ (b'[' | b'<' | b'(') => {
                of_word(after_colour(&rest[1..]), |letters, next| is_closed(open, letters, next))
            }
            b'A'..=b'Z' => of_word(rest, |letters, next| {
                letters.iter().all(u8::is_ascii_uppercase) && is_end(next) && !is_count(last) && letters != b"FAIL"
                    || (is_first && next.first() == Some(&b':'))
            }),
            _ if is_first => of_word(rest, |_, next| next.first() == Some(&b':')),
            _ => None,
        };
        if found.is_some() {
            return found;
        }
        let (word, next) = rest.split_at(rest.iter().position(is_space)?);
        // A time, a date and what stands in brackets come before the first word.
        is_first = is_first && matches!(word[0], b'0'..=b'9' | b'[');
        (last, rest) = (word, next);
    }
    None
}

/// Whether the brackets hold the letters alone, or begin with them in capitals: `[error]`, `[error    ]`, `[ERROR 12]`, but not `[error-handler]`.
fn is_closed(open: u8, letters: &[u8], next: &[u8]) -> bool {
    let close = match open {
        b'[' => b']',
        b'<' => b'>',
        _ => b')',
    };
    match next.trim_ascii_start() {
        [first, ..] if *first == close => true,
        [0x1b | b':', ..] => true,
        _ => open == b'[' && letters.iter().all(u8::is_ascii_uppercase) && is_end(next),
    }
}

/// Whether a word ends here: `ERROR_COUNT`, `ERROR=0` and `ERROR-HANDLER` are others.
fn is_end(next: &[u8]) -> bool {
    next.first().is_none_or(|byte| !byte.is_ascii_alphanumeric() && !matches!(byte, b'_' | b'=' | b'-' | b'.' | b'@'))
}

/// Whether what follows a word is counted by it: `no ERROR`, `0 ERROR`.
fn is_count(word: &[u8]) -> bool {
    [&b"no"[..], b"0", b"any", b"without", b"zero"].iter().any(|count| word.eq_ignore_ascii_case(count))
}

/// The text behind the rest of a terminal's colour sequence (`31m`), whose escape character counts as a space.
fn after_colour(text: &[u8]) -> &[u8] {
    let digits = text.iter().take_while(|byte| byte.is_ascii_digit() || **byte == b';').count();
    match &text[digits..] {
        [b'm', coloured @ ..] if digits > 0 => coloured,
        _ => text,
    }
}

/// The level that the letters at the start of a text are, if what they are and what follows says that they are meant as one.
fn of_word(text: &[u8], is_meant: impl Fn(&[u8], &[u8]) -> bool) -> Option<Level> {
    let length = text.iter().take(LONGEST + 1).take_while(|byte| byte.is_ascii_alphabetic()).count();
    let (letters, after) = text.split_at(length);
    (length >= 3 && is_meant(letters, after)).then(|| Level::from_word(letters)).flatten()
}

/// `E1123 10:00:00.000000` of glog and klog.
fn of_glog(head: &[u8]) -> Option<Level> {
    let [letter, date @ .., b' ', hour, hours, b':'] = head.get(..9)? else { return None };
    match letter {
        _ if !date.iter().chain([hour, hours]).all(u8::is_ascii_digit) => None,
        b'E' | b'F' => Some(Level::Error),
        b'W' => Some(Level::Warn),
        b'I' => Some(Level::Info),
        _ => None,
    }
}

/// The first words that runtimes write when a program breaks: Rust, Go, Python, the JVM, Node.
fn is_panic(message: &str) -> bool {
    const STARTS: [&str; 7] = [
        "panic: ",
        "goroutine 1 [",
        "Traceback (most recent call last)",
        "Exception in thread ",
        "Unhandled exception.",
        "Unhandled exception:",
        "Unhandled Exception:",
    ];
    let is_uncaught = |thrown: &str| {
        let kind = thrown.split([' ', ':']).next().unwrap_or_default();
        kind.ends_with("Error") || kind.ends_with("Exception")
    };
    STARTS.iter().any(|start| message.starts_with(start))
        || message.strip_prefix("Uncaught ").is_some_and(is_uncaught)
        || (message.starts_with("thread '") && message.contains("panicked at"))
}

/// Whether a member of a JSON message has this name because it is its level.
fn is_level(key: &[u8]) -> bool {
    matches!(
        key,
        b"level" | b"severity" | b"lvl" | b"log.level" | b"levelname" | b"Level" | b"LogLevel" | b"Severity" | b"@l"
    )
}

/// What a JSON message says of its level.
struct Members(Option<Level>);

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Object;
        impl<'de> Visitor<'de> for Object {
            type Value = Members;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a JSON object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
                let mut level = None;
                while let Some(Key(key)) = map.next_key::<Key<'de>>()? {
                    match is_level(key.as_bytes()) {
                        true => {
                            let value = match map.next_value()? {
                                Value::Number(number) if key == "level" => Level::from_number(number),
                                Value::Word(level) => level,
                                Value::Number(_) | Value::Other => None,
                            };
                            level = level.or(value);
                        }
                        false => drop(map.next_value::<IgnoredAny>()?),
                    }
                }
                Ok(Members(level))
            }
        }
        deserializer.deserialize_map(Object)
    }
}

/// The value of a member that is named as a level is.
enum Value {
    Word(Option<Level>),
    Number(u64),
    Other,
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Any;
        impl<'de> Visitor<'de> for Any {
            type Value = Value;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a JSON value")
            }
            fn visit_str<E>(self, word: &str) -> Result<Value, E> {
                Ok(Value::Word(Level::from_word(word.as_bytes())))
            }
            fn visit_u64<E>(self, number: u64) -> Result<Value, E> {
                Ok(Value::Number(number))
            }
            fn visit_i64<E>(self, _: i64) -> Result<Value, E> {
                Ok(Value::Other)
            }
            fn visit_f64<E>(self, _: f64) -> Result<Value, E> {
                Ok(Value::Other)
            }
            fn visit_bool<E>(self, _: bool) -> Result<Value, E> {
                Ok(Value::Other)
            }
            fn visit_unit<E>(self) -> Result<Value, E> {
                Ok(Value::Other)
            }
            fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<Value, A::Error> {
                IgnoredAny.visit_seq(list).map(|_| Value::Other)
            }
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Value, A::Error> {
                IgnoredAny.visit_map(map).map(|_| Value::Other)
            }
        }
        deserializer.deserialize_any(Any)
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
