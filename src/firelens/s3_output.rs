//! What the ECS agent and Fluent Bit read out of a container's `awsfirelens` options, as far as rules need it.
//! It reads; whether a value is a mistake is for the rules to say.
//!
//! Sources: amazon-ecs-agent, `firelensconfig_unix.go` (`addOutputSection`); Fluent Bit, `plugins/out_s3/s3.c`.

use serde_json::Value;

use super::key_format::{BadKeyFormat, DEFAULT_DELIMITERS, DEFAULT_FORMAT, KeyFormat};
use super::router::{self, Version};
use super::{DEFAULT_UPLOAD_TIMEOUT, seconds};
use crate::task_definition::pointer::escape;
use crate::task_definition::{Container, TaskDefinition};

/// The options of the S3 output that decide where the objects are and what is in them: a value of theirs that cannot be
/// seen makes the output unknowable.
pub(crate) const DECISIVE: [&str; 10] = [
    "bucket",
    "region",
    "endpoint",
    "s3_key_format",
    "s3_key_format_tag_delimiters",
    "static_file_path",
    "upload_timeout",
    "compression",
    "format",
    "log_key",
];

/// Options that the agent keeps for itself; they make no output section.
pub(crate) const AGENT_OPTIONS: [&str; 3] = ["log-driver-buffer-limit", "include-pattern", "exclude-pattern"];

/// `region` when it is not set (`config_map` in Fluent Bit's `plugins/out_s3/s3.c`).
const DEFAULT_REGION: &str = "us-east-1";

/// What `format` makes of records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    /// A line of JSON for each record; `json` is the same here.
    JsonLines,
    /// OpenTelemetry's JSON, on one line or on many: it drops the members that FireLens adds.
    Otlp,
    /// An Arrow file.
    Arrow,
    /// A Parquet file.
    Parquet,
}

/// What `compression` makes of objects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Compression {
    /// Nothing.
    None,
    /// gzip.
    Gzip,
    /// zstd.
    Zstd,
    /// Snappy blocks, which no magic bytes tell.
    Snappy,
    /// An Arrow file.
    Arrow,
    /// A Parquet file.
    Parquet,
}

impl Compression {
    /// Whether it makes a file of columns of the records, and no lines.
    pub(crate) fn is_file(self) -> bool {
        matches!(self, Self::Arrow | Self::Parquet)
    }
}

/// A word that an option takes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Word<T: 'static = ()> {
    /// The word.
    pub(crate) text: &'static str,
    /// Whether it counts in any case.
    pub(crate) ignores_case: bool,
    /// The version of Fluent Bit that brought it.
    pub(crate) since: Version,
    /// What it means.
    pub(crate) meaning: T,
}

/// In every version that is still around.
pub(crate) const ALWAYS: Version = (0, 0, 0);

/// The words of `format`, which are compared without case: `flb_pack_to_json_format_type` in `src/flb_pack.c` and
/// `cb_s3_init` in `plugins/out_s3/s3.c` use `strcasecmp`, from 5.0.5 on, which brought the option.
pub(crate) const FORMATS: [Word<Format>; 6] = [
    format_word("json_lines", ALWAYS, Format::JsonLines),
    format_word("json", ALWAYS, Format::JsonLines),
    format_word("otlp_json", ALWAYS, Format::Otlp),
    format_word("otlp_json_pretty", ALWAYS, Format::Otlp),
    format_word("arrow", (5, 1, 0), Format::Arrow),
    format_word("parquet", (5, 1, 0), Format::Parquet),
];

const fn format_word(text: &'static str, since: Version, meaning: Format) -> Word<Format> {
    Word { text, ignores_case: true, since, meaning }
}

