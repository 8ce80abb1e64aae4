//! From TOML tables to the configuration's values, every problem noted with its key and line. It parses no TOML.

use std::collections::BTreeMap;

use super::section::Section;
use super::{
    Config, Guard, Logs, MAX_SERVICES_PER_EVENT, OWN_PREFIXES, OnFailure, Repository, Samples, Service, ServiceArn,
    Silence, Uploads, Verify, parse_duration,
};
use crate::image::is_account;
use crate::task_definition::references::ReferenceKind;
use crate::validate::Kind;
use crate::validate::guard::GuardLists;
use crate::validate::levels::{RuleLevels, refused_allowance, unknown_rule};
use crate::validate::rules::elsewhere;
use crate::verify::checks::Pattern;
use crate::verify::compare::Compare;
use log_objects::level::Row;

const NO_WAY_BACK: Kind = Kind::of(&elsewhere::NO_WAY_BACK);

/// The services that one function may look after.
pub(super) const MAX_SERVICES: usize = 200;

/// The patterns that one service may have in `expect`, and again in `forbid`.
pub(super) const MAX_PATTERNS: usize = 20;

/// The records that a proof may ask for: one look reads about as many.
pub(super) const MAX_RECORDS: u64 = 100_000;

/// Reads the whole; `None` where something that nothing can stand in for is missing.
pub(super) fn read_config(root: &mut Section<'_, '_>) -> Option<Config> {
    let state_bucket = root.required_text("state_bucket", "the name of the bucket for heads and reports");
    if let Some(bucket) = &state_bucket
        && !is_bucket_name(bucket)
    {
        root.problem(
            "state_bucket",
            format!("`{bucket}` is not a bucket name: 3 to 63 lower-case letters, digits, dots and hyphens"),
        );
    }
    let owners = root.table("bucket_owners");
    let bucket_owners = owners.map(|table| root.within("bucket_owners", table, read_bucket_owners)).unwrap_or_default();
    let mut services: Vec<Service> = Vec::new();
    let mut sections = root.tables("service");
    if sections.is_empty() {
        root.problem("service", "no service is configured: add a [[service]] table with its `arn`");
    }
    if sections.len() > MAX_SERVICES {
        root.problem(
            "service",
            format!("{} services; one function looks after at most {MAX_SERVICES}", sections.len()),
        );
        sections.truncate(MAX_SERVICES);
    }
    for (index, table) in sections.into_iter().enumerate() {
        let mut section = root.child(format!("service[{index}]"), table);
        let service = read_service(&mut section, state_bucket.as_deref().unwrap_or_default());
        if let Some(service) = &service
            && services.iter().any(|other| other.arn == service.arn)
        {
            section.problem("arn", "this service is configured twice: merge the two tables");
        }
        if let Some(service) = &service {
            check_crowd(&mut section, &services, service);
            check_uploads(&mut section, &services, service);
        }
        section.finish();
        services.extend(service);
    }
    Some(Config { state_bucket: state_bucket?, bucket_owners, services })
}

/// The names of buckets, and their accounts.
fn read_bucket_owners(section: &mut Section<'_, '_>) -> BTreeMap<String, String> {
    let mut owners = BTreeMap::new();
    for bucket in section.keys() {
        let Some(account) = section.text(&bucket) else { continue };
        if !is_bucket_name(&bucket) {
            section.problem(&bucket, format!("`{bucket}` is not a bucket name"));
        }
        if !is_account(&account) {
            section.problem(&bucket, format!("`{account}` is not an account: twelve digits"));
        }
        owners.insert(bucket, account);
    }
    owners
}

