//! Where in a bucket the objects of a task's output can lie: the smallest set of prefixes, from the key format, the
//! task and a window of time. It lists nothing.
//!
//! The time in a key is that of its first record or of the local buffer, never that of the upload (`s3_put_object` and
//! `create_upload` in Fluent Bit's `plugins/out_s3/s3.c`), and always UTC.

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, Zoned};

use super::S3Output;
use crate::firelens::key_format::{Part, is_calendar, split};

/// How far clocks may differ, and how long before its start is known a task may have logged, in seconds.
const SKEW: i64 = 300;
/// The most hours that are searched, the newest: a verification takes two at the most.
const MAX_HOURS: i64 = 8;

/// The times that keys can carry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    since: Timestamp,
    until: Timestamp,
}

impl Window {
    /// The window of a task that was created and seen last at these times, with some minutes for clocks that differ.
    pub fn new(created: Timestamp, seen: Timestamp) -> Self {
        let moved = |at: Timestamp, seconds: i64| at.saturating_add(SignedDuration::from_secs(seconds)).unwrap_or(at);
        Self { since: moved(created, -SKEW), until: moved(created.max(seen), SKEW) }
    }

    /// One moment in each hour that the window touches, the oldest first; the first is the window's begin.
    fn hours(&self) -> impl Iterator<Item = Timestamp> {
        let hour = |at: Timestamp| at.as_second().div_euclid(3600);
        let (first, last) = (hour(self.since), hour(self.until));
        let since = self.since;
        let from = first.max(last - (MAX_HOURS - 1));
        (from..=last).filter_map(move |number| match number == first {
            true => Some(since),
            false => Timestamp::from_second(number * 3600).ok(),
        })
    }
}

/// A request to make: what keys begin with, and behind which key they can begin.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Search {
    /// The prefix, without a leading slash.
    pub prefix: String,
    /// Keys up to here are older than the window.
    pub start_after: Option<String>,
}

impl S3Output {
    /// Where to look for the objects of one task: one prefix when the task id leads the key, else one for each hour (or
    /// what the format has) of the window.
    pub fn searches(&self, task: &str, window: &Window) -> Vec<Search> {
        self.search(task, window, false)
    }

    /// The same for a task that is older than the window: where dates follow its id in the key, the search starts at
    /// the window's begin.
    pub fn searches_since(&self, task: &str, window: &Window) -> Vec<Search> {
        self.search(task, window, true)
    }

    fn search(&self, task: &str, window: &Window, is_older: bool) -> Vec<Search> {
        let resolved = self.key_format.resolve(&self.container, task);
        let parts = split(resolved.strip_prefix('/').unwrap_or(&resolved));
        let mut searches: Vec<Search> = Vec::new();
        for (number, moment) in window.hours().enumerate() {
            let mut search = search_at(&parts, task, moment, number == 0);
            if is_older && number == 0 && search.start_after.is_none() {
                search.start_after = start_in_task(&parts, task, &moment.to_zoned(TimeZone::UTC));
            }
            if !searches.iter().any(|other| other.prefix == search.prefix) {
                searches.push(search);
            }
        }
        searches
    }
}

