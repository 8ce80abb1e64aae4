//! The log options of a container, read the way the ECS agent and Fluent Bit's S3 plugin read them. It refuses to guess what only the
//! running task knows.

use serde_json::Value;

use super::Expectation;
use super::key_format::{DEFAULT_DELIMITERS, DEFAULT_FORMAT, KeyFormat};
use crate::firelens::{
    AGENT_OPTIONS, DECISIVE, DEFAULT_UPLOAD_TIMEOUT, go_bool, has_own_configuration, kind, option, seconds, switch,
};
use crate::task_definition::Container;
use log_objects::text::Lines;

/// The options that FireLens turns into an `[OUTPUT]` of Fluent Bit's S3 plugin.
pub(super) struct Options<'a> {
    container: Container<'a>,
    router: Option<Container<'a>>,
}

impl<'a> Options<'a> {
    /// Makes sure that there is such an output and that everything read of it can be seen (`firelensconfig_unix.go` of the ECS agent).
    pub(super) fn of(container: Container<'a>, router: Option<Container<'a>>) -> Result<Self, Expectation> {
        let name = container.name().unwrap_or_default();
        match container.log_driver() {
            Some("awsfirelens") => {}
            Some(driver) => {
                return Err(not_configured(&format!("container `{name}` logs with {driver}, not with awsfirelens")));
            }
            None => return Err(not_configured(&format!("container `{name}` has no log configuration"))),
        }
        if router.is_some_and(|router| kind(router) == Some("fluentd")) {
            return Err(not_verifiable("the log router is Fluentd; only outputs of Fluent Bit are read"));
        }
        let options = Self { container, router };
        // The agent knows `Name` in this spelling only; every other option reaches Fluent Bit, which ignores case.
        match container.log_option("Name") {
            Some(plugin) if plugin.eq_ignore_ascii_case("s3") => options.check_visible().map(|()| options),
            Some(plugin) => Err(not_configured(&format!(
                "the logs of container `{name}` go to Fluent Bit's output `{plugin}`, not to `s3`"
            ))),
            None if options.asks_for_output() => Err(not_verifiable(&format!(
                "the log options of container `{name}` have no `Name`, so ECS makes no output of them"
            ))),
            None if router.is_some_and(has_own_configuration) => Err(not_verifiable(
                "the log router takes its outputs from a configuration of its own, which cannot be seen here",
            )),
            None => Err(not_configured(&format!("container `{name}` has no log options, so its logs go nowhere"))),
        }
    }

    /// `bucket`.
    pub(super) fn bucket(&self) -> Result<&'a str, Expectation> {
        self.get("bucket").ok_or_else(|| not_verifiable("the S3 output names no bucket, so Fluent Bit does not start"))
    }

    /// `region`.
    pub(super) fn region(&self) -> &'a str {
        self.get("region").unwrap_or("us-east-1")
    }

    /// `upload_timeout`, in seconds.
    pub(super) fn upload_timeout(&self) -> u64 {
        self.get("upload_timeout").map_or(DEFAULT_UPLOAD_TIMEOUT, seconds)
    }

    /// `s3_key_format` and what goes with it.
    pub(super) fn key_format(&self) -> Result<KeyFormat, Expectation> {
        let format = self.get("s3_key_format").unwrap_or(DEFAULT_FORMAT);
        let delimiters = self.get("s3_key_format_tag_delimiters").unwrap_or(DEFAULT_DELIMITERS);
        let is_static = self.get("static_file_path").and_then(switch) == Some(true);
        KeyFormat::parse(format, delimiters, is_static).map_err(|bad| not_verifiable(&bad.to_string()))
    }

    /// What the lines of the objects are, if they are lines at all. Fluent Bit knows these names in lower case only.
    pub(super) fn lines(&self) -> Result<Lines, Expectation> {
        if let Some(format @ ("otlp_json" | "arrow" | "parquet")) = self.get("format") {
            return Err(not_verifiable(&format!("objects in the format {format} cannot be read yet")));
        }
        if let Some(compression @ ("arrow" | "parquet")) = self.get("compression") {
            return Err(not_verifiable(&format!("objects compressed with {compression} cannot be read yet")));
        }
        Ok(if self.get("log_key").is_some() { Lines::Bare } else { Lines::Json })
    }

    /// Whether objects are snappy blocks, which no magic bytes tell.
    pub(super) fn is_snappy(&self) -> bool {
        self.get("compression") == Some("snappy")
    }

    /// Whether records get `ecs_*` members: the default, and off for every value that Go's `ParseBool` refuses (`parseOptions` of the agent).
    pub(super) fn adds_metadata(&self) -> bool {
        let switch = self.router.and_then(|router| option(router, "enable-ecs-log-metadata"));
        switch.is_none_or(|value| go_bool(value) == Some(true))
    }

    /// An option's value, whatever the case of its name; an empty one counts as absent.
    fn get(&self, option: &str) -> Option<&'a str> {
        let mut options = self.container.log_options()?.iter();
        let (_, value) = options.find(|(name, _)| name.eq_ignore_ascii_case(option))?;
        value.as_str().map(str::trim).filter(|value| !value.is_empty())
    }

    /// Whether an option is there that is meant for an output; some are for the agent's own filters and buffer.
    fn asks_for_output(&self) -> bool {
        let mut options = self.container.log_options().into_iter().flatten();
        options.any(|(option, _)| !AGENT_OPTIONS.contains(&option.as_str())) || !self.secrets().is_empty()
    }

    fn secrets(&self) -> &'a [Value] {
        let configuration = self.container.members.get("logConfiguration");
        configuration.and_then(|logs| logs.get("secretOptions")?.as_array()).map_or(&[], Vec::as_slice)
    }

    /// Refuses values that only the running task knows, and stores that are not S3.
    fn check_visible(&self) -> Result<(), Expectation> {
        for option in DECISIVE {
            let is_this =
                |secret: &Value| secret["name"].as_str().is_some_and(|name| name.eq_ignore_ascii_case(option));
            if self.secrets().iter().any(is_this) {
                return Err(not_verifiable(&format!(
                    "the option `{option}` is a secret, so its value cannot be seen here"
                )));
            }
            if self.get(option).is_some_and(|value| value.contains("${")) {
                return Err(not_verifiable(&format!(
                    "the option `{option}` takes a variable from the log router's environment, which cannot be seen here"
                )));
            }
        }
        match self.get("endpoint") {
            Some(endpoint) if !endpoint.contains("amazonaws.com") => {
                Err(not_verifiable("the option `endpoint` leads to a store that is not Amazon S3"))
            }
            _ => Ok(()),
        }
    }
}

fn not_configured(why: &str) -> Expectation {
    Expectation::NotConfigured(why.to_owned())
}

fn not_verifiable(why: &str) -> Expectation {
    Expectation::NotVerifiable(why.to_owned())
}
