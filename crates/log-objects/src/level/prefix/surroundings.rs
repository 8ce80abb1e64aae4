//! What stands around a word: its case, what follows, and the times in front of it. It decides nothing about a level.

use super::HEAD;
use crate::level::rows::Features;
use crate::level::words;

/// What the case of a word is.
pub(super) fn case(word: &[u8]) -> Features {
    if word.iter().all(u8::is_ascii_uppercase) {
        Features::UPPER
    } else if word.iter().all(u8::is_ascii_lowercase) {
        Features::LOWER
    } else {
        Features::CAPITAL
    }
}

/// What directly follows a word.
pub(super) fn follow(after: &[u8]) -> Features {
    match after {
        [b':', ..] => Features::COLON,
        [b'\t', ..] => Features::TAB,
        [b'|', ..] => Features::PIPE,
        [b'!', ..] => Features::BANG,
        [b',', b' ', b'[', ..] => Features::COMMA,
        [b'/', ..] => Features::SLASH,
        [b'[' | b'(', ..] => Features::BRACKET,
        [b' ', rest @ ..] => match rest.trim_ascii_start() {
            [b'|', ..] => Features::PIPE,
            [b'-', b' ' | b'-', ..] => Features::DASH,
            [b'[' | b'(', ..] => Features::SPACE.with(Features::BRACKET),
            _ if rest.first() == Some(&b' ') => Features::SPACE.with(Features::WIDE),
            _ => Features::SPACE,
        },
        [] | [0x1b | b',' | b']' | b'-' | b'>' | b';', ..] => Features::END,
        _ => Features::NOTHING,
    }
}

/// What follows a word that is data, not a level.
pub(super) fn data(after: &[u8]) -> Features {
    let mut found = Features::NOTHING;
    if words::is_zero(after) || matches!(after, [b',', b' ', letter, ..] if letter.is_ascii_alphabetic()) {
        found = found.with(Features::DATA);
    }
    if matches!(after, [b' ', b'A'..=b'Z', ..]) {
        found = found.with(Features::CAPITAL_NEXT);
    }
    if matches!(after.first(), Some(b' ')) && words::is_noun(after) {
        found = found.with(Features::NOUN);
    }
    found
}

/// Whether a text goes on with what was being done, and with a colon: ` opening store: timeout`.
pub(super) fn is_doing(after: &[u8]) -> bool {
    let Some(rest) = after.strip_prefix(b" ") else { return false };
    let (word, behind) = words::letters(rest);
    let is_doing = word.len() > 4 && word.ends_with(b"ing");
    (is_doing || [&b"in"[..], b"at", b"on", b"while", b"during", b"when", b"from"].contains(&word))
        && memchr::memchr(b':', behind.get(..HEAD).unwrap_or(behind)).is_some_and(|at| at > 0)
}

/// The length of a number at the start, with what is glued to it, and whether it is a time or a date.
pub(super) fn stamp(text: &[u8]) -> (usize, bool) {
    let (mut digits, mut colons, mut dashes, mut dots, mut letters, mut length) = (0, 0, 0, 0, 0, 0);
    while let Some(byte) = text.get(length).filter(|_| length < 64) {
        match byte {
            b'0'..=b'9' => digits += 1,
            // What is glued to a time by a colon is the next token.
            b':' if text.get(length + 1).is_some_and(u8::is_ascii_alphabetic) => break,
            b':' => colons += 1,
            b'-' if length == 0 => {}
            b'-' | b'/' => dashes += 1,
            b'.' => dots += 1,
            b',' | b';' if text.get(length + 1).is_some_and(u8::is_ascii_digit) => {}
            b'+' | b'_' | b'%' | b'@' | 0x80.. => {}
            b'a'..=b'z' | b'A'..=b'Z' => letters += 1,
            _ => break,
        }
        length += 1;
    }
    let is_time = letters <= 5
        && ((colons >= 1 && digits >= 3 && dots <= 2)
            || (dashes >= 2 && digits >= 4)
            || (digits >= 10 && letters <= 2 && dots <= 1));
    (length, is_time)
}

/// Whether a word belongs to a time: the name of a month or a day, `AM`, a zone behind a time.
pub(super) fn is_calendar(token: &[u8], before: Features) -> bool {
    const NAMES: &[u8] = b"JanFebMarAprMayJunJulAugSepOctNovDecMonTueWedThuFriSatSun";
    let (token, _) = words::letters(token);
    let is_name = token.len() == 3 && NAMES.chunks(3).any(|name| name == token);
    let is_zone =
        before.has(Features::TIME) && (1..=5).contains(&token.len()) && token.iter().all(u8::is_ascii_uppercase);
    is_name
        || (is_zone
            && matches!(
                token,
                b"AM"
                    | b"PM"
                    | b"UTC"
                    | b"GMT"
                    | b"Z"
                    | b"CET"
                    | b"CEST"
                    | b"JST"
                    | b"EST"
                    | b"EDT"
                    | b"PST"
                    | b"PDT"
                    | b"BST"
                    | b"IST"
                    | b"MSK"
            ))
}
