//! From a JSON pointer to a place in the text. It reads the text, it judges nothing.

use std::ops::Range;

use jsonc_parser::ast::{Object, ObjectProp, Value};
use jsonc_parser::common::Ranged;
use jsonc_parser::{CollectOptions, ParseOptions, parse_to_ast};

use super::Fix;
use super::edit::Edit;
use super::mask::Mask;
use crate::task_definition::pointer::unescape;
use crate::validate::{Finding, Rule};

/// A place in a text: bytes, and lines and columns counted from 1, columns in characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) bytes: Range<usize>,
    pub(super) line: usize,
    pub(super) column: usize,
    pub(super) end_line: usize,
    pub(super) end_column: usize,
}

/// Where the lines of a text begin, so that a place is found without reading the text up to it again.
#[derive(Debug)]
pub(super) struct Lines<'a> {
    text: &'a str,
    starts: Vec<usize>,
}

impl<'a> Lines<'a> {
    pub(super) fn of(text: &'a str) -> Self {
        let starts = std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
        Self { text, starts }
    }

    /// The line and the column of a byte.
    fn place(&self, at: usize) -> (usize, usize) {
        let line = self.starts.partition_point(|start| *start <= at);
        let start = line.checked_sub(1).and_then(|index| self.starts.get(index)).copied().unwrap_or_default();
        (line, self.text.get(start..at).unwrap_or_default().chars().count() + 1)
    }

    fn span(&self, bytes: Range<usize>) -> Span {
        let ((line, column), (end_line, end_column)) = (self.place(bytes.start), self.place(bytes.end));
        Span { bytes, line, column, end_line, end_column }
    }

    /// The character at a line and a column that counts bytes, as the parser tells them.
    pub(super) fn character(&self, line: usize, column: usize) -> Span {
        let start = self.starts.get(line.saturating_sub(1)).copied().unwrap_or(self.text.len());
        let at = (start + column.saturating_sub(1)).min(self.text.len());
        let at = (0..=at).rev().find(|at| self.text.is_char_boundary(*at)).unwrap_or_default();
        let next = self.text.get(at..).and_then(|rest| rest.chars().next());
        let length = next.filter(|next| *next != '\n').map_or(0, char::len_utf8);
        self.span(at..at + length)
    }
}

/// The text as a tree with places; `None` when it is not JSON.
pub(super) fn tree(text: &str) -> Option<Value<'_>> {
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
    parse_to_ast(text, &CollectOptions::default(), &strict).ok().and_then(|parsed| parsed.value)
}

/// A text that is JSON, ready to be searched.
pub(super) struct Locator<'a> {
    lines: Lines<'a>,
    root: Option<Value<'a>>,
}

impl<'a> Locator<'a> {
    /// Reads a text that was read as JSON before, which bounds its depth.
    pub(super) fn new(text: &'a str) -> Self {
        Self { lines: Lines::of(text), root: tree(text) }
    }

    /// The place that a finding is about: the name of a member, or what its value is.
    pub(super) fn place(&self, finding: &Finding) -> Span {
        let is_about_name = Rule::of(&finding.rule).is_some_and(|rule| rule.points_at_name);
        let name = is_about_name.then(|| self.name(&finding.pointer)).flatten();
        name.map_or_else(|| self.span(&finding.pointer), |name| self.lines.span(name))
    }

    /// A repair with its place. What replaces something that may be a secret is not shown.
    pub(super) fn fix(&self, edit: Edit) -> Fix {
        let mask = Mask::of(self.lines.text);
        let is_shown = |part: Range<usize>| {
            Some(mask.show_part(self.lines.text, part.clone())) == self.lines.text.get(part).map(str::to_owned)
        };
        let text = is_shown(edit.place.clone()).then_some(edit.text);
        Fix { span: self.lines.span(edit.place), text }
    }

    /// The name of the member that a pointer leads to.
    fn name(&self, pointer: &str) -> Option<Range<usize>> {
        let (parent, name) = pointer.rsplit_once('/')?;
        let Value::Object(object) = self.value(parent)? else { return None };
        member(object, &unescape(name)).map(|member| bytes(&member.name))
    }

