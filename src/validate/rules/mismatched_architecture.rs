//! Compares the platforms of the image, where they are known, with `runtimePlatform`. On the wrong one the task dies
//! with "exec format error".

use serde_json::Value;

use crate::image::Platform;
use crate::validate::{Findings, Rule, RuleEvidence, Severity, Subject};

pub(super) static RULE: Rule = Rule {
    id: "mismatched-architecture",
    severity: Severity::Error,
    summary: "the image has no build for the platform that the definition asks for",
    why: "The task stops right after its start with \"exec format error\", and the circuit breaker needs several such \
        tasks before it rolls back.",
    source: "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs-arm64.html",
    evidence: RuleEvidence::Observed {
        seen: "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs-arm64.html",
    },
    check,
    looks_beyond_the_document: true,
    ..Rule::OF_DOCUMENTS
};

fn check(subject: &Subject<'_>, report: &mut Findings<'_>) {
    let runtime = subject.definition.members().get("runtimePlatform");
    let architecture = runtime.and_then(|runtime| runtime.get("cpuArchitecture")).and_then(Value::as_str);
    let wanted = subject.definition.platform();
    // With an architecture that ECS does not list nothing can be compared; `unknown-value` speaks of it.
    if !matches!(architecture, None | Some("ARM64" | "X86_64")) {
        return;
    }
    for (name, platforms) in subject.images.iter().filter(|(_, platforms)| !platforms.contains(&wanted)) {
        let place = subject.definition.container(name).map(|container| container.pointer() + "/image");
        report.add(place.unwrap_or_default(), message(platforms, &wanted, architecture), advice(platforms, &wanted));
    }
}

/// The platforms that a message lists.
const MAX_LISTED: usize = 10;

fn message(platforms: &[Platform], wanted: &Platform, architecture: Option<&str>) -> String {
    let available: Vec<String> = platforms.iter().take(MAX_LISTED).map(ToString::to_string).collect();
    let available = match available.len() {
        0 => "no platform that runs".to_owned(),
        _ => available.join(", "),
    };
    let asks = if architecture.is_some() { "asks" } else { "does not set `cpuArchitecture` and so asks" };
    format!("the image has {available}; the definition {asks} for {wanted}")
}

fn advice(platforms: &[Platform], wanted: &Platform) -> String {
    let build = format!("build the image with `--platform {wanted}`");
    let other = platforms.iter().find_map(|platform| match platform.architecture.as_str() {
        _ if platform.os != "linux" => None,
        "arm64" => Some("ARM64"),
        "amd64" => Some("X86_64"),
        _ => None,
    });
    match other {
        Some(value) if wanted.os == "linux" => {
            format!("{build}, or set `runtimePlatform.cpuArchitecture` to `{value}`")
        }
        Some(value) => format!("{build}, or set `runtimePlatform` to `{value}` and `LINUX`"),
        None => build,
    }
}
