//! `s3_key_format` of Fluent Bit's S3 output: from the format and a task, the prefix that leads to the task's objects
//! and the test whether a key is one of them. It knows no bucket and lists nothing.
//!
//! Source of every rule: `flb_get_s3_key` in `src/aws/flb_aws_util.c` and `s3_put_object` in `plugins/out_s3/s3.c`, the
//! same in Fluent Bit 1.9 (`aws-for-fluent-bit` 2.x) and 5.x.

use regex::Regex;
use serde::{Deserialize, Serialize};

/// The format that applies when the option is not set.
pub const DEFAULT_FORMAT: &str = "/fluent-bit-logs/$TAG/%Y/%m/%d/%H/%M/%S";
/// The delimiters that apply when `s3_key_format_tag_delimiters` is not set.
pub const DEFAULT_DELIMITERS: &str = ".";
/// The longest format that is read, in bytes: a key of S3 has at most 1,024, and Fluent Bit's buffer holds no more
/// (`S3_KEY_SIZE`).
pub const MAX_FORMAT: usize = 1024;

/// A task id with every hexadecimal digit in it: a delimiter that could cut any id cuts this one.
const ANY_TASK: &str = "0123456789abcdef0123456789abcdef";
/// Fluent Bit numbers the parts of a tag from 0 to 9 (`MAX_TAG_PARTS`).
const MAX_TAG_PARTS: usize = 10;

/// Why Fluent Bit would not start with a key format, or its objects could not be stored.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadKeyFormat {
    /// The first character is something else.
    #[error("s3_key_format does not start with `/`, so Fluent Bit does not start")]
    NoLeadingSlash,
    /// More bytes than a key can have.
    #[error("s3_key_format has {0} bytes; a key of S3 has at most {MAX_FORMAT}")]
    TooLong(usize),
}

/// A checked key format with the options that change what it gives.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyFormat {
    format: String,
    delimiters: String,
    /// Whether `PutObject` uploads get `-object` and 8 random characters appended.
    suffixed: bool,
}

impl KeyFormat {
    /// Reads the options `s3_key_format`, `s3_key_format_tag_delimiters` (a set of characters) and `static_file_path`.
    pub fn parse(format: &str, delimiters: &str, is_static: bool) -> Result<Self, BadKeyFormat> {
        if !format.starts_with('/') {
            return Err(BadKeyFormat::NoLeadingSlash);
        }
        if format.len() > MAX_FORMAT {
            return Err(BadKeyFormat::TooLong(format.len()));
        }
        let suffixed = !(is_static || format.contains("$UUID") || format.contains("$INDEX"));
        Ok(Self { format: format.to_owned(), delimiters: delimiters.to_owned(), suffixed })
    }

    /// The format as it is configured.
    pub fn as_str(&self) -> &str {
        &self.format
    }

    /// Whether the whole task id stands somewhere in the key, so that a task's objects are told from others' by their
    /// keys alone.
    pub fn names_task(&self, container: &str) -> bool {
        self.resolve(container, ANY_TASK).contains(ANY_TASK)
    }

    /// Whether the key begins with something that narrows a search: the task id, or a date, before everything that is
    /// random.
    pub fn is_searchable(&self, container: &str) -> bool {
        let resolved = self.resolve(container, ANY_TASK);
        for part in split(&resolved) {
            match part {
                Part::Literal(text) if text.contains(ANY_TASK) => return true,
                Part::Literal(_) => {}
                Part::Varying { code, .. } => return code.is_some_and(is_calendar),
            }
        }
        false
    }

    /// The keys that the output of `container` writes in one task.
    pub fn of_task(&self, container: &str, task: &str) -> TaskKeys {
        let resolved = self.resolve(container, task);
        // The request path is `/bucket` followed by the key as formatted: exactly one slash is the separator, a second
        // one is stored.
        let parts = split(resolved.strip_prefix('/').unwrap_or(&resolved));
        let mut prefix = String::new();
        for part in &parts {
            match part {
                Part::Literal(text) => prefix.push_str(text),
                Part::Varying { .. } => break,
            }
        }
        TaskKeys { prefix, pattern: self.pattern(&parts) }
    }

    /// The format with the parts of the tag put in, then the tag. The order matters: a `$TAG[7]` that has no part is
    /// left over, and its `$TAG` becomes the whole tag with `[7]` behind it.
    pub(crate) fn resolve(&self, container: &str, task: &str) -> String {
        let tag = format!("{container}-firelens-{task}");
        let pieces = tag.split(|letter| self.delimiters.contains(letter)).filter(|piece| !piece.is_empty());
        let mut resolved = self.format.clone();
        for (number, piece) in pieces.take(MAX_TAG_PARTS).enumerate() {
            resolved = resolved.replace(&format!("$TAG[{number}]"), piece);
        }
        resolved.replace("$TAG", &tag)
    }

