//! The lines of `try` as a release goes on: each thing that the flow tells, with the virtual time. It knows only the
//! log lines.

use std::fmt;
use std::sync::Mutex;

use anstyle::{AnsiColor, Style};
use aws_durable_execution_sdk::lambda_runtime::tracing::subscriber::layer::{Context, Layer};
use jiff::Timestamp;
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};

use crate::release::PROGRESS;
use sandbox::clock::VirtualClock;

/// A layer that prints what the flow tells.
#[derive(Debug)]
pub(super) struct Progress {
    clock: VirtualClock,
    start: Timestamp,
    /// The services that were seen: with more than one, lines name theirs.
    services: Mutex<Vec<String>>,
}

impl Progress {
    pub(super) fn new(clock: VirtualClock) -> Self {
        let start = clock.now();
        Self { clock, start, services: Mutex::default() }
    }

    fn line(&self, event: &ProgressEvent) -> String {
        let seconds = self.clock.now().duration_since(self.start).as_secs();
        let several = self.services.lock().is_ok_and(|mut services| {
            if !services.contains(&event.service) {
                services.push(event.service.clone());
            }
            services.len() > 1
        });
        let service = if several { format!("{}  ", event.service) } else { String::new() };
        let detail = match event.what.as_str() {
            "change" => event.detail.replacen(": ", "\n- ", 1).replacen(" -> ", "\n+ ", 1),
            _ => event.detail.clone(),
        };
        line_of(u64::try_from(seconds).unwrap_or_default(), &service, &event.what, &detail)
    }
}

/// A line of progress: when, what, and the detail.
pub(super) fn line(seconds: u64, what: &str, detail: &str) -> String {
    line_of(seconds, "", what, detail)
}

fn line_of(seconds: u64, service: &str, what: &str, detail: &str) -> String {
    let (time, word) = (Style::new().dimmed(), style(what));
    let detail = shorten_digests(detail).replace('\n', "\n                           ");
    format!("{time}{:>4}:{:02}{time:#}  {service}{word}{what:<16}{word:#}  {detail}", seconds / 60, seconds % 60)
}

/// Digests as people compare them: their first digits. The report has them whole.
fn shorten_digests(text: &str) -> String {
    let mut parts = text.split("sha256:");
    let mut short = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let digits = part.chars().take_while(char::is_ascii_hexdigit).count();
        let rest = part.get(digits..).unwrap_or_default();
        short.push_str("sha256:");
        match digits {
            64 => short.extend(part.chars().take(12).chain("…".chars())),
            _ => short.push_str(part.get(..digits).unwrap_or_default()),
        }
        short.push_str(rest);
    }
    short
}

/// Green for what is good news, red for what is not.
fn style(what: &str) -> Style {
    match what {
        "verified" | "done" => Style::new().fg_color(Some(AnsiColor::Green.into())).bold(),
        "not verified" | "rollback" | "rolling back" | "rolled back" | "stuck" | "stopped task" | "logs unreadable"
        | "no proof" => Style::new().fg_color(Some(AnsiColor::Red.into())).bold(),
        "finding" | "change" => Style::new().fg_color(Some(AnsiColor::Cyan.into())),
        _ => Style::new().bold(),
    }
}

impl<S: Subscriber> Layer<S> for Progress {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        if event.metadata().target() == PROGRESS {
            let mut progress = ProgressEvent::default();
            event.record(&mut progress);
            // Who reports at the end tells that nothing can be printed.
            say!("{}", self.line(&progress)).unwrap_or_default();
        }
    }
}

#[derive(Debug, Default)]
struct ProgressEvent {
    service: String,
    what: String,
    detail: String,
}

impl Visit for ProgressEvent {
    fn record_str(&mut self, field: &Field, value: &str) {
        match field.name() {
            "service" => value.clone_into(&mut self.service),
            "what" => value.clone_into(&mut self.what),
            "detail" => value.clone_into(&mut self.detail),
            _ => {}
        }
    }

    fn record_debug(&mut self, _: &Field, _: &dyn fmt::Debug) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_digests_are_shortened_and_nothing_else() {
        let digest = "a".repeat(64);
        assert_eq!(shorten_digests(&format!("x@sha256:{digest} -> y")), "x@sha256:aaaaaaaaaaaa… -> y");
        assert_eq!(shorten_digests("x (sha256:abc) y"), "x (sha256:abc) y");
        assert_eq!(shorten_digests(""), "");
    }
}
