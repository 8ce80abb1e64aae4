//! What the ECS agent and Fluent Bit read out of a container's `awsfirelens` options, as far as rules need it.
//! It reads; whether a value is a mistake is for the rules to say.
//!
//! Sources: amazon-ecs-agent, `firelensconfig_unix.go` (`addOutputSection`); Fluent Bit, `plugins/out_s3/s3.c`.

use serde_json::Value;

use crate::firelens::AGENT_OPTIONS;
pub(super) use crate::firelens::switch;
use crate::task_definition::{Container, TaskDefinition};
use crate::validate::Severity;
use crate::validate::log_router::{self, FluentBit, Version};
use crate::verify::key_format::{DEFAULT_DELIMITERS, DEFAULT_FORMAT, KeyFormat};

/// The log output of one container: its `awsfirelens` options, and the router that acts on them.
#[derive(Clone, Copy, Debug)]
pub(super) struct LogOutput<'a> {
    /// The container whose lines are routed.
    pub(super) container: Container<'a>,
    /// The log router that they go through.
    pub(super) router: Container<'a>,
}

/// What a document says about one option.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Setting<'a> {
    /// Nothing: the default holds.
    Absent,
    /// A value that only the running task knows: a secret, or text with a `${VARIABLE}` of the router's environment.
    Hidden,
    /// The option as it is spelt in the document, and its value without blanks around it.
    Given(&'a str, &'a str),
}

impl<'a> LogOutput<'a> {
    /// The outputs of a definition, in the containers' order; none where there is no router to act on them.
    pub(super) fn all(definition: &'a TaskDefinition) -> impl Iterator<Item = Self> {
        let router = definition.containers().find(Container::is_log_router);
        router.into_iter().flat_map(|router| {
            definition
                .containers()
                .filter(|container| container.log_driver() == Some("awsfirelens"))
                .map(move |container| Self { container, router })
        })
    }

    /// The outputs that Fluent Bit's S3 plugin writes. The plugin's name may have any case, the key `Name` may not.
    pub(super) fn to_s3(definition: &'a TaskDefinition) -> impl Iterator<Item = Self> {
        Self::all(definition).filter(|output| {
            let plugin = output.container.log_option("Name").unwrap_or_default();
            output.plugin_key() == "Name" && plugin.trim().eq_ignore_ascii_case("s3")
        })
    }

