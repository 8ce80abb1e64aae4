//! Repairs that are mechanical and safe: a value that can only be one, a name that was mistyped. Only those places
//! change; every other byte of the file stays. What would be a decision is left to people.

use std::io::{self, Write};
use std::path::Path;

use jsonc_parser::ast::Value;
use serde_json::{Map, Value as Json, json};
use similar::TextDiff;

use super::edit::{Edit, add, remove, replace_by_member, set};
use super::locate::{Locator, bytes, steps};
use super::mask::Mask;
use super::rewrite::rewrite;
use super::source::{Source, Unread};
use super::{Checked, Finding, Located, print_error};
use crate::cli::printable;
use crate::task_definition::schema::{self, Departures, UnknownMember};
use crate::task_definition::{Container, TaskDefinition};
use crate::validate::nearest::nearest;
use crate::validate::{Repair, Rule, RuleId, Severity};

/// The name that a port gets: what the AWS documentation calls it.
const PORT_NAME: &str = "http";

/// A repair can uncover another finding, and two at one place follow one another; so many rounds are made.
const MAX_ROUNDS: usize = 10;

/// The repairs that one document allows.
pub(super) struct Repairs<'a> {
    locator: &'a Locator<'a>,
    definition: &'a TaskDefinition,
    departures: Departures,
}

impl<'a> Repairs<'a> {
    /// Prepares the repair of these findings; where there is nothing to repair, that costs nothing.
    pub(super) fn of(locator: &'a Locator<'a>, definition: &'a TaskDefinition, findings: &[Finding]) -> Self {
        let needs_model = |finding: &Finding| {
            matches!(repair_of(&finding.rule), Some(Repair::Rename | Repair::Recase | Repair::Retype))
        };
        let departures =
            if findings.iter().any(needs_model) { schema::departures(definition) } else { Departures::default() };
        Self { locator, definition, departures }
    }

    /// What repairs a finding; `None` when that is for people to decide. Hints are advice, so they repair nothing.
    pub(super) fn edit(&self, finding: &Finding) -> Option<Edit> {
        let pointer = finding.pointer.as_str();
        let repair = repair_of(&finding.rule)?;
        if finding.severity == Severity::Hint && repair != Repair::Remove {
            return None;
        }
        match repair {
            Repair::Set(value) => set(self.locator, pointer, value),
            Repair::Add(item) => add(self.locator, pointer, item),
            Repair::AwaitRouter => self.await_router(pointer),
            Repair::NamePort => self.name_port(pointer),
            Repair::Rename => self.rename(pointer),
            Repair::Retype => self.retype(pointer),
            Repair::Remove => remove(self.locator, pointer),
            Repair::Unwrap => self.unwrap(pointer),
            Repair::Recase => {
                let place = self.departures.unlisted.iter().find(|place| place.pointer == pointer)?;
                let meant = place.known.iter().find(|known| known.eq_ignore_ascii_case(&place.value))?;
                set(self.locator, pointer, &format!("\"{meant}\""))
            }
        }
    }

    /// Lets a container wait for the log router, unless the router waits for it, however far around.
    fn await_router(&self, pointer: &str) -> Option<Edit> {
        let router = self.definition.containers().find(Container::is_log_router)?.name()?;
        let mut containers = self.definition.containers();
        let container = containers.find(|container| pointer == container.pointer() + "/dependsOn")?.name()?;
        let mut awaited = vec![router];
        let mut at = 0;
        while let Some(name) = awaited.get(at).copied() {
            let dependencies = self.definition.container(name).map_or(&[][..], |container| container.list("dependsOn"));
            for name in dependencies.iter().filter_map(|dependency| dependency.get("containerName")?.as_str()) {
                if !awaited.contains(&name) {
                    awaited.push(name);
                }
            }
            at += 1;
        }
        if awaited.contains(&container) {
            return None;
        }
        let router = Json::from(router);
        add(self.locator, pointer, &format!("{{\"containerName\": {router}, \"condition\": \"START\"}}"))
    }

    /// Names the only port mapping of a container, unless another container's has that name: names are unique in a
    /// task.
    fn name_port(&self, pointer: &str) -> Option<Edit> {
        let mut containers = self.definition.containers();
        let is_only = containers.any(|container| {
            let mappings = container.list("portMappings");
            mappings.len() == 1 && pointer == format!("{}/portMappings/0/name", container.pointer())
        });
        let mappings = self.definition.containers().flat_map(|container| container.list("portMappings"));
        let is_free = mappings.filter_map(|mapping| mapping.get("name")?.as_str()).all(|name| name != PORT_NAME);
        if is_only && is_free { set(self.locator, pointer, &format!("\"{PORT_NAME}\"")) } else { None }
    }

