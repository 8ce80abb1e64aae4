//! `check`: the rules on task definition files, with their places in the text. What a finding says comes from the rules; here it is only
//! found in the file and shown.

use std::process::ExitCode;

use clap::{Args, ValueEnum};

mod fix;
mod github;
mod images;
mod json;
mod locate;
mod sarif;
mod source;
mod text;

use super::Unusable;
use crate::image::Platform;
use crate::task_definition::{TaskDefinition, Unreadable};
use crate::validate::levels::{Levels, unknown_rule};
use crate::validate::{Finding, Origin, Severity, Subject, unreadable, validate};
use locate::{Locator, Span};
use source::{Source, Sources};

/// The seconds that the verification of logs is given where no configuration says otherwise.
const VERIFY_TIMEOUT: u64 = 600;

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Task definition files, patterns such as `'deploy/**/*.json'`, or `-` for standard input.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<String>,
    /// How findings are shown.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// Let findings of this rule pass; may be given several times.
    #[arg(long, value_name = "RULE")]
    allow: Vec<String>,
    /// Take findings of this rule as errors; `warnings` means all warnings. May be given several times.
    #[arg(long, value_name = "RULE")]
    deny: Vec<String>,
    /// The container that gets the traffic.
    #[arg(long, default_value = "Main", value_name = "NAME")]
    container: String,
    /// What an image is made for: its manifest, index or configuration as JSON, for instance from `docker buildx imagetools inspect --raw`.
    #[arg(long, value_name = "[CONTAINER=]FILE")]
    manifest: Vec<String>,
    /// Repair what is mechanical and safe to repair; nothing else in the files is touched.
    #[arg(long)]
    fix: bool,
    /// Show as a diff what `--fix` would write, and write nothing.
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
    fixable: bool,
}

/// What was found in one file.
struct Checked {
    source: Source,
    findings: Vec<Located>,
}

/// Shows files one after another, so that memory does not grow with their number.
trait Reporter {
    fn file(&mut self, checked: &Checked) -> Result<(), Unusable>;
    fn finish(&mut self) -> Result<(), Unusable>;
}

pub(super) fn run(arguments: &Arguments) -> Result<ExitCode, Unusable> {
    let levels = levels(arguments)?;
    let images = images::read(&arguments.manifest, &arguments.container)?;
    let images: Vec<(&str, &[Platform])> =
        images.iter().map(|(name, platforms)| (name.as_str(), platforms.as_slice())).collect();
    let mut reporter: Box<dyn Reporter> = match arguments.format {
        Format::Text => Box::<text::Text>::default(),
        Format::Json => Box::<json::Json>::default(),
        Format::Sarif => Box::<sarif::Sarif>::default(),
        Format::Github => Box::new(github::Github),
    };
    let check = |source: Source| check(source, arguments, &images, &levels);
    let (mut is_failed, mut is_unusable) = (false, false);
    for source in Sources::of(&arguments.files) {
        let checked = match source {
            Ok(source) if arguments.diff => Ok(fix::show(&source, &check)),
            Ok(source) if arguments.fix => fix::write(&source, &check),
            Ok(source) => Ok(check(source)),
            Err(error) => Err(error.into()),
        };
        let checked = match checked {
            Ok(checked) => checked,
            Err(error) => {
                anstream::eprintln!("error: {error}");
                is_unusable = true;
                continue;
            }
        };
        is_failed = is_failed || checked.findings.iter().any(|located| located.finding.severity == Severity::Error);
        if !arguments.diff {
            reporter.file(&checked)?;
        }
    }
    if !arguments.diff {
        reporter.finish()?;
    }
    Ok(match (is_unusable, is_failed) {
        (true, _) => ExitCode::from(2),
        (false, true) => ExitCode::from(1),
        (false, false) => ExitCode::SUCCESS,
    })
}

/// The rules that the arguments allow and deny.
fn levels(arguments: &Arguments) -> Result<Levels, Unusable> {
    let named = arguments.allow.iter().chain(&arguments.deny).filter(|id| *id != "warnings");
    match named.map(String::as_str).find_map(unknown_rule) {
        Some(problem) => Err(problem.into()),
        None => Ok(Levels { allow: arguments.allow.clone(), deny: arguments.deny.clone() }),
    }
}

fn check(source: Source, arguments: &Arguments, images: &[(&str, &[Platform])], levels: &Levels) -> Checked {
    let definition = match TaskDefinition::parse(source.text.as_bytes()) {
        Ok(definition) => definition,
        Err(error) => {
            let span = match &error {
                Unreadable::NotJson { line, column, .. } => Span::at(&source.text, *line, *column),
                Unreadable::TooLarge(_) | Unreadable::NotAnObject(_) => Span::at(&source.text, 1, 1),
            };
            return Checked { source, findings: vec![Located { finding: unreadable(&error), span, fixable: false }] };
        }
    };
    let mut findings = validate(&Subject {
        definition: &definition,
        container: &arguments.container,
        images,
        origin: Origin::Uploaded,
        allowed_roles: None,
        allowed_registries: None,
        verify_timeout: Some(VERIFY_TIMEOUT),
    });
    if levels.deny.iter().any(|id| id == "warnings") {
        let warnings = findings.iter_mut().filter(|finding| finding.severity == Severity::Warning);
        warnings.for_each(|finding| finding.severity = Severity::Error);
    }
    levels.apply(&mut findings);
    let locator = Locator::new(&source.text);
    let findings = findings.into_iter().map(|finding| Located {
        span: locator.span(&finding.pointer),
        fixable: fix::is_worth(finding.severity)
            && fix::is_fixable(&locator, &definition, &finding.pointer, &finding.rule),
        finding,
    });
    let findings = findings.collect();
    Checked { source, findings }
}
