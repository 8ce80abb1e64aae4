//! The configuration: TOML text in, a checked `Config` or every problem at once out. It reads no file and no
//! environment.

use std::fmt;

use serde::{Deserialize, Serialize};
use wildmatch::WildMatch;

use crate::trigger::Trigger;
use crate::validate::levels::RuleLevels;
use crate::verify::checks::{BadPattern, Checks};
use crate::verify::compare::Compare;

mod arn;
pub mod json_schema;
mod read;
mod section;

pub use arn::ServiceArn;
use read::read_config;
use section::Section;

/// The largest configuration that is read, in bytes.
pub const MAX_TEXT: usize = 256 * 1024;

/// The services that one event may release: each gets its share of the 3,000 metered operations that one execution has
/// (AWS Lambda quotas), and with more of them a share could no longer follow a deployment to its end.
pub const MAX_SERVICES_PER_EVENT: usize = 20;

/// Prefixes of the state bucket that belong to the function; an upload there would be one of its own writes.
pub const OWN_PREFIXES: [&str; 2] = ["services/", "releases/"];

/// A checked configuration.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Config {
    /// The bucket for heads and reports.
    pub state_bucket: String,
    /// The services, in the order of the file.
    pub services: Vec<Service>,
}

/// One Express Mode service and how it is released.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Service {
    /// The service.
    pub arn: ServiceArn,
    /// Pushes to this ECR repository release the service.
    pub repository: Option<String>,
    /// Globs of the tags that count.
    pub tags: Vec<String>,
    /// The container that gets a pushed image.
    pub container: String,
    /// Uploads of task definitions below this key prefix release the service.
    pub uploads: Option<String>,
    /// What a failed verification leads to.
    pub on_failure: OnFailure,
    /// How logs are verified.
    pub verify: Verify,
    /// What an uploaded task definition may refer to; `None` means anything.
    pub guard: Option<Guard>,
    /// Rules whose findings are let pass, or reject.
    pub rules: RuleLevels,
}

impl Service {
    /// Whether a trigger releases this service.
    pub fn takes(&self, trigger: &Trigger) -> bool {
        match trigger {
            Trigger::ImagePush(push) => self.takes_push(&push.repository, &push.tag),
            Trigger::Upload(upload) => self.takes_upload(&upload.key),
        }
    }

    /// Whether a push of `tag` to `repository` releases this service.
    pub fn takes_push(&self, repository: &str, tag: &str) -> bool {
        self.repository.as_deref() == Some(repository) && self.tags.iter().any(|glob| WildMatch::new(glob).matches(tag))
    }

    /// Whether an upload to `key` releases this service.
    pub fn takes_upload(&self, key: &str) -> bool {
        self.uploads.as_deref().is_some_and(|prefix| key.starts_with(prefix))
    }
}

/// What a failed verification leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OnFailure {
    /// The service goes back to the previous revision.
    Rollback,
    /// The service stays; the report says `failed`.
    Notify,
}

/// Whether logs are verified.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Logs {
    /// A task definition whose logs cannot be verified is rejected.
    Required,
    /// Verified where the task definition writes logs to S3.
    IfConfigured,
    /// Never verified.
    Off,
}

/// What it means when no log records come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Silence {
    /// Nobody can tell: the release is reported as unverified, and the service is left as it is.
    #[default]
    #[serde(alias = "wait")] // as releases recorded it that began under an earlier version
    Inconclusive,
    /// The service prints little: the release counts as verified.
    Pass,
    /// The release failed.
    Fail,
}

/// How logs are verified.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Verify {
    /// Whether at all.
    pub logs: Logs,
    /// How long to wait for proof, in seconds from the first task of the new revision.
    pub timeout: u64,
    /// Regular expressions: each must match a record.
    pub expect: Vec<String>,
    /// Regular expressions: none may match.
    pub forbid: Vec<String>,
    /// Containers beside the one that gets the image whose logs are verified, too.
    #[serde(default)]
    pub containers: Vec<String>,
    /// What it means when no records, or too few, come within the time.
    #[serde(default, alias = "quiet")]
    pub on_silence: Silence,
    /// Records that make a proof, at least 1.
    #[serde(default = "one")]
    pub min_records: u64,
    /// The largest share of errors, from 0 to 1.
    #[serde(default)]
    pub max_error_ratio: Option<f64>,
    /// How errors are compared with the old revision's; `None` compares nothing.
    #[serde(default)]
    pub compare: Option<Compare>,
}

fn one() -> u64 {
    1
}

