//! The level of a message that is text: logfmt, the prefixes of loggers, and what runtimes write when a program breaks.

use super::{LONGEST, Level};

/// How much of a message is looked at for the words of a text prefix, in bytes: they come after a time and a thread's
/// name at the most.
const HEAD: usize = 96;
/// How many words from the start can be the level.
const WORDS: usize = 6;

/// The level that a text says it has.
pub(super) fn read(message: &str) -> Option<Level> {
    of_prefix(message).or_else(|| of_logfmt(message)).or_else(|| is_panic(message).then_some(Level::Error))
}

/// `level=error`, at the start or behind a space; the value may be quoted.
fn of_logfmt(message: &str) -> Option<Level> {
    let bytes = message.as_bytes();
    for at in memchr::memchr_iter(b'=', bytes) {
        let Some((before, [_, value @ ..])) = bytes.split_at_checked(at) else { break };
        // The keys end in `l` (`level`, `lvl`) or `y` (`severity`): most `=` are done with here.
        if !before.last().is_some_and(|last| matches!(last | 0x20, b'l' | b'y')) {
            continue;
        }
        if ["level", "lvl", "severity"].iter().any(|key| ends_with_word(before, key.as_bytes())) {
            let (letters, _) = letters(value.strip_prefix(b"\"").unwrap_or(value));
            return Level::from_word(letters);
        }
    }
    None
}

/// Whether the last word of a text is this one.
fn ends_with_word(text: &[u8], word: &[u8]) -> bool {
    let start = text.len().checked_sub(word.len());
    let Some((before, last)) = start.and_then(|at| text.split_at_checked(at)) else { return false };
    last.eq_ignore_ascii_case(word) && before.last().is_none_or(|byte| matches!(byte, b' ' | b'\t'))
}

/// A word near the start that can only be a level. Few words of a message begin as one could, so few are looked at.
fn of_prefix(message: &str) -> Option<Level> {
    let is_space = |byte: &u8| *byte <= b' ' || *byte == b'|';
    let bytes = message.as_bytes();
    let mut rest = bytes.get(..HEAD).unwrap_or(bytes);
    if let Some(level) = of_glog(rest) {
        return Some(level);
    }
    let (mut is_first, mut last): (bool, &[u8]) = (true, b"");
    for _ in 0..WORDS {
        rest = rest.get(rest.iter().position(|byte| !is_space(byte))?..)?;
        let (first, behind) = rest.split_first()?;
        let found = match *first {
            open @ (b'[' | b'<' | b'(') => {
                of_word(after_colour(behind), |letters, next| is_closed(open, letters, next))
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
        let (word, next) = rest.split_at_checked(rest.iter().position(is_space)?)?;
        // A time, a date and what stands in brackets come before the first word. In a message that begins with
        // `key=value` words are values.
        if is_first && !matches!(first, b'0'..=b'9' | b'[') {
            if word.contains(&b'=') {
                return None;
            }
            is_first = false;
        }
        (last, rest) = (word, next);
    }
    None
}

/// Whether the brackets hold the letters alone, or begin with them in capitals: `[error]`, `[error    ]`, `[ERROR 12]`,
/// but not `[error-handler]`.
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
    match text.get(digits..) {
        Some([b'm', coloured @ ..]) if digits > 0 => coloured,
        _ => text,
    }
}

/// The level that the letters at the start of a text are, if what they are and what follows says that they are meant as
/// one.
fn of_word(text: &[u8], is_meant: impl Fn(&[u8], &[u8]) -> bool) -> Option<Level> {
    if !text.first().is_some_and(|first| begins_level(*first)) {
        return None;
    }
    let (letters, after) = letters(text);
    Level::from_word(letters).filter(|_| is_meant(letters, after))
}

/// The letters at the start of a text, one more than the longest level has at the most, and what follows them.
fn letters(text: &[u8]) -> (&[u8], &[u8]) {
    let length = text.iter().take(LONGEST + 1).take_while(|byte| byte.is_ascii_alphabetic()).count();
    text.split_at_checked(length).unwrap_or((text, &[]))
}

/// Whether a word that is a level can begin with this letter: most words of a message are done with here.
fn begins_level(letter: u8) -> bool {
    matches!(letter | 0x20, b'a' | b'c'..=b'f' | b'i' | b'n' | b'p' | b's' | b't' | b'v' | b'w')
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
