//! Options of Fluent Bit's S3 output that take one word of a list: a word that is not in the list, or newer than the router, stops the
//! router. It knows no option by name; each rule brings its own list.

use crate::validate::log_output::{LogOutput, Setting};
use crate::validate::log_router::{FluentBit, Version};
use crate::validate::{Report, Subject};

/// A word, and the version of Fluent Bit that brought it.
pub(super) struct Word {
    /// The word.
    pub(super) text: &'static str,
    /// Whether it may be written in any case.
    pub(super) ignores_case: bool,
    /// The version.
    pub(super) since: Version,
}

/// In every version that is still around.
pub(super) const ALWAYS: Version = (0, 0, 0);

/// Checks one option of every S3 output; the value is shown only where it is a known word.
pub(super) fn check_option(subject: &Subject<'_>, report: &mut Report<'_>, option: &str, words: &[Word]) {
    for output in LogOutput::to_s3(subject.definition) {
        let Setting::Given(written, value) = output.setting(option) else { continue };
        let is_value = |word: &&Word| {
            if word.ignores_case { word.text.eq_ignore_ascii_case(value) } else { word.text == value }
        };
        if let Some(word) = words.iter().find(is_value) {
            if let Some(severity) = output.severity_of_lacking(word.since) {
                let version = FluentBit::of(output.router).name();
                report.add_as(
                    severity,
                    output.pointer(written),
                    format!("{version} in the log router's image does not know `{}`: the log router stops", word.text),
                    format!(
                        "use {}, or a newer image",
                        listed(words, |word| output.severity_of_lacking(word.since).is_none())
                    ),
                );
            }
            continue;
        }
        report.add_as(
            output.severity_of_a_dead_router(),
            output.pointer(written),
            format!("`{option}` has a value that Fluent Bit does not know: the log router stops"),
            format!("use {}{}", listed(words, |_| true), case_hint(words, value)),
        );
    }
}

fn listed(words: &[Word], is_shown: impl Fn(&Word) -> bool) -> String {
    let shown: Vec<String> =
        words.iter().filter(|word| is_shown(word)).map(|word| format!("`{}`", word.text)).collect();
    shown.join(", ")
}

fn case_hint(words: &[Word], value: &str) -> &'static str {
    if words.iter().any(|word| word.text.eq_ignore_ascii_case(value)) { "; in lower case" } else { "" }
}
