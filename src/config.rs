//! The configuration: TOML text in, a checked `Config` or every problem at once out. It reads no file and no
//! environment.

use std::collections::BTreeMap;
use std::fmt;

use regex_syntax::hir::Look;
use serde::{Deserialize, Serialize};
use wildmatch::WildMatch;

use crate::image::{PrivateEcr, PrivateRepository};
use crate::trigger::{ImagePush, Trigger, Upload};
use crate::validate::guard::GuardLists;
use crate::validate::levels::RuleLevels;
use crate::verify::checks::{BadPattern, Checks};
use crate::verify::compare::Compare;

mod arn;
mod bucket;
pub mod json_schema;
mod read;
mod repository;
mod section;

pub use arn::ServiceArn;
pub use bucket::{BucketOwners, Uploads};
use read::read_config;
pub use repository::Repository;
use section::Section;

/// The largest configuration that is read, in bytes.
pub const MAX_TEXT: usize = 256 * 1024;

/// The services that one event may release: each gets its share of the 3,000 metered operations that one execution has
/// (AWS Lambda quotas), and with more of them a share could no longer follow a deployment to its end.
pub const MAX_SERVICES_PER_EVENT: usize = 20;

/// Prefixes of the state bucket that belong to the function; an upload there would be one of its own writes.
pub const OWN_PREFIXES: [&str; 3] = ["services/", "releases/", "config/"];

/// A checked configuration.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Config {
    /// The bucket for heads and reports.
    pub state_bucket: String,
    /// Buckets that another account than the service's owns.
    #[serde(default)]
    pub bucket_owners: BTreeMap<String, String>,
    /// The services, in the order of the file.
    pub services: Vec<Service>,
}

/// One Express Mode service and how it is released.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Service {
    /// The service.
    pub arn: ServiceArn,
    /// Pushes to this ECR repository release the service.
    pub repository: Option<Repository>,
    /// Globs of the tags that count.
    pub tags: Vec<String>,
    /// The container that gets a pushed image.
    pub container: String,
    /// Uploads of task definitions to this place release the service.
    pub uploads: Option<Uploads>,
    /// What a failed verification leads to.
    pub on_failure: OnFailure,
    /// How logs are verified.
    pub verify: Verify,
    /// What a task definition may name; `None` means anything.
    pub guard: Option<Guard>,
    /// Rules whose findings are let pass, or reject.
    pub rules: RuleLevels,
}

impl Service {
    /// Whether a trigger releases this service.
    pub fn takes(&self, trigger: &Trigger) -> bool {
        match trigger {
            Trigger::ImagePush(push) => self.has_repository_of(push) && self.has_name_of(push),
            Trigger::Upload(upload) => self.takes_upload(upload),
        }
    }

    /// Whether a push went to a repository of the right name with a tag that counts, in whichever registry.
    pub fn has_name_of(&self, push: &ImagePush) -> bool {
        self.repository.as_ref().is_some_and(|repository| repository.name == push.repository)
            && self.tags.iter().any(|glob| WildMatch::new(glob).matches(&push.tag))
    }

    /// Whether a push went to the registry that `repository` lies in.
    pub fn has_repository_of(&self, push: &ImagePush) -> bool {
        self.registry() == PrivateEcr { account: &push.account, region: &push.region }
    }

    /// The registry that `repository` lies in: the one that it names, else that of the service's account and region.
    pub fn registry(&self) -> PrivateEcr<'_> {
        let named = self.repository.as_ref().and_then(Repository::registry);
        named.unwrap_or_else(|| PrivateEcr { account: self.arn.account(), region: self.arn.region() })
    }

    /// `repository`, with the registry that it lies in.
    pub fn private_repository(&self) -> Option<PrivateRepository<'_>> {
        let repository = self.repository.as_ref()?;
        Some(PrivateRepository { registry: self.registry(), name: &repository.name })
    }

    fn takes_upload(&self, upload: &Upload) -> bool {
        let is_taken = |uploads: &Uploads| uploads.bucket == upload.bucket && uploads.has(&upload.key);
        upload.region == self.arn.region() && self.uploads.as_ref().is_some_and(is_taken)
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
    /// Rows of the table of levels (docs/log-levels.md) by which nothing is an error here.
    #[serde(default)]
    pub ignore_levels: Vec<String>,
    /// What the report shows of records.
    #[serde(default)]
    pub samples: Samples,
}

/// What a report shows of the records that it rests on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Samples {
    /// The first 300 characters of a few, secrets masked.
    #[default]
    Masked,
    /// No text: level, time, pattern, object key and offset alone.
    None,
}

fn one() -> u64 {
    1
}

