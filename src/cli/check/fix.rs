//! Repairs that are mechanical and safe: a value that can only be one, a name that was mistyped. Only those places change; every other byte of
//! the file stays. What would be a decision is left to people.

use std::io::Write as _;
use std::ops::Range;
use std::path::Path;

use jsonc_parser::ast::Value;
use jsonc_parser::common::Ranged;
use similar::TextDiff;

use super::locate::Locator;
use super::{Checked, Located, Source, Unusable};
use crate::task_definition::TaskDefinition;
use crate::task_definition::schema::{self, Departures};
use crate::validate::Severity;
use crate::validate::nearest::nearest;

/// What repairs the findings of a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Repair {
    /// This text is the value at the pointer.
    Set(&'static str),
    /// This text is an item of the list at the pointer.
    Add(&'static str),
    /// A name for the only port mapping.
    NamePort,
    /// The member gets the name that was meant, where it is a slip.
    Rename,
    /// The value gets the upper and lower case of the model's.
    Recase,
}

/// The rules whose findings can be repaired, by id.
const REPAIRS: &[(&str, Repair)] = &[
    ("missing-fargate", Repair::Add("FARGATE")),
    ("non-awsvpc-network", Repair::Set("awsvpc")),
    ("non-tcp-main-port", Repair::Set("tcp")),
    ("unknown-member", Repair::Rename),
    ("unknown-value", Repair::Recase),
    ("unnamed-main-port", Repair::NamePort),
];

/// The name that a port gets: what the AWS documentation calls it.
const PORT_NAME: &str = "http";

/// A repair can uncover another finding; so many rounds are made.
const MAX_ROUNDS: usize = 5;

/// A place and what is written there instead.
#[derive(Debug)]
struct Edit {
    place: Range<usize>,
    text: String,
}

/// The ids of the rules that have a repair.
#[cfg(test)]
fn repaired_rules() -> impl Iterator<Item = &'static str> {
    REPAIRS.iter().map(|(rule, _)| *rule)
}

/// Whether this finding can be repaired in this text.
pub(super) fn is_fixable(locator: &Locator<'_>, definition: &TaskDefinition, pointer: &str, rule: &str) -> bool {
    let departures = schema::departures(definition);
    edit(locator, definition, &departures, pointer, rule).is_some()
}

/// Writes the repaired text over the file, and checks it again.
pub(super) fn write(source: &Source, check: &dyn Fn(Source) -> Checked) -> Result<Checked, Unusable> {
    let (repaired, checked) = repair(source, check);
    if repaired != source.text {
        if source.name == "<stdin>" {
            return Err("standard input cannot be repaired in place: name a file, or use `--diff`".into());
        }
        replace(Path::new(&source.name), &repaired).map_err(|error| format!("{}: {error}", source.name))?;
        anstream::eprintln!("repaired {}", source.name);
    }
    Ok(checked)
}

/// Shows what a repair would change, values that may be secrets starred out, and checks the repaired text.
pub(super) fn show(source: &Source, check: &dyn Fn(Source) -> Checked) -> Checked {
    let (repaired, checked) = repair(source, check);
    if repaired != source.text {
        let (before, after) = (Locator::new(&source.text).masked(), Locator::new(&repaired).masked());
        let diff = TextDiff::from_lines(&before, &after);
        anstream::print!("{}", diff.unified_diff().header(&source.name, &source.name));
    }
    checked
}

fn repair(source: &Source, check: &dyn Fn(Source) -> Checked) -> (String, Checked) {
    let mut checked = check(source.clone());
    for _ in 0..MAX_ROUNDS {
        let Some(text) = repair_once(&checked) else { break };
        checked = check(Source { name: source.name.clone(), text });
    }
    (checked.source.text.clone(), checked)
}

/// The text with every repair that does not touch another one; `None` when there is none.
fn repair_once(checked: &Checked) -> Option<String> {
    let text = &checked.source.text;
    let definition = TaskDefinition::parse(text.as_bytes()).ok()?;
    let (locator, departures) = (Locator::new(text), schema::departures(&definition));
    let wanted = checked.findings.iter().filter(|located| located.fixable);
    let mut edits: Vec<Edit> = wanted
        .filter_map(|Located { finding, .. }| edit(&locator, &definition, &departures, &finding.pointer, &finding.rule))
        .collect();
    edits.sort_by_key(|edit| (edit.place.start, edit.place.end));
    edits.dedup_by(|later, earlier| later.place.start < earlier.place.end || later.place.start == earlier.place.start);
    if edits.is_empty() {
        return None;
    }
    let mut repaired = text.clone();
    for edit in edits.into_iter().rev() {
        repaired.replace_range(edit.place, &edit.text);
    }
    // A repair that does not parse would be worse than none.
    TaskDefinition::parse(repaired.as_bytes()).ok().map(|_| repaired)
}

