//! Records that must not be: of which kinds they are, and whether the old revision writes the same. Visitors write into
//! logs, too, and into those of both revisions; what they write must not undo a release. It reads no object.

use std::fmt;

use log_objects::level::LevelCounts;
use serde::{Deserialize, Serialize};

use super::compare::{Compare, CompareVerdict};
use super::evidence::{Evidence, MIN_FOR_RATIO, Sample};

/// The most kinds that are told apart; the last one is all others.
const MAX_KINDS: usize = 12;
/// The most of a record's begin that tells its kind, in characters.
const MAX_SHAPE: usize = 48;

/// The kind of all records that came when enough kinds were known.
const OTHERS: &str = "...";

/// Records that must not be, of one kind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Forbidden {
    /// The pattern that they match.
    pub pattern: String,
    /// How they begin: what the program writes, not what its visitors do.
    pub shape: String,
    /// How many there are.
    pub count: u64,
    /// The first of them.
    pub sample: Sample,
}

/// Counts a record among its kind.
pub(super) fn count(kinds: &mut Vec<Forbidden>, pattern: &str, shape: &str, sample: impl FnOnce() -> Sample) {
    let shape = if kinds.len() + 1 < MAX_KINDS || is_known(kinds, pattern, shape) { shape } else { OTHERS };
    if let Some(kind) = kinds.iter_mut().find(|kind| kind.pattern == pattern && kind.shape == shape) {
        kind.count += 1;
    } else if kinds.len() < MAX_KINDS {
        kinds.push(Forbidden { pattern: pattern.to_owned(), shape: shape.to_owned(), count: 1, sample: sample() });
    } else if let Some(last) = kinds.last_mut() {
        // Another pattern's others: the last kind stands for them.
        last.count += 1;
    }
}

fn is_known(kinds: &[Forbidden], pattern: &str, shape: &str) -> bool {
    kinds.iter().any(|kind| kind.pattern == pattern && kind.shape == shape)
}

/// How a record begins, up to its match: numbers, times and addresses are as good as one another, and the path of a
/// request is its visitor's.
pub(super) fn shape(before: &str) -> String {
    let mut shape = String::new();
    let mut last = ' ';
    for letter in before.chars() {
        let is_path = letter == '?' || letter == '/' && matches!(last, ' ' | '"' | '\'');
        if is_path || shape.len() >= MAX_SHAPE {
            break;
        }
        last = letter;
        match letter {
            '0'..='9' | 'a'..='f' | ':' | '.' | '-' if shape.ends_with('#') => {}
            '0'..='9' => {
                // What belongs to a number, such as the letters of an address or the hours of a time, goes with it.
                while shape.ends_with(|end: char| matches!(end, 'a'..='f' | ':' | '.' | '-' | '#')) {
                    shape.pop();
                }
                shape.push('#');
            }
            _ => shape.push(letter),
        }
    }
    shape
}

/// Something that speaks against a revision.
#[derive(Clone, Copy, Debug)]
pub(super) enum Accusation<'a> {
    /// Records that must not be.
    Forbidden(&'a Forbidden),
    /// More errors than may be.
    Errors {
        /// All records.
        levels: &'a LevelCounts,
        /// The largest share, from 0 to 1.
        most: f64,
    },
}

impl Accusation<'_> {
    /// Whether the old revision does it as well, at a rate that may be the same.
    pub(super) fn holds_for(&self, new: &Evidence, old: Option<&Evidence>) -> bool {
        let Some(old) = old else { return false };
        match self {
            Self::Forbidden(kind) => {
                let same =
                    old.forbidden.iter().filter(|other| other.pattern == kind.pattern && other.shape == kind.shape);
                let count: u64 = same.map(|other| other.count).sum();
                count > 0 && is_comparable(&share(kind.count, new.records), &share(count, old.records))
            }
            Self::Errors { levels, .. } => old.levels.total() >= MIN_FOR_RATIO && is_comparable(levels, &old.levels),
        }
    }
}

