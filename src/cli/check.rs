//! `check`: the rules on task definition files, with their places in the text. What a finding says comes from the
//! rules; here it is only found in the file and shown.

use std::io::{self, BufWriter, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, ValueEnum};

mod edit;
mod fix;
mod github;
mod images;
mod json;
mod locate;
mod mask;
mod rewrite;
mod sarif;
mod settings;
mod source;
mod text;

use super::{Unusable, print_error};
use crate::task_definition::{TaskDefinition, Unreadable};
use crate::validate::{Finding, Severity, unreadable};
use locate::{Lines, Locator, Span};
use settings::Settings;
use source::{Source, Unread, sources};

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Task definition files, patterns such as `'deploy/**/*.json'`, or `-` for standard input.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<String>,
    /// How findings are shown.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// Show errors alone, and no summary.
    #[arg(long, short)]
    quiet: bool,
    /// Let findings of this rule pass; may be given several times.
    #[arg(long, value_name = "RULE")]
    allow: Vec<String>,
    /// Take findings of this rule as errors; `warnings` means all warnings. May be given several times.
    #[arg(long, value_name = "RULE")]
    deny: Vec<String>,
    /// The container that gets the traffic: `Main`, unless the configuration says otherwise.
    #[arg(long, value_name = "NAME")]
    container: Option<String>,
    /// What an image is made for: its manifest, index or configuration as JSON, for instance from `docker buildx
    /// imagetools inspect --raw`; `-` for standard input.
    #[arg(long, value_name = "[CONTAINER=]FILE")]
    manifest: Vec<String>,
    /// A deployer.toml, for the lists of its guard, its rules, its container and its timeout for logs.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The service in it that the files are for, by name or ARN; not needed where there is only one.
    #[arg(long, value_name = "NAME", requires = "config")]
    service: Option<String>,
    /// Repair what is mechanical and safe to repair; nothing else in the files is touched.
    #[arg(long)]
    fix: bool,
    /// Show as a diff what `--fix` would write, and write nothing. The exit code tells what would be left.
    #[arg(long)]
    diff: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// With the lines of the source, for people.
    Text,
    /// One document with all files and findings.
    Json,
    /// SARIF 2.1.0, for code scanning.
    Sarif,
    /// Workflow commands, which GitHub Actions shows at the lines.
    Github,
}

/// A finding and where it stands in the text.
struct Located {
    finding: Finding,
    span: Span,
    /// What repairs it, where something does.
    fix: Option<Fix>,
}

/// A repair as others may apply it.
struct Fix {
    span: Span,
    /// What is written there; `None` where it would show what may be a secret.
    text: Option<String>,
}

/// What was found in one file.
struct Checked {
    source: Source,
    findings: Vec<Located>,
}

/// Shows files one after another, so that memory does not grow with their number.
trait Reporter {
    fn file(&mut self, checked: &Checked, out: &mut dyn Write) -> io::Result<()>;
    fn unread(&mut self, unread: &Unread, out: &mut dyn Write) -> io::Result<()>;
    fn finish(&mut self, out: &mut dyn Write) -> io::Result<()>;
}

/// The worst that happened: what the exit code tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Worst {
    NoError,
    Error,
    Unread,
}

/// An output whose reader may have seen enough of it: the rest is dropped, and the checks go on to their exit code.
struct WhileRead<W> {
    out: W,
    is_closed: bool,
}

impl<W: Write> WhileRead<W> {
    fn unless_closed<T: Default>(&mut self, write: impl FnOnce(&mut W) -> io::Result<T>, done: T) -> io::Result<T> {
        if self.is_closed {
            return Ok(done);
        }
        match write(&mut self.out) {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {
                self.is_closed = true;
                Ok(done)
            }
            written => written,
        }
    }
}

impl<W: Write> Write for WhileRead<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.unless_closed(|out| out.write(bytes), bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.unless_closed(W::flush, ())
    }
}