    /// Renames a member, where only one name can be meant, no other member has it or wants it, and its value is what
    /// the model has there.
    fn rename(&self, pointer: &str) -> Option<Edit> {
        let wrong = self.departures.unknown.iter().find(|member| member.pointer == pointer)?;
        let (parent, meant) = (parent(pointer)?, meant(wrong)?);
        let Value::Object(object) = self.locator.value(parent)? else { return None };
        let named = |name: &str| object.properties.iter().filter(|member| member.name.as_str() == name).count();
        let mut others = self.departures.unknown.iter().filter(|other| other.pointer != pointer);
        let is_wanted =
            others.any(|other| self::parent(&other.pointer) == Some(parent) && self::meant(other) == Some(meant));
        if named(&wrong.name) != 1 || named(meant) != 0 || is_wanted || !self.fits(parent, &wrong.name, meant) {
            return None;
        }
        let member = object.properties.iter().find(|member| member.name.as_str() == wrong.name)?;
        Some(Edit { place: bytes(&member.name), text: format!("\"{meant}\""), renames: true })
    }

    /// Gives a value the type that the model has there, where its text can be taken for one: `256` for `"256"`, and the
    /// other way round.
    fn retype(&self, pointer: &str) -> Option<Edit> {
        let place = self.departures.mistyped.iter().find(|place| place.pointer == pointer)?;
        let value = self.locator.value(pointer)?;
        let text = self.locator.text().get(bytes(value))?;
        let retyped = match (place.expected, value) {
            ("a string", Value::NumberLit(_) | Value::BooleanLit(_)) => format!("\"{text}\""),
            ("a 32-bit integer", Value::StringLit(string)) => string.value.trim().parse::<i32>().ok()?.to_string(),
            ("an integer", Value::StringLit(string)) => string.value.trim().parse::<i64>().ok()?.to_string(),
            ("a boolean", Value::StringLit(string)) => {
                string.value.to_ascii_lowercase().parse::<bool>().ok()?.to_string()
            }
            _ => return None,
        };
        set(self.locator, pointer, &retyped)
    }

    /// Takes a described definition out of the answer that it lies in. Tags that lie beside it would be lost, so that is
    /// left to people.
    fn unwrap(&self, pointer: &str) -> Option<Edit> {
        let has_tags =
            self.definition.members().get("tags").and_then(Json::as_array).is_some_and(|tags| !tags.is_empty());
        if has_tags { None } else { replace_by_member(self.locator, pointer) }
    }

    /// Whether the value of a member is of the type that the model has for another name. Only this place is compared
    /// with the model: the whole document would take its time for each member.
    fn fits(&self, parent: &str, wrong: &str, meant: &str) -> bool {
        let steps: Vec<String> = steps(parent).chain([wrong.to_owned()]).collect();
        let document = alone(self.definition.members(), &steps, meant);
        let document = document.and_then(|document| serde_json::from_value::<TaskDefinition>(document).ok());
        document.is_some_and(|document| schema::departures(&document).mistyped.is_empty())
    }
}

/// What the steps lead to and nothing beside it, with another name for the last of them.
fn alone(members: &Map<String, Json>, steps: &[String], name: &str) -> Option<Json> {
    let (first, rest) = steps.split_first()?;
    let value = members.get(first)?;
    Some(match (value, rest) {
        (_, []) => json!({name: value}),
        (Json::Object(below), _) => json!({first: alone(below, rest, name)?}),
        (Json::Array(items), [index, rest @ ..]) => {
            let item = items.get(index.parse::<usize>().ok()?)?.as_object()?;
            json!({first: [alone(item, rest, name)?]})
        }
        _ => return None,
    })
}

fn repair_of(rule: &RuleId) -> Option<Repair> {
    Rule::of(rule)?.repair
}

fn parent(pointer: &str) -> Option<&str> {
    pointer.rsplit_once('/').map(|(parent, _)| parent)
}

/// The name that a slip of the pen was meant to be, where no second one is as near.
fn meant(wrong: &UnknownMember) -> Option<&str> {
    let slip = |without: Option<&str>| {
        let known = wrong.known.iter().map(String::as_str).filter(|name| Some(*name) != without);
        nearest(&wrong.name, known).filter(|meant| meant.is_slip).map(|meant| meant.name)
    };
    let meant = slip(None)?;
    match slip(Some(meant)) {
        Some(_) if !meant.eq_ignore_ascii_case(&wrong.name) => None,
        _ => Some(meant),
    }
}

