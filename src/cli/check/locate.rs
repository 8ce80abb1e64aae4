//! From a JSON pointer to a place in the text, and which places may hold what nobody should see. It reads the text, it judges nothing.

use std::ops::Range;

use jsonc_parser::ast::{Object, ObjectProp, Value};
use jsonc_parser::common::Ranged;
use jsonc_parser::{CollectOptions, ParseOptions, parse_to_ast};

/// Parts of the names of members whose texts are never shown: values of variables, words of commands, options of log drivers. Parts, because
/// the name may be mistyped.
const CONFIDENTIAL: [&str; 7] = ["env", "command", "cmd", "entry", "option", "label", "secret"];

/// A place in a text: bytes, and lines and columns counted from 1, columns in characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) bytes: Range<usize>,
    pub(super) line: usize,
    pub(super) column: usize,
    pub(super) end_line: usize,
    pub(super) end_column: usize,
}

impl Span {
    fn new(text: &str, bytes: Range<usize>) -> Self {
        let place = |at: usize| {
            let before = text.get(..at).unwrap_or(text);
            let line = before.rsplit('\n').next().unwrap_or_default();
            (before.matches('\n').count() + 1, line.chars().count() + 1)
        };
        let ((line, column), (end_line, end_column)) = (place(bytes.start), place(bytes.end));
        Self { bytes, line, column, end_line, end_column }
    }

    /// The character at a line and a column that counts bytes, as the parser tells them.
    pub(super) fn at(text: &str, line: usize, column: usize) -> Self {
        let before: usize = text.split_inclusive('\n').take(line.saturating_sub(1)).map(str::len).sum();
        let at = (before + column.saturating_sub(1)).min(text.len());
        let at = (0..=at).rev().find(|at| text.is_char_boundary(*at)).unwrap_or_default();
        let length = text[at..].chars().next().filter(|next| *next != '\n').map_or(0, char::len_utf8);
        Self::new(text, at..at + length)
    }
}

/// A text that is JSON, ready to be searched.
pub(super) struct Locator<'a> {
    text: &'a str,
    root: Option<Value<'a>>,
}

impl<'a> Locator<'a> {
    /// Reads a text that was read as JSON before, which bounds its depth.
    pub(super) fn new(text: &'a str) -> Self {
        let strict = ParseOptions {
            allow_comments: false,
            allow_loose_object_property_names: false,
            allow_trailing_commas: false,
            allow_missing_commas: false,
            allow_single_quoted_strings: false,
            allow_hexadecimal_numbers: false,
            allow_unary_plus_numbers: false,
            allow_bare_decimal_point_numbers: false,
            allow_non_finite_numbers: false,
            allow_extended_string_escapes: false,
        };
        let root = parse_to_ast(text, &CollectOptions::default(), &strict).ok().and_then(|parsed| parsed.value);
        Self { text, root }
    }

    /// The place that a pointer leads to: a scalar itself, else the name of the member or the opening bracket. Where the pointer leads to
    /// nothing, something is missing, and its nearest parent is the place.
    pub(super) fn span(&self, pointer: &str) -> Span {
        let Some(root) = &self.root else { return Span::at(self.text, 1, 1) };
        let mut place = opening(root);
        let mut value = root;
        for step in pointer.split('/').skip(1).map(|step| step.replace("~1", "/").replace("~0", "~")) {
            match value {
                Value::Object(object) => {
                    let Some(member) = member(object, &step) else { break };
                    value = &member.value;
                    place = match value {
                        Value::Object(_) | Value::Array(_) => member.name.range(),
                        scalar => scalar.range(),
                    };
                }
                Value::Array(array) => {
                    let element = step.parse().ok().and_then(|index: usize| array.elements.get(index));
                    let Some(element) = element else { break };
                    value = element;
                    place = match value {
                        Value::Object(_) | Value::Array(_) => opening(value),
                        scalar => scalar.range(),
                    };
                }
                _ => break,
            }
        }
        Span::new(self.text, place.start..place.end)
    }

