//! What keeps the logs of a container from proving anything: where they go cannot be seen, nothing can find or read
//! them, nothing tells which task wrote them, or they come too late. `validate` reports it before a release, and
//! `verify` goes by it, so both say the same.

use super::first_object_after;
use super::router::{self, has_own_configuration};
use super::s3_output::{COMPRESSIONS, DECISIVE, FORMATS, Format, LogOutput, Setting, Word, read_word};
use crate::image::is_dns_label;
use crate::task_definition::TaskDefinition;

/// What is said of a log router that reads more than the task definition, wherever that matters. Nothing is guessed of
/// what stands there.
const OWN_CONFIGURATION: &str =
    "the log router has a configuration of its own, which may send them anywhere and cannot be seen here";

/// An obstacle.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Obstacle {
    /// The place in the document, as a JSON pointer.
    pub(crate) pointer: String,
    /// The fact, in one sentence that names the container.
    pub(crate) message: String,
    /// The next action.
    pub(crate) help: String,
}

/// Why there is no S3 output of a container to look at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum NoOutput {
    /// Its logs do not go to S3: why.
    NotConfigured(String),
    /// Whether and where they go to S3 cannot be seen.
    Hidden(Obstacle),
}

/// The S3 output of a container.
pub(crate) fn find_output<'a>(definition: &'a TaskDefinition, name: &str) -> Result<LogOutput<'a>, NoOutput> {
    let not_configured = |why: String| Err(NoOutput::NotConfigured(why));
    let Some(container) = definition.container(name) else {
        return not_configured(format!("the task definition has no container `{name}`"));
    };
    match container.log_driver() {
        Some("awsfirelens") => {}
        Some(driver) => {
            return not_configured(format!("container `{name}` logs with {driver}, not with awsfirelens"));
        }
        None => return not_configured(format!("container `{name}` has no log configuration")),
    }
    let hidden =
        |pointer: String, reason: &str, help: &str| Err(NoOutput::Hidden(obstacle(name, pointer, reason, help)));
    let configuration = container.pointer() + "/logConfiguration";
    let output = LogOutput::all(definition).find(|output| output.container.index == container.index);
    let Some(output) = output else {
        return hidden(configuration, "there is no log router that acts on its options", "add a log router");
    };
    if router::kind(output.router) == Some("fluentd") {
        let pointer = output.router.pointer() + "/firelensConfiguration/type";
        return hidden(pointer, "the log router is Fluentd; only outputs of Fluent Bit are read", "use Fluent Bit");
    }
    match output.plugin() {
        Some(_) if output.is_s3() => Ok(output),
        Some(plugin) if has_own_configuration(output.router) => hidden(
            configuration,
            &format!("they go to the output `{plugin}`, and {OWN_CONFIGURATION}"),
            "name the S3 output in `logConfiguration.options`",
        ),
        Some(plugin) => {
            not_configured(format!("the logs of container `{name}` go to Fluent Bit's output `{plugin}`, not to `s3`"))
        }
        None if output.plugin_options().next().is_some() => {
            let reason = "its log options have no `Name`, so ECS makes no output of them";
            hidden(configuration + "/options", reason, "add `Name`")
        }
        None if has_own_configuration(output.router) => {
            hidden(configuration, OWN_CONFIGURATION, "name the S3 output in `logConfiguration.options`")
        }
        None => not_configured(format!("container `{name}` has no log options, so its logs go nowhere")),
    }
}

/// What keeps the objects of an S3 output from being found or read.
pub(crate) fn unverifiable(output: &LogOutput<'_>) -> Option<Obstacle> {
    let name = output.container.name().unwrap_or_default();
    let found = |pointer: String, reason: &str, help: &str| Some(obstacle(name, pointer, reason, help));
    for option in DECISIVE {
        let pointer = output.place(option);
        match (option, output.setting(option)) {
            // A value of a wrong type is nothing that only the running task knows.
            (_, Setting::Hidden) if output.is_secret(option) => {
                let reason = format!("the option `{option}` is a secret, so its value cannot be seen here");
                return found(pointer, &reason, "write the value itself");
            }
            (_, Setting::Hidden) if output.is_text_or_secret(option) => {
                let reason = format!(
                    "the option `{option}` takes a variable from the log router's environment, which cannot be seen here"
                );
                return found(pointer, &reason, "write the value itself");
            }
            ("endpoint", Setting::Given(_, endpoint))
                if !endpoint.is_empty() && !endpoint.contains("amazonaws.com") =>
            {
                let reason = "the option `endpoint` leads to a store that is not Amazon S3";
                return found(pointer, reason, "remove it");
            }
            ("region", Setting::Given(_, region)) if !region.is_empty() && !is_dns_label(region) => {
                let reason = "the option `region` cannot be part of an address";
                return found(pointer, reason, "write the region as in `ap-northeast-1`");
            }
            ("format" | "compression", Setting::Given(_, value)) => {
                let unread = match option {
                    "format" => unread(option, value, &FORMATS, |format| *format == Format::JsonLines, "in the format"),
                    _ => unread(option, value, &COMPRESSIONS, |compression| !compression.is_file(), "compressed with"),
                };
                let Some(reason) = unread else { continue };
                return found(pointer, &reason, "store lines of JSON, with `gzip` if they are to be small");
            }
            _ => {}
        }
    }
    // GLACIER_IR is served at once, as all others are.
    if let Some(class @ ("GLACIER" | "DEEP_ARCHIVE")) = output.value("storage_class") {
        let reason =
            format!("they are stored in the class {class}, which S3 does not serve before somebody restores them");
        return found(
            output.place("storage_class"),
            &reason,
            "store them in `STANDARD`, and archive them by a lifecycle rule",
        );
    }
    let pointer = output.place("s3_key_format");
    match output.keys() {
        Some(Err(bad)) => return found(pointer, &bad.to_string(), "begin it with `/`, and keep it short"),
        Some(Ok(keys)) if !keys.is_searchable(name) => {
            let reason = "s3_key_format names neither the task nor a date before its first random part, so nothing narrows \
                          the search";
            return found(pointer, reason, "put `$TAG` first");
        }
        _ => {}
    }
    let reason = "the S3 output names no bucket, so Fluent Bit does not start";
    output.bucket().is_none().then(|| obstacle(name, output.place("bucket"), reason, "name the bucket"))
}

