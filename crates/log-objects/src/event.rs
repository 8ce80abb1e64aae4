//! Which records belong together: a stack trace, and whatever else a program writes below the line that says something,
//! is one event with that line. It counts nothing.

use crate::level::{Level, Row, Stated};
use crate::record::Record;

/// Streams whose last event is remembered: two of four containers.
const MAX_STREAMS: usize = 8;

/// The last event of each stream of each container.
#[derive(Debug, Default)]
pub struct Events {
    streams: Vec<Stream>,
}

#[derive(Debug)]
struct Stream {
    container: String,
    source: String,
    last: Last,
}

/// What the lines so far leave open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Last {
    /// Nothing: the last line says no level, or ended its trace.
    Closed,
    /// A line that states a level; what is indented below it belongs to it.
    Stated(Level),
    /// A line that states that something went wrong: the name of the error may follow it, too.
    Wrong,
    /// A traceback of Python: it ends with the first line that is not indented.
    Traceback,
    /// Rust's panic: its message is the next line.
    Panic,
    /// Any other last words, or the lines of their trace.
    Crash,
}

impl Events {
    /// Takes the next record of a stream and tells whether it is an event of its own, or goes on with the one before.
    pub fn begins(&mut self, record: &Record<'_>, stated: Option<Stated>) -> bool {
        let container = record.container_id.as_deref().or(record.container_name.as_deref()).unwrap_or_default();
        let source = record.source.as_deref().unwrap_or_default();
        let known = self.streams.iter().position(|stream| stream.source == source && stream.container == container);
        let at = known.unwrap_or_else(|| {
            if self.streams.len() >= MAX_STREAMS {
                self.streams.remove(0);
            }
            let (container, source) = (container.to_owned(), source.to_owned());
            self.streams.push(Stream { container, source, last: Last::Closed });
            self.streams.len() - 1
        });
        let Some(stream) = self.streams.get_mut(at) else { return true };
        let (begins, last) = stream.last.next(&record.message, stated);
        stream.last = last;
        begins
    }

    /// Whether an event is open whose next lines may stand in another object.
    pub fn is_open(&self) -> bool {
        self.streams
            .iter()
            .any(|stream| matches!(stream.last, Last::Wrong | Last::Traceback | Last::Panic | Last::Crash))
    }
}

impl Last {
    /// Whether a line begins an event, and what it leaves open.
    fn next(self, message: &str, stated: Option<Stated>) -> (bool, Self) {
        match stated {
            Some(_) if matches!(self, Self::Crash | Self::Panic) && message.starts_with("note: ") => (false, self),
            // A JSON object says all that it has to say; nothing below belongs to it.
            Some(Stated { row, .. }) if row.is_json() => (true, Self::Closed),
            Some(Stated { row, level }) if !row.is_crash() => (true, Self::of(level)),
            Some(Stated { row, level }) => {
                let crash = Self::of_crash(message, row, level);
                match self {
                    // What a program logs with its cause: the name of the error stands below.
                    // An error that was caught and logged as a warning stays one.
                    Self::Wrong | Self::Stated(Level::Warn) if level == Level::Error => (false, crash),
                    Self::Traceback => {
                        (false, if message.starts_with("Traceback") { Self::Traceback } else { Self::Crash })
                    }
                    Self::Crash if is_cause(message) => (false, crash),
                    Self::Panic | Self::Stated(_) | Self::Crash if is_indented(message) => (false, self),
                    _ => (true, crash),
                }
            }
            None => self.next_line(message),
        }
    }

    /// The same for a line that says nothing of itself.
    fn next_line(self, message: &str) -> (bool, Self) {
        match self {
            Self::Stated(_) if is_indented(message) => (false, self),
            Self::Closed | Self::Stated(_) => (true, Self::Closed),
            Self::Traceback if is_indented(message) || message.trim().is_empty() => (false, self),
            // Exceptions need not be called errors.
            Self::Panic | Self::Traceback => (false, Self::Crash),
            _ if message.trim().is_empty() || is_indented(message) || is_cause(message) || is_frame(message) => {
                (false, self)
            }
            Self::Wrong | Self::Crash => (true, Self::Closed),
        }
    }

    fn of(level: Level) -> Self {
        if level == Level::Error { Self::Wrong } else { Self::Stated(level) }
    }

    fn of_crash(message: &str, row: Row, level: Level) -> Self {
        match row.id() {
            _ if level != Level::Error => Self::Stated(level),
            "python-crash" if message.starts_with("Traceback") => Self::Traceback,
            "rust-crash" if message.trim_end().ends_with(':') => Self::Panic,
            _ => Self::Crash,
        }
    }
}

/// Below a line, not beside it: one space is what some programs put before every line.
fn is_indented(message: &str) -> bool {
    message.starts_with('\t') || message.starts_with("  ")
}

/// How runtimes go on from one error to another of the same event.
fn is_cause(message: &str) -> bool {
    const CAUSES: [&str; 10] = [
        "Caused by: ",
        "Suppressed: ",
        "Traceback (most recent call last)",
        "During handling of the above exception",
        "The above exception was the direct cause",
        "[signal ",
        "goroutine ",
        "[stacktrace]",
        "[previous exception]",
        "Next ",
    ];
    CAUSES.iter().any(|cause| message.starts_with(cause))
}

