//! The walk over what stands in front of a text's own words: times, numbers, names and brackets, until a level or the
//! first words of a crash come. It looks at the head of a text only.

use super::rows::{self, Features, Row, Rows};
use super::{Level, Stated, crash, json, logfmt, words};
use surroundings::{case, data, follow, is_calendar, is_doing, stamp};

mod brackets;
mod surroundings;

/// How much of a text is looked at, in bytes.
const HEAD: usize = 320;
/// How many tokens may come before a level.
const TOKENS: usize = 24;
/// How many names may come before a level: a host, a process, a logger.
const NAMES: u8 = 3;

/// Where a walk stands.
struct Walk<'a> {
    /// The whole text.
    text: &'a [u8],
    /// Its head.
    head: &'a [u8],
    at: usize,
    rows: Rows,
    /// What stood before the token.
    before: Features,
    names: u8,
    /// The last name, which may say that there is none of what follows.
    last: &'a [u8],
    /// Whether the token before is a bare number, which may count what follows.
    is_counted: bool,
    /// Whether the pairs were looked at.
    has_pairs: bool,
}

/// What a step of the walk came to.
enum Step {
    Level(Stated),
    Field,
    Over,
}

/// The level that the head of a text says it has, and by which row.
pub(super) fn read(text: &[u8], rows: Rows) -> Option<Stated> {
    let head = text.get(..HEAD).unwrap_or(text);
    if let Some(stated) = of_start(head, rows) {
        return Some(stated);
    }
    let before = Features::FIRST;
    let mut walk = Walk { text, head, at: 0, rows, before, names: 0, last: b"", is_counted: false, has_pairs: false };
    for _ in 0..TOKENS {
        super::step();
        match walk.step() {
            Step::Level(stated) => return Some(stated),
            Step::Field => {}
            Step::Over => break,
        }
    }
    None
}

/// What only stands at the very start: syslog's priority (RFC 5424, section 6.2.1) and glog's letter and date.
fn of_start(head: &[u8], rows: Rows) -> Option<Stated> {
    if let [b'<', rest @ ..] = head {
        let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let number = rest.get(..digits).filter(|_| (1..=3).contains(&digits) && rest.get(digits) == Some(&b'>'))?;
        let number = number.iter().fold(0_u32, |number, digit| number * 10 + u32::from(digit - b'0'));
        let level = match number % 8 {
            _ if number > 191 => return None,
            0..=3 => Level::Error,
            4 => Level::Warn,
            5 | 6 => Level::Info,
            _ => Level::Debug,
        };
        return rows.stated(rows::SYSLOG, level);
    }
    let level = words::letter(*head.first()?).filter(|_| !matches!(head.first(), Some(b'V' | b'C')))?;
    let date = head.get(1..)?.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let is_time =
        matches!(head.get(date + 1..date + 5), Some([b' ', a, b, b':']) if a.is_ascii_digit() && b.is_ascii_digit());
    if is_time && matches!(date, 4 | 6 | 8) { rows.stated(rows::GLOG, level) } else { None }
}

