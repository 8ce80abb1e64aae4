//! Lines of one container repeat themselves: around the message stand the same names and values, in one of a few orders. What was read
//! around a message once is known by its bytes the next time, so that only the message and the date are read.
//!
//! A template is only made of a line that [`super::flat`] has read whole, and only fits where all bytes around date and message are equal.

use std::borrow::Cow;

use memchr::memchr2;
use memchr::memmem::{Finder, find};

use super::flat::{self, string, text};
use super::{Members, Record};

/// The templates that are kept: the members that the log driver writes have 24 orders, with a piece of a line a few more.
const MAX_TEMPLATES: usize = 32;
/// The longest text around a message that is kept, in bytes.
const MAX_AROUND: usize = 2048;

/// How the first member of a record with a date begins, as Fluent Bit writes it.
const DATE: &[u8] = b"{\"date\":\"";
/// How the message begins.
const LOG: &[u8] = b"\"log\":\"";

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
    /// From the end of the date's value to the message's own.
    before: Vec<u8>,
    /// From the quote behind the message to the end of the line.
    after: Vec<u8>,
    task_definition: Option<String>,
    container_name: Option<String>,
}

/// A line cut at its date and its message.
struct Cut<'a> {
    date: &'a [u8],
    before: &'a [u8],
    message: Cow<'a, [u8]>,
    after: &'a [u8],
}

impl Templates {
    /// The record of a line that fits a template.
    pub(crate) fn record<'a>(&'a mut self, line: &'a [u8]) -> Option<Record<'a>> {
        let cut = self.cut(line)?;
        let fits = |template: &&Template| template.before == cut.before && template.after == cut.after;
        self.known.iter().find(fits)?.record(cut)
    }

    /// The members of a line that fits no template, which makes one; `None` where only the full parser can tell.
    pub(super) fn read<'a>(&mut self, line: &'a [u8]) -> Option<Members<'a>> {
        let members = flat::read(line)?;
        let Some(cut) = self.cut(line) else { return Some(members) };
        // Pieces of a line carry ids of their own, so their surroundings never come again; of doubled members the last would count.
        let is_plain = members.partial_id.is_none() && !self.has_double(&cut);
        if is_plain && cut.before.len() + cut.after.len() <= MAX_AROUND {
            let template = Template::of(&cut, &members);
            if self.known.len() < MAX_TEMPLATES {
                self.known.push(template);
            } else {
                self.known[self.oldest] = template;
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
        self.log.find(cut.after).is_some()
            || [cut.before, cut.after].iter().any(|text| find(text, b"\"date\"").is_some())
    }

    fn cut<'a>(&self, line: &'a [u8]) -> Option<Cut<'a>> {
        let rest = line.strip_prefix(DATE)?;
        let (date, rest) = rest.split_at_checked(memchr2(b'"', b'\\', rest)?).filter(|(_, rest)| rest[0] == b'"')?;
        let (before, rest) = rest.split_at_checked(self.log.find(rest)? + LOG.len())?;
        let (message, behind) = string(rest)?;
        let after = &rest[rest.len() - behind.len() - 1..];
        Some(Cut { date, before, message, after })
    }
}

impl Template {
    fn of(cut: &Cut<'_>, members: &Members<'_>) -> Self {
        let value = |member: &Option<Cow<'_, str>>| member.as_deref().map(str::to_owned);
        Self {
            before: cut.before.to_vec(),
            after: cut.after.to_vec(),
            task_definition: value(&members.task_definition),
            container_name: value(&members.container_name),
        }
    }

    fn record<'a>(&'a self, cut: Cut<'a>) -> Option<Record<'a>> {
        Some(Record {
            message: text(cut.message)?,
            date: Some(text(Cow::Borrowed(cut.date))?),
            task_definition: self.task_definition.as_deref().map(Cow::Borrowed),
            container_name: self.container_name.as_deref().map(Cow::Borrowed),
        })
    }
}
