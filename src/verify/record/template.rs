//! Lines of one container repeat themselves: around the message stand the same names and values, in one of a few orders. What was read
//! around a message once is known by its bytes the next time, so that only the message and the date are read.
//!
//! A template is only made of a line that [`super::flat`] has read whole, and only fits where all bytes around date and message are equal.

use std::borrow::Cow;

use memchr::memchr2;
use memchr::memmem::{Finder, find};

use super::Members;
use super::flat::{self, string, text};

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
pub(in super::super) struct Templates {
    log: Finder<'static>,
    known: Vec<Template>,
    /// The one that fitted last: lines come in runs of one order.
    last: usize,
}

impl Default for Templates {
    fn default() -> Self {
        Self { log: Finder::new(LOG), known: Vec::new(), last: 0 }
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
#[derive(Clone, Copy)]
struct Cut<'a> {
    date: &'a [u8],
    before: &'a [u8],
    message: &'a [u8],
    has_escapes: bool,
    after: &'a [u8],
}

impl Templates {
    /// The members of a line; `None` where only the full parser can tell.
    pub(super) fn read<'a>(&'a mut self, line: &'a [u8]) -> Option<Members<'a>> {
        let Some(cut) = self.cut(line) else { return flat::read(line) };
        if let Some(found) = self.find(cut) {
            return self.known[found].members(cut);
        }
        let members = flat::read(line)?;
        // Pieces of a line carry ids of their own, so their surroundings never come again; of doubled members the last would count.
        let is_plain = members.partial_id.is_none() && !self.has_double(cut);
        if is_plain && cut.before.len() + cut.after.len() <= MAX_AROUND {
            let template = Template::of(cut, &members);
            if self.known.len() < MAX_TEMPLATES {
                self.known.push(template);
            } else {
                self.last = (self.last + 1) % MAX_TEMPLATES;
                self.known[self.last] = template;
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
    fn has_double(&self, cut: Cut<'_>) -> bool {
        self.log.find(cut.after).is_some()
            || [cut.before, cut.after].iter().any(|text| find(text, b"\"date\"").is_some())
    }

    fn cut<'a>(&self, line: &'a [u8]) -> Option<Cut<'a>> {
        let rest = line.strip_prefix(DATE)?;
        let (date, rest) = rest.split_at_checked(memchr2(b'"', b'\\', rest)?).filter(|(_, rest)| rest[0] == b'"')?;
        let (before, rest) = rest.split_at_checked(self.log.find(rest)? + LOG.len())?;
        let (message, has_escapes, _) = string(rest)?;
        Some(Cut { date, before, message, has_escapes, after: rest.get(message.len()..)? })
    }

    fn find(&mut self, cut: Cut<'_>) -> Option<usize> {
        let fits = |template: &Template| template.before == cut.before && template.after == cut.after;
        if self.known.get(self.last).is_some_and(fits) {
            return Some(self.last);
        }
        self.last = self.known.iter().position(fits)?;
        Some(self.last)
    }
}

impl Template {
    fn of(cut: Cut<'_>, members: &Members<'_>) -> Self {
        let value = |member: &Option<Cow<'_, str>>| member.as_deref().map(str::to_owned);
        Self {
            before: cut.before.to_vec(),
            after: cut.after.to_vec(),
            task_definition: value(&members.task_definition),
            container_name: value(&members.container_name),
        }
    }

    fn members<'a>(&'a self, cut: Cut<'a>) -> Option<Members<'a>> {
        Some(Members {
            log: Some(text(cut.message, cut.has_escapes)?),
            date: Some(text(cut.date, false)?),
            task_definition: self.task_definition.as_deref().map(Cow::Borrowed),
            container_name: self.container_name.as_deref().map(Cow::Borrowed),
            ..Members::default()
        })
    }
}
