//! Lines of one container repeat themselves: around the message stand the same names and values, in one of a few
//! orders. What was read around a message once is known by its bytes the next time, so that only the message and the
//! date are read.
//!
//! A template is only made of a line that [`super::flat`] has read whole, and only fits where all bytes around date and
//! message are equal.

use std::borrow::Cow;

use memchr::memchr2;
use memchr::memmem::Finder;

use super::flat::{self, string};
use super::{Members, Record, without_end};

/// The templates that are kept: the members that the log driver writes have 24 orders, with a piece of a line a few
/// more.
const MAX_TEMPLATES: usize = 32;
/// The longest text around a message that is kept, in bytes.
const MAX_AROUND: usize = 2048;

/// How the first member of a record with a date begins, as Fluent Bit writes it.
const DATE: &str = "{\"date\":\"";
/// How the message begins.
const LOG: &str = "\"log\":\"";

/// The templates of an object.
#[derive(Debug)]
pub(crate) struct Templates {
    log: Finder<'static>,
    known: Vec<Template>,
    /// Which one makes room for the next, once there are enough.
    oldest: usize,
}

impl Default for Templates {
    fn default() -> Self {
        Self { log: Finder::new(LOG), known: Vec::new(), oldest: 0 }
    }
}

/// The text around date and message, and the members in it that are read.
#[derive(Debug)]
struct Template {
    /// [`Cut::key`] of the line that it was made of.
    key: u64,
    /// From the end of the date's value to the message's own.
    before: String,
    /// From the quote behind the message to the end of the line.
    after: String,
    task_definition: Option<String>,
    task_arn: Option<String>,
    container_name: Option<String>,
    container_id: Option<String>,
    source: Option<String>,
}

/// A line cut at its date and its message.
struct Cut<'a> {
    date: &'a str,
    before: &'a str,
    message: Cow<'a, str>,
    after: &'a str,
}

impl Templates {
    /// The record of a line that fits a template.
    pub(crate) fn record<'a>(&'a self, line: &'a str) -> Option<Record<'a>> {
        let cut = self.cut(line)?;
        let key = cut.key();
        let fits =
            |template: &&Template| template.key == key && template.before == cut.before && template.after == cut.after;
        Some(self.known.iter().find(fits)?.record(cut))
    }

    /// The members of a line that fits no template, which makes one; `None` where only the full parser can tell.
    pub(super) fn read<'a>(&mut self, line: &'a str) -> Option<Members<'a>> {
        let members = flat::read(line)?;
        let Some(cut) = self.cut(line) else { return Some(members) };
        // Pieces of a line carry ids of their own, so their surroundings never come again; of doubled members the last
        // would count.
        let is_plain = members.partial_id.is_none() && !self.has_double(&cut);
        if is_plain && cut.before.len() + cut.after.len() <= MAX_AROUND {
            let template = Template::of(&cut, &members);
            if self.known.len() < MAX_TEMPLATES {
                self.known.push(template);
            } else if let Some(oldest) = self.known.get_mut(self.oldest) {
                *oldest = template;
                self.oldest = (self.oldest + 1) % MAX_TEMPLATES;
            }
        }
        Some(members)
    }

    /// How many there are.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.known.len()
    }

    /// Whether date or message may come once more.
    fn has_double(&self, cut: &Cut<'_>) -> bool {
        self.log.find(cut.after.as_bytes()).is_some()
            || [cut.before, cut.after].iter().any(|text| text.contains("\"date\""))
    }

    fn cut<'a>(&self, line: &'a str) -> Option<Cut<'a>> {
        let rest = line.strip_prefix(DATE)?;
        let (date, rest) = rest.split_at_checked(memchr2(b'"', b'\\', rest.as_bytes())?)?;
        if !rest.starts_with('"') {
            return None;
        }
        let (before, rest) = rest.split_at_checked(self.log.find(rest.as_bytes())? + LOG.len())?;
        let (message, behind) = string(rest)?;
        let after = rest.get(rest.len() - behind.len() - 1..)?;
        Some(Cut { date, before, message, after })
    }
}

impl Cut<'_> {
    /// What tells most templates apart without comparing them: the lengths of the two texts and the beginnings of the
    /// first member's value in each, since the members have other orders.
    fn key(&self) -> u64 {
        let mix = |key: u64, text: &str| {
            let words = text.as_bytes().chunks_exact(8).take(8).filter_map(|word| word.first_chunk());
            words.fold(key ^ text.len() as u64, |key, word| {
                (key ^ u64::from_le_bytes(*word)).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29)
            })
        };
        mix(mix(0, self.before), self.after)
    }
}

impl Template {
    fn of(cut: &Cut<'_>, members: &Members<'_>) -> Self {
        let value = |member: &Option<Cow<'_, str>>| member.as_deref().map(str::to_owned);
        Self {
            key: cut.key(),
            before: cut.before.to_owned(),
            after: cut.after.to_owned(),
            task_definition: value(&members.task_definition),
            task_arn: value(&members.task_arn),
            container_name: value(&members.container_name),
            container_id: value(&members.container_id),
            source: value(&members.source),
        }
    }

    fn record<'a>(&'a self, cut: Cut<'a>) -> Record<'a> {
        Record {
            message: without_end(cut.message),
            date: Some(Cow::Borrowed(cut.date)),
            task_definition: self.task_definition.as_deref().map(Cow::Borrowed),
            task_arn: self.task_arn.as_deref().map(Cow::Borrowed),
            container_name: self.container_name.as_deref().map(Cow::Borrowed),
            container_id: self.container_id.as_deref().map(Cow::Borrowed),
            source: self.source.as_deref().map(Cow::Borrowed),
        }
    }
}