impl Verify {
    /// What records are held against.
    ///
    /// # Errors
    /// When a pattern is not a regular expression, or too large a one.
    pub fn checks(&self) -> Result<Checks, BadPattern> {
        let mut checks = Checks::new(&self.expect, &self.forbid)?;
        checks.min_records = self.min_records;
        checks.max_error_ratio = self.max_error_ratio;
        checks.compare = self.compare;
        Ok(checks)
    }
}

/// What an uploaded task definition may refer to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Guard {
    /// Globs of role ARNs; `None` means any role.
    pub roles: Option<Vec<String>>,
    /// Registries that images may come from; `None` means any registry.
    pub registries: Option<Vec<String>>,
    /// Whether nothing is deployed while there is no way back to what serves.
    #[serde(default)]
    pub require_way_back: bool,
}

/// One thing that is wrong with a configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The line, from 1.
    pub line: usize,
    /// The key, such as `service[1].verify.timeout`; empty for a syntax error.
    pub key: String,
    /// What is wrong and what to write instead.
    pub message: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.key.as_str() {
            "" => write!(f, "line {}: {}", self.line, self.message),
            key => write!(f, "line {}, {key}: {}", self.line, self.message),
        }
    }
}

/// Everything that is wrong with a configuration; never empty.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct Problems(pub Vec<Problem>);

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = self.0.len();
        write!(f, "the configuration has {count} problem{}:", if count == 1 { "" } else { "s" })?;
        self.0.iter().try_for_each(|problem| write!(f, "\n  {problem}"))
    }
}

impl Config {
    /// Reads and checks a configuration.
    pub fn parse(text: &str) -> Result<Self, Problems> {
        if text.len() > MAX_TEXT {
            let message = format!("the configuration has {} bytes; at most {MAX_TEXT} are read", text.len());
            return Err(Problems(vec![Problem { line: 1, key: String::new(), message }]));
        }
        let (table, errors) = toml::de::DeTable::parse_recoverable(text);
        let mut problems: Vec<Problem> = errors.iter().map(|error| syntax_problem(text, error)).collect();
        let mut root = Section::root(text, &table, &mut problems);
        let config = read_config(&mut root);
        root.finish();
        problems.sort_by_key(|problem| problem.line);
        match config {
            Some(config) if problems.is_empty() => Ok(config),
            _ => Err(Problems(problems)),
        }
    }
}

impl Default for Verify {
    fn default() -> Self {
        Self {
            logs: Logs::IfConfigured,
            timeout: 600,
            expect: Vec::new(),
            forbid: Vec::new(),
            containers: Vec::new(),
            on_silence: Silence::Inconclusive,
            min_records: 1,
            max_error_ratio: None,
            compare: None,
        }
    }
}

fn syntax_problem(text: &str, error: &toml::de::Error) -> Problem {
    let line = section::line_of(text, error.span().map_or(0, |span| span.start));
    Problem { line, key: String::new(), message: error.message().trim_end().replace('\n', ", ") }
}