/// What stands in a stack trace without being indented.
fn is_frame(message: &str) -> bool {
    const STARTS: [&str; 19] = [
        "goroutine ",
        "created by ",
        "stack backtrace:",
        "Stack backtrace:",
        "note: ",
        "exit status ",
        "runtime.",
        "runtime stack:",
        "Node.js v",
        "Stack trace:",
        "Backtrace:",
        "--- End of ",
        "from ",
        "at ",
        "... ",
        "Error: process ",
        "^",
        "}",
        "]",
    ];
    let is_numbered =
        || message.strip_prefix('#').is_some_and(|rest| rest.starts_with(|digit: char| digit.is_ascii_digit()));
    // `main.(*Store).open(0xc000012080, {0x1, 0x2})`, as Go prints calls.
    let is_call = || {
        let message = message.trim_end();
        message.ends_with(')')
            && message.split_once('(').is_some_and(|(name, _)| name.contains('.') && !name.contains(' '))
    };
    STARTS.iter().any(|start| message.starts_with(start)) || is_numbered() || is_call()
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use super::*;
    use crate::level::Rows;

    /// The first words of the events that lines make.
    fn events(lines: &str) -> Vec<(&str, Option<Level>)> {
        let mut events = Events::default();
        let mut begun = Vec::new();
        for line in lines.lines() {
            let record = Record { message: Cow::Borrowed(line), ..Record::default() };
            let stated = Stated::of(line, Rows::default());
            if events.begins(&record, stated) {
                begun.push((line.split([' ', ':']).next().unwrap(), stated.map(|stated| stated.level)));
            }
        }
        begun
    }

    const ERROR: Option<Level> = Some(Level::Error);

    #[test]
    fn a_stack_trace_is_one_event() {
        for (trace, first) in [
            (
                "TypeError: x is not a function\n    at run (/srv/app.js:3:5)\n    at node:internal/main:9\n\nNode.js v22.1.0",
                "TypeError",
            ),
            (
                "Traceback (most recent call last):\n  File \"app.py\", line 3, in <module>\n    run()\n    ^^^^^\nshop.NotReady: no config\n\nThe above exception was the direct cause of the following exception:\n\nTraceback (most recent call last):\n  File \"app.py\", line 9\nKeyError: 'x'",
                "Traceback",
            ),
            (
                "java.lang.IllegalStateException: x\n\tat x.App.run(App.java:3)\n\t... 3 more\nCaused by: java.net.ConnectException: refused\n\tat x.Db.open(Db.java:9)",
                "java.lang.IllegalStateException",
            ),
            (
                "panic: runtime error: index out of range [recovered]\n\tpanic: again\n[signal SIGSEGV: segmentation violation code=0x1]\n\ngoroutine 1 [running]:\nmain.(*Store).open(0xc000012080)\n\t/src/main.go:41 +0x1d\ncreated by main.main in goroutine 1\nexit status 2",
                "panic",
            ),
            (
                "thread 'main' panicked at src/main.rs:3:5:\nno config\nstack backtrace:\n   0: core::panicking::panic_fmt\nnote: run with `RUST_BACKTRACE=1`",
                "thread",
            ),
            (
                "PHP Fatal error:  Uncaught Exception: x in /srv/x.php:3\nStack trace:\n#0 /srv/x.php(9): run()\n#1 {main}\n  thrown in /srv/x.php on line 3",
                "PHP",
            ),
            ("app.rb:3:in `boot': boom (RuntimeError)\n\tfrom app.rb:9:in `<main>'", "app.rb"),
            (
                "Unhandled exception. System.Exception: x\n   at Program.Main()\n   --- End of inner exception stack trace ---",
                "Unhandled",
            ),
            ("** (RuntimeError) boom\n    (shop 0.1.0) lib/shop.ex:3: Shop.run/0", "**"),
        ] {
            assert_eq!(events(trace), [(first, ERROR)], "{trace}");
        }
    }

    #[test]
    fn a_trace_belongs_to_the_line_that_logs_it() {
        let trace = "java.lang.IllegalStateException: x\n\tat x.App.run(App.java:3)";
        assert_eq!(events(&format!("ERROR [main] x.App - failed\n{trace}\nINFO next")).len(), 2);
        assert_eq!(events(&format!("WARN [main] x.App - retrying\n{trace}")), [("WARN", Some(Level::Warn))]);
        assert_eq!(
            events(&format!("INFO [main] x.App - starting\n{trace}")).len(),
            2,
            "nobody logs that as a piece of news"
        );
        let indented = "fail: Shop.Orders[0]\n      stock sync\n      System.Exception: x\n         at Shop.Run()";
        assert_eq!(events(indented), [("fail", ERROR)]);
        assert_eq!(events("info: Microsoft.Hosting.Lifetime[14]\n      Now listening on: http://[::]:8080").len(), 1);
    }

    #[test]
    fn what_follows_a_trace_is_another_event() {
        assert_eq!(
            events("TypeError: x\n    at run (/srv/app.js:3:5)\nTypeError: x\n    at run (/srv/app.js:3:5)").len(),
            2
        );
        assert_eq!(events("ERROR one\nERROR two\nlistening\nready").len(), 4);
        assert_eq!(events("listening\n ⨯ Error: boom").len(), 2, "one space is no indentation");
        assert_eq!(events("one\n  two\n  three").len(), 3, "a line without a level has nothing below it");
    }

    #[test]
    fn streams_do_not_mix() {
        let mut events = Events::default();
        let mut begins = |source: &'static str, message: &'static str| {
            let record =
                Record { message: Cow::Borrowed(message), source: Some(Cow::Borrowed(source)), ..Record::default() };
            events.begins(&record, Stated::of(message, Rows::default()))
        };
        assert!(begins("stderr", "TypeError: x") && begins("stdout", "listening"));
        assert!(!begins("stderr", "    at run (/srv/app.js:3:5)") && begins("stdout", "    at your service"));
    }
}
