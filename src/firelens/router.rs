//! What the ECS agent reads out of a log router's `firelensConfiguration`, and which Fluent Bit its image holds, as
//! far as a name tells. It reads; whether a value is a mistake is for the rules to say.
//!
//! Sources: amazon-ecs-agent, `agent/taskresource/firelens/firelens_unix.go` (`parseOptions`); the change log of
//! aws-for-fluent-bit.

use serde_json::{Map, Value};

use crate::task_definition::pointer::escape;
use crate::task_definition::{Container, TaskDefinition};

/// A version of Fluent Bit: major, minor, patch.
pub(crate) type Version = (u32, u32, u32);

/// The last Fluent Bit of the image's 2.x line; what came later is new to every such router.
pub(crate) const FLUENT_BIT_OF_2_X: Version = (1, 9, 10);

/// Later than everything.
const UNKNOWN: Version = (u32::MAX, u32::MAX, u32::MAX);

/// The log router of a definition, which is the first one; the rule `extra-log-router` speaks of others.
pub(crate) fn find(definition: &TaskDefinition) -> Option<Container<'_>> {
    definition.containers().find(Container::is_log_router)
}

/// The JSON pointer of an option of `firelensConfiguration`.
pub(crate) fn pointer(router: Container<'_>, option: &str) -> String {
    let option = escape(option);
    format!("{}/firelensConfiguration/options/{option}", router.pointer())
}

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

/// Whether records get `ecs_*` members: the default, and off for every value that Go's `ParseBool` refuses
/// (`parseOptions` of the agent).
pub(crate) fn adds_metadata(router: Container<'_>) -> bool {
    option(router, "enable-ecs-log-metadata").is_none_or(|value| go_bool(value) == Some(true))
}

/// Whether it reads configuration that is not in the document: a file of its image, or files that the `init` images
/// load.
pub(crate) fn has_own_configuration(router: Container<'_>) -> bool {
    let loads = |variable: &Value| {
        variable.get("name").and_then(Value::as_str).is_some_and(|name| name.starts_with("aws_fluent_bit_init_"))
    };
    // Of AWS's images only those with an `init-` tag load anything.
    let is_plain = match Builder::of(router) {
        Builder::Aws(tag) => !tag.is_empty() && !tag.starts_with("init-"),
        Builder::Fluent(_) | Builder::Fluentd => true,
        Builder::Other => false,
    };
    option(router, "config-file-type").is_some() || (!is_plain && router.list("environment").iter().any(loads))
}

/// Who builds an image, as its name tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Builder<'a> {
    /// AWS: `aws-for-fluent-bit`, with its tag.
    Aws(&'a str),
    /// The Fluent project: `fluent/fluent-bit`, with its tag.
    Fluent(&'a str),
    /// The Fluent project: `fluent/fluentd`.
    Fluentd,
    /// Somebody else; nothing is known of what is inside.
    Other,
}

impl<'a> Builder<'a> {
    /// Reads the image's name. A copy in a registry of one's own counts only where the path shows what was copied.
    pub(crate) fn of(router: Container<'a>) -> Self {
        let image = router.image().unwrap_or_default();
        let (name, digest) = image.split_once('@').map_or((image, false), |(name, _)| (name, true));
        let (path, tag) = match name.rsplit_once(':') {
            Some((path, tag)) if !tag.contains('/') => (path, tag),
            // A digest alone tells no version, while no tag at all means `latest`.
            _ => (name, if digest { "" } else { "latest" }),
        };
        let is = |known: &str| path == known || path.ends_with(&format!("/{known}"));
        if is("aws-observability/aws-for-fluent-bit")
            || is("amazon/aws-for-fluent-bit")
            || path.starts_with("906394416424.dkr.ecr.") && is("aws-for-fluent-bit")
        {
            Self::Aws(tag)
        } else if is("fluent/fluent-bit") {
            Self::Fluent(tag)
        } else if is("fluent/fluentd") {
            Self::Fluentd
        } else {
            Self::Other
        }
    }
}

/// Which Fluent Bit runs in a router.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FluentBit {
    /// The newest version that it can be.
    pub(crate) newest: Version,
    /// Whether the tag says so; a tag that moves says it only for now.
    pub(crate) is_certain: bool,
}

impl FluentBit {
    /// Reads the tag of a known image.
    pub(crate) fn of(router: Container<'_>) -> Self {
        let certainly = |newest| Self { newest, is_certain: true };
        match Builder::of(router) {
            Builder::Aws(tag) => match plain(tag) {
                // Both still meant 2.x in 2026 (aws-for-fluent-bit issue 1181).
                "stable" | "latest" => Self { newest: FLUENT_BIT_OF_2_X, is_certain: false },
                tag => certainly(numbers(tag).map_or(UNKNOWN, fluent_bit_of_aws)),
            },
            Builder::Fluent(tag) => certainly(numbers(plain(tag)).map_or(UNKNOWN, newest_of)),
            Builder::Fluentd | Builder::Other => certainly(UNKNOWN),
        }
    }