/// Why objects are not read that the value of an option asks for. A value is shown only where it is a known word.
fn unread<T>(
    option: &str,
    value: &str,
    words: &'static [Word<T>],
    is_read: fn(&T) -> bool,
    how: &str,
) -> Option<String> {
    match read_word(words, value) {
        _ if value.is_empty() => None,
        Some(word) if is_read(&word.meaning) => None,
        Some(word) => Some(format!("objects {how} {} cannot be read yet", word.text)),
        None => Some(format!("`{option}` has a value that Fluent Bit does not know, so it does not start")),
    }
}

/// What keeps records from being told apart: neither they nor the keys of their objects name the task that wrote them.
pub(crate) fn untraceable(output: &LogOutput<'_>) -> Option<Obstacle> {
    let (pointer, reason, help) = nameless(output)?;
    if output.key_names_task() != Some(false) {
        return None;
    }
    let name = output.container.name().unwrap_or_default();
    let message =
        format!("the logs of `{name}` do not tell which task wrote them: {reason}, and the key has no task id");
    Some(Obstacle { pointer, message, help: format!("put `$TAG` into `s3_key_format`, or {help}") })
}

/// Why the records themselves name no task, if so.
fn nameless(output: &LogOutput<'_>) -> Option<(String, &'static str, &'static str)> {
    if output.stores_bare_lines() {
        let pointer = output.place("log_key");
        return Some((pointer, "`log_key` stores the bare line", "remove `log_key`"));
    }
    if output.format() == Some(Format::Otlp) {
        return Some((output.place("format"), "OTLP drops the metadata", "remove `format`"));
    }
    (!router::adds_metadata(output.router)).then(|| {
        let pointer = router::pointer(output.router, "enable-ecs-log-metadata");
        (pointer, "the metadata are switched off", "set `enable-ecs-log-metadata` to `true`")
    })
}

/// What makes the first object come later than the verification waits, in seconds.
pub(crate) fn late(output: &LogOutput<'_>, timeout: u64) -> Option<Obstacle> {
    let upload_timeout = output.upload_timeout()?;
    let needed = first_object_after(upload_timeout);
    if needed <= timeout {
        return None;
    }
    let source = if output.value("upload_timeout").is_some() { "" } else { " (the default)" };
    let message = format!(
        "with an `upload_timeout` of {upload_timeout} s{source} the first logs take up to {needed} s to reach S3; \
         the verification's timeout is {timeout} s"
    );
    let wait = format!("`timeout` in `[service.verify]` to `{}m` or more", needed.div_ceil(60));
    let fitting = (1..=timeout).rev().find(|seconds| first_object_after(*seconds) <= timeout);
    let help = match fitting {
        Some(seconds) => format!("set `upload_timeout` to `{seconds}s` or less, or {wait}"),
        None => format!("set {wait}"),
    };
    Some(Obstacle { pointer: output.place("upload_timeout"), message, help })
}

/// That a container is to be verified, beside the main one, and writes no logs to S3.
pub(crate) fn not_written(definition: &TaskDefinition, name: &str, reason: &str) -> Obstacle {
    let pointer =
        definition.container(name).map_or_else(|| "/containerDefinitions".to_owned(), |found| found.pointer());
    obstacle(name, pointer, reason, "take it out of `containers` in `[service.verify]`")
}

/// That the logs of a container which is to be verified cannot be.
pub(crate) fn obstacle(name: &str, pointer: String, reason: &str, help: &str) -> Obstacle {
    Obstacle {
        pointer,
        message: format!("the logs of `{name}` cannot be verified: {reason}"),
        help: format!("{help}, or switch the verification of logs off"),
    }
}
