//! What the ECS agent and Fluent Bit read out of a container's `awsfirelens` options, as far as rules need it.
//! It reads; whether a value is a mistake is for the rules to say.
//!
//! Sources: amazon-ecs-agent, `firelensconfig_unix.go` (`addOutputSection`); Fluent Bit, `plugins/out_s3/s3.c`.

use crate::task_definition::{Container, TaskDefinition};
use crate::validate::Severity;

/// The log output of one container: its `awsfirelens` options, and the router that acts on them.
#[derive(Clone, Copy, Debug)]
pub(super) struct LogOutput<'a> {
    /// The container whose lines are routed.
    pub(super) container: Container<'a>,
    /// The log router that they go through.
    router: Container<'a>,
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

/// Options that the agent keeps for itself; they make no output section.
const AGENT_OPTIONS: [&str; 3] = ["log-driver-buffer-limit", "include-pattern", "exclude-pattern"];

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
        let kind = self.router.members.get("firelensConfiguration").and_then(|firelens| firelens.get("type"));
        if kind.and_then(serde_json::Value::as_str) == Some("fluentd") { "@type" } else { "Name" }
    }

    /// The names of the options that go to the plugin, secret ones included.
    pub(super) fn plugin_options(&self) -> impl Iterator<Item = &'a str> {
        let written = self.container.log_options().into_iter().flat_map(|options| options.keys().map(String::as_str));
        written.chain(self.secret_options()).filter(|name| !AGENT_OPTIONS.contains(name))
    }

    fn secret_options(&self) -> impl Iterator<Item = &'a str> {
        let secrets = self.container.members.get("logConfiguration").and_then(|log| log.get("secretOptions"));
        let secrets = secrets.and_then(serde_json::Value::as_array).into_iter().flatten();
        secrets.filter_map(|secret| secret.get("name")?.as_str())
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

    /// The JSON pointer of an option, written or not.
    pub(super) fn pointer(&self, option: &str) -> String {
        let option = option.replace('~', "~0").replace('/', "~1");
        format!("{}/logConfiguration/options/{option}", self.container.pointer())
    }

    /// How bad it is when the options stop the router: an essential router takes the task with it, another one only the logs.
    pub(super) fn severity_of_a_dead_router(&self) -> Severity {
        if self.router.is_essential() { Severity::Error } else { Severity::Warning }
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
}
