//! The words that are levels, and what is known of the text around a word. It decides nothing about a line.

use super::Level::{self, Debug, Error, Info, Warn};

/// The words that are levels, by their first letter. Beside those that a program writes in full stand the short forms
/// of known loggers: `FATA` and `ERRO` of logrus, `eror` of log15, `FTL` and `PNC` of zerolog and Serilog, `DPANIC` of
/// zap, `crit` and `dbug` of .NET, `SEVERE` and `FINE` of java.util.logging, `LOG` of `PostgreSQL`, `SUCCESS` of
/// loguru, `silly` of winston, `AUDIT` of Open Liberty.
const WORDS: [(u8, &[(&str, Level)]); 13] = [
    (b'a', &[("alert", Error), ("alrt", Error), ("audit", Info)]),
    (b'c', &[("critical", Error), ("crit", Error), ("crt", Error)]),
    (b'd', &[("debug", Debug), ("debu", Debug), ("dbug", Debug), ("dbg", Debug), ("dpanic", Error)]),
    (
        b'e',
        &[
            ("error", Error),
            ("err", Error),
            ("erro", Error),
            ("eror", Error),
            ("emergency", Error),
            ("emerg", Error),
            ("emrg", Error),
        ],
    ),
    (
        b'f',
        &[
            ("fatal", Error),
            ("fail", Error),
            ("fata", Error),
            ("ftl", Error),
            ("ftal", Error),
            ("failed", Error),
            ("fine", Debug),
            ("finer", Debug),
            ("finest", Debug),
        ],
    ),
    (b'i', &[("info", Info), ("inf", Info), ("information", Info), ("informational", Info)]),
    (b'l', &[("log", Info)]),
    (b'n', &[("notice", Info), ("note", Info), ("noti", Info), ("ntc", Info)]),
    (b'p', &[("panic", Error), ("pani", Error), ("pnc", Error)]),
    (b's', &[("severe", Error), ("success", Info), ("silly", Debug)]),
    (b't', &[("trace", Debug), ("trc", Debug), ("trac", Debug), ("trce", Debug)]),
    (b'v', &[("verbose", Debug), ("vrb", Debug), ("verb", Debug)]),
    (b'w', &[("warn", Warn), ("warning", Warn), ("wrn", Warn), ("warni", Warn)]),
];

/// The longest word that is a level, in bytes.
const LONGEST: usize = "informational".len();

/// What a level is the level *of*: behind a bare word, these make it an adjective of a sentence (`CRITICAL CSS
/// inlined`, `PANIC mode is off`), not a level.
const NOUNS: &[&str] = &[
    "alerts",
    "and",
    "are",
    "boundary",
    "budget",
    "budgets",
    "button",
    "channel",
    "channels",
    "count",
    "counts",
    "css",
    "emails",
    "handler",
    "handlers",
    "handling",
    "hook",
    "hooks",
    "is",
    "level",
    "levels",
    "log",
    "logger",
    "logging",
    "logs",
    "messages",
    "middleware",
    "mode",
    "notifications",
    "only",
    "or",
    "page",
    "pages",
    "path",
    "paths",
    "queue",
    "rate",
    "rates",
    "ratio",
    "recovery",
    "reporter",
    "reporting",
    "reports",
    "rule",
    "rules",
    "section",
    "sections",
    "severity",
    "stream",
    "template",
    "templates",
    "threshold",
    "thresholds",
    "topic",
    "topics",
    "tracking",
    "views",
    "weather",
];

/// The level that a word is, whatever its case.
pub(super) fn level(word: &[u8]) -> Option<Level> {
    let first = word.first()? | 0x20;
    if word.len() > LONGEST {
        return None;
    }
    let (_, words) = WORDS.iter().find(|(letter, _)| *letter == first)?;
    let is_same = |known: &&(&str, Level)| known.0.as_bytes().eq_ignore_ascii_case(word);
    words.iter().find(is_same).map(|(_, level)| *level)
}

/// The level that a single letter is, as klog, logcat and many short formats write them.
pub(super) fn letter(letter: u8) -> Option<Level> {
    match letter {
        b'E' | b'F' | b'C' => Some(Error),
        b'W' => Some(Warn),
        b'I' => Some(Info),
        b'D' | b'V' => Some(Debug),
        _ => None,
    }
}

/// The level of a value that may be decorated: `ERROR+4`, ` error `, `[WARN]`, coloured, or one letter.
pub(super) fn decorated(value: &[u8]) -> Option<Level> {
    let mut rest = value;
    loop {
        rest = match rest {
            [0x1b, after @ ..] | [b'\\', b'u', b'0', b'0', b'1', b'b' | b'B', after @ ..] => behind_colour(after),
            [b' ' | b'[' | b'<' | b'(' | b'\'', after @ ..] => after,
            _ => break,
        };
    }
    let (word, after) = letters(rest);
    if after.iter().any(u8::is_ascii_alphabetic) && !matches!(after.first(), Some(0x1b | b'\\')) {
        return None;
    }
    match word {
        [one] if after.iter().all(u8::is_ascii_digit) => letter(*one),
        _ => level(word),
    }
}

