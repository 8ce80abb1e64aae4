//! The table by which levels are read: each row a shape with a name, where it is documented, and examples. It is data;
//! [`super::json`], [`super::logfmt`], [`super::prefix`] and [`super::crash`] match it.

use std::fmt;
use std::ops::BitOr;

use super::{Level, Stated};

mod index;
mod table;

use index::{MEMBERS_END, WORDS_END, WORDS_START, row};
pub(super) use index::{Pattern, is_member, patterns};
#[cfg(test)]
pub(super) use table::EXAMPLES;
use table::ROWS;

/// A row of the table.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Row(u8);

/// The rows that are switched off.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rows {
    off: u128,
}

/// What a row matches.
#[derive(Debug)]
pub(super) enum Shape {
    /// A member of a JSON object whose value is a word: its names in small letters without `_`, `-` and `.`, nested
    /// ones joined (`log.level` is `loglevel`), and the members of which one must stand beside it.
    Member(&'static [&'static str], Beside),
    /// A member of a JSON object whose value is a number: its names, the members of which one must stand beside it, and
    /// the scale.
    Number(&'static [&'static str], Beside, &'static [(u64, u64, Level)]),
    /// A JSON object with all of these members is an error.
    Present(&'static [&'static str]),
    /// A pair of logfmt: its keys.
    Pair(&'static [&'static str]),
    /// A word at the head of a text: what must be true of it, and what must not.
    Word(Features, Features),
    /// What one function looks for.
    Start,
    /// The first words of a line: patterns in which `~` is any text, `%n` a number, `%e` the name of an error and `%p`
    /// the name of a program before its colon.
    Text(Level, &'static [&'static str]),
}

/// Which members must stand beside another one: any of these, or nothing at all where there are none.
type Beside = &'static [&'static str];

/// A row as it stands in the table.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) id: &'static str,
    pub(super) shape: Shape,
}

/// What is true of a word at the head of a text and of what stands around it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Features(u64);

impl Features {
    pub(super) const NOTHING: Self = Self(0);
    /// Nothing came before.
    pub(super) const FIRST: Self = Self(1);
    /// Times, numbers, groups in brackets and pairs came before, and nothing else.
    pub(super) const FIELDS: Self = Self(1 << 1);
    /// Names came before as well.
    pub(super) const NAMED: Self = Self(1 << 2);
    /// A time or a date came before.
    pub(super) const TIME: Self = Self(1 << 3);
    /// A group in brackets came before.
    pub(super) const GROUP: Self = Self(1 << 4);
    /// A field of any kind came before.
    pub(super) const FIELD: Self = Self(1 << 5);
    pub(super) const TAB_BEFORE: Self = Self(1 << 6);
    pub(super) const PIPE_BEFORE: Self = Self(1 << 7);
    pub(super) const DASH_BEFORE: Self = Self(1 << 8);
    /// The colour changes right before.
    pub(super) const COLOUR: Self = Self(1 << 9);
    pub(super) const UPPER: Self = Self(1 << 10);
    pub(super) const LOWER: Self = Self(1 << 11);
    pub(super) const CAPITAL: Self = Self(1 << 12);
    /// A single letter.
    pub(super) const LETTER: Self = Self(1 << 13);
    /// Alone in `[]`.
    pub(super) const SQUARE: Self = Self(1 << 14);
    /// Alone in `<>`.
    pub(super) const ANGLE: Self = Self(1 << 15);
    /// Alone in `()`.
    pub(super) const ROUND: Self = Self(1 << 16);
    /// In `[]`, with other things.
    pub(super) const INNER: Self = Self(1 << 17);
    /// The first of them.
    pub(super) const INNER_FIRST: Self = Self(1 << 18);
    /// Behind a time in the same brackets.
    pub(super) const INNER_TIME: Self = Self(1 << 19);
    /// Glued to a name by a dot.
    pub(super) const DOTTED: Self = Self(1 << 20);
    /// Glued to a name by a colon.
    pub(super) const COLONED: Self = Self(1 << 21);
    /// What follows: a colon.
    pub(super) const COLON: Self = Self(1 << 22);
    pub(super) const TAB: Self = Self(1 << 23);
    pub(super) const PIPE: Self = Self(1 << 24);
    pub(super) const DASH: Self = Self(1 << 25);
    pub(super) const BANG: Self = Self(1 << 26);
    pub(super) const COMMA: Self = Self(1 << 27);
    pub(super) const SLASH: Self = Self(1 << 28);
    pub(super) const BRACKET: Self = Self(1 << 29);
    pub(super) const SPACE: Self = Self(1 << 30);
    /// More than one space.
    pub(super) const WIDE: Self = Self(1 << 31);
    /// The end of the text, or of the word by a sign.
    pub(super) const END: Self = Self(1 << 32);
    /// A count of nothing, or a list, follows: the word is data.
    pub(super) const DATA: Self = Self(1 << 33);
    /// The word is the adjective of a sentence.
    pub(super) const NOUN: Self = Self(1 << 34);
    /// One of the names may be a word of a sentence.
    pub(super) const UNSURE: Self = Self(1 << 35);
    /// A colon came before.
    pub(super) const COLON_BEFORE: Self = Self(1 << 36);
    /// The word is `error`, and what was being done follows, with a colon and the cause.
    pub(super) const DOING: Self = Self(1 << 37);
    /// A word that begins with a capital follows.
    pub(super) const CAPITAL_NEXT: Self = Self(1 << 38);
    /// Glued to a name by a slash.
    pub(super) const SLASHED: Self = Self(1 << 39);
    /// A time or a date follows.
    pub(super) const TIME_NEXT: Self = Self(1 << 40);

