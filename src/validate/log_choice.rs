//! Options of Fluent Bit's S3 output that take one word of a list: a word that is not in the list, or newer than the
//! router, stops the router. It knows no option by name; each rule brings its own list.

use crate::validate::log_output::{LogOutput, Setting, since};
use crate::validate::log_router::{FluentBit, Version};
use crate::validate::{Report, Subject};

/// A word, and the version of Fluent Bit that brought it.
pub(super) struct Word {
    /// The word.
    pub(super) text: &'static str,
    /// Whether it counts in any case.
    pub(super) ignores_case: bool,
    /// The version.
    pub(super) since: Version,
}

/// In every version that is still around.
pub(super) const ALWAYS: Version = (0, 0, 0);

/// How many words at the start of a list are worth naming as a repair: the others are old, or not built into every
/// image.
const ADVISED: usize = 3;

/// Checks one option of every S3 output; the value is shown only where it is a known word.
pub(super) fn check_option(subject: &Subject<'_>, report: &mut Report<'_>, option: &str, words: &[Word]) {
    for output in LogOutput::to_s3(subject.definition) {
        let Setting::Given(written, value) = output.setting(option) else { continue };
        // Of an option that is too new altogether another rule speaks.
        if since(option).is_some_and(|since| output.severity_of_lacking(since).is_some()) {
            continue;
        }
        let knows = |word: &Word| output.severity_of_lacking(word.since).is_none();
        let advised: Vec<String> =
            words.iter().take(ADVISED).filter(|word| knows(word)).map(|word| format!("`{}`", word.text)).collect();
        let advised = advised.join(", ");
        let (severity, message, help) = match words.iter().find(|word| word.text.eq_ignore_ascii_case(value)) {
            Some(word) if !word.ignores_case && word.text != value => (
                output.severity_of_a_dead_router(),
                format!("`{option}` is not in lower case, so Fluent Bit does not know it: the log router stops"),
                format!("write `{}`", word.text),
            ),
            Some(word) => {
                let Some(severity) = output.severity_of_lacking(word.since) else { continue };
                let fluent_bit = FluentBit::of(output.router).statement();
                (
                    severity,
                    format!("{fluent_bit}, which does not know `{}`: the log router stops", word.text),
                    format!("use {advised}, or a newer image"),
                )
            }
            None => (
                output.severity_of_a_dead_router(),
                format!("`{option}` has a value that Fluent Bit does not know: the log router stops"),
                format!("use one of {advised}"),
            ),
        };
        report.add_as(severity, output.pointer(written), message, help);
    }
}