    /// What is known of the version, as messages say it.
    pub(crate) fn statement(&self) -> String {
        let (major, minor, patch) = self.newest;
        let version = match (minor, patch) {
            (u32::MAX, _) => format!("{major}"),
            (_, u32::MAX) => format!("{major}.{minor}"),
            _ => format!("{major}.{minor}.{patch}"),
        };
        let holds = if self.is_certain { "holds" } else { "may hold" };
        format!("the log router's image {holds} Fluent Bit {version}")
    }
}

/// A tag without what says nothing of the version.
fn plain(tag: &str) -> &str {
    let mut tag = tag;
    for prefix in ["init-", "debug-", "arm64-", "amd64-"] {
        tag = tag.strip_prefix(prefix).unwrap_or(tag);
    }
    tag
}

/// Up to three numbers at the start of a tag.
fn numbers(tag: &str) -> Option<(u32, Option<u32>, Option<u32>)> {
    let tag = tag.strip_prefix('v').unwrap_or(tag);
    let end = tag.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(tag.len());
    let mut parts = tag.get(..end)?.split('.').map(str::parse);
    Some((parts.next()?.ok()?, parts.next().and_then(Result::ok), parts.next().and_then(Result::ok)))
}

fn newest_of((major, minor, patch): (u32, Option<u32>, Option<u32>)) -> Version {
    (major, minor.unwrap_or(u32::MAX), patch.unwrap_or(u32::MAX))
}

/// The Fluent Bit in a release of aws-for-fluent-bit, as its pull requests 1016 to 1069 raised it.
fn fluent_bit_of_aws(release: (u32, Option<u32>, Option<u32>)) -> Version {
    match release {
        (..=2, _, _) => FLUENT_BIT_OF_2_X,
        (3, Some(0), Some(0)) => (4, 1, 0),
        (3, Some(0), Some(1)) => (4, 1, 1),
        (3, Some(0), Some(2)) | (3, Some(1), _) => (4, 2, 0),
        (3, Some(2), _) => (4, 2, 2),
        _ => UNKNOWN,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn fluent_bit(image: &str) -> FluentBit {
        let value = json!({"image": image});
        FluentBit::of(Container { index: 0, members: value.as_object().unwrap() })
    }

    #[test]
    fn a_numbered_tag_tells_the_newest_fluent_bit_inside() {
        let aws = "public.ecr.aws/aws-observability/aws-for-fluent-bit";
        let newest = |tag: &str| fluent_bit(&format!("{aws}:{tag}")).newest;
        assert_eq!(["2", "2.32.2.20240516", "init-2.34.0", "debug-2.31.12"].map(newest), [(1, 9, 10); 4]);
        assert_eq!(["3.0.1", "3.1.4", "arm64-3.2.0"].map(newest), [(4, 1, 1), (4, 2, 0), (4, 2, 2)]);
        assert_eq!(["3", "3.0", "3.4.16", "4", "mine"].map(newest), [UNKNOWN; 5]);
        assert_eq!(fluent_bit("cr.fluentbit.io/fluent/fluent-bit:4.0").newest, (4, 0, u32::MAX));
        assert_eq!(fluent_bit("fluent/fluent-bit:5.0.3-debug").newest, (5, 0, 3));
    }

    #[test]
    fn a_tag_that_moves_is_not_certain() {
        let moving = FluentBit { newest: FLUENT_BIT_OF_2_X, is_certain: false };
        let aws = "906394416424.dkr.ecr.us-east-1.amazonaws.com/aws-for-fluent-bit";
        assert_eq!(
            ["", ":stable", ":latest", ":init-latest"].map(|tag| fluent_bit(&format!("{aws}{tag}"))),
            [moving; 4]
        );
        assert_eq!(fluent_bit(&format!("{aws}@sha256:00")).newest, UNKNOWN);
        assert_eq!(fluent_bit(&format!("{aws}:2.34.0@sha256:00")).newest, FLUENT_BIT_OF_2_X);
    }

    #[test]
    fn nothing_is_guessed_of_other_images() {
        let own = "123456789012.dkr.ecr.us-east-1.amazonaws.com";
        for image in
            ["router:2.0.0", "", "fluent-bit:1.9", &format!("{own}:1/router"), &format!("{own}/aws-for-fluent-bit:2.0")]
        {
            assert_eq!(fluent_bit(image).newest, UNKNOWN, "{image}");
        }
    }

    #[test]
    fn versions_are_named_as_far_as_they_are_known() {
        let statement = |newest, is_certain| FluentBit { newest, is_certain }.statement();
        assert_eq!(statement((1, 9, 10), false), "the log router's image may hold Fluent Bit 1.9.10");
        assert_eq!(statement((4, 0, u32::MAX), true), "the log router's image holds Fluent Bit 4.0");
        assert_eq!(statement((4, u32::MAX, u32::MAX), true), "the log router's image holds Fluent Bit 4");
    }
}