    /// Both.
    pub(super) const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    pub(super) const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// Whether any of these is true.
    pub(super) const fn has(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    const fn has_all(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}

impl BitOr for Features {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        self.with(other)
    }
}

pub(super) const JSON_LEVEL: Row = row("json-level");
pub(super) const SYSLOG: Row = row("syslog-priority");
pub(super) const GLOG: Row = row("glog");
pub(super) const LABELLED: Row = row("labelled");

impl Row {
    /// Its name in the table, in reports and in the configuration.
    pub fn id(self) -> &'static str {
        ROWS.get(usize::from(self.0)).map_or("", |entry| entry.id)
    }

    /// Its place in the table.
    pub(super) fn place(self) -> u8 {
        self.0
    }

    /// The row of this name.
    pub fn by_id(id: &str) -> Option<Self> {
        all().find(|(_, entry)| entry.id == id).map(|(row, _)| row)
    }

    /// The names of all rows, in the order of the table.
    pub fn ids() -> impl Iterator<Item = &'static str> {
        ROWS.iter().map(|entry| entry.id)
    }

    /// Whether the row reads members of a JSON object.
    pub fn is_json(self) -> bool {
        self.0 < MEMBERS_END
    }

    /// The level by a pattern of this row.
    pub(super) fn level(self) -> Option<Level> {
        match ROWS.get(usize::from(self.0))?.shape {
            Shape::Text(level, _) => Some(level),
            _ => None,
        }
    }

    /// Whether no level stands there: the line is what a program says when it breaks.
    pub fn is_crash(self) -> bool {
        matches!(
            ROWS.get(usize::from(self.0)),
            Some(Entry { shape: Shape::Text(Level::Error, _) | Shape::Present(_), .. })
        )
    }
}

impl fmt::Debug for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.id())
    }
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.id())
    }
}

impl Rows {
    /// All but this one.
    #[must_use]
    pub fn without(self, row: Row) -> Self {
        Self { off: self.off | (1 << row.0) }
    }

    /// Whether a row counts.
    pub(super) fn counts(self, row: Row) -> bool {
        self.off & (1 << row.0) == 0
    }

    /// The level by a row, where it counts.
    pub(super) fn stated(self, row: Row, level: Level) -> Option<Stated> {
        self.counts(row).then_some(Stated { level, row })
    }
}

/// All rows.
pub(super) fn all() -> impl Iterator<Item = (Row, &'static Entry)> {
    (0..).map(Row).zip(ROWS)
}

/// The rows of members, which stand first.
pub(super) fn members() -> impl Iterator<Item = (Row, &'static Entry)> {
    some(0, MEMBERS_END)
}

/// The rows of pairs.
pub(super) fn pairs() -> impl Iterator<Item = (Row, &'static Entry)> {
    some(MEMBERS_END, SYSLOG.0)
}

fn some(from: u8, to: u8) -> impl Iterator<Item = (Row, &'static Entry)> {
    (from..to).map(Row).zip(ROWS.get(usize::from(from)..).unwrap_or_default())
}

/// The rows that a word with these features fits.
pub(super) fn of_word(features: Features) -> impl Iterator<Item = Row> {
    some(WORDS_START, WORDS_END).filter_map(move |(row, entry)| match entry.shape {
        Shape::Word(needs, never) => (features.has_all(needs) && !features.has(never)).then_some(row),
        _ => None,
    })
}