/// The text behind what follows the escape character of a terminal's colour: `[31m`.
pub(super) fn behind_colour(text: &[u8]) -> &[u8] {
    let Some(code) = text.strip_prefix(b"[") else { return text };
    let digits = code.iter().take(16).take_while(|byte| byte.is_ascii_digit() || **byte == b';').count();
    match code.get(digits..) {
        Some([_, coloured @ ..]) => coloured,
        _ => text,
    }
}

/// The letters at the start of a text, one more than the longest level has at the most, and what follows them.
pub(super) fn letters(text: &[u8]) -> (&[u8], &[u8]) {
    let length = text.iter().take(LONGEST + 1).take_while(|byte| byte.is_ascii_alphabetic()).count();
    text.split_at_checked(length).unwrap_or((text, &[]))
}

/// Whether a word ends here: `ERROR_COUNT`, `ERROR=0` and `ERROR-HANDLER` are others.
pub(super) fn is_end(next: &[u8]) -> bool {
    next.first().is_none_or(|byte| {
        !byte.is_ascii_alphanumeric() && !matches!(byte, b'_' | b'=' | b'-' | b'.' | b'@' | b'/' | b'$' | b'%' | 0x80..)
    })
}

/// Whether a text goes on with a count of nothing: `ERROR: 0`, `| ERROR | 0 |`, `errors: none`.
pub(super) fn is_zero(text: &[u8]) -> bool {
    // Most values are done with here.
    let value = trim(text);
    if !matches!(value.first(), Some(b'0' | b'n' | b'N' | b'f' | b'F' | b'o' | b'O')) {
        return false;
    }
    let (word, after) = match value {
        [b'0', after @ ..] => (&b"0"[..], after),
        _ => letters(value),
    };
    let is_end = match word {
        b"no" if after.starts_with(b" error") => true,
        b"0" => after.first().is_none_or(|byte| !byte.is_ascii_alphanumeric() && !matches!(byte, b'.' | b'x' | b':')),
        _ => after.trim_ascii_start().first().is_none_or(|byte| matches!(byte, b',' | b';' | b'|' | b')')),
    };
    is_end
        && [&b"0"[..], b"none", b"null", b"nil", b"no", b"false", b"ok"]
            .iter()
            .any(|zero| word.eq_ignore_ascii_case(zero))
}

/// Whether a text goes on with a count: `alert: 12 rules loaded`.
pub(super) fn is_count(text: &[u8]) -> bool {
    let value = trim(text);
    let digits = value.iter().take_while(|byte| byte.is_ascii_digit()).count();
    digits > 0 && value.get(digits).is_none_or(|byte| matches!(byte, b' ' | b',' | b'|'))
}

/// Whether what follows a word makes it the adjective of a sentence.
pub(super) fn is_noun(text: &[u8]) -> bool {
    let (word, after) = letters(text.trim_ascii_start());
    let mut lower = [0; LONGEST];
    let Some(lower) = lower.get_mut(..word.len()).filter(|_| after.first() != Some(&b'=') && is_end(after)) else {
        return false;
    };
    lower.copy_from_slice(word);
    lower.make_ascii_lowercase();
    NOUNS.binary_search_by(|noun| noun.as_bytes().cmp(lower)).is_ok()
}

/// Whether a word says that there is none of what follows: `no ERROR`.
pub(super) fn is_none_of(word: &[u8]) -> bool {
    [&b"no"[..], b"0", b"any", b"without", b"zero"].iter().any(|none| word.eq_ignore_ascii_case(none))
}

fn trim(text: &[u8]) -> &[u8] {
    let start =
        text.iter().position(|byte| !matches!(byte, b' ' | b'\t' | b':' | b'|' | b']' | b'=')).unwrap_or(text.len());
    text.get(start..).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nouns_are_sorted_and_no_word_has_two_levels() {
        assert!(NOUNS.is_sorted());
        let words: Vec<_> = WORDS.iter().flat_map(|(_, words)| words.iter()).collect();
        assert_eq!(words.iter().map(|(word, _)| word).collect::<std::collections::BTreeSet<_>>().len(), words.len());
        for (word, is) in words {
            assert_eq!(level(word.to_uppercase().as_bytes()), Some(*is), "{word}");
        }
    }

    #[test]
    fn decorations_are_taken_off() {
        for (value, right) in [
            ("ERROR+4", Some(Error)),
            (" warn ", Some(Warn)),
            ("[INFO]", Some(Info)),
            ("\u{1b}[31merror\u{1b}[39m", Some(Error)),
            (r"\u001b[31merror\u001b[39m", Some(Error)),
            ("E", Some(Error)),
            ("D2", Some(Debug)),
            ("error rate", None),
            ("errors", None),
            ("", None),
            ("E2E", None),
        ] {
            assert_eq!(decorated(value.as_bytes()), right, "{value}");
        }
    }
}