pub(super) fn run(arguments: &Arguments) -> Result<ExitCode, Unusable> {
    let settings = Settings::of(arguments)?;
    let mut worst = Worst::NoError;
    let mut out = BufWriter::new(WhileRead { out: anstream::stdout().lock(), is_closed: false });
    show(arguments, &settings, &mut worst, &mut out).and_then(|()| out.flush())?;
    Ok(match worst {
        Worst::NoError => ExitCode::SUCCESS,
        Worst::Error => ExitCode::from(1),
        Worst::Unread => ExitCode::from(2),
    })
}

fn show(arguments: &Arguments, settings: &Settings, worst: &mut Worst, out: &mut dyn Write) -> io::Result<()> {
    let mut reporter: Box<dyn Reporter> = match arguments.format {
        Format::Text => Box::new(text::Text::new(arguments.quiet)),
        Format::Json => Box::new(json::Json::new(arguments.diff)),
        Format::Sarif => Box::new(sarif::Sarif::new(arguments.diff)),
        Format::Github => Box::new(github::Github),
    };
    let is_diff = arguments.diff && matches!(arguments.format, Format::Text | Format::Github);
    let check = |source: Source| check(source, settings);
    for source in sources(&arguments.files) {
        let checked = match source {
            Ok(source) if arguments.diff => {
                let (original, checked) = (source.clone(), check(source));
                if !is_diff {
                    reporter.file(&checked, out)?;
                }
                let repaired = fix::repair(checked, &check);
                if is_diff {
                    fix::show(&original, &repaired, arguments.quiet, out)?;
                }
                Ok(repaired.checked)
            }
            Ok(source) if arguments.fix => fix::write(source, &check),
            Ok(source) => Ok(check(source)),
            Err(unread) => Err(unread),
        };
        match checked {
            Ok(checked) => {
                if checked.findings.iter().any(|located| located.finding.severity == Severity::Error) {
                    *worst = (*worst).max(Worst::Error);
                }
                if !arguments.diff {
                    reporter.file(&checked, out)?;
                }
            }
            Err(unread) => {
                *worst = Worst::Unread;
                out.flush()?;
                print_error(format_args!("error: {unread}"));
                if !is_diff {
                    reporter.unread(&unread, out)?;
                }
            }
        }
    }
    for container in settings.unmet() {
        *worst = Worst::Unread;
        out.flush()?;
        print_error(format_args!("error: --manifest names the container `{container}`, which no checked document has"));
    }
    if is_diff {
        return Ok(());
    }
    reporter.finish(out)?;
    if !arguments.diff && matches!(arguments.format, Format::Text | Format::Github) && !arguments.quiet {
        out.flush()?;
        for pattern in settings.unanchored() {
            print_error(format_args!(
                "warning[unanchored-pattern]: `{pattern}` in `forbid` matches anywhere in a message, so a visitor can write what it \
                 matches into a request that is logged\n  help: begin it with `^` and what your program writes"
            ));
        }
    }
    let open = settings.compared_at_release();
    if arguments.format == Format::Text && !arguments.quiet && !open.is_empty() {
        out.flush()?;
        print_error(format_args!(
            "note: a release compares with the live revision, too, what has no list: {}",
            open.join(", ")
        ));
    }
    Ok(())
}

fn check(source: Source, settings: &Settings) -> Checked {
    let definition = match TaskDefinition::parse(source.text.as_bytes()) {
        Ok(definition) => definition,
        Err(error) => {
            let (line, column) = match &error {
                Unreadable::NotJson { line, column, .. } => (*line, *column),
                _ => (1, 1),
            };
            let span = Lines::of(&source.text).character(line, column);
            return Checked { source, findings: vec![Located { finding: unreadable(&error), span, fix: None }] };
        }
    };
    let findings = settings.findings(&definition);
    if findings.is_empty() {
        return Checked { source, findings: Vec::new() };
    }
    let locator = Locator::new(&source.text);
    let repairs = fix::Repairs::of(&locator, &definition, &findings);
    let locate = |finding: Finding| Located {
        span: locator.place(&finding),
        fix: repairs.edit(&finding).map(|edit| locator.fix(edit)),
        finding,
    };
    let mut findings: Vec<Located> = findings.into_iter().map(locate).collect();
    findings.sort_by_key(|located| (located.span.bytes.start, std::cmp::Reverse(located.finding.severity)));
    Checked { source, findings }
}
