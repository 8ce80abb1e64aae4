//! Levels in brackets, and brackets that are fields. It looks no further than the bracket's end, but for a level behind
//! a label.

use super::surroundings::{case, data, is_calendar, stamp};
use super::{Step, Walk};
use crate::level::rows::{self, Features};
use crate::level::{Stated, words};

/// The longest group in brackets that is a field, in bytes.
const GROUP: usize = 160;

impl<'a> Walk<'a> {
    /// A group in brackets: the level itself, one with a level in it, or a field.
    pub(super) fn group(&mut self, open: u8, rest: &'a [u8]) -> Step {
        let Some(length) = closed(open, rest) else { return Step::Over };
        let inner = rest.get(1..length - 1).unwrap_or_default();
        let after = rest.get(length..).unwrap_or_default();
        // The usual one, which nothing more needs to be asked of.
        if inner.first().is_some_and(u8::is_ascii_digit) && inner.len() > 7 && inner.iter().copied().all(is_of_time) {
            return self.take(length, Features::TIME | Features::GROUP | Features::FIELD);
        }
        if let Some(stated) = self.of_group(open, inner, after) {
            return Step::Level(self.real_level(stated, open, inner, after));
        }
        let is_time =
            inner.split(|byte| *byte == b' ').any(|part| part.first().is_some_and(u8::is_ascii_digit) && stamp(part).1);
        let time = if is_time { Features::TIME } else { Features::NOTHING };
        self.take(length, time.with(Features::GROUP).with(Features::FIELD))
    }

    fn of_group(&self, open: u8, inner: &[u8], after: &[u8]) -> Option<Stated> {
        let base = self.before.with(self.standing()).with(data(after));
        let bracket = match open {
            b'[' => Features::SQUARE,
            b'<' => Features::ANGLE,
            b'(' => Features::ROUND,
            _ => return None,
        };
        let whole = uncoloured(inner).trim_ascii();
        let whole = whole.strip_suffix(b":").unwrap_or(whole);
        if let Some(level) = words::level(whole) {
            let row = self.rows.word(base.with(bracket).with(case(whole)))?;
            return Some(Stated { level, row });
        }
        if open != b'[' {
            return None;
        }
        if let [one] = whole
            && let Some(level) = words::letter(*one)
        {
            let row = self.rows.word(base.with(Features::SQUARE | Features::LETTER))?;
            return Some(Stated { level, row });
        }
        self.of_inner(whole, base)
    }

    /// `[06:32:46 INF]`, `[proxy:error]`, `[E 261123 06:32:46 web:12]`, `[2026-11-23 06:32:46,123: ERROR/MainProcess]`.
    fn of_inner(&self, inner: &[u8], base: Features) -> Option<Stated> {
        let base = base.with(Features::INNER);
        if let Some(at) = inner.iter().rposition(|byte| *byte == b':')
            && let Some((name, [_, word @ ..])) = inner.split_at_checked(at)
            && name.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'_')
            && let Some(level) = words::level(word)
        {
            return self.rows.word(base.with(Features::COLONED).with(case(word))).map(|row| Stated { level, row });
        }
        if let Some(word) = inner.rsplit(|byte| *byte == b'/').next().filter(|word| word.len() < inner.len())
            && let Some(level) = words::level(word)
        {
            return self.rows.word(base.with(Features::SLASHED).with(case(word))).map(|row| Stated { level, row });
        }
        let mut base = base.with(Features::INNER_FIRST);
        let mut parts = inner.split(|byte| matches!(byte, b' ' | b'|' | b',')).filter(|part| !part.is_empty()).take(8);
        while let Some(part) = parts.next() {
            let (run, after) = words::letters(part);
            let slash = if after.first() == Some(&b'/') { Features::SLASH } else { Features::NOTHING };
            if let Some(level) = words::level(run)
                && (words::is_end(after) || after.first() == Some(&b'/'))
            {
                let row = self.rows.word(base.with(case(run)).with(slash))?;
                return Some(Stated { level, row });
            }
            if let ([_], [], Some(level)) = (run, after, run.first().and_then(|one| words::letter(*one))) {
                let is_dated = parts.clone().next().is_some_and(|next| next.first().is_some_and(u8::is_ascii_digit));
                let features =
                    if is_dated || base.has(Features::INNER_TIME) { Features::LETTER } else { Features::NOTHING };
                return self.rows.word(base.with(features)).map(|row| Stated { level, row });
            }
            base = base.without(Features::INNER_FIRST);
            if part.first().is_some_and(u8::is_ascii_digit) {
                base = if stamp(part).1 { base.with(Features::INNER_TIME) } else { base };
            } else if !is_calendar(part, base) {
                return None;
            }
        }
        None
    }

    /// A word in brackets may be a label, and the level stands behind it: `[error] INFO topic subscribed`,
    /// `[trace] error: exporter down`.
    fn real_level(&self, label: Stated, open: u8, inner: &[u8], after: &[u8]) -> Stated {
        let is_label = open == b'[' && inner.iter().all(u8::is_ascii_lowercase);
        let next = after.trim_ascii_start();
        let (run, behind) = words::letters(next);
        let is_level = match behind.first() {
            Some(b':') => true,
            Some(b' ' | b'\t') => run.iter().all(u8::is_ascii_uppercase),
            _ => false,
        };
        match words::level(run).filter(|_| is_label && is_level && next.len() < after.len()) {
            Some(level) => self.rows.stated(rows::LABELLED, level).unwrap_or(label),
            None => label,
        }
    }
}

fn is_of_time(byte: u8) -> bool {
    matches!(byte, b'0'..=b'9' | b':' | b'-' | b'/' | b'.' | b',' | b' ' | b'T' | b'Z' | b'+')
}

/// The length of a group in brackets, with them.
fn closed(open: u8, text: &[u8]) -> Option<usize> {
    let close = match open {
        b'[' => b']',
        b'(' => b')',
        b'<' => b'>',
        _ => b'}',
    };
    let mut depth = 0_usize;
    for (at, byte) in text.iter().enumerate().take(GROUP) {
        let is_colour = at > 0 && text.get(at - 1) == Some(&0x1b);
        if *byte == open && !is_colour {
            depth += 1;
        } else if *byte == close {
            depth -= 1;
            if depth == 0 {
                return Some(at + 1);
            }
        }
    }
    None
}

/// A text without the colour around it.
fn uncoloured(mut text: &[u8]) -> &[u8] {
    while let [0x1b, after @ ..] = text {
        text = words::behind_colour(after);
    }
    let end = text.iter().position(|byte| *byte == 0x1b).unwrap_or(text.len());
    text.get(..end).unwrap_or_default()
}