/// The words of `compression`. `flb_aws_compression_get_type` in `src/aws/flb_aws_compress.c` compares with `strcmp`,
/// in 1.9 and 5.x alike; `none`, `arrow` and `parquet` are looked for before, with `strcasecmp`, by `cb_s3_init` in
/// `plugins/out_s3/s3.c`.
pub(crate) const COMPRESSIONS: [Word<Compression>; 6] = [
    compression_word("gzip", false, ALWAYS, Compression::Gzip),
    compression_word("zstd", false, (4, 1, 0), Compression::Zstd),
    compression_word("snappy", false, (5, 0, 0), Compression::Snappy),
    compression_word("none", true, (2, 0, 0), Compression::None),
    compression_word("arrow", true, ALWAYS, Compression::Arrow),
    compression_word("parquet", true, (4, 1, 0), Compression::Parquet),
];

const fn compression_word(
    text: &'static str,
    ignores_case: bool,
    since: Version,
    meaning: Compression,
) -> Word<Compression> {
    Word { text, ignores_case, since, meaning }
}

/// The word that a Fluent Bit which knows it reads.
pub(crate) fn read_word<T>(words: &'static [Word<T>], text: &str) -> Option<&'static Word<T>> {
    let is_meant = |word: &&Word<T>| match word.ignores_case {
        true => word.text.eq_ignore_ascii_case(text),
        false => word.text == text,
    };
    words.iter().find(is_meant)
}

/// The log output of one container: its `awsfirelens` options, and the router that acts on them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LogOutput<'a> {
    /// The container whose lines are routed.
    pub(crate) container: Container<'a>,
    /// The log router that they go through.
    pub(crate) router: Container<'a>,
}

/// What a document says about one option.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Setting<'a> {
    /// Nothing: the default holds.
    Absent,
    /// A value that only the running task knows: a secret, or text with a `${VARIABLE}` of the router's environment.
    Hidden,
    /// The option as it is spelt in the document, and its value without blanks around it.
    Given(&'a str, &'a str),
}

impl<'a> LogOutput<'a> {
    /// The outputs of a definition, in the containers' order; none where there is no router to act on them.
    pub(crate) fn all(definition: &'a TaskDefinition) -> impl Iterator<Item = Self> {
        let router = definition.containers().find(Container::is_log_router);
        router.into_iter().flat_map(|router| {
            definition
                .containers()
                .filter(|container| container.log_driver() == Some("awsfirelens"))
                .map(move |container| Self { container, router })
        })
    }

    /// The outputs that Fluent Bit's S3 plugin writes.
    pub(crate) fn to_s3(definition: &'a TaskDefinition) -> impl Iterator<Item = Self> {
        Self::all(definition).filter(Self::is_s3)
    }

    /// Whether Fluent Bit's S3 plugin writes it. The plugin's name may have any case, and blanks around it; the key
    /// `Name` may not.
    pub(crate) fn is_s3(&self) -> bool {
        self.plugin_key() == "Name" && self.plugin().is_some_and(|plugin| plugin.eq_ignore_ascii_case("s3"))
    }

