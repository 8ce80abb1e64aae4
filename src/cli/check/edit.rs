//! Changes of single places in a JSON text, in the layout that is there. What to change is for `fix` to say.

use std::ops::Range;

use jsonc_parser::ast::Value;

use super::locate::{Locator, bytes};
use crate::task_definition::pointer::unescape;

/// A place and what is written there instead.
#[derive(Debug)]
pub(super) struct Edit {
    pub(super) place: Range<usize>,
    pub(super) text: String,
    /// Whether it gives a member another name. Then what seems to be missing may be there, so it goes first.
    pub(super) renames: bool,
}

/// Sets a member to a value in JSON, whether it is there or not.
pub(super) fn set(locator: &Locator<'_>, pointer: &str, value: &str) -> Option<Edit> {
    match locator.value(pointer) {
        Some(there) => Some(Edit { place: bytes(there), text: value.to_owned(), renames: false }),
        None => insert(locator, pointer, value),
    }
}

/// Inserts a member in front of the others of its object, in their layout.
fn insert(locator: &Locator<'_>, pointer: &str, value: &str) -> Option<Edit> {
    let (parent, name) = pointer.rsplit_once('/')?;
    let Value::Object(object) = locator.value(parent)? else { return None };
    let member = format!("\"{}\": {value}", unescape(name));
    let inside = object.range.start + 1;
    let Some(first) = object.properties.first() else {
        return Some(Edit { place: inside..inside, text: member, renames: false });
    };
    let start = first.range.start;
    let layout = locator.text().get(inside..start).filter(|layout| layout.contains('\n')).unwrap_or(" ");
    Some(Edit { place: start..start, text: format!("{member},{layout}"), renames: false })
}

/// Adds an item in JSON to a list, behind the others and in their layout; a list that is missing comes into being.
pub(super) fn add(locator: &Locator<'_>, pointer: &str, item: &str) -> Option<Edit> {
    match locator.value(pointer) {
        Some(Value::Array(array)) => {
            let Some(last) = array.elements.last().map(bytes) else {
                let inside = array.range.start + 1;
                return Some(Edit { place: inside..inside, text: item.to_owned(), renames: false });
            };
            let before = locator.text().get(..last.start).unwrap_or_default();
            let layout = before.get(before.trim_end().len()..).filter(|layout| layout.contains('\n')).unwrap_or(" ");
            Some(Edit { place: last.end..last.end, text: format!(",{layout}{item}"), renames: false })
        }
        Some(null @ Value::NullKeyword(_)) => {
            Some(Edit { place: bytes(null), text: format!("[{item}]"), renames: false })
        }
        Some(_) => None,
        None => insert(locator, pointer, &format!("[{item}]")),
    }
}

/// Removes a member and the comma that parts it from its neighbour.
pub(super) fn remove(locator: &Locator<'_>, pointer: &str) -> Option<Edit> {
    let (parent, name) = pointer.rsplit_once('/')?;
    let Value::Object(object) = locator.value(parent)? else { return None };
    let name = unescape(name);
    let at = object.properties.iter().position(|member| member.name.as_str() == name)?;
    let place = match (at.checked_sub(1).and_then(|at| object.properties.get(at)), object.properties.get(at + 1)) {
        (Some(before), _) => before.range.end..object.properties.get(at)?.range.end,
        (None, Some(after)) => object.properties.get(at)?.range.start..after.range.start,
        (None, None) => bytes(object.properties.get(at)?),
    };
    Some(Edit { place, text: String::new(), renames: false })
}

/// Puts the value of a member in the place of the whole document, as far to the left as the document stands.
pub(super) fn replace_by_member(locator: &Locator<'_>, pointer: &str) -> Option<Edit> {
    let place = bytes(locator.value("")?);
    let value = bytes(locator.value(pointer)?);
    let inside = locator.text().get(value.clone())?;
    let before = locator.text().get(..value.start)?;
    let line = before.rsplit('\n').next().unwrap_or_default();
    let indent: String = line.chars().take_while(|letter| matches!(letter, ' ' | '\t')).collect();
    let lines: Vec<&str> = inside.split('\n').map(|line| line.strip_prefix(indent.as_str()).unwrap_or(line)).collect();
    Some(Edit { place, text: lines.join("\n"), renames: false })
}