/// Something that was repaired.
struct Done {
    rule: RuleId,
    pointer: String,
    line: usize,
}

/// A source after its repair, and what was repaired.
pub(super) struct Repaired {
    pub(super) checked: Checked,
    done: Vec<Done>,
}

impl Repaired {
    /// Tells what was, or would be, repaired.
    fn tell(&self, verb: &str) {
        for Done { rule, pointer, line } in &self.done {
            print_error(format_args!(
                "{verb} {}:{line}: {rule} at {}",
                printable(&self.checked.source.name),
                pointer.escape_debug()
            ));
        }
    }
}

/// Repairs a text as far as it goes, and checks what came out.
pub(super) fn repair(checked: Checked, check: &dyn Fn(Source) -> Checked) -> Repaired {
    let mut repaired = Repaired { checked, done: Vec::new() };
    for _ in 0..MAX_ROUNDS {
        let Some((text, done)) = repair_once(&repaired.checked) else { break };
        repaired.done.extend(done);
        repaired.checked = check(repaired.checked.source.with_text(text));
    }
    repaired
}

/// Writes the repaired text over the file.
pub(super) fn write(source: Source, check: &dyn Fn(Source) -> Checked) -> Result<Checked, Unread> {
    let repaired = repair(check(source), check);
    let source = &repaired.checked.source;
    if repaired.done.is_empty() {
        return Ok(repaired.checked);
    }
    if source.is_input() {
        return Err(Unread::new(
            &source.name,
            "standard input cannot be repaired in place: name a file, or use `--diff`",
        ));
    }
    rewrite(Path::new(&source.name), &source.file_text()).map_err(|error| Unread::new(&source.name, error))?;
    repaired.tell("repaired");
    Ok(repaired.checked)
}

/// Shows what a repair would change, values that may be secrets starred out.
pub(super) fn show(source: &Source, repaired: &Repaired, is_quiet: bool, out: &mut dyn Write) -> io::Result<()> {
    if repaired.done.is_empty() {
        if !is_quiet {
            print_error(format_args!("nothing to repair in {}", printable(&source.name)));
        }
        return Ok(());
    }
    let shown = |text: &str| Mask::of(text).show(text);
    let (before, after) = (shown(&source.text), shown(&repaired.checked.source.text));
    let name = printable(&source.name);
    let diff = TextDiff::from_lines(&before, &after);
    write!(out, "{}", diff.unified_diff().header(&name, &name))?;
    out.flush()?;
    repaired.tell("would repair");
    Ok(())
}

