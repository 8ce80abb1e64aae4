//! Options of Fluent Bit's S3 output that take one word of a list: a word that is not in the list, or newer than the
//! router, stops the router. It knows no option by name; each rule brings its own list.

use crate::firelens::router::FluentBit;
use crate::firelens::s3_output::{LogOutput, Setting, Word, since};
use crate::validate::router_severity::{severity_of_death, severity_of_lacking};
use crate::validate::{Findings, Subject};

/// How many words at the start of a list are worth naming as a repair: the others are old, or not built into every
/// image.
const ADVISED: usize = 3;

/// Checks one option of every S3 output; the value is shown only where it is a known word.
pub(super) fn check_option<T>(subject: &Subject<'_>, report: &mut Findings<'_>, option: &str, words: &[Word<T>]) {
    for output in LogOutput::to_s3(subject.definition) {
        let Setting::Given(written, value) = output.setting(option) else { continue };
        // Of an option that is too new altogether another rule speaks.
        if since(option).is_some_and(|since| severity_of_lacking(output.router, since).is_some()) {
            continue;
        }
        let knows = |word: &Word<T>| severity_of_lacking(output.router, word.since).is_none();
        let advised: Vec<String> =
            words.iter().take(ADVISED).filter(|word| knows(word)).map(|word| format!("`{}`", word.text)).collect();
        let advised = advised.join(", ");
        let (severity, message, help) = match words.iter().find(|word| word.text.eq_ignore_ascii_case(value)) {
            Some(word) if !word.ignores_case && word.text != value => (
                severity_of_death(output.router),
                format!("`{option}` is not in lower case, so Fluent Bit does not know it: the log router stops"),
                format!("write `{}`", word.text),
            ),
            Some(word) => {
                let Some(severity) = severity_of_lacking(output.router, word.since) else { continue };
                let fluent_bit = FluentBit::of(output.router).statement();
                (
                    severity,
                    format!("{fluent_bit}, which does not know `{}`: the log router stops", word.text),
                    format!("use {advised}, or a newer image"),
                )
            }
            None => (
                severity_of_death(output.router),
                format!("`{option}` has a value that Fluent Bit does not know: the log router stops"),
                format!("use one of {advised}"),
            ),
        };
        report.add_as(severity, output.pointer(written), message, help);
    }
}