fn read_service(section: &mut Section<'_, '_>, state_bucket: &str) -> Option<Service> {
    let arn = section.required_text("arn", "the service's ARN, as `aws ecs describe-express-gateway-service` shows it");
    let arn = arn.and_then(|text| match ServiceArn::parse(&text) {
        Ok(arn) => Some(arn),
        Err(reason) => {
            section.problem("arn", reason);
            None
        }
    });
    let repository = section.text("repository").map(|text| Repository::parse(&text));
    if let Some(Err(reason)) = &repository {
        section.problem("repository", reason.clone());
    }
    let tags = section.texts("tags");
    if tags.as_ref().is_some_and(Vec::is_empty) {
        section.problem("tags", "an empty list takes no push at all: name a glob, or leave `tags` out for any tag");
    }
    let uploads = section.text("uploads").map(|text| read_uploads(section, &text, state_bucket));
    if repository.is_none() && uploads.is_none() {
        section.problem("arn", "nothing would ever release this service: set `repository`, `uploads` or both");
    }
    let container = section.text("container").unwrap_or_else(|| "Main".to_owned());
    let on_failure = section.choice("on_failure", &[("rollback", OnFailure::Rollback), ("notify", OnFailure::Notify)]);
    let verify = section.table("verify").map(|table| section.within("verify", table, read_verify));
    let guard = section.table("guard").map(|table| section.within("guard", table, read_guard));
    let rules = section.table("rules").map(|table| section.within("rules", table, read_rules));
    let service = Service {
        arn: arn?,
        repository: repository.and_then(Result::ok),
        tags: tags.unwrap_or_else(|| vec!["*".to_owned()]),
        container,
        uploads,
        on_failure: on_failure.unwrap_or(OnFailure::Rollback),
        verify: verify.unwrap_or_default(),
        guard,
        rules: rules.unwrap_or_default(),
    };
    let is_required = service.guard.as_ref().is_some_and(|guard| guard.require_way_back);
    if is_required && service.rules.level_of(NO_WAY_BACK).is_none() {
        section
            .problem("rules", "`no-way-back` cannot be allowed where `require_way_back` is true: take one of them out");
    }
    Some(service)
}

/// One push releases every service that takes it, within one execution.
fn check_crowd(section: &mut Section<'_, '_>, before: &[Service], service: &Service) {
    let most = MAX_SERVICES_PER_EVENT;
    let Some(repository) = &service.repository else { return };
    let shares = |other: &&Service| other.repository.as_ref().is_some_and(|other| other.name == repository.name);
    let sharing = 1 + before.iter().filter(shares).count();
    if sharing > most {
        let message = format!("{sharing} services take pushes to `{repository}`; one event can release {most}");
        section.problem("repository", message + ": split them among several functions, or give each its repository");
    }
}

/// An upload is meant for one service: what belongs to a neighbour must not be deployed here.
fn check_uploads(section: &mut Section<'_, '_>, before: &[Service], service: &Service) {
    let Some(uploads) = &service.uploads else { return };
    let overlaps = |other: &&Service| other.uploads.as_ref().is_some_and(|other| other.overlaps(uploads));
    if let Some(other) = before.iter().find(overlaps) {
        let message = format!("an upload to {uploads} would also release {}", other.arn.name());
        section.problem("uploads", message + ": give each service a prefix or a key of its own");
    }
}

/// `PREFIX/`, `KEY`, or either of them behind `s3://BUCKET/`.
fn read_uploads(section: &mut Section<'_, '_>, text: &str, state_bucket: &str) -> Uploads {
    let (bucket, key) = match text.strip_prefix("s3://") {
        Some(address) => address.split_once('/').unwrap_or((address, "")),
        None => (state_bucket, text),
    };
    if text.starts_with("s3://") && !is_bucket_name(bucket) {
        section.problem("uploads", format!("`{bucket}` is not a bucket name: write s3://BUCKET/PREFIX/"));
    }
    if key.is_empty() || key.starts_with('/') {
        let message = "an S3 key prefix such as `task-definitions/web/`, or one key: not empty, no leading slash";
        section.problem("uploads", message);
    }
    let uploads = Uploads { bucket: bucket.to_owned(), key: key.to_owned() };
    let is_own = |own: &&str| key.starts_with(*own) || uploads.has(own);
    if bucket == state_bucket && OWN_PREFIXES.iter().any(is_own) {
        let message = "`services/`, `releases/` and `config/` hold the function's own objects: choose another prefix";
        section.problem("uploads", message);
    }
    uploads
}

