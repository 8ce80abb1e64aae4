//! Which parts of a text may hold what nobody should see, and the text with them starred out. It hides rather too much
//! than too little: a misspelt `environment` is one, and of a text that is no JSON nothing but names is shown.

use std::ops::Range;

use jsonc_parser::ast::Value;

use super::locate::{bytes, tree};
use crate::validate::nearest::nearest;

/// The members whose texts are never shown: values of variables, words of commands, options of log drivers.
const CONFIDENTIAL: [&str; 8] =
    ["environment", "secrets", "secretOptions", "command", "entryPoint", "options", "driverOpts", "dockerLabels"];

/// Parts of names that are as good as one of those.
const TELLING: [&str; 7] = ["env", "secret", "command", "cmd", "entry", "option", "label"];

/// The member that sounds like a confidential one and only names files.
const HARMLESS: &str = "environmentFiles";

/// What is shown instead, whatever the length of what is not.
const STARS: &str = "***";

/// The parts of a text that are not to be shown, in order.
#[derive(Debug)]
pub(super) struct Mask(Vec<Range<usize>>);

impl Mask {
    /// Finds them.
    pub(super) fn of(text: &str) -> Self {
        let mut hidden = Vec::new();
        match tree(text) {
            Some(root) => hide_values(&root, Kept::Everything, &mut hidden),
            None => hide_all_but_names(text, &mut hidden),
        }
        hidden.retain(|range| !range.is_empty());
        Self(hidden)
    }

    /// The whole text as it may be shown.
    pub(super) fn show(&self, text: &str) -> String {
        self.show_part(text, 0..text.len())
    }

    /// A part of the text as it may be shown.
    pub(super) fn show_part(&self, text: &str, part: Range<usize>) -> String {
        let (mut shown, mut at) = (String::with_capacity(part.len()), part.start);
        for hidden in self.within(&part) {
            shown.push_str(text.get(at..hidden.start).unwrap_or_default());
            shown.push_str(STARS);
            at = hidden.end;
        }
        shown.push_str(text.get(at..part.end).unwrap_or_default());
        shown
    }

    /// Where a byte of the text has gone in what is shown of the part.
    pub(super) fn moved(&self, at: usize, part: Range<usize>) -> usize {
        let (mut shown, mut passed) = (0, part.start);
        for hidden in self.within(&part).take_while(|hidden| hidden.start < at) {
            shown += hidden.start.saturating_sub(passed) + STARS.len();
            passed = hidden.end;
        }
        shown + at.saturating_sub(passed)
    }

    /// What is hidden in the part, also where it begins before it or ends behind it.
    fn within(&self, part: &Range<usize>) -> impl Iterator<Item = &Range<usize>> {
        let (first, end) = (self.0.partition_point(|hidden| hidden.end <= part.start), part.end);
        self.0.iter().skip(first).take_while(move |hidden| hidden.start < end)
    }
}

/// What may be shown of the values below a place.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kept {
    /// All of it.
    Everything,
    /// Nothing.
    Nothing,
    /// The `name`s: the place is an item of a confidential list.
    Names,
}

fn hide_values(value: &Value<'_>, kept: Kept, hidden: &mut Vec<Range<usize>>) {
    match value {
        Value::Object(object) => {
            for member in &object.properties {
                let name = member.name.as_str();
                let below = match kept {
                    Kept::Everything if is_confidential(name) => Kept::Nothing,
                    Kept::Names if name == "name" => Kept::Everything,
                    Kept::Everything => Kept::Everything,
                    Kept::Names | Kept::Nothing => Kept::Nothing,
                };
                hide_values(&member.value, below, hidden);
            }
        }
        Value::Array(array) => {
            let below = if kept == Kept::Everything { kept } else { Kept::Names };
            array.elements.iter().for_each(|element| hide_values(element, below, hidden));
        }
        Value::StringLit(text) if kept != Kept::Everything => {
            let range = bytes(text);
            hidden.push(range.start + 1..range.end.saturating_sub(1));
        }
        Value::NumberLit(number) if kept != Kept::Everything => hidden.push(bytes(number)),
        _ => {}
    }
}

fn is_confidential(name: &str) -> bool {
    let folded = name.to_ascii_lowercase();
    name != HARMLESS && (TELLING.iter().any(|part| folded.contains(part)) || nearest(name, CONFIDENTIAL).is_some())
}