impl<'a> Walk<'a> {
    fn rest(&self) -> &'a [u8] {
        self.head.get(self.at..).unwrap_or_default()
    }

    fn step(&mut self) -> Step {
        self.skip_separators();
        let rest = self.rest();
        let Some(first) = rest.first() else { return Step::Over };
        // Only where a sentence may begin: a crash that is quoted in one is none.
        if let Some(stated) = crash::read(self.text.get(self.at..).unwrap_or_default(), self.rows) {
            return Step::Level(stated);
        }
        match *first {
            b'{' if matches!(rest.get(1), Some(b'"' | b' ')) && !self.before.has(Features::FIRST) => {
                match json::read(self.text.get(self.at..).unwrap_or_default(), self.rows) {
                    Ok(Some(stated)) => Step::Level(stated),
                    _ => Step::Over,
                }
            }
            open @ (b'[' | b'(' | b'<' | b'{') => self.group(open, rest),
            b'0'..=b'9' => self.number(rest),
            b'-' if rest.get(1).is_some_and(u8::is_ascii_digit) => self.number(rest),
            b'+' if self.before.has(Features::TIME) => self.number(rest),
            b'a'..=b'z' | b'A'..=b'Z' | b'_' | b'@' | b'/' | b'.' | b'$' => self.word(rest),
            b'#' if !self.before.has(Features::FIRST) => self.word(rest),
            // `*** ERROR: x`, `# ERROR x`: what is only put before a word.
            b'*' | b'!' | b'#' | b'-' | b'=' if self.before.has(Features::FIRST) => {
                let length =
                    rest.iter().take_while(|byte| matches!(byte, b'*' | b'!' | b'#' | b'-' | b'=' | b'>')).count();
                if length > 5 || rest.get(length) != Some(&b' ') {
                    return Step::Over;
                }
                self.at += length;
                Step::Field
            }
            // A sign or an emoji before a word (U+2000 to U+2FFF, and from U+10000 on) says nothing of itself.
            0xe2 | 0xf0 if self.before.has(Features::FIRST) => {
                self.at += rest.iter().position(|byte| *byte < 0x80).unwrap_or(rest.len());
                Step::Field
            }
            // A mark in front of the text, as in ` ⨯ Error: x` of Next.js.
            0x80.. if self.names == 0 => {
                let length = rest.iter().position(|byte| *byte < 0x80).unwrap_or(rest.len());
                self.take(length, Features::NOTHING)
            }
            _ => Step::Over,
        }
    }

    /// Goes on behind a field, and remembers what it was.
    fn take(&mut self, length: usize, what: Features) -> Step {
        self.at += length.max(1);
        self.is_counted = false;
        self.before = self.before.without(Features::FIRST | Features::COLOUR).with(what);
        Step::Field
    }

    /// Spaces, colours, and what separates columns.
    fn skip_separators(&mut self) {
        loop {
            let rest = self.rest();
            let (length, what) = match rest {
                [0x1b, after @ ..] => (rest.len() - words::behind_colour(after).len(), Features::COLOUR),
                [b'\t', ..] => (1, Features::TAB_BEFORE),
                [b'|', ..] => (1, Features::PIPE_BEFORE),
                [b' ' | b'\r', ..] => (1, Features::NOTHING),
                [b'-', b'A'..=b'Z', ..] if self.at > 0 && self.head.get(self.at - 1) == Some(&b'|') => {
                    (1, Features::DASH_BEFORE)
                }
                [b'-', after @ ..] if !self.before.has(Features::FIRST) => {
                    let more = after.iter().take_while(|byte| **byte == b'-').count();
                    match after.get(more) {
                        Some(b' ' | b'|' | b'[' | b'\t') | None => (1 + more, Features::DASH_BEFORE),
                        _ => return,
                    }
                }
                [b'>', ..] => (1, Features::COLON_BEFORE),
                [b':', ..] if !self.before.has(Features::FIRST) => (1, Features::COLON_BEFORE),
                [b',' | b';', ..] if !self.before.has(Features::FIRST) => (1, Features::NOTHING),
                _ => return,
            };
            self.at += length.max(1);
            // What stands before a colon is a name.
            if what == Features::COLON_BEFORE {
                self.before = self.before.without(Features::UNSURE);
            }
            self.before = self.before.with(what);
        }
    }

    /// A time, a number, an address.
    fn number(&mut self, rest: &[u8]) -> Step {
        let (length, is_time) = stamp(rest);
        let number = rest.get(..length).unwrap_or_default();
        let is_counted = !self.before.has(Features::TIME) && number.iter().all(u8::is_ascii_digit);
        let step = self.take(length, if is_time { Features::TIME } else { Features::NOTHING }.with(Features::FIELD));
        self.is_counted = is_counted;
        step
    }

    fn word(&mut self, rest: &'a [u8]) -> Step {
        let (run, after) = words::letters(rest);
        if let Some(level) = words::level(run)
            && (words::is_end(after) || after.first() == Some(&b'/'))
        {
            if let Some(stated) = self.of_word(run, after, level) {
                return Step::Level(stated);
            }
        } else if let [one] = run
            && let Some(level) = words::letter(*one)
        {
            let next = after.trim_ascii_start();
            let is_dated = next.len() < after.len() && next.first().is_some_and(u8::is_ascii_digit) && stamp(next).1;
            let dated = if is_dated { Features::TIME_NEXT } else { Features::NOTHING };
            let features = self.before.with(Features::LETTER).with(follow(after)).with(self.standing()).with(dated);
            if let Some(row) = self.rows.word(features) {
                return Step::Level(Stated { level, row });
            }
        }
        let length = rest
            .iter()
            .position(|byte| *byte <= b' ' || matches!(byte, b'|' | b'[' | b'(' | b'{' | b'"' | b',' | b'=' | 0x1b))
            .unwrap_or(rest.len());
        let (token, behind) = rest.split_at_checked(length).unwrap_or((rest, b""));
        if behind.first() == Some(&b'=') {
            return self.pair(length, behind);
        }
        if let Some(stated) = self.of_channel(token, behind) {
            return Step::Level(stated);
        }
        if is_calendar(token, self.before) {
            return self.take(length, Features::TIME.with(Features::FIELD));
        }
        self.name(token, behind)
    }

    /// A word that is not a level: a name before one, or the beginning of a sentence.
    fn name(&mut self, token: &'a [u8], behind: &[u8]) -> Step {
        self.names += 1;
        let is_separated =
            matches!(behind, [b'\t', ..]) || matches!(behind.trim_ascii_start(), [b'-' | b'|' | b'[' | b'>', ..]);
        let ends_in_colon = token.ends_with(b":");
        let is_name = is_separated
            || token == b"main"
            || token.len() == 1
            || token.iter().any(|byte| !byte.is_ascii_alphabetic() && !matches!(byte, b'\'' | b'!' | b'?' | 0x80..));
        self.last = token;
        // One word may be a host's name, behind a time.
        let is_unsure = !is_name && self.before.has(Features::TIME) && !self.before.has(Features::UNSURE);
        if self.names > NAMES || !(is_name || is_unsure) {
            return Step::Over;
        }
        if ends_in_colon {
            self.before = self.before.without(Features::UNSURE);
        }
        self.before = self.before.without(Features::COLON_BEFORE);
        let what = if ends_in_colon { Features::COLON_BEFORE } else { Features::NOTHING };
        self.take(token.len(), if is_unsure { what.with(Features::UNSURE) } else { what })
    }

    /// `key=value`: the line of a logger that writes only such, or a field in front of the level.
    fn pair(&mut self, key: usize, behind: &[u8]) -> Step {
        if !std::mem::replace(&mut self.has_pairs, true)
            && self.names == 0
            && let Some(stated) = logfmt::read(self.text.get(self.at..).unwrap_or_default(), self.before, self.rows)
        {
            return Step::Level(stated);
        }
        let value = behind.get(1..).unwrap_or_default();
        let length = match value.strip_prefix(b"\"") {
            Some(quoted) => 2 + quoted.iter().position(|byte| *byte == b'"').unwrap_or(quoted.len()),
            None => value.iter().position(|byte| *byte <= b' ').unwrap_or(value.len()),
        };
        self.take(key + 1 + length, Features::FIELD)
    }

    /// `production.ERROR:` and `root:ERROR:`.
    fn of_channel(&self, token: &[u8], behind: &[u8]) -> Option<Stated> {
        let (token, has_colon) = match token.strip_suffix(b":") {
            Some(token) => (token, true),
            None => (token, false),
        };
        let dotted = token.iter().rposition(|byte| *byte == b'.').and_then(|at| token.get(at + 1..));
        let dotted = dotted.and_then(|word| Some((words::level(word)?, word, Features::DOTTED)));
        let coloned = || {
            let mut parts = token.split(|byte| *byte == b':').skip(1).take(4);
            parts.find_map(|word| Some((words::level(word)?, word, Features::COLONED)))
        };
        let (level, word, glued) = dotted.or_else(coloned)?;
        let colon = if has_colon { Features::COLON } else { Features::NOTHING };
        let features = self.before.with(case(word)).with(glued).with(colon).with(follow(behind)).with(self.standing());
        self.rows.word(features.with(data(behind))).map(|row| Stated { level, row })
    }

    /// Whether only fields came before, or names as well.
    fn standing(&self) -> Features {
        match self.names {
            _ if self.is_counted => Features::NOTHING,
            0 => Features::FIELDS,
            _ if words::is_none_of(self.last) => Features::NOTHING,
            _ => Features::NAMED,
        }
    }

    fn of_word(&self, word: &[u8], mut after: &[u8], level: Level) -> Option<Stated> {
        // `LOG:` of `PostgreSQL`; a log in small letters is a noun.
        if word.eq_ignore_ascii_case(b"log") && word != b"LOG" {
            return None;
        }
        while let [0x1b, coloured @ ..] = after {
            after = words::behind_colour(coloured);
        }
        let features = self.before.with(case(word)).with(follow(after)).with(self.standing()).with(data(after));
        // `Alert: a new order` tells somebody something.
        let is_notice = word == b"Alert" || word == b"Emergency";
        let rare = !matches!(word.len(), 3..=5) || level != Level::Error || word.eq_ignore_ascii_case(b"alert");
        let counted = rare && after.first() == Some(&b':') && words::is_count(after);
        let features = if counted || is_notice { features.with(Features::DATA) } else { features };
        let is_verb = word.get(..4).is_some_and(|word| word.eq_ignore_ascii_case(b"fail"));
        let features = if is_verb { features.with(Features::NOUN) } else { features };
        let features = if level == Level::Error && is_doing(after) { features.with(Features::DOING) } else { features };
        let row = self.rows.word(features)?;
        // What php-fpm passes on says itself how bad it is.
        let message = after.strip_prefix(b": PHP message: ").and_then(|message| crash::read(message, self.rows));
        Some(message.unwrap_or(Stated { level, row }))
    }
}

impl Rows {
    /// The first row that counts and that a word with these features fits.
    fn word(self, features: Features) -> Option<Row> {
        rows::of_word(features).find(|row| self.counts(*row))
    }
}