    /// `None` stands for a pattern too large to compile; the prefix alone decides then.
    fn pattern(&self, parts: &[Part<'_>]) -> Option<Regex> {
        let mut pattern = "^".to_owned();
        for part in parts {
            match part {
                Part::Literal(text) => pattern.push_str(&regex::escape(text)),
                Part::Varying { shape, .. } => pattern.push_str(shape),
            }
        }
        if self.suffixed {
            // Multipart uploads never get the suffix, uploads at shutdown do, so one task writes both.
            pattern.push_str("(?:-object[0-9A-Za-z]{8})?");
        }
        pattern.push('$');
        Regex::new(&pattern).ok()
    }
}

/// The keys of one task's objects from one output.
#[derive(Clone, Debug)]
pub struct TaskKeys {
    prefix: String,
    pattern: Option<Regex>,
}

impl TaskKeys {
    /// What all of them start with: list this. No leading slash.
    pub fn prefix(&self) -> &str {
        &self.prefix
    }

    /// Whether the output can have written this key; strangers under the same prefix are told apart so.
    pub fn matches(&self, key: &str) -> bool {
        key.starts_with(&self.prefix) && self.pattern.as_ref().is_none_or(|pattern| pattern.is_match(key))
    }
}

/// A stretch of a format whose tag is resolved.
pub(crate) enum Part<'a> {
    Literal(&'a str),
    /// Known by its shape only.
    Varying {
        /// The shape, as a regular expression.
        shape: &'static str,
        /// The letter of a plain `strftime` conversion.
        code: Option<char>,
    },
}

/// Whether a conversion stays the same for an hour at least, and sorts in no way of its own.
pub(crate) fn is_calendar(code: char) -> bool {
    matches!(
        code,
        'C' | 'd'
            | 'g'
            | 'H'
            | 'I'
            | 'm'
            | 'U'
            | 'V'
            | 'W'
            | 'y'
            | 'G'
            | 'Y'
            | 'j'
            | 'u'
            | 'w'
            | 'e'
            | 'k'
            | 'l'
            | 'a'
            | 'A'
            | 'b'
            | 'B'
            | 'h'
            | 'p'
            | 'P'
            | 'D'
            | 'F'
    )
}

pub(crate) fn split(resolved: &str) -> Vec<Part<'_>> {
    let mut parts = Vec::new();
    let mut rest = resolved;
    while !rest.is_empty() {
        let (part, after) = if let Some(after) = rest.strip_prefix("$INDEX") {
            (Part::Varying { shape: "[0-9]+", code: None }, after)
        } else if let Some(after) = rest.strip_prefix("$UUID") {
            (Part::Varying { shape: "[0-9A-Za-z]{8}", code: None }, after)
        } else if let Some((_, after)) = rest.strip_prefix("${").and_then(|rest| rest.split_once('}')) {
            // A variable of the log router's environment.
            (Part::Varying { shape: ".*", code: None }, after)
        } else if let Some(after) = rest.strip_prefix('%') {
            conversion(rest, after)
        } else {
            let next = rest.char_indices().skip(1).find(|(_, letter)| matches!(letter, '$' | '%'));
            let (literal, after) = next.and_then(|(at, _)| rest.split_at_checked(at)).unwrap_or((rest, ""));
            (Part::Literal(literal), after)
        };
        parts.push(part);
        rest = after;
    }
    parts
}

/// The `strftime` conversion at the start of `rest`, and what follows it: `%`, flags, width, modifier, letter (glibc, C
/// locale, UTC). `after` is what stands behind the `%`.
fn conversion<'a>(rest: &'a str, after: &str) -> (Part<'a>, &'a str) {
    let after = after.trim_start_matches(['_', '-', '0', '^', '#']);
    let after = after.trim_start_matches(|letter: char| letter.is_ascii_digit());
    let after = after.strip_prefix(['E', 'O']).unwrap_or(after);
    let Some(letter) = after.chars().next() else {
        return (Part::Literal(rest), "");
    };
    let length = rest.len() - after.len() + letter.len_utf8();
    let (written, after) = rest.split_at_checked(length).unwrap_or((rest, ""));
    let part = match shape(letter) {
        // What strftime does not know stays as it is written.
        None => Part::Literal(written),
        Some("%") if length == 2 => Part::Literal("%"),
        Some(shape) if length == 2 => Part::Varying { shape, code: Some(letter) },
        // Flags and widths pad, strip or change the case in ways that nobody uses in a key.
        Some(_) => Part::Varying { shape: ".*", code: None },
    };
    (part, after)
}

