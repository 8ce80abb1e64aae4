//! The S3 outputs that a task definition asks its log router for, and the options that Fluent Bit would refuse at its
//! start.

use std::io::Write as _;

use flate2::write::GzEncoder;
use regex::Regex;
use ruzstd::encoding::{CompressionLevel, compress_to_vec};
use serde_json::{Map, Value};

/// How the plugin compresses an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Compression {
    Gzip,
    Zstd,
    Snappy,
}

impl Compression {
    fn of(name: &str) -> Option<Self> {
        [Self::Gzip, Self::Zstd, Self::Snappy].into_iter().find(|compression| compression.content_encoding() == name)
    }

    /// The value of the option, and of the object's `Content-Encoding`.
    pub(crate) fn content_encoding(self) -> &'static str {
        match self {
            Self::Gzip => "gzip",
            Self::Zstd => "zstd",
            Self::Snappy => "snappy",
        }
    }

    /// The compressed text; snappy as one raw block, as the plugin writes it.
    pub(crate) fn compress(self, text: &[u8]) -> Option<Vec<u8>> {
        match self {
            Self::Gzip => {
                let mut encoder = GzEncoder::new(Vec::new(), flate2::Compression::fast());
                encoder.write_all(text).ok()?;
                encoder.finish().ok()
            }
            Self::Zstd => Some(compress_to_vec(text, CompressionLevel::Fastest)),
            Self::Snappy => snap::raw::Encoder::new().compress_vec(text).ok(),
        }
    }
}

/// One `[OUTPUT]` with `Name s3`.
#[derive(Clone, Debug)]
pub(crate) struct Output {
    pub(crate) container: String,
    pub(crate) bucket: String,
    pub(crate) key_format: String,
    pub(crate) delimiters: String,
    /// Seconds.
    pub(crate) upload_timeout: i64,
    /// `gzip`, `zstd` or `snappy`; objects are plain text with anything else.
    pub(crate) compression: Option<Compression>,
    pub(crate) static_file_path: bool,
    pub(crate) log_key: Option<String>,
    /// The name of the date member; none where it is switched off.
    pub(crate) date_key: Option<String>,
    pub(crate) date_format: String,
    /// Whether `ecs_cluster`, `ecs_task_arn` and `ecs_task_definition` are added.
    pub(crate) metadata: bool,
    include: Vec<Regex>,
    exclude: Vec<Regex>,
}

impl Output {
    /// Whether `include-pattern` and `exclude-pattern` let a line through.
    pub(crate) fn lets_through(&self, line: &str) -> bool {
        self.include.iter().all(|pattern| pattern.is_match(line))
            && !self.exclude.iter().any(|pattern| pattern.is_match(line))
    }

    fn read(container: &str, options: &Map<String, Value>, router: &Value) -> Option<Self> {
        let get = |key: &str| option(options, key).map(|value| expand(value, router));
        let patterns = |key: &str| option(options, key).and_then(|text| Regex::new(text).ok()).into_iter().collect();
        Some(Self {
            container: container.to_owned(),
            bucket: get("bucket")?,
            key_format: get("s3_key_format").unwrap_or_else(|| "/fluent-bit-logs/$TAG/%Y/%m/%d/%H/%M/%S".to_owned()),
            delimiters: get("s3_key_format_tag_delimiters").unwrap_or_else(|| ".".to_owned()),
            upload_timeout: get("upload_timeout").map_or(600, |text| seconds(&text)),
            compression: get("compression").and_then(|name| Compression::of(&name)),
            static_file_path: get("static_file_path").is_some_and(|text| is_on(&text)),
            log_key: get("log_key"),
            date_key: match get("json_date_key") {
                None => Some("date".to_owned()),
                Some(key) => (!matches!(key.to_lowercase().as_str(), "false" | "off" | "no")).then_some(key),
            },
            date_format: get("json_date_format").unwrap_or_else(|| "iso8601".to_owned()),
            metadata: metadata(router),
            include: patterns("include-pattern"),
            exclude: patterns("exclude-pattern"),
        })
    }
}

/// The S3 outputs of all containers; none where there is no log router.
pub(crate) fn outputs(definition: &Value) -> Vec<Output> {
    let Some(router) = router(definition) else { return Vec::new() };
    firelens_containers(definition)
        .filter(|(_, options)| {
            options.get("Name").and_then(Value::as_str).is_some_and(|name| name.eq_ignore_ascii_case("s3"))
        })
        .filter_map(|(name, options)| Output::read(name, options, router))
        .collect()
}

/// The log router's name and what makes it exit at its start, for instance a key format without a leading slash.
pub(crate) fn defect(definition: &Value) -> Option<(String, &'static str)> {
    let router = router(definition)?;
    let name = router.get("name").and_then(Value::as_str).unwrap_or_default().to_owned();
    firelens_containers(definition).find_map(|(_, options)| option_defect(options)).map(|defect| (name, defect))
}