fn edit(
    locator: &Locator<'_>,
    definition: &TaskDefinition,
    departures: &Departures,
    pointer: &str,
    rule: &str,
) -> Option<Edit> {
    let (_, repair) = REPAIRS.iter().find(|(id, _)| *id == rule)?;
    match repair {
        Repair::Set(value) => set(locator, pointer, value),
        Repair::Add(item) => add(locator, pointer, item),
        Repair::NamePort => {
            let mappings = definition.containers().flat_map(|container| container.list("portMappings")).count();
            if mappings == 1 { set(locator, pointer, PORT_NAME) } else { None }
        }
        Repair::Rename => {
            let member = departures.unknown.iter().find(|member| member.pointer == pointer)?;
            let meant = nearest(&member.name, member.known.iter().map(String::as_str)).filter(|meant| meant.is_slip)?;
            rename(locator, pointer, meant.name)
        }
        Repair::Recase => {
            let place = departures.unlisted.iter().find(|place| place.pointer == pointer)?;
            let meant = place.known.iter().find(|known| known.eq_ignore_ascii_case(&place.value))?;
            set(locator, pointer, meant)
        }
    }
}

/// Sets a member to a text, whether it is there or not.
fn set(locator: &Locator<'_>, pointer: &str, value: &str) -> Option<Edit> {
    let text = format!("\"{value}\"");
    if let Some(there) = locator.value(pointer) {
        return Some(Edit { place: there.range().start..there.range().end, text });
    }
    insert(locator, pointer, &text)
}

/// Inserts a member in front of the others of its object, in their layout.
fn insert(locator: &Locator<'_>, pointer: &str, value: &str) -> Option<Edit> {
    let (parent, name) = pointer.rsplit_once('/')?;
    let Value::Object(object) = locator.value(parent)? else { return None };
    let member = format!("\"{}\": {value}", name.replace("~1", "/").replace("~0", "~"));
    let Some(first) = object.properties.first() else {
        let inside = object.range.start + 1;
        return Some(Edit { place: inside..inside, text: member });
    };
    let start = first.range.start;
    let layout =
        locator.text().get(object.range.start + 1..start).filter(|layout| layout.contains('\n')).unwrap_or(" ");
    Some(Edit { place: start..start, text: format!("{member},{layout}") })
}

/// Adds an item to a list, behind the others; a list that is missing comes into being.
fn add(locator: &Locator<'_>, pointer: &str, item: &str) -> Option<Edit> {
    match locator.value(pointer) {
        Some(Value::Array(array)) => {
            let (at, comma) = match array.elements.last() {
                Some(last) => (last.range().end, ", "),
                None => (array.range.start + 1, ""),
            };
            Some(Edit { place: at..at, text: format!("{comma}\"{item}\"") })
        }
        Some(null @ Value::NullKeyword(_)) => {
            Some(Edit { place: null.range().start..null.range().end, text: format!("[\"{item}\"]") })
        }
        Some(_) => None,
        None => insert(locator, pointer, &format!("[\"{item}\"]")),
    }
}

/// Renames a member, unless its object has one of that name.
fn rename(locator: &Locator<'_>, pointer: &str, name: &str) -> Option<Edit> {
    let (parent, wrong) = pointer.rsplit_once('/')?;
    let wrong = wrong.replace("~1", "/").replace("~0", "~");
    let Value::Object(object) = locator.value(parent)? else { return None };
    let mut same = object.properties.iter().filter(|member| member.name.as_str() == wrong);
    let (Some(member), None) = (same.next(), same.next()) else { return None };
    if object.properties.iter().any(|member| member.name.as_str() == name) {
        return None;
    }
    let place = member.name.range();
    Some(Edit { place: place.start..place.end, text: format!("\"{name}\"") })
}

/// Replaces a file at once: whoever reads it sees the old text or the new one.
fn replace(path: &Path, text: &str) -> std::io::Result<()> {
    // A link stays a link: what it leads to is replaced.
    let path = path.canonicalize()?;
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}.tmp", std::process::id()));
    let beside = path.with_file_name(name);
    let written = (|| {
        let mut file = std::fs::File::create_new(&beside)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        std::fs::set_permissions(&beside, std::fs::metadata(&path)?.permissions())?;
        std::fs::rename(&beside, &path)
    })();
    if written.is_err() {
        // What is left of an attempt is in nobody's way; the first error is the one to tell.
        let _ = std::fs::remove_file(&beside);
    }
    written
}

/// Whether a severity is worth a repair: hints are advice.
pub(super) fn is_worth(severity: Severity) -> bool {
    severity > Severity::Hint
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::validate::rules::TABLE;

    #[test]
    fn every_repair_is_for_a_rule() {
        for id in repaired_rules() {
            assert!(TABLE.iter().any(|rule| rule.id == id), "{id}");
        }
    }
}