    /// The output plugin that the options name, without blanks around it.
    pub(crate) fn plugin(&self) -> Option<&'a str> {
        self.container.log_option(self.plugin_key()).map(str::trim)
    }

    /// The option that names the output plugin; the agent looks for exactly this spelling.
    pub(crate) fn plugin_key(&self) -> &'static str {
        if router::kind(self.router) == Some("fluentd") { "@type" } else { "Name" }
    }

    /// The names of the options that go to the plugin, secret ones included.
    pub(crate) fn plugin_options(&self) -> impl Iterator<Item = &'a str> {
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
    pub(crate) fn setting(&self, option: &str) -> Setting<'a> {
        if self.is_secret(option) {
            return Setting::Hidden;
        }
        let mut options = self.container.log_options().into_iter().flatten();
        match options.find(|(name, _)| name.eq_ignore_ascii_case(option)) {
            None => Setting::Absent,
            Some((name, value)) => match value.as_str().map(str::trim) {
                Some(text) if !text.contains("${") => Setting::Given(name, text),
                // Behind the whole tag a variable may be anything: the task's objects are found without it.
                Some(text) if option == "s3_key_format" && is_behind_tag(text) => Setting::Given(name, text),
                _ => Setting::Hidden,
            },
        }
    }

    /// Whether an option of Fluent Bit's is visibly switched on.
    pub(crate) fn is_on(&self, option: &str) -> bool {
        matches!(self.setting(option), Setting::Given(_, text) if switch(text) == Some(true))
    }

    /// The value of an option that is given and can be seen; an empty one counts as absent, as it does for Fluent Bit.
    pub(crate) fn value(&self, option: &str) -> Option<&'a str> {
        match self.setting(option) {
            Setting::Given(_, text) => Some(text).filter(|text| !text.is_empty()),
            Setting::Absent | Setting::Hidden => None,
        }
    }

    /// `bucket`.
    pub(crate) fn bucket(&self) -> Option<&'a str> {
        self.value("bucket")
    }

    /// `region`.
    pub(crate) fn region(&self) -> &'a str {
        self.value("region").unwrap_or(DEFAULT_REGION)
    }

    /// `upload_timeout`, in seconds; `None` where only the running task knows it.
    pub(crate) fn upload_timeout(&self) -> Option<u64> {
        self.visible("upload_timeout", "")
            .map(|text| if text.is_empty() { DEFAULT_UPLOAD_TIMEOUT } else { seconds(text) })
    }

    /// `format`; `None` for a word that no Fluent Bit knows.
    pub(crate) fn format(&self) -> Option<Format> {
        self.value("format").map_or(Some(Format::JsonLines), |text| Some(read_word(&FORMATS, text)?.meaning))
    }

    /// `compression`; `None` for a word that no Fluent Bit knows.
    pub(crate) fn compression(&self) -> Option<Compression> {
        self.value("compression").map_or(Some(Compression::None), |text| Some(read_word(&COMPRESSIONS, text)?.meaning))
    }

    /// Whether an object holds bare lines, the value of one member, and no records.
    pub(crate) fn stores_bare_lines(&self) -> bool {
        self.value("log_key").is_some()
    }

    /// How the keys of the objects are made, where that can be seen.
    pub(crate) fn keys(&self) -> Option<Result<KeyFormat, BadKeyFormat>> {
        let is_static = self.value("static_file_path").and_then(switch) == Some(true);
        Some(KeyFormat::parse(self.key_format()?, self.tag_delimiters()?, is_static))
    }

    /// The format of the objects' keys, where it can be seen.
    pub(crate) fn key_format(&self) -> Option<&'a str> {
        self.visible("s3_key_format", DEFAULT_FORMAT)
    }

    /// The characters that cut the tag into parts, where they can be seen.
    pub(crate) fn tag_delimiters(&self) -> Option<&'a str> {
        self.visible("s3_key_format_tag_delimiters", DEFAULT_DELIMITERS)
    }

    /// Whether every key holds the id of the task that wrote it; `None` where that cannot be seen.
    pub(crate) fn key_names_task(&self) -> Option<bool> {
        Some(self.keys()?.ok()?.names_task(self.container.name()?))
    }

    /// How many parts the tag has, and how many of them come from the container's name; `None` where that cannot be
    /// seen.
    pub(crate) fn tag_parts(&self) -> Option<TagParts> {
        let delimiters = self.tag_delimiters()?;
        let count = |text: &str| text.split(|c| delimiters.contains(c)).filter(|part| !part.is_empty()).count();
        let name = self.container.name()?;
        Some(TagParts { all: count(&format!("{name}-firelens-{ANY_TASK}")), of_name: count(name) })
    }

    /// The numbers of the tag parts (`$TAG[n]`) in the key format.
    pub(crate) fn used_tag_parts(&self) -> Vec<usize> {
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

    /// The JSON pointer of an option, written or not.
    pub(crate) fn pointer(&self, option: &str) -> String {
        let option = escape(option);
        format!("{}/logConfiguration/options/{option}", self.container.pointer())
    }

    /// Whether an option is a secret.
    pub(crate) fn is_secret(&self, option: &str) -> bool {
        self.secret_options().any(|name| name.eq_ignore_ascii_case(option))
    }

    /// Whether an option is a secret, or written as text.
    pub(crate) fn is_text_or_secret(&self, option: &str) -> bool {
        let mut options = self.container.log_options().into_iter().flatten();
        self.is_secret(option) || options.any(|(name, value)| name.eq_ignore_ascii_case(option) && value.is_string())
    }

    /// The JSON pointer of an option, in whatever case it is written, as a secret or as text.
    pub(crate) fn place(&self, option: &str) -> String {
        let is_this = |name: &str| name.eq_ignore_ascii_case(option);
        let written = self.container.log_options().into_iter().flat_map(|options| options.keys());
        let mut named = written.map(String::as_str).chain(self.secret_options()).filter(|name| is_this(name));
        self.pointer_of_plugin_option(named.next().unwrap_or(option))
    }

    /// The JSON pointer of an option that goes to the plugin, secret or not.
    pub(crate) fn pointer_of_plugin_option(&self, option: &str) -> String {
        match self.secrets().iter().position(|secret| secret.get("name").and_then(Value::as_str) == Some(option)) {
            Some(index) if !self.container.log_options().is_some_and(|options| options.contains_key(option)) => {
                format!("{}/logConfiguration/secretOptions/{index}/name", self.container.pointer())
            }
            _ => self.pointer(option),
        }
    }

    /// Whether the router can have AWS credentials of its own, so that it does not depend on the task role.
    pub(crate) fn router_has_credentials(&self) -> bool {
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
pub(crate) fn known_options() -> impl Iterator<Item = &'static str> {
    OPTIONS.into_iter().chain(LATER_OPTIONS.iter().map(|(name, _)| *name))
}

/// Whether some version of the S3 output knows the option; case is ignored.
pub(crate) fn is_known_option(option: &str) -> bool {
    let option = option.to_ascii_lowercase();
    known_options().any(|known| known.eq_ignore_ascii_case(&option))
        || FAMILIES.iter().any(|family| option.starts_with(family))
}

/// The version that brought the option, where not every one knows it.
pub(crate) fn since(option: &str) -> Option<Version> {
    LATER_OPTIONS.iter().find(|(name, _)| name.eq_ignore_ascii_case(option)).map(|(_, version)| *version)
}

/// A task id for counting the parts of a tag; nobody cuts tags at a digit.
const ANY_TASK: &str = "00000000000000000000000000000000";

/// The parts of a tag `<container>-firelens-<task id>`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TagParts {
    /// All of them.
    pub(crate) all: usize,
    /// Those that the container's name is cut into: the first ones.
    pub(crate) of_name: usize,
}

/// Fluent Bit's reading of a switch (`flb_utils_bool`); `None` for what it cannot read.
pub(crate) fn switch(text: &str) -> Option<bool> {
    let is_one_of = |words: [&str; 3]| words.iter().any(|word| text.eq_ignore_ascii_case(word));
    if is_one_of(["true", "on", "yes"]) {
        Some(true)
    } else if is_one_of(["false", "off", "no"]) {
        Some(false)
    } else {
        None
    }
}

/// The smallest `total_file_size`, in bytes: below it the plugin refuses to start.
pub(crate) const MIN_FILE_SIZE: u64 = 1_000_000;

/// Fluent Bit's reading of a size, in bytes: K, M and G are powers of 1000; `None` for what it cannot read.
pub(crate) fn bytes(text: &str) -> Option<u64> {
    let number_ends = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at_checked(number_ends)?;
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

/// Whether the first variable of a key format stands behind the whole tag, which names the task.
fn is_behind_tag(format: &str) -> bool {
    let before = format.split("${").next().unwrap_or_default();
    let mut tags = before.match_indices("$TAG");
    tags.any(|(at, tag)| !before.get(at + tag.len()..).is_some_and(|after| after.starts_with('[')))
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
}