/// Without a tree nobody knows what a text belongs to, so only what a colon follows is shown, and the words of JSON.
fn hide_all_but_names(text: &str, hidden: &mut Vec<Range<usize>>) {
    let mut at = 0;
    while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
        let is_punctuation = |next: char| next.is_whitespace() || "{}[]:,".contains(next);
        let word = rest.find(|next| is_punctuation(next) || next == '"').unwrap_or(rest.len());
        if word > 0 {
            if !matches!(rest.get(..word), Some("true" | "false" | "null")) {
                hidden.push(at..at + word);
            }
            at += word;
        } else if let Some(inside) = rest.strip_prefix('"') {
            let length = length_of_string(inside);
            let after = inside.get(length..).unwrap_or_default();
            let is_name = after.strip_prefix('"').is_some_and(|after| after.trim_start().starts_with(':'));
            if !is_name {
                hidden.push(at + 1..at + 1 + length);
            }
            at += 1 + length + usize::from(after.starts_with('"'));
        } else {
            at += rest.chars().next().map_or(1, char::len_utf8);
        }
    }
}

/// The bytes up to the closing quote, or to the end of the line where none comes.
fn length_of_string(inside: &str) -> usize {
    let mut is_escaped = false;
    let end = inside.find(|next| {
        let ends = next == '\n' || next == '"' && !is_escaped;
        is_escaped = next == '\\' && !is_escaped;
        ends
    });
    end.unwrap_or(inside.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> String {
        Mask::of(text).show(text)
    }

    #[test]
    fn values_are_starred_and_names_are_kept() {
        assert_eq!(
            shown(
                r#"{"image": "a", "environment": [{"name": "A", "value": "hush"}, {"value": 7, "x": {"name": "hush"}}]}"#
            ),
            r#"{"image": "a", "environment": [{"name": "A", "value": "***"}, {"value": ***, "x": {"name": "***"}}]}"#
        );
        assert_eq!(
            shown(r#"{"logConfiguration": {"logDriver": "awslogs", "options": {"name": "hush", "empty": ""}}}"#),
            r#"{"logConfiguration": {"logDriver": "awslogs", "options": {"name": "***", "empty": ""}}}"#
        );
        let files = r#"{"environmentFiles": [{"type": "s3", "value": "arn:aws:s3:::a/b.env"}]}"#;
        assert_eq!(shown(files), files);
    }

    #[test]
    fn a_misspelt_name_hides_no_less() {
        for name in
            ["enviroment", "enivronment", "Env", "sercets", "comand", "cmd", "optoins", "docker_lables", "entrypoint"]
        {
            let text = format!("{{\"{name}\": [\"hush\"]}}");
            assert!(!shown(&text).contains("hush"), "{text}");
        }
    }

    #[test]
    fn of_a_text_that_is_no_json_names_are_shown_alone() {
        assert_eq!(
            shown("{\"environment\": [{\"name\": \"hush\", \"value\" : \"hu\\\"sh\",}], \"essential\": true, x: hush}"),
            "{\"environment\": [{\"name\": \"***\", \"value\" : \"***\",}], \"essential\": true, ***: ***}"
        );
        assert_eq!(shown("{\"a\": \"hush\n\"b\": \"hush, \"c\": 'hush"), "{\"a\": \"***\n\"b\": \"***\"***\"***");
        assert_eq!(shown("é"), "***");
    }

    #[test]
    fn a_place_moves_with_what_is_starred_before_it() {
        let text = r#"{"command": ["a", "longer"], "cpu": 1}"#;
        let mask = Mask::of(text);
        let start = text.find("\"cpu\"").unwrap();
        let shown = mask.show(text);
        assert_eq!(shown.get(mask.moved(start, 0..text.len())..), Some("\"cpu\": 1}"));
        let part = text.find("\"longer\"").unwrap()..text.len();
        assert_eq!(mask.show_part(text, part.clone()), "\"***\"], \"cpu\": 1}");
        assert_eq!(mask.moved(part.start, part.clone()), 0);
        assert_eq!(mask.moved(part.start + "\"longer\"".len(), part), "\"***\"".len());
    }

    #[test]
    fn a_part_that_cuts_a_value_does_not_show_the_rest_of_it() {
        let text = r#"{"command": ["hush hush"], "cpu": 1}"#;
        let (mask, inside) = (Mask::of(text), text.find(" hush").unwrap());
        assert_eq!(mask.show_part(text, inside..text.len()), "***\"], \"cpu\": 1}");
        assert_eq!(mask.show_part(text, 0..inside), "{\"command\": [\"***");
        let cpu = text.find("\"cpu\"").unwrap();
        assert_eq!(mask.moved(cpu, inside..text.len()), "***\"], ".len());
    }
}