fn share(count: u64, records: u64) -> LevelCounts {
    LevelCounts { error: count, info: records.saturating_sub(count), ..LevelCounts::default() }
}

/// Whether nothing says that the new share is larger than the old one.
fn is_comparable(new: &LevelCounts, old: &LevelCounts) -> bool {
    let compare = Compare { margin: 0.0, min_records: 1, ..Compare::default() };
    compare.judge(new, old).decision != CompareVerdict::Worse
}

impl fmt::Display for Accusation<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Forbidden(Forbidden { pattern, sample: Sample { key, text, .. }, .. }) => {
                write!(f, "a record in {key} matches the forbidden pattern `{pattern}`: {text}")
            }
            Self::Errors { levels, most } => {
                let (error, total, percent) = (levels.error, levels.total(), levels.error_ratio() * 100.0);
                let most = most * 100.0;
                write!(f, "{error} of {total} records are errors ({percent:.1} %); at most {most} % may be")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(text: &str) -> Sample {
        Sample { bucket: "b".into(), key: "k".into(), text: text.into(), date: None, row: None }
    }

    fn evidence(records: u64, kinds: &[(&str, u64)]) -> Evidence {
        let kind = |(before, count): &(&str, u64)| Forbidden {
            pattern: "panicked".into(),
            shape: shape(before),
            count: *count,
            sample: sample(before),
        };
        let mut evidence = Evidence::default();
        (evidence.records, evidence.forbidden) = (records, kinds.iter().map(kind).collect());
        evidence
    }

    const VISITOR: &str = "10.0.1.7 - - [26/Nov/2026:10:00:00 +0000] \"GET /?q=";
    const PANIC: &str = "thread 'main' ";

    #[test]
    fn a_shape_is_what_the_program_writes_and_not_what_its_visitors_do() {
        for (one, other) in [
            (VISITOR, "2001:db8::17 - - [27/Nov/2026:23:59:01 +0000] \"GET /shop/a?search=b"),
            ("{\"ip\":\"10.0.1.7\",\"path\":\"/a?q=", "{\"ip\":\"10.12.31.222\",\"path\":\"/bc/?"),
            ("2026-11-26T10:00:00.123Z GET /a", "2026-11-26T11:10:07Z GET /b"),
        ] {
            assert_eq!(shape(one), shape(other));
        }
        assert_ne!(shape(VISITOR), shape(PANIC));
        assert_ne!(shape("{\"level\":\"error\",\"msg\":\""), shape("{\"level\":\"info\",\"path\":\"/"));
        assert!(shape(&"x".repeat(10_000)).len() <= MAX_SHAPE);
    }

    #[test]
    fn what_the_old_revision_writes_as_often_is_shared_and_what_is_more_frequent_or_new_is_not() {
        let holds = |new: &Evidence, old: &Evidence| Accusation::Forbidden(&new.forbidden[0]).holds_for(new, Some(old));
        let old = evidence(2_000, &[(VISITOR, 100)]);
        assert!(holds(&evidence(100, &[(VISITOR, 5)]), &old));
        assert!(!holds(&evidence(100, &[(VISITOR, 50)]), &old));
        assert!(!holds(&evidence(100, &[(PANIC, 1)]), &old), "a panic that only the new one has");
        assert!(!Accusation::Forbidden(&old.forbidden[0]).holds_for(&old, None), "nothing is known of the old one");
    }

    #[test]
    fn kinds_are_bounded_and_what_comes_later_is_counted_as_others() {
        let mut kinds = Vec::new();
        for number in 0..100 {
            count(&mut kinds, "p", &format!("{}", char::from(b'A' + number % 26)), || sample("x"));
        }
        assert_eq!((kinds.len(), kinds[MAX_KINDS - 1].shape.as_str()), (MAX_KINDS, OTHERS));
        assert_eq!(kinds.iter().map(|kind| kind.count).sum::<u64>(), 100);
        count(&mut kinds, "another", "a", || sample("x"));
        assert_eq!(kinds.len(), MAX_KINDS);
    }
}