/// What a conversion letter gives.
fn shape(letter: char) -> Option<&'static str> {
    Some(match letter {
        '%' => "%",
        'C' | 'd' | 'g' | 'H' | 'I' | 'm' | 'M' | 'S' | 'U' | 'V' | 'W' | 'y' => "[0-9]{2}",
        'G' | 'Y' => "[0-9]{4}",
        'j' => "[0-9]{3}",
        'u' | 'w' => "[0-9]",
        'e' | 'k' | 'l' => "[ 0-9][0-9]",
        's' => "[0-9]+",
        'a' | 'A' | 'b' | 'B' | 'h' | 'p' | 'P' | 'Z' => "[A-Za-z]+",
        'z' => "[+-][0-9]{4}",
        'D' | 'x' => "[0-9]{2}/[0-9]{2}/[0-9]{2}",
        'F' => "[0-9]{4}-[0-9]{2}-[0-9]{2}",
        'R' => "[0-9]{2}:[0-9]{2}",
        'T' | 'X' => "[0-9]{2}:[0-9]{2}:[0-9]{2}",
        'r' => "[0-9]{2}:[0-9]{2}:[0-9]{2} [AP]M",
        'c' => ".+",
        'n' => "\n",
        't' => "\t",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const TASK: &str = "1f2e3d4c5b6a79880123456789abcdef";

    fn keys(format: &str, delimiters: &str, container: &str) -> TaskKeys {
        KeyFormat::parse(format, delimiters, false).unwrap().of_task(container, TASK)
    }

    #[test]
    fn the_prefix_ends_where_the_first_date_begins() {
        let keys = keys("/logs/$TAG/%Y/%m/%d/%H/%M/$UUID.gz", ".", "Main");
        assert_eq!(keys.prefix(), format!("logs/Main-firelens-{TASK}/"));
        assert!(keys.matches(&format!("logs/Main-firelens-{TASK}/2026/11/23/06/32/LGLJ3HET.gz")));
        assert!(!keys.matches(&format!("logs/Main-firelens-{TASK}/2026/11/23/06/32/LGLJ3HET.gz-objectAbCdEf12")));
        assert!(!keys.matches(&format!("logs/Main-firelens-{TASK}/2026/11/23/06/32/readme.gz")));
        assert!(!keys.matches("logs/Main-firelens-707e0a68c4d94b3d9f1a2b3c4d5e6f70/2026/11/23/06/32/LGLJ3HET.gz"));
    }

    #[test]
    fn without_a_random_part_the_suffix_is_there_or_not() {
        let suffixed = keys("/logs/$TAG/%Y/%m/%d/%H/%M/app.gz", ".", "Main");
        let key = format!("logs/Main-firelens-{TASK}/2026/11/23/06/38/app.gz");
        assert!(suffixed.matches(&key) && suffixed.matches(&format!("{key}-objectgRTVtc1y")));
        assert!(!suffixed.matches(&format!("{key}-objectgRTV")));
        let fixed = KeyFormat::parse("/logs/$TAG/app.gz", ".", true).unwrap().of_task("Main", TASK);
        assert!(!fixed.matches(&format!("logs/Main-firelens-{TASK}/app.gz-objectgRTVtc1y")));
    }

    #[test]
    fn a_part_that_the_tag_does_not_have_leaves_the_whole_tag_and_the_brackets() {
        let tag = format!("Main-firelens-{TASK}");
        assert_eq!(
            keys("/$TAG[0]/$TAG[1]/$TAG[10]/$TAGS/", ".", "Main").prefix(),
            format!("{tag}/{tag}[1]/{tag}[10]/{tag}S/")
        );
        assert_eq!(keys("/$TAG[0]/$TAG[2]/", "-", "Main").prefix(), format!("Main/{TASK}/"));
        assert_eq!(keys("/$TAG[0]/$TAG[2]/", "-", "my--app").prefix(), "my/firelens/");
    }

    #[test]
    fn exactly_one_leading_slash_is_eaten() {
        assert_eq!(keys("//logs//$TAG/%Y", ".", "Main").prefix(), format!("/logs//Main-firelens-{TASK}/"));
    }

    #[test]
    fn a_task_id_names_the_task_wherever_it_stands() {
        let names =
            |format: &str, delimiters: &str| KeyFormat::parse(format, delimiters, false).unwrap().names_task("my-app");
        assert!(names(DEFAULT_FORMAT, DEFAULT_DELIMITERS) && names("/a/$TAG[3]/%F", "-") && names("/100%%/$TAG", "."));
        assert!(names("/%Y/$TAG/$UUID", ".") && !names("/$TAG[2]/%F", "-") && !names("/a/%F/$UUID", "."));
        assert!(!names("/$TAG[1]/%F", "c"), "a delimiter that is a hexadecimal digit cuts the task id");
    }

    #[test]
    fn a_search_needs_a_task_or_a_date_before_what_is_random() {
        let searchable = |format: &str| KeyFormat::parse(format, ".", false).unwrap().is_searchable("Main");
        assert!(searchable(DEFAULT_FORMAT) && searchable("/logs/%Y/%m/%d/$UUID") && searchable("/%F/$TAG"));
        assert!(!searchable("/logs/$UUID/$TAG") && !searchable("/logs/$INDEX") && !searchable("/logs/%M/$TAG"));
        assert!(!searchable("/static.log"));
    }

    #[test]
    fn unknown_and_doubled_percent_signs_stay_in_the_prefix() {
        let keys = keys("/a%Qb%%c/%-d/$INDEX-%", ".", "Main");
        assert_eq!(keys.prefix(), "a%Qb%c/");
        assert!(keys.matches("a%Qb%c/7/12-%"));
    }

    #[test]
    fn what_fluent_bit_refuses_is_refused() {
        assert_eq!(KeyFormat::parse("logs/$TAG", ".", false), Err(BadKeyFormat::NoLeadingSlash));
        assert_eq!(KeyFormat::parse(&"/".repeat(1025), ".", false), Err(BadKeyFormat::TooLong(1025)));
    }

    #[test]
    fn the_largest_format_still_has_a_pattern() {
        for format in ["/".to_owned() + &"$TAG".repeat(255), "/".to_owned() + &"%c".repeat(511)] {
            let format = KeyFormat::parse(&format, ".", false).unwrap();
            assert!(format.of_task(&"x".repeat(255), TASK).pattern.is_some());
        }
    }

    /// Formats times ids times moments, each key built by a writer that shares no code with the reader.
    #[test]
    fn a_key_built_by_another_writer_is_under_the_prefix_and_matches() {
        let formats = [
            (DEFAULT_FORMAT, "."),
            ("/logs/$TAG/%Y/%m/%d/%H/%M/$UUID.gz", "."),
            ("/$TAG[2]/$TAG[0]/%F/%T/$INDEX", "-"),
            ("/x/$TAG[9]/$TAG[1]/%Y%j/%s", ".-"),
            ("//deep//$TAG/%D/%a %b %e/%I%p/$UUID/$UUID", "_"),
            ("/year=%Y/$TAG(%H:%M)@%y,%V;[%u]", "."),
            ("/$TAG.%%.%G-W%V", ""),
        ];
        let mut state = 0x2545_f491_4f6c_dd1d_u64;
        let mut next = || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state
        };
        for round in 0..400_usize {
            let (format, delimiters) = formats[round % formats.len()];
            let container = ["Main", "my-app", "a_b-c"][round % 3];
            let task = format!("{:016x}{:016x}", next(), next());
            let second = i64::try_from(next() % 4_000_000_000).unwrap();
            let uuid: String = (0..8).map(|_| char::from(b"09azAZ7q"[usize::try_from(next() % 8).unwrap()])).collect();
            let key =
                write_key(format, delimiters, &format!("{container}-firelens-{task}"), second, &uuid, next() % 50);
            let keys = KeyFormat::parse(format, delimiters, false).unwrap().of_task(container, &task);
            assert!(key.starts_with(keys.prefix()), "{key} is not under {}", keys.prefix());
            assert!(keys.pattern.is_some() && keys.matches(&key), "{format} does not know {key}");
        }
    }

    /// The key that Fluent Bit writes, in the order of `flb_get_s3_key`.
    fn write_key(format: &str, delimiters: &str, tag: &str, second: i64, uuid: &str, index: u64) -> String {
        let mut key = format.to_owned();
        let delimiters: Vec<char> = delimiters.chars().collect();
        let pieces: Vec<&str> = tag.split(delimiters.as_slice()).filter(|piece| !piece.is_empty()).collect();
        for (number, piece) in pieces.iter().take(10).enumerate() {
            key = key.replace(&format!("$TAG[{number}]"), piece);
        }
        key = key.replace("$TAG", tag).replace("$INDEX", &index.to_string()).replace("$UUID", uuid);
        key = jiff::Timestamp::from_second(second).unwrap().strftime(&key).to_string();
        if !format.contains("$UUID") && !format.contains("$INDEX") && index.is_multiple_of(2) {
            key.push_str("-object");
            key.push_str(uuid);
        }
        key.strip_prefix('/').unwrap().to_owned()
    }
}