impl Verify {
    /// Patterns that match what stands anywhere in a message, and so what visitors write into it.
    pub fn unanchored(&self) -> impl Iterator<Item = &str> {
        let is_anchored = |pattern: &str| {
            let hir = regex_syntax::parse(pattern);
            hir.is_ok_and(|hir| hir.properties().look_set_prefix().contains(Look::Start))
        };
        self.forbid.iter().map(String::as_str).filter(move |pattern| !is_anchored(pattern))
    }

    /// Whether records are held against anything: then a release without logs would go unproven.
    pub fn asks_for_proof(&self) -> bool {
        let has_patterns = !self.expect.is_empty() || !self.forbid.is_empty();
        has_patterns || self.max_error_ratio.is_some() || self.compare.is_some()
    }

    /// What records are held against.
    ///
    /// # Errors
    /// When a pattern is not a regular expression, or too large a one. A row of levels that does not exist any more is
    /// left out; configurations that name one are refused when they are read.
    pub fn checks(&self) -> Result<Checks, BadPattern> {
        let mut checks = Checks::new(&self.expect, &self.forbid)?;
        self.ignore_levels.iter().for_each(|row| checks.ignore(row));
        checks.shows_text = self.samples == Samples::Masked;
        checks.min_records = self.min_records;
        checks.max_error_ratio = self.max_error_ratio;
        checks.compare = self.compare;
        Ok(checks)
    }
}

/// What a task definition may name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Guard {
    /// What is allowed beside what the live revision names.
    #[serde(default)]
    pub lists: GuardLists,
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

impl Config {
    /// The services that a trigger releases. A push to a repository of the right name in
    /// another registry than any service names was forwarded by somebody, who is told: the services of that name
    /// reject it.
    pub fn takers(&self, trigger: &Trigger) -> Vec<&Service> {
        let all = |takes: &dyn Fn(&Service) -> bool| -> Vec<&Service> {
            self.services.iter().filter(|service| takes(service)).collect()
        };
        match (all(&|service| service.takes(trigger)), trigger) {
            (takers, Trigger::ImagePush(push)) if takers.is_empty() => all(&|service| service.has_name_of(push)),
            (takers, _) => takers,
        }
    }

    /// Why no service takes a trigger.
    pub fn why_nobody_takes(&self, trigger: &Trigger) -> String {
        let Trigger::Upload(upload) = trigger else { return format!("no configured service takes the {trigger}") };
        let mut uploads = self.services.iter().filter_map(|service| Some((service, service.uploads.as_ref()?)));
        let is_there = |uploads: &Uploads| uploads.bucket == upload.bucket;
        match uploads.clone().find(|(_, uploads)| is_there(uploads) && uploads.has(&upload.key)) {
            Some((service, uploads)) => format!(
                "the bucket {} lies in {}, and the service {}, which takes uploads to it, in {}",
                uploads.bucket,
                upload.region,
                service.arn.name(),
                service.arn.region()
            ),
            None if !uploads.any(|(_, uploads)| is_there(uploads)) => {
                format!("no configured service takes uploads to the bucket {}", upload.bucket)
            }
            None => format!("no configured service takes the {trigger}"),
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
            ignore_levels: Vec::new(),
            samples: Samples::Masked,
        }
    }
}

fn syntax_problem(text: &str, error: &toml::de::Error) -> Problem {
    let line = section::line_of(text, error.span().map_or(0, |span| span.start));
    Problem { line, key: String::new(), message: error.message().trim_end().replace('\n', ", ") }
}