    /// The place that a pointer leads to: a scalar itself, else the name of the member or the opening bracket. Where
    /// the pointer leads to nothing, something is missing, and its nearest parent is the place.
    fn span(&self, pointer: &str) -> Span {
        let Some(root) = &self.root else { return self.lines.character(1, 1) };
        let mut place = opening(root);
        let mut value = root;
        for step in steps(pointer) {
            match value {
                Value::Object(object) => {
                    let Some(member) = member(object, &step) else { break };
                    value = &member.value;
                    place = match value {
                        Value::Object(_) | Value::Array(_) => bytes(&member.name),
                        scalar => bytes(scalar),
                    };
                }
                Value::Array(array) => {
                    let element = step.parse().ok().and_then(|index: usize| array.elements.get(index));
                    let Some(element) = element else { break };
                    value = element;
                    place = match value {
                        Value::Object(_) | Value::Array(_) => opening(value),
                        scalar => bytes(scalar),
                    };
                }
                _ => break,
            }
        }
        self.lines.span(place)
    }

    /// The text.
    pub(super) fn text(&self) -> &'a str {
        self.lines.text
    }

    /// The value at a pointer.
    pub(super) fn value(&self, pointer: &str) -> Option<&Value<'a>> {
        steps(pointer).try_fold(self.root.as_ref()?, |value, step| match value {
            Value::Object(object) => Some(&member(object, &step)?.value),
            Value::Array(array) => array.elements.get(step.parse::<usize>().ok()?),
            _ => None,
        })
    }
}

/// The steps of a JSON pointer (RFC 6901).
pub(super) fn steps(pointer: &str) -> impl Iterator<Item = String> + '_ {
    pointer.split('/').skip(1).map(unescape)
}

/// The bytes of something in the tree.
pub(super) fn bytes(node: &impl Ranged) -> Range<usize> {
    let range = node.range();
    range.start..range.end
}

/// Of doubled members the last counts.
fn member<'o, 'a>(object: &'o Object<'a>, name: &str) -> Option<&'o ObjectProp<'a>> {
    object.properties.iter().rev().find(|member| member.name.as_str() == name)
}

fn opening(value: &Value<'_>) -> Range<usize> {
    let start = value.range().start;
    start..start + 1
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::validate::RuleId;
    use crate::validate::Severity;

    const TEXT: &str = "{\n  \"family\": \"wéb\",\n  \"containerDefinitions\": [\n    {\"name\": \"Main\", \"environment\": [{\"name\": \"A\", \
                        \"value\": \"hush\"}], \"a/b\": 1}\n  ]\n}\n";

    fn shown(pointer: &str) -> (usize, usize, String) {
        let span = Locator::new(TEXT).span(pointer);
        (span.line, span.column, TEXT.get(span.bytes).unwrap().to_owned())
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
    fn a_name_that_is_wrong_is_the_place_itself() {
        let finding = |rule: &str| Finding {
            rule: RuleId::find(rule).unwrap(),
            severity: Severity::Error,
            pointer: "/family".into(),
            message: "".into(),
            help: "".into(),
        };
        let shown = |rule: &str| TEXT.get(Locator::new(TEXT).place(&finding(rule)).bytes).unwrap().to_owned();
        assert_eq!((shown("unknown-member").as_str(), shown("invalid-family").as_str()), ("\"family\"", "\"wéb\""));
    }

    #[test]
    fn columns_are_characters_and_lines_may_end_as_on_windows() {
        let text = "{\r\n  \"é\": \"ü\", \"cpu\": 1\r\n}";
        let span = Locator::new(text).span("/cpu");
        assert_eq!((span.line, span.column, span.end_line, span.end_column), (2, 20, 2, 21));
    }

    #[test]
    fn what_is_json_for_the_rules_has_places() {
        for text in [
            r#"{"a": [-0, 1e5, 1E+2, 0.5e-3, -12.50, 123456789012345678901234567890, true, false, null, [], {}]}"#,
            r#"{"a": "\/\b\f\n\r\t\\\"\u00e9\uD83D\ude00", "": {"": "\u0000"}, "a": 1}"#,
            "\n\t\r {\"\u{2028}\u{7f}\": \"\u{1f600}\"}\r\n\t ",
        ] {
            assert!(serde_json::from_str::<serde_json::Value>(text).is_ok(), "{text}");
            assert!(tree(text).is_some(), "{text}");
        }
        let last = Locator::new(r#"{"a": 1, "a": 2}"#).span("/a");
        assert_eq!(last.column, 15, "of doubled members the last counts, as it does for the rules");
    }

    #[test]
    fn a_place_of_the_parser_is_a_character() {
        let at = |text: &str, line, column| Lines::of(text).character(line, column);
        let span = at("{\n  \"é\" 1}", 2, 6);
        assert_eq!((span.line, span.bytes.len()), (2, 1));
        assert_eq!(at("", 1, 1).bytes, 0..0);
        assert_eq!(at("{", 9, 9).bytes, 1..1);
    }
}
