//! Text of others, as reports, heads, findings and log lines may hold it: of a bounded length, in one line, and without
//! what would make a terminal or a log do something. It knows no secrets; `verify::mask` hides those in log records.

use std::borrow::Borrow;
use std::fmt;
use std::ops::Deref;

use serde::{Deserialize, Serialize};

/// The bytes of a text that are kept.
pub const MAX_TEXT: usize = 1024;

/// What stands at the end of a text that was cut.
const CUT: char = '…';

/// A text that somebody else may have written, wholly or in part: events, documents, manifests, log records, answers of
/// AWS. At most [`MAX_TEXT`] bytes, whose control characters and bidirectional marks are written as escapes, however it
/// came about: also one that is read back.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub struct Text(String);

impl Text {
    /// Its characters.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Whether a character is not shown but acted upon: control characters, marks that turn the direction of what follows
/// (Unicode Standard Annex 9), separators of lines and paragraphs, and letters of no width.
fn acts(letter: char) -> bool {
    letter.is_control()
        || matches!(letter, '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

impl From<&str> for Text {
    fn from(text: &str) -> Self {
        let mut shown = String::with_capacity(text.len().min(MAX_TEXT));
        for letter in text.chars() {
            let before = shown.len();
            if acts(letter) {
                shown.extend(letter.escape_default());
            } else {
                shown.push(letter);
            }
            if shown.len() > MAX_TEXT {
                shown.truncate(before);
                while shown.len() + CUT.len_utf8() > MAX_TEXT {
                    shown.pop();
                }
                shown.push(CUT);
                break;
            }
        }
        Self(shown)
    }
}

impl From<String> for Text {
    fn from(text: String) -> Self {
        if text.len() <= MAX_TEXT && !text.contains(acts) { Self(text) } else { Self::from(text.as_str()) }
    }
}

impl From<&String> for Text {
    fn from(text: &String) -> Self {
        Self::from(text.as_str())
    }
}

impl From<Text> for String {
    fn from(text: Text) -> Self {
        text.0
    }
}

impl Deref for Text {
    type Target = str;
    fn deref(&self) -> &str {
        &self.0
    }
}

impl AsRef<str> for Text {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

/// For lists that are joined.
impl Borrow<str> for Text {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl PartialEq<str> for Text {
    fn eq(&self, other: &str) -> bool {
        self.0 == other
    }
}

impl PartialEq<&str> for Text {
    fn eq(&self, other: &&str) -> bool {
        self.0 == *other
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_acts_is_shown_and_the_rest_is_kept() {
        let text = Text::from("a\u{1b}[31mb\nc\u{202e}d\u{2028}e é…");
        assert_eq!(text, "a\\u{1b}[31mb\\nc\\u{202e}d\\u{2028}e é…");
        assert_eq!(Text::from(text.to_string()), text, "a text that is read back stays as it is");
    }

    #[test]
    fn a_text_is_cut_between_two_letters() {
        for letter in ["a", "é", "\n", "\u{202e}", "😀"] {
            for offset in 0..8 {
                let text = Text::from("-".repeat(offset) + &letter.repeat(5_000));
                assert!((MAX_TEXT - 16..=MAX_TEXT).contains(&text.len()), "{letter:?}: {}", text.len());
                assert!(text.ends_with(CUT) && !text.contains(acts));
                assert_eq!(Text::from(text.to_string()), text);
            }
        }
        assert_eq!(Text::from("x".repeat(MAX_TEXT)).len(), MAX_TEXT);
        assert!(!Text::from("x".repeat(MAX_TEXT)).ends_with(CUT));
    }

    #[test]
    fn a_text_that_is_read_back_is_bounded_like_any_other() {
        let text: Text = serde_json::from_str(&format!("\"\\u001b{}\"", "x".repeat(5_000))).unwrap();
        assert!(text.starts_with("\\u{1b}") && text.len() <= MAX_TEXT);
    }
}