/// Seconds in `90s`, `10m`, `2h`.
pub(crate) fn parse_duration(text: &str) -> Option<u64> {
    let in_unit = |(unit, seconds)| Some((text.strip_suffix(unit)?, seconds));
    let (number, factor) = [('s', 1), ('m', 60), ('h', 3600)].into_iter().find_map(in_unit)?;
    number.parse::<u64>().ok()?.checked_mul(factor)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::task_definition::references::ReferenceKind;

    const SAMPLE: &str = include_str!("../deployer.example.toml");

    fn problems(text: &str) -> Vec<String> {
        Config::parse(text).unwrap_err().0.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_guard_has_a_list_for_each_kind_and_none_for_roles_of_any_use() {
        let (before, _) = SAMPLE.split_once("[service.guard]").unwrap();
        let with = |lines: &str| Config::parse(&format!("{before}[service.guard]\n{lines}"));
        let lines = ReferenceKind::ALL.map(|(_, key, _)| format!("{key} = [\"{key}-*\"]"));
        let guard = with(&lines.join("\n")).unwrap().services.remove(0).guard.unwrap();
        for (kind, key, _) in ReferenceKind::ALL {
            assert_eq!(guard.lists.0[&kind], [format!("{key}-*")]);
            assert_eq!(serde_json::to_value(kind).unwrap(), key, "the record of a release has the same name");
        }
        let Err(Problems(problems)) = with("roles = [\"arn:aws:iam::123456789012:role/ecs*\"]") else { panic!() };
        let [problem] = &problems[..] else { panic!("{problems:?}") };
        assert_eq!(problem.key, "service[0].guard.roles");
        assert_eq!(
            problem.message,
            "a role counts by its use: list it in `execution_roles`, in `task_roles` or in both"
        );
    }

    #[test]
    fn a_guard_that_an_earlier_version_recorded_requires_no_way_back() {
        let guard: Guard = serde_json::from_str(r#"{"roles": null, "registries": ["public.ecr.aws"]}"#).unwrap();
        assert!(!guard.require_way_back);
    }

    #[test]
    fn a_pattern_that_can_match_behind_the_start_of_a_message_is_unanchored() {
        let mut verify = Config::parse(SAMPLE).unwrap().services.remove(0).verify;
        verify.forbid =
            ["^a", "(?i)^a", "^(a|b)", "^a|^b", r"\Aa", "a", "^a|b", "(^a)?b", "(?m)^a"].map(str::to_owned).to_vec();
        assert_eq!(verify.unanchored().collect::<Vec<_>>(), ["a", "^a|b", "(^a)?b", "(?m)^a"]);
    }

    #[test]
    fn the_example_is_read_as_it_says() {
        let config = Config::parse(SAMPLE).unwrap();
        assert_eq!(config.state_bucket, "deployer-state-123456789012-ap-northeast-1");
        let service = &config.services[0];
        assert_eq!((service.arn.cluster(), service.arn.name()), ("default", "express-mode-custom-td-f9de"));
        assert_eq!(service.on_failure, OnFailure::Rollback);
        let [push, upload] =
            [include_str!("../events/ecr-image-push.json"), include_str!("../events/s3-object-created.json")]
                .map(|event| crate::trigger::recognise(event).triggers.remove(0));
        assert!(service.takes(&push) && service.takes(&upload));
        let Trigger::ImagePush(push) = push else { unreachable!() };
        let takes = |push: ImagePush| service.takes(&Trigger::ImagePush(push));
        assert!(!takes(ImagePush { tag: "nightly".into(), ..push.clone() }));
        assert!(!takes(ImagePush { repository: "other".into(), ..push.clone() }));
        assert!(!takes(ImagePush { account: "999999999999".into(), ..push.clone() }));
        assert!(!takes(ImagePush { region: "eu-west-1".into(), ..push }));
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
        for prefix in [
            "",
            "/x/",
            "services/",
            "services/web/",
            "releases/",
            "config/",
            "config/web.json",
            "s3://abc",
            "s3://abc/",
        ] {
            assert!(!problems(&with(prefix)).is_empty(), "{prefix}");
        }
        for place in ["task-definitions/", "task-definitions/web.json", "s3://abc/web/", "s3://other/services/"] {
            assert!(Config::parse(&with(place)).is_ok(), "{place}");
        }
    }

    #[test]
    fn an_upload_has_one_owner() {
        let with = |one: &str, other: &str| {
            let service = |name: &str, uploads: &str| {
                format!("[[service]]\narn = \"arn:aws:ecs:r:123456789012:service/c/{name}\"\nuploads = \"{uploads}\"\n")
            };
            format!("state_bucket = \"abc\"\n{}{}", service("one", one), service("other", other))
        };
        for (one, other) in [
            ("web/", "web/"),
            ("web/", "web/next/"),
            ("web/next/", "web/"),
            ("web/", "web/next.json"),
            ("web.json", "web.json"),
            ("web/", "s3://abc/web/"),
        ] {
            for (one, other) in [(one, other), (other, one)] {
                let found = problems(&with(one, other));
                let is_named = found.len() == 1 && found[0].contains("would also release one");
                assert!(is_named, "{one} and {other}: {found:?}");
            }
        }
        for (one, other) in [("web/", "api/"), ("web/", "web"), ("web", "web.json"), ("web/", "s3://other/web/")] {
            assert!(Config::parse(&with(one, other)).is_ok(), "{one} and {other}");
        }
        let place = |key: &str| Uploads { bucket: "abc".to_owned(), key: key.to_owned() };
        assert!(place("web/").has("web/next.json") && place("web.json").has("web.json"));
        assert!(!place("web").has("web/next.json") && !place("web").has("web.json"), "without a slash it is one key");
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