    /// The option that names the output plugin; the agent looks for exactly this spelling.
    pub(super) fn plugin_key(&self) -> &'static str {
        if log_router::kind(self.router) == Some("fluentd") { "@type" } else { "Name" }
    }

    /// The names of the options that go to the plugin, secret ones included.
    pub(super) fn plugin_options(&self) -> impl Iterator<Item = &'a str> {
        let written = self.container.log_options().into_iter().flat_map(|options| options.keys().map(String::as_str));
        written.chain(self.secret_options()).filter(|name| !AGENT_OPTIONS.contains(name))
    }

    fn secret_options(&self) -> impl Iterator<Item = &'a str> {
        self.secrets().iter().filter_map(|secret| secret.get("name")?.as_str())
    }

    fn secrets(&self) -> &'a [Value] {
        let secrets = self.container.members.get("logConfiguration").and_then(|log| log.get("secretOptions"));
        secrets.and_then(Value::as_array).map_or(&[], Vec::as_slice)
    }

    /// What the plugin gets for an option, in whatever case it is written: Fluent Bit ignores the case of keys.
    pub(super) fn setting(&self, option: &str) -> Setting<'a> {
        if self.secret_options().any(|name| name.eq_ignore_ascii_case(option)) {
            return Setting::Hidden;
        }
        let mut options = self.container.log_options().into_iter().flatten();
        match options.find(|(name, _)| name.eq_ignore_ascii_case(option)) {
            None => Setting::Absent,
            Some((name, value)) => match value.as_str().map(str::trim) {
                Some(text) if !text.contains("${") => Setting::Given(name, text),
                _ => Setting::Hidden,
            },
        }
    }

    /// Whether an option of Fluent Bit's is visibly switched on.
    pub(super) fn is_on(&self, option: &str) -> bool {
        matches!(self.setting(option), Setting::Given(_, text) if switch(text) == Some(true))
    }

    /// The format of the objects' keys, where it can be seen.
    pub(super) fn key_format(&self) -> Option<&'a str> {
        self.visible("s3_key_format", DEFAULT_FORMAT)
    }

    /// The characters that cut the tag into parts, where they can be seen.
    pub(super) fn tag_delimiters(&self) -> Option<&'a str> {
        self.visible("s3_key_format_tag_delimiters", DEFAULT_DELIMITERS)
    }

    /// Whether every key holds the id of the task that wrote it; `None` where that cannot be seen.
    pub(super) fn key_names_task(&self) -> Option<bool> {
        let format = KeyFormat::parse(self.key_format()?, self.tag_delimiters()?, false).ok()?;
        Some(format.names_task(self.container.name()?))
    }

    /// Whether the keys begin with something that narrows a search for them; `None` where that cannot be seen.
    pub(super) fn key_is_searchable(&self) -> Option<bool> {
        let format = KeyFormat::parse(self.key_format()?, self.tag_delimiters()?, false).ok()?;
        Some(format.is_searchable(self.container.name()?))
    }

    /// How many parts the tag has, and how many of them come from the container's name; `None` where that cannot be
    /// seen.
    pub(super) fn tag_parts(&self) -> Option<TagParts> {
        let delimiters = self.tag_delimiters()?;
        let count = |text: &str| text.split(|c| delimiters.contains(c)).filter(|part| !part.is_empty()).count();
        let name = self.container.name()?;
        Some(TagParts { all: count(&format!("{name}-firelens-{ANY_TASK}")), of_name: count(name) })
    }

    /// The numbers of the tag parts (`$TAG[n]`) in the key format.
    pub(super) fn used_tag_parts(&self) -> Vec<usize> {
        let pieces = self.key_format().unwrap_or_default().split("$TAG[").skip(1);
        pieces.filter_map(|rest| rest.split_once(']')?.0.parse().ok()).collect()
    }

    /// An option's value or its default; `None` where only the running task knows it.
    fn visible(&self, option: &str, default: &'a str) -> Option<&'a str> {
        match self.setting(option) {
            Setting::Hidden => None,
            Setting::Absent | Setting::Given(_, "") => Some(default),
            Setting::Given(_, text) => Some(text),
        }
    }

    /// How bad it is that the router's Fluent Bit lacks what came with a version: nothing, where it may know it.
    pub(super) fn severity_of_lacking(&self, version: Version) -> Option<Severity> {
        let fluent_bit = FluentBit::of(self.router);
        if fluent_bit.newest >= version {
            return None;
        }
        Some(if fluent_bit.is_certain { self.severity_of_a_dead_router() } else { Severity::Warning })
    }

    /// The JSON pointer of an option, written or not.
    pub(super) fn pointer(&self, option: &str) -> String {
        let option = option.replace('~', "~0").replace('/', "~1");
        format!("{}/logConfiguration/options/{option}", self.container.pointer())
    }

    /// Whether an option is a secret, or written as text.
    pub(super) fn is_text_or_secret(&self, option: &str) -> bool {
        let mut options = self.container.log_options().into_iter().flatten();
        self.secret_options().any(|name| name.eq_ignore_ascii_case(option))
            || options.any(|(name, value)| name.eq_ignore_ascii_case(option) && value.is_string())
    }

    /// The JSON pointer of an option that goes to the plugin, secret or not.
    pub(super) fn pointer_of_plugin_option(&self, option: &str) -> String {
        match self.secrets().iter().position(|secret| secret.get("name").and_then(Value::as_str) == Some(option)) {
            Some(index) if !self.container.log_options().is_some_and(|options| options.contains_key(option)) => {
                format!("{}/logConfiguration/secretOptions/{index}/name", self.container.pointer())
            }
            _ => self.pointer(option),
        }
    }

    /// How bad it is when the options stop the router: an essential router takes the task with it, another one only
    /// the logs.
    pub(super) fn severity_of_a_dead_router(&self) -> Severity {
        log_router::severity_of_death(self.router)
    }

    /// Whether the router can have AWS credentials of its own, so that it does not depend on the task role.
    pub(super) fn router_has_credentials(&self) -> bool {
        let names = |list| self.router.list(list).iter().filter_map(|entry| entry.get("name")?.as_str());
        !self.router.list("environmentFiles").is_empty()
            || names("environment")
                .chain(names("secrets"))
                .any(|name| matches!(name, "AWS_ACCESS_KEY_ID" | "AWS_SHARED_CREDENTIALS_FILE" | "AWS_CONFIG_FILE"))
    }
}

/// The options of the S3 plugin, and those that every output of Fluent Bit has (`config_map` in `plugins/out_s3/s3.c`
/// of 1.9 and 5.x; `flb_output_set_property` in `src/flb_output.c`).
const OPTIONS: [&str; 43] = [
    "Name",
    "alias",
    "auto_retry_requests",
    "bucket",
    "canned_acl",
    "compression",
    "content_type",
    "endpoint",
    "external_id",
    "host",
    "ipv6",
    "json_date_format",
    "json_date_key",
    "log_key",
    "log_level",
    "log_suppress_interval",
    "match",
    "match_regex",
    "no_multiplex",
    "port",
    "preserve_data_ordering",
    "processors",
    "profile",
    "region",
    "retry_limit",
    "role_arn",
    "s3_key_format",
    "s3_key_format_tag_delimiters",
    "schema_str",
    "send_content_md5",
    "static_file_path",
    "storage_class",
    "store_dir",
    "store_dir_limit_size",
    "sts_endpoint",
    "tls",
    "total_file_size",
    "upload_chunk_size",
    "upload_timeout",
    "use_put_object",
    "workers",
    "event_type",
    "threaded",
];