fn read_verify(section: &mut Section<'_, '_>) -> Verify {
    let default = Verify::default();
    let choices = [("required", Logs::Required), ("if-configured", Logs::IfConfigured), ("off", Logs::Off)];
    let logs = section.choice("logs", &choices).unwrap_or(default.logs);
    let timeout = match section.text("timeout").map(|text| parse_duration(&text)) {
        Some(Some(seconds)) if (30..=3600).contains(&seconds) => seconds,
        Some(_) => {
            section
                .problem("timeout", "a whole number with a unit, such as \"90s\", \"10m\" or \"1h\", from 30s to 1h");
            default.timeout
        }
        None => default.timeout,
    };
    let expect = read_expected(section);
    let ignore_levels = section.texts("ignore_levels").unwrap_or_default();
    for row in ignore_levels.iter().filter(|row| Row::by_id(row).is_none()) {
        section.problem("ignore_levels", format!("there is no row `{row}`: docs/log-levels.md names them"));
    }
    let samples = section.choice("samples", &[("masked", Samples::Masked), ("none", Samples::None)]);
    let forbid = read_patterns(section, "forbid");
    section.refuse("quiet", "`quiet` is called `on_silence`, and its value `wait`, which did not wait, `inconclusive`");
    let silences = [("inconclusive", Silence::Inconclusive), ("pass", Silence::Pass), ("fail", Silence::Fail)];
    let on_silence = section.choice("on_silence", &silences);
    Verify {
        logs,
        timeout,
        expect,
        forbid,
        containers: section.texts("containers").unwrap_or_default(),
        on_silence: on_silence.unwrap_or(default.on_silence),
        min_records: section.whole("min_records", 1, MAX_RECORDS).unwrap_or(default.min_records),
        max_error_ratio: section.share("max_error_ratio", 0.0, 1.0),
        compare: section.table("compare").map(|table| section.within("compare", table, read_compare)),
        ignore_levels,
        samples: samples.unwrap_or_default(),
    }
}

fn read_compare(section: &mut Section<'_, '_>) -> Compare {
    let default = Compare::default();
    Compare {
        margin: section.share("margin", 0.0, 1.0).unwrap_or(default.margin),
        confidence: section.share("confidence", 0.5, 0.9999).unwrap_or(default.confidence),
        min_records: section.whole("min_records", 1, MAX_RECORDS).unwrap_or(default.min_records),
    }
}

/// `expect`: patterns, or tables of a pattern and where in a message it stands.
fn read_expected(section: &mut Section<'_, '_>) -> Vec<String> {
    let patterns = section.patterns("expect").unwrap_or_default();
    check_patterns(section, "expect", patterns)
}

fn read_patterns(section: &mut Section<'_, '_>, key: &str) -> Vec<String> {
    let patterns = section.texts(key).unwrap_or_default();
    check_patterns(section, key, patterns)
}

fn check_patterns(section: &mut Section<'_, '_>, key: &str, patterns: Vec<String>) -> Vec<String> {
    if patterns.len() > MAX_PATTERNS {
        section.problem(
            key,
            format!("{} patterns; at most {MAX_PATTERNS} are allowed: join some with `|`", patterns.len()),
        );
    }
    for bad in patterns.iter().take(MAX_PATTERNS).filter_map(|pattern| Pattern::new(pattern).err()) {
        section.problem(key, bad.to_string());
    }
    patterns
}

fn read_guard(section: &mut Section<'_, '_>) -> Guard {
    section.refuse("roles", "a role counts by its use: list it in `execution_roles`, in `task_roles` or in both");
    let mut lists = GuardLists::default();
    for (kind, key, _) in ReferenceKind::ALL {
        lists.0.extend(section.texts(key).map(|list| (kind, list)));
    }
    Guard { lists, require_way_back: section.switch("require_way_back").unwrap_or(false) }
}

fn read_rules(section: &mut Section<'_, '_>) -> RuleLevels {
    let mut ids = |key: &str, problem_of: fn(&str) -> Option<String>| {
        let ids = section.texts(key).unwrap_or_default();
        for problem in ids.iter().filter_map(|id| problem_of(id)) {
            section.problem(key, problem);
        }
        ids
    };
    RuleLevels { allow: ids("allow", refused_allowance), deny: ids("deny", unknown_rule) }
}

fn is_bucket_name(name: &str) -> bool {
    (3..=63).contains(&name.len())
        && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'.' || b == b'-')
        && !name.starts_with(['.', '-'])
        && !name.ends_with(['.', '-'])
}