/// Seconds in `90s`, `10m`, `2h`.
pub(crate) fn parse_duration(text: &str) -> Option<u64> {
    let (number, factor) = match text.char_indices().next_back()? {
        (at, 's') => (&text[..at], 1),
        (at, 'm') => (&text[..at], 60),
        (at, 'h') => (&text[..at], 3600),
        _ => return None,
    };
    number.parse::<u64>().ok()?.checked_mul(factor)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAMPLE: &str = include_str!("../deployer.example.toml");

    fn problems(text: &str) -> Vec<String> {
        Config::parse(text).unwrap_err().0.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_guard_that_an_earlier_version_recorded_requires_no_way_back() {
        let guard: Guard = serde_json::from_str(r#"{"roles": null, "registries": ["public.ecr.aws"]}"#).unwrap();
        assert!(!guard.require_way_back);
    }

    #[test]
    fn the_example_is_read_as_it_says() {
        let config = Config::parse(SAMPLE).unwrap();
        assert_eq!(config.state_bucket, "deployer-state-123456789012-ap-northeast-1");
        let service = &config.services[0];
        assert_eq!((service.arn.cluster(), service.arn.name()), ("default", "express-mode-custom-td-f9de"));
        assert_eq!(service.on_failure, OnFailure::Rollback);
        assert!(service.takes_push("express-mode-custom-td", "v6"));
        assert!(!service.takes_push("express-mode-custom-td", "nightly"));
        assert!(!service.takes_push("other", "v6"));
        assert!(service.takes_upload("task-definitions/express-mode-custom-td/firelens.json"));
    }

    #[test]
    fn every_problem_is_listed_with_its_line_and_key() {
        let text = "state_bucket = \"Nope\"\n[[service]]\narn = \"arn:aws:ecs:x\"\nreposit = \"web\"\non_failure = \"panic\"\n\
            [service.verify]\ntimeout = 10\nexpect = [\"(\"]\n[service.rules]\nallow = [\"missing-fargte\"]\n";
        assert_eq!(
            problems(text),
            [
                "line 1, state_bucket: `Nope` is not a bucket name: 3 to 63 lower-case letters, digits, dots and hyphens",
                "line 3, service[0].arn: `arn:aws:ecs:x` is not a service's ARN: \
                 arn:aws:ecs:<region>:<account>:service/<cluster>/<service>",
                "line 3, service[0].arn: nothing would ever release this service: set `repository`, `uploads` or both",
                "line 4, service[0].reposit: unknown key; did you mean `repository`?",
                "line 5, service[0].on_failure: `panic` is none of \"rollback\", \"notify\"",
                "line 7, service[0].verify.timeout: expected a string, found an integer",
                "line 8, service[0].verify.expect: the pattern `(` cannot be used: unclosed group",
                "line 10, service[0].rules.allow: `missing-fargte` is not a rule; did you mean `missing-fargate`?",
            ]
        );
    }

    #[test]
    fn the_proof_can_ask_for_counts_and_shares() {
        let with = |verify: &str| {
            format!(
                "state_bucket = \"abc\"\n[[service]]\narn = \"arn:aws:ecs:r:123456789012:service/c/s\"\nuploads = \"u/\"\n[service.verify]\n{verify}"
            )
        };
        let read = |verify: &str| Config::parse(&with(verify)).unwrap().services.remove(0).verify;
        assert_eq!(read(""), Verify::default());
        let verify = read(
            "containers = [\"worker\"]\non_silence = \"fail\"\nmin_records = 10\nmax_error_ratio = 0.05\n[service.verify.compare]\nmargin = 0\n",
        );
        assert_eq!((verify.on_silence, verify.min_records, verify.max_error_ratio), (Silence::Fail, 10, Some(0.05)));
        assert_eq!(verify.compare, Some(Compare { margin: 0.0, ..Compare::default() }));
        assert_eq!(verify.containers, ["worker"]);
        for (verify, problem) in [
            ("min_records = 0", "service[0].verify.min_records: a whole number from 1 to 100000"),
            ("max_error_ratio = 5", "service[0].verify.max_error_ratio: a number from 0 to 1"),
            ("max_error_ratio = nan", "service[0].verify.max_error_ratio: a number from 0 to 1"),
            ("on_silence = \"never\"", "`never` is none of \"inconclusive\", \"pass\", \"fail\""),
            (
                "quiet = \"wait\"",
                "`quiet` is called `on_silence`, and its value `wait`, which did not wait, `inconclusive`",
            ),
            (
                "[service.verify.compare]\nconfidence = 1",
                "service[0].verify.compare.confidence: a number from 0.5 to 0.9999",
            ),
        ] {
            let found = problems(&with(verify));
            assert!(found.len() == 1 && found[0].contains(problem), "{found:?}");
        }
    }

    #[test]
    fn a_syntax_error_has_its_line_and_hides_no_other_problem() {
        let listed = problems("state_bucket = \nservices = 1\n");
        assert!(listed[0].starts_with("line 1: "), "{listed:?}");
        assert!(
            listed.iter().any(|problem| problem.contains("services: unknown key; did you mean `service`?")),
            "{listed:?}"
        );
    }

    #[test]
    fn uploads_stay_out_of_the_functions_own_prefixes() {
        let with = |prefix: &str| {
            format!(
                "state_bucket = \"abc\"\n[[service]]\narn = \"arn:aws:ecs:r:123456789012:service/c/s\"\nuploads = \"{prefix}\"\n"
            )
        };
        for prefix in ["", "/x/", "services/", "services/web/", "s", "releases/"] {
            assert!(!problems(&with(prefix)).is_empty(), "{prefix}");
        }
        assert!(Config::parse(&with("task-definitions/")).is_ok());
    }

    #[test]
    fn durations_have_a_unit() {
        assert_eq!(parse_duration("90s"), Some(90));
        assert_eq!(parse_duration("10m"), Some(600));
        assert_eq!(parse_duration("2h"), Some(7200));
        for text in ["", "10", "m", "-1m", "1d", "１m", "99999999999999999999h"] {
            assert_eq!(parse_duration(text), None, "{text}");
        }
    }
}
