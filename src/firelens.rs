//! How the ECS agent and Fluent Bit read the options of a log router and of its S3 output, and how long they hold records back. What an option
//! means for a release is for `validate` and `verify`.
//!
//! Sources: amazon-ecs-agent, `agent/taskresource/firelens/firelens_unix.go` (`parseOptions`); Fluent Bit, `plugins/out_s3/s3.c`.

use serde_json::{Map, Value};

use crate::task_definition::Container;

/// `upload_timeout` when it is not set, in seconds (`config_map` in Fluent Bit's `plugins/out_s3/s3.c`).
pub const DEFAULT_UPLOAD_TIMEOUT: u64 = 600;

/// What may pass on top of the output's own timing, in seconds: the router's start, a flush (1 s), the upload, two clocks.
const MARGIN: u64 = 15;

/// The options of the S3 output that decide where the objects are and what is in them: a value of theirs that cannot be seen makes the output
/// unknowable.
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

/// `firelensConfiguration.type`.
pub(crate) fn kind(router: Container<'_>) -> Option<&str> {
    router.members.get("firelensConfiguration")?.get("type")?.as_str()
}

/// `firelensConfiguration.options`.
pub(crate) fn options(router: Container<'_>) -> Option<&Map<String, Value>> {
    router.members.get("firelensConfiguration")?.get("options")?.as_object()
}

/// An option of `firelensConfiguration`; the agent knows each in one spelling only.
pub(crate) fn option<'a>(router: Container<'a>, name: &str) -> Option<&'a str> {
    options(router)?.get(name)?.as_str()
}

/// Go's reading of a boolean (`strconv.ParseBool`).
pub(crate) fn go_bool(text: &str) -> Option<bool> {
    match text {
        "1" | "t" | "T" | "TRUE" | "true" | "True" => Some(true),
        "0" | "f" | "F" | "FALSE" | "false" | "False" => Some(false),
        _ => None,
    }
}

/// Whether it reads configuration that is not in the document: a file of its image, or files that the `init` images
/// load.
pub(crate) fn has_own_configuration(router: Container<'_>) -> bool {
    let loads = |variable: &Value| {
        variable.get("name").and_then(Value::as_str).is_some_and(|name| name.starts_with("aws_fluent_bit_init_"))
    };
    option(router, "config-file-type").is_some() || router.list("environment").iter().any(loads)
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

/// A duration in seconds (`flb_utils_time_to_seconds`): the leading digits, and a unit in the very last character, so `10 minutes` is 10 s.
pub fn seconds(text: &str) -> u64 {
    let digits: String = text.trim_start().chars().take_while(char::is_ascii_digit).collect();
    let unit = match text.chars().last() {
        Some('d' | 'D') => 86_400,
        Some('h' | 'H') => 3_600,
        Some('m' | 'M') => 60,
        _ => 1,
    };
    digits.parse::<u64>().unwrap_or_default().saturating_mul(unit)
}

/// After how many seconds from the first line an object must have landed: Fluent Bit looks at the age of its buffers at ticks of a sixth of
/// `upload_timeout`, at least 6 and at most 60 s apart (`plugins/out_s3/s3.c`).
pub fn first_object_after(upload_timeout: u64) -> u64 {
    upload_timeout.saturating_add((upload_timeout / 6).clamp(6, 60) + MARGIN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_as_fluent_bit_reads_them() {
        let cases = [
            ("30s", 30),
            ("1m", 60),
            ("2H", 7200),
            ("1d", 86_400),
            ("90", 90),
            ("10 minutes", 10),
            ("5 min", 5),
            ("m", 0),
            ("", 0),
        ];
        for (text, expected) in cases {
            assert_eq!(seconds(text), expected, "{text}");
        }
        assert_eq!(seconds("99999999999999999999d"), 0);
        assert_eq!(seconds("9999999999999999999d"), u64::MAX);
    }

    #[test]
    fn the_first_object_waits_for_the_timer() {
        assert_eq!([30, 60, 600].map(first_object_after), [51, 85, 675]);
        assert_eq!(first_object_after(u64::MAX), u64::MAX);
    }
}