/// Options that came later, with the first version that knows them.
const LATER_OPTIONS: [(&str, Version); 13] = [
    ("authorization_endpoint_bearer_token", (4, 1, 0)),
    ("authorization_endpoint_password", (4, 1, 0)),
    ("authorization_endpoint_url", (4, 1, 0)),
    ("authorization_endpoint_username", (4, 1, 0)),
    ("blob_database_file", (4, 1, 0)),
    ("file_delivery_attempt_limit", (4, 1, 0)),
    ("part_delivery_attempt_limit", (4, 1, 0)),
    ("part_size", (4, 1, 0)),
    ("upload_part_freshness_limit", (4, 1, 0)),
    ("upload_parts_timeout", (4, 1, 0)),
    ("format", (5, 0, 5)),
    ("quarantine_dir_limit_size", (5, 0, 7)),
    ("retry_exhausted_action", (5, 0, 7)),
];

/// Families of options that are passed on to other parts of Fluent Bit.
const FAMILIES: [&str; 5] = ["net.", "tls.", "storage.", "parquet.", "_debug."];

/// The names of all options that some version of the S3 output knows.
pub(super) fn known_options() -> impl Iterator<Item = &'static str> {
    OPTIONS.into_iter().chain(LATER_OPTIONS.iter().map(|(name, _)| *name))
}

/// Whether some version of the S3 output knows the option; case is ignored.
pub(super) fn is_known_option(option: &str) -> bool {
    let option = option.to_ascii_lowercase();
    known_options().any(|known| known.eq_ignore_ascii_case(&option))
        || FAMILIES.iter().any(|family| option.starts_with(family))
}

/// The version that brought the option, where not every one knows it.
pub(super) fn since(option: &str) -> Option<Version> {
    LATER_OPTIONS.iter().find(|(name, _)| name.eq_ignore_ascii_case(option)).map(|(_, version)| *version)
}

/// A task id for counting the parts of a tag; nobody cuts tags at a digit.
const ANY_TASK: &str = "00000000000000000000000000000000";

/// The parts of a tag `<container>-firelens-<task id>`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TagParts {
    /// All of them.
    pub(super) all: usize,
    /// Those that the container's name is cut into: the first ones.
    pub(super) of_name: usize,
}

/// The smallest `total_file_size`, in bytes: below it the plugin refuses to start.
pub(super) const MIN_FILE_SIZE: u64 = 1_000_000;

/// Fluent Bit's reading of a size, in bytes: K, M and G are powers of 1000; `None` for what it cannot read.
pub(super) fn bytes(text: &str) -> Option<u64> {
    let number_ends = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(number_ends);
    let factor: u64 = match unit.to_ascii_uppercase().as_str() {
        "" => 1,
        "K" | "KB" => 1_000,
        "M" | "MB" => 1_000_000,
        "G" | "GB" => 1_000_000_000,
        _ => return None,
    };
    let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
    let fraction = fraction.get(..fraction.len().min(9))?;
    let scale = 10_u64.checked_pow(u32::try_from(fraction.len()).ok()?)?;
    let whole = whole.parse::<u64>().ok()?.checked_mul(factor)?;
    whole.checked_add(fraction.parse::<u64>().ok()?.checked_mul(factor)? / scale)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_count_in_powers_of_1000() {
        assert_eq!(
            ["1M", "1mb", "500K", "1000000", "1.5M", "0.5M", "50G"].map(bytes),
            [1_000_000, 1_000_000, 500_000, 1_000_000, 1_500_000, 500_000, 50_000_000_000].map(Some)
        );
        assert_eq!(["", "1MiB", "M", "99999999999999999999", "1 M", "1.2.3", "-1"].map(bytes), [None; 7]);
    }

    #[test]
    fn switches_are_words_in_any_case() {
        assert_eq!(
            ["true", "On", "YES", "false", "Off", "no"].map(switch),
            [true, true, true, false, false, false].map(Some)
        );
        assert_eq!(["1", "", "t", "enabled"].map(switch), [None; 4]);
    }

    #[test]
    fn a_router_that_is_not_essential_takes_only_the_logs_with_it() {
        let severity = |essential: &str| {
            let text = format!(
                r#"{{"containerDefinitions": [{{"name": "Main", "logConfiguration": {{"logDriver": "awsfirelens"}}}},
                    {{"name": "router", "firelensConfiguration": {{"type": "fluentbit"}}{essential}}}]}}"#
            );
            let definition = TaskDefinition::parse(text.as_bytes()).unwrap();
            LogOutput::all(&definition).next().unwrap().severity_of_a_dead_router()
        };
        assert_eq!(severity(""), Severity::Error);
        assert_eq!(severity(r#", "essential": false"#), Severity::Warning);
    }
}