/// The text with every repair that does not touch another one, and what was repaired; `None` when there is nothing to
/// do.
fn repair_once(checked: &Checked) -> Option<(String, Vec<Done>)> {
    let text = &checked.source.text;
    if !checked.findings.iter().any(|located| located.fix.is_some()) {
        return None;
    }
    let definition = TaskDefinition::parse(text.as_bytes()).ok()?;
    let locator = Locator::new(text);
    let findings: Vec<Finding> = checked.findings.iter().map(|located| located.finding.clone()).collect();
    let repairs = Repairs::of(&locator, &definition, &findings);
    let mut edits: Vec<(Edit, &Located)> =
        checked.findings.iter().filter_map(|located| Some((repairs.edit(&located.finding)?, located))).collect();
    if edits.iter().any(|(edit, _)| edit.renames) {
        edits.retain(|(edit, _)| edit.renames);
    }
    edits.sort_by_key(|(edit, _)| (edit.place.start, edit.place.end));
    edits.dedup_by(|(later, _), (earlier, _)| {
        later.place.start < earlier.place.end || later.place.start == earlier.place.start
    });
    let mut repaired = text.clone();
    for (edit, _) in edits.iter().rev() {
        repaired.replace_range(edit.place.clone(), &edit.text);
    }
    // A repair that does not parse would be worse than none.
    TaskDefinition::parse(repaired.as_bytes()).ok()?;
    let done = edits.iter().map(|(_, Located { finding, span, .. })| Done {
        rule: finding.rule.clone(),
        pointer: finding.pointer.to_string(),
        line: span.line,
    });
    let done: Vec<Done> = done.collect();
    (!done.is_empty()).then_some((repaired, done))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a finding of a rule at a pointer makes of a text; empty when nothing.
    fn repaired(text: &str, rule: &str, pointer: &str) -> String {
        let definition = TaskDefinition::parse(text.as_bytes()).unwrap();
        let locator = Locator::new(text);
        let (message, help) = (String::new(), String::new());
        let rule = RuleId::find(rule).unwrap();
        let (message, help) = (message.into(), help.into());
        let finding = Finding { rule, severity: Severity::Error, pointer: pointer.into(), message, help };
        let repairs = Repairs::of(&locator, &definition, std::slice::from_ref(&finding));
        let Some(edit) = repairs.edit(&finding) else { return String::new() };
        let mut text = text.to_owned();
        text.replace_range(edit.place, &edit.text);
        text
    }

    #[test]
    fn what_is_added_takes_the_layout_of_its_neighbours() {
        let add = |text: &str| repaired(text, "missing-fargate", "/requiresCompatibilities");
        assert_eq!(add("{\n  \"a\": 1\n}"), "{\n  \"requiresCompatibilities\": [\"FARGATE\"],\n  \"a\": 1\n}");
        assert_eq!(add(r#"{"requiresCompatibilities": []}"#), r#"{"requiresCompatibilities": ["FARGATE"]}"#);
        assert_eq!(add(r#"{"requiresCompatibilities": null}"#), r#"{"requiresCompatibilities": ["FARGATE"]}"#);
        assert_eq!(
            add("{\"requiresCompatibilities\": [\r\n\t\"EC2\"\r\n]}"),
            "{\"requiresCompatibilities\": [\r\n\t\"EC2\",\r\n\t\"FARGATE\"\r\n]}"
        );
        assert_eq!(add("{}"), r#"{"requiresCompatibilities": ["FARGATE"]}"#);
    }

    #[test]
    fn a_member_is_renamed_only_where_it_can_mean_one_thing() {
        let rename = |text: &str, pointer: &str| repaired(text, "unknown-member", pointer);
        assert_eq!(rename(r#"{"famly": "web"}"#, "/famly"), r#"{"family": "web"}"#);
        assert_eq!(rename(r#"{"famly": "web", "family": "x"}"#, "/famly"), "", "the name is taken");
        assert_eq!(rename(r#"{"famly": "web", "Family": "x"}"#, "/famly"), "", "two want the name");
        assert_eq!(rename(r#"{"famly": 7}"#, "/famly"), "", "the value is of another type");
        let nested = |value: &str| {
            let text =
                format!(r#"{{"containerDefinitions": [{{}}, {{"portMappings": [{{"containerprot": {value}}}]}}]}}"#);
            rename(&text, "/containerDefinitions/1/portMappings/0/containerprot")
        };
        assert!(nested("80").contains(r#"{"containerPort": 80}"#));
        assert_eq!(nested("[80]"), "", "the value is of another type");
        assert_eq!(rename(r#"{"famly": "a", "famly": "b"}"#, "/famly"), "", "it is there twice");
        assert_eq!(rename(r#"{"vol": []}"#, "/vol"), "", "an abbreviation is a guess");
    }

    #[test]
    fn a_container_waits_for_its_router_unless_that_would_be_a_circle() {
        let wait = |main: &str, router: &str| {
            let text = format!(
                r#"{{"containerDefinitions": [{{"name": "Main"{main}}}, {{"name": "a\"b", "firelensConfiguration": {{}}{router}}}, {{"name": "x", "dependsOn": [{{"containerName": "Main"}}]}}]}}"#
            );
            repaired(&text, "unordered-log-router", "/containerDefinitions/0/dependsOn")
        };
        let item = r#"{"containerName": "a\"b", "condition": "START"}"#;
        assert!(wait("", "").contains(&format!(r#"{{"dependsOn": [{item}], "name": "Main""#)));
        let other = r#", "dependsOn": [{"containerName": "y"}]"#;
        assert!(wait(other, other).contains(&format!(r#"[{{"containerName": "y"}}, {item}]"#)));
        assert_eq!(wait("", r#", "dependsOn": [{"containerName": "x"}]"#), "", "the router waits for it through x");
    }

    #[test]
    fn a_port_is_named_where_it_is_the_only_one_and_the_name_is_free() {
        let name = |mappings: &str, other: &str| {
            let text = format!(
                r#"{{"containerDefinitions": [{{"name": "Main", "portMappings": [{mappings}]}}, {{"portMappings": [{other}]}}]}}"#
            );
            repaired(&text, "unnamed-main-port", "/containerDefinitions/0/portMappings/0/name")
        };
        let port = r#"{"containerPort": 80}"#;
        assert!(name(port, "").contains(r#"[{"name": "http", "containerPort": 80}]"#));
        assert!(name(port, r#"{"name": "metrics"}"#).contains(r#""name": "http""#));
        assert_eq!(name(port, r#"{"name": "http"}"#), "");
        assert_eq!(name(&format!("{port}, {port}"), ""), "");
    }
}