/// The longest prefix that all keys of an hour share. The task id ends it: what lies behind is the task's alone.
fn search_at(parts: &[Part<'_>], task: &str, moment: Timestamp, is_first: bool) -> Search {
    let moment = moment.to_zoned(TimeZone::UTC);
    let mut prefix = String::new();
    let mut has_task = false;
    let mut has_hour = false;
    let mut rest = parts.iter();
    let mut next = rest.next();
    while let Some(part) = next {
        match part {
            Part::Literal(text) => {
                prefix.push_str(text);
                has_task = has_task || text.contains(task);
            }
            Part::Varying { code: Some(code), .. } if !has_task && is_calendar(*code) => {
                has_hour = has_hour || matches!(code, 'H' | 'k');
                match written(*code, &moment) {
                    Some(text) => prefix.push_str(&text),
                    None => break,
                }
            }
            Part::Varying { .. } => break,
        }
        next = rest.next();
    }
    // Minutes, and then seconds, that follow an hour sort as time does, so what is older than the window can be
    // skipped.
    let mut start_after = prefix.clone();
    let mut expected = ['M', 'S'].iter();
    while let (true, Some(part)) = (is_first && has_hour && !has_task, next) {
        match part {
            Part::Literal(text) => start_after.push_str(text),
            Part::Varying { code: Some(code), .. } if expected.next() == Some(code) => match written(*code, &moment) {
                Some(text) => start_after.push_str(&text),
                None => break,
            },
            Part::Varying { .. } => break,
        }
        next = rest.next();
    }
    if next.is_none() {
        // The key of that very second may end here, and a search begins behind what it is given.
        start_after.pop();
    }
    let start_after = (start_after.len() > prefix.len()).then_some(start_after);
    Search { prefix, start_after }
}

/// Behind which key of a task's own a search starts at a time: only where its id comes before a date whose parts go
/// from the largest to the smallest, because only then its keys sort as time does.
fn start_in_task(parts: &[Part<'_>], task: &str, moment: &Zoned) -> Option<String> {
    const LARGEST_FIRST: [char; 6] = ['Y', 'm', 'd', 'H', 'M', 'S'];
    let mut start = String::new();
    let mut expected = LARGEST_FIRST.iter();
    for part in parts {
        match part {
            Part::Literal(text) => start.push_str(text),
            Part::Varying { code: Some(code), .. } if start.contains(task) && expected.next() == Some(code) => {
                start.push_str(&written(*code, moment)?);
            }
            Part::Varying { .. } => break,
        }
    }
    // The key of that very second may end here, and a search begins behind what it is given.
    start.pop();
    (expected.len() < LARGEST_FIRST.len() && start.contains(task)).then_some(start)
}

/// What a conversion gives for a time; `None` where it cannot be told.
fn written(code: char, moment: &Zoned) -> Option<String> {
    jiff::fmt::strtime::format(format!("%{code}"), moment).ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::task_definition::TaskDefinition;
    use crate::verify::{Expectation, expect_logs};

    const TASK: &str = "1f2e3d4c5b6a79880123456789abcdef";

    fn output(format: &str) -> S3Output {
        let document = json!({"containerDefinitions": [
            {"name": "Main", "logConfiguration": {"logDriver": "awsfirelens",
                "options": {"Name": "s3", "bucket": "b", "s3_key_format": format}}},
            {"name": "log-router", "firelensConfiguration": {"type": "fluentbit"}}]});
        match expect_logs(&TaskDefinition::parse(document.to_string().as_bytes()).unwrap(), "Main", &[]) {
            Expectation::Logs(mut outputs) => outputs.remove(0),
            other => panic!("{format}: {other:?}"),
        }
    }

    fn window(created: &str, seen: &str) -> Window {
        Window::new(created.parse().unwrap(), seen.parse().unwrap())
    }

    fn searches(format: &str, created: &str, seen: &str) -> Vec<(String, String)> {
        let found = output(format).searches(TASK, &window(created, seen));
        found.into_iter().map(|search| (search.prefix, search.start_after.unwrap_or_default())).collect()
    }

    fn owned(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(prefix, after)| ((*prefix).replace("TASK", TASK), (*after).replace("TASK", TASK))).collect()
    }

    #[test]
    fn a_leading_task_id_is_one_prefix() {
        assert_eq!(
            searches("/logs/$TAG/%Y/%m/%d/%H/%M/$UUID.gz", "2026-11-23T10:59:00Z", "2026-11-23T11:09:00Z"),
            owned(&[("logs/Main-firelens-TASK/", "")])
        );
    }

    #[test]
    fn an_older_task_is_searched_from_the_window_on() {
        let since = |format: &str| {
            let window = window("2026-11-23T10:59:00Z", "2026-11-23T11:09:00Z");
            let found = output(format).searches_since(TASK, &window);
            found.into_iter().map(|search| (search.prefix, search.start_after.unwrap_or_default())).collect::<Vec<_>>()
        };
        assert_eq!(
            since("/logs/$TAG/%Y/%m/%d/%H/%M/$UUID.gz"),
            owned(&[("logs/Main-firelens-TASK/", "logs/Main-firelens-TASK/2026/11/23/10/54")])
        );
        for format in ["/logs/$TAG/%d/%m/%Y/$UUID", "/logs/$TAG/$UUID"] {
            assert!(since(format)[0].1.len() < "logs/Main-firelens-TASK/2026".len() + TASK.len(), "{format}");
        }
        assert_eq!(
            since("/logs/%Y/%m/%d/%H/$TAG/$UUID"),
            owned(&[("logs/2026/11/23/10/Main-firelens-TASK/", ""), ("logs/2026/11/23/11/Main-firelens-TASK/", "")])
        );
    }

    #[test]
    fn dates_first_are_one_prefix_for_each_hour() {
        assert_eq!(
            searches("/logs/%Y/%m/%d/%H/$TAG/$UUID", "2026-11-23T10:59:00Z", "2026-11-23T11:09:00Z"),
            owned(&[("logs/2026/11/23/10/Main-firelens-TASK/", ""), ("logs/2026/11/23/11/Main-firelens-TASK/", "")])
        );
        assert_eq!(
            searches("/%F/$TAG/%H/$UUID", "2026-11-23T23:50:00Z", "2026-11-23T23:59:00Z"),
            owned(&[("2026-11-23/Main-firelens-TASK/", ""), ("2026-11-24/Main-firelens-TASK/", "")])
        );
    }

    #[test]
    fn minutes_are_not_prefixes_but_the_search_starts_at_them() {
        assert_eq!(
            searches("/logs/%Y/%m/%d/%H/%M/$UUID", "2026-11-23T10:47:30Z", "2026-11-23T11:09:00Z"),
            owned(&[("logs/2026/11/23/10/", "logs/2026/11/23/10/42/"), ("logs/2026/11/23/11/", "")])
        );
        assert_eq!(
            searches("/%Y%m%d/%H%M%S-$UUID", "2026-11-23T10:47:30Z", "2026-11-23T10:48:00Z"),
            owned(&[("20261123/10", "20261123/104230-")])
        );
    }

    #[test]
    fn a_window_is_bounded_at_its_old_end() {
        let found = searches("/%Y%m%d%H/$UUID", "2026-11-20T00:00:00Z", "2026-11-23T11:09:00Z");
        assert_eq!(found.len(), 8);
        assert_eq!(found[7].0, "2026112311/");
    }

    /// Keys of an independent writer, at any time in the window, lie under one of the prefixes and behind its start.
    #[test]
    fn every_key_of_the_window_is_found() {
        let known = [
            "/fluent-bit-logs/$TAG/%Y/%m/%d/%H/%M/%S",
            "/logs/%Y/%m/%d/%H/%M/$TAG/$UUID.gz",
            "/%Y-%j/%I%p/%M:%S/$TAG-$UUID",
            "/year=%Y/month=%m/day=%d/hour=%H/$TAG/$UUID",
            "/%D/%k/$UUID",
            "/%G/W%V/%u/%a/%b/%e/%l%P/%M/$UUID",
            "/%C%y/%B/%A/%h/%d-%H%M%S-$INDEX",
            "/a/%F/%T/$UUID",
        ];
        let mut state = 0x9e37_79b9_7f4a_7c15_u64;
        let mut next = |bound: u64| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state % bound
        };
        let mut found_older = 0;
        for round in 0..4_000 {
            let format = if round % 2 == 0 { known[round / 2 % known.len()].to_owned() } else { any_format(&mut next) };
            let Some(output) = searchable(&format) else { continue };
            let signed = |number: u64| i64::try_from(number).unwrap();
            let created = 1_600_000_000 + signed(next(400_000_000));
            let (age, at) = (signed(next(5 * 3600)), created - 290 + signed(next(5 * 3600)));
            let at = at.min(created + age);
            let moment = |second: i64| Timestamp::from_second(second).unwrap();
            let window = Window::new(moment(created), moment(created + age));
            let tag = format!("Main-firelens-{TASK}");
            let key = format.replace("$TAG[0]", &tag).replace("$TAG", &tag).replace("$UUID", "a1B2c3D4");
            let key = moment(at).strftime(&key.replace("$INDEX", "7")).to_string();
            let key = key.strip_prefix('/').unwrap();
            let is_in = |found: &[Search]| {
                found.iter().any(|search| {
                    key.starts_with(&search.prefix) && search.start_after.as_deref().is_none_or(|after| key > after)
                })
            };
            let (found, older) = (output.searches(TASK, &window), output.searches_since(TASK, &window));
            assert!(is_in(&found), "{format}: {key} is not in {found:?}");
            assert!(is_in(&older), "{format}: {key} is not in {older:?}");
            found_older += usize::from(older != found);
        }
        assert!(found_older > 100, "{found_older} searches of older tasks begin later");
    }

    /// A format as somebody could write it.
    fn any_format(next: &mut impl FnMut(u64) -> u64) -> String {
        let pieces = [
            "/", "logs", "-", "$TAG", "$TAG[0]", "%Y", "%m", "%d", "%H", "%M", "%S", "%F", "%T", "%j", "%b", "%I",
            "%p", "%s", "_", "$UUID", "$INDEX", "app=", "%Y/%m/%d", "%H/%M", "/",
        ];
        let count = 2 + next(7);
        let chosen = (0..count).map(|_| pieces[usize::try_from(next(pieces.len() as u64)).unwrap()]);
        format!("/x{}", chosen.collect::<String>())
    }

    /// The output with this format, where its objects can be searched for.
    fn searchable(format: &str) -> Option<S3Output> {
        let mut output = output("/$TAG/$UUID");
        output.key_format = crate::firelens::key_format::KeyFormat::parse(format, ".", false).ok()?;
        output.key_format.is_searchable("Main").then_some(output)
    }
}