    /// The text with every confidential value starred out, byte for byte, so that places stay where they are.
    pub(super) fn masked(&self) -> String {
        let mut hidden = Vec::new();
        if let Some(root) = &self.root {
            hide(root, false, &mut hidden);
        }
        let mut masked = self.text.to_owned();
        for range in hidden {
            masked.replace_range(range.clone(), &"*".repeat(range.len()));
        }
        masked
    }

    /// The text.
    pub(super) fn text(&self) -> &'a str {
        self.text
    }

    /// The value at a pointer.
    pub(super) fn value(&self, pointer: &str) -> Option<&Value<'a>> {
        let mut value = self.root.as_ref()?;
        for step in pointer.split('/').skip(1).map(|step| step.replace("~1", "/").replace("~0", "~")) {
            value = match value {
                Value::Object(object) => &member(object, &step)?.value,
                Value::Array(array) => array.elements.get(step.parse::<usize>().ok()?)?,
                _ => return None,
            };
        }
        Some(value)
    }
}

/// Of doubled members the last counts.
fn member<'o, 'a>(object: &'o Object<'a>, name: &str) -> Option<&'o ObjectProp<'a>> {
    object.properties.iter().rev().find(|member| member.name.as_str() == name)
}

fn opening(value: &Value<'_>) -> jsonc_parser::common::Range {
    let range = value.range();
    jsonc_parser::common::Range { start: range.start, end: range.start + 1 }
}

fn hide(value: &Value<'_>, is_confidential: bool, hidden: &mut Vec<Range<usize>>) {
    match value {
        Value::Object(object) => {
            for member in &object.properties {
                let name = member.name.as_str();
                let folded = name.to_ascii_lowercase();
                let keeps_secret =
                    is_confidential && name != "name" || CONFIDENTIAL.iter().any(|part| folded.contains(part));
                hide(&member.value, keeps_secret, hidden);
            }
        }
        Value::Array(array) => array.elements.iter().for_each(|element| hide(element, is_confidential, hidden)),
        Value::StringLit(text) if is_confidential => {
            let range = text.range();
            hidden.push(range.start + 1..range.end.saturating_sub(1));
        }
        Value::NumberLit(number) if is_confidential => hidden.push(number.range().start..number.range().end),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "{\n  \"family\": \"wéb\",\n  \"containerDefinitions\": [\n    {\"name\": \"Main\", \"environment\": [{\"name\": \"A\", \
                        \"value\": \"hush\"}], \"a/b\": 1}\n  ]\n}\n";

    fn shown(pointer: &str) -> (usize, usize, String) {
        let span = Locator::new(TEXT).span(pointer);
        (span.line, span.column, TEXT[span.bytes].to_owned())
    }

    #[test]
    fn a_pointer_leads_to_its_value_or_to_the_name_of_a_larger_one() {
        assert_eq!(shown("/family"), (2, 13, "\"wéb\"".to_owned()));
        assert_eq!(shown("/containerDefinitions"), (3, 3, "\"containerDefinitions\"".to_owned()));
        assert_eq!(shown("/containerDefinitions/0/name"), (4, 14, "\"Main\"".to_owned()));
        assert_eq!(shown("/containerDefinitions/0/a~1b").2, "1");
    }

    #[test]
    fn what_is_missing_stands_at_its_nearest_parent() {
        assert_eq!(shown("/cpu"), (1, 1, "{".to_owned()));
        assert_eq!(shown("/containerDefinitions/0/image"), (4, 5, "{".to_owned()));
        assert_eq!(shown("/containerDefinitions/7/x").2, "\"containerDefinitions\"");
    }

    #[test]
    fn confidential_values_are_starred_and_nothing_moves() {
        let masked = Locator::new(TEXT).masked();
        assert!(!masked.contains("hush") && masked.contains("\"A\"") && masked.contains("\"Main\""));
        assert_eq!(masked.len(), TEXT.len());
    }

    #[test]
    fn a_place_of_the_parser_is_a_character() {
        let span = Span::at("{\n  \"é\" 1}", 2, 6);
        assert_eq!((span.line, span.bytes.len()), (2, 1));
        assert_eq!(Span::at("", 1, 1).bytes, 0..0);
        assert_eq!(Span::at("{", 9, 9).bytes, 1..1);
    }
}