fn option_defect(options: &Map<String, Value>) -> Option<&'static str> {
    const AGENT_ONLY: [&str; 3] = ["include-pattern", "exclude-pattern", "log-driver-buffer-limit"];
    let Some(name) = options.get("Name").and_then(Value::as_str) else {
        let plugin_options = options.keys().any(|key| !AGENT_ONLY.contains(&key.as_str()));
        return plugin_options.then_some("missing output key Name");
    };
    if !name.eq_ignore_ascii_case("s3") {
        return None;
    }
    if option(options, "bucket").is_none_or(str::is_empty) {
        return Some("'bucket' is a required parameter");
    }
    if option(options, "s3_key_format").is_some_and(|format| !format.starts_with('/')) {
        return Some("'s3_key_format' must start with a '/'");
    }
    if option(options, "total_file_size").is_some_and(|size| bytes(size) < 1_000_000) {
        return Some("'total_file_size' must be at least 1MB");
    }
    let known = ["gzip", "zstd", "snappy", "arrow", "parquet", "none"];
    if option(options, "compression").is_some_and(|compression| !known.contains(&compression)) {
        return Some("unknown compression");
    }
    None
}

fn containers(definition: &Value) -> impl Iterator<Item = &Value> {
    definition.get("containerDefinitions").and_then(Value::as_array).into_iter().flatten()
}

fn router(definition: &Value) -> Option<&Value> {
    containers(definition).find(|container| container.get("firelensConfiguration").is_some_and(Value::is_object))
}

fn firelens_containers(definition: &Value) -> impl Iterator<Item = (&str, &Map<String, Value>)> {
    containers(definition).filter_map(|container| {
        let log = container.get("logConfiguration")?;
        let options = log.get("options")?.as_object()?;
        (log.get("logDriver")? == "awsfirelens").then_some((container.get("name")?.as_str()?, options))
    })
}

/// An option of the plugin; Fluent Bit does not mind the case of its name.
fn option<'a>(options: &'a Map<String, Value>, key: &str) -> Option<&'a str> {
    options.iter().find(|(name, _)| name.eq_ignore_ascii_case(key)).and_then(|(_, value)| value.as_str())
}

/// Metadata is on unless the option says otherwise; what Go's `ParseBool` refuses switches it off.
fn metadata(router: &Value) -> bool {
    router
        .pointer("/firelensConfiguration/options/enable-ecs-log-metadata")
        .and_then(Value::as_str)
        .is_none_or(|text| matches!(text, "1" | "t" | "T" | "TRUE" | "true" | "True"))
}

/// Replaces `${NAME}` by the log router's environment; a name that is not set becomes nothing.
fn expand(text: &str, router: &Value) -> String {
    let environment = |name: &str| {
        let entries = router.get("environment").and_then(Value::as_array)?;
        entries.iter().find(|entry| entry.get("name").is_some_and(|given| given == name))?.get("value")?.as_str()
    };
    let mut expanded = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${") {
        let Some((name, remaining)) = after.split_once('}') else { break };
        expanded.push_str(before);
        expanded.push_str(environment(name).unwrap_or_default());
        rest = remaining;
    }
    expanded + rest
}

/// `flb_utils_time_to_seconds`: digits, and the last character as the unit.
fn seconds(text: &str) -> i64 {
    let unit = match text.chars().last() {
        Some('m') => 60,
        Some('h') => 3_600,
        Some('d') => 86_400,
        _ => 1,
    };
    leading_number(text).saturating_mul(unit)
}

/// Sizes count in powers of 1000.
fn bytes(text: &str) -> i64 {
    let unit = match text.trim_end_matches(['b', 'B']).chars().last() {
        Some('k' | 'K') => 1_000,
        Some('m' | 'M') => 1_000_000,
        Some('g' | 'G') => 1_000_000_000,
        _ => 1,
    };
    leading_number(text).saturating_mul(unit)
}

fn leading_number(text: &str) -> i64 {
    let end = text.find(|character: char| !character.is_ascii_digit()).unwrap_or(text.len());
    text.get(..end).and_then(|digits| digits.parse().ok()).unwrap_or(0).min(i64::from(i32::MAX))
}

fn is_on(text: &str) -> bool {
    matches!(text.to_lowercase().as_str(), "true" | "on" | "yes")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn times_and_sizes_are_read_as_fluent_bit_reads_them() {
        assert_eq!(["30s", "1m", "2h", "1d", "45", "10 minutes"].map(seconds), [30, 60, 7200, 86_400, 45, 10]);
        assert_eq!(["500K", "1M", "1MB", "1000000"].map(bytes), [500_000, 1_000_000, 1_000_000, 1_000_000]);
    }

    #[test]
    fn unset_variables_become_nothing() {
        let router = json!({"environment": [{"name": "STAGE", "value": "prod"}]});
        assert_eq!(expand("/logs/${STAGE}/${NOPE}/$TAG", &router), "/logs/prod//$TAG");
    }

    #[test]
    fn options_that_end_fluent_bit_at_its_start_are_found() {
        let defect_of = |options: Value| {
            let definition = json!({"containerDefinitions": [
                {"name": "Main", "logConfiguration": {"logDriver": "awsfirelens", "options": options}},
                {"name": "log-router", "firelensConfiguration": {"type": "fluentbit"}},
            ]});
            defect(&definition).map(|(_, defect)| defect)
        };
        assert_eq!(defect_of(json!({"name": "s3"})), Some("missing output key Name"));
        assert_eq!(
            defect_of(json!({"Name": "s3", "bucket": "b", "s3_key_format": "logs/$TAG"})),
            Some("'s3_key_format' must start with a '/'")
        );
        assert_eq!(defect_of(json!({"Name": "s3", "bucket": "b", "compression": "GZIP"})), Some("unknown compression"));
        assert_eq!(defect_of(json!({"Name": "S3", "bucket": "b", "upload_timeout": "30s"})), None);
        assert_eq!(defect_of(json!({"include-pattern": "x"})), None);
    }
}
