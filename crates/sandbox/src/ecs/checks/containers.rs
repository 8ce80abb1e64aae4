//! Refusals that concern one container.

use std::collections::BTreeSet;

use serde_json::Value;

use super::super::super::api::ApiError;
use super::{is_fargate, list, refuse, text};

/// Members that Fargate does not run.
const NOT_ON_FARGATE: [&str; 8] = [
    "links",
    "hostname",
    "dnsServers",
    "dnsSearchDomains",
    "dockerSecurityOptions",
    "extraHosts",
    "resourceRequirements",
    "disableNetworking",
];

pub(super) fn log_driver(container: &Value) -> Option<&str> {
    container.get("logConfiguration").and_then(|log| text(log, "logDriver"))
}

pub(super) fn check(container: &Value, document: &Value) -> Result<(), ApiError> {
    check_image(text(container, "image").unwrap_or_default())?;
    check_ports(container, text(document, "networkMode") == Some("awsvpc"))?;
    check_memory(container)?;
    check_health(container)?;
    check_timeouts(container)?;
    check_environment(container)?;
    check_router_user(container)?;
    if is_fargate(document) { check_fargate(container) } else { Ok(()) }
}

fn check_image(image: &str) -> Result<(), ApiError> {
    if image.is_empty() {
        return refuse("Container.image should not be null or empty.");
    }
    let (name, digest) = image.split_once('@').map_or((image, None), |(name, digest)| (name, Some(digest)));
    let digest_is_good = digest.is_none_or(|digest| {
        digest
            .strip_prefix("sha256:")
            .is_some_and(|hex| hex.len() == 64 && hex.bytes().all(|byte| byte.is_ascii_hexdigit()))
    });
    let name_is_good =
        name.len() <= 255 && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_:./#".contains(&byte));
    let has_one_tag = name.rsplit('/').next().is_none_or(|last| {
        // An image's id stands where a name belongs, and is taken for one.
        last.matches(':').count() <= 1
    });
    if name_is_good && digest_is_good && has_one_tag {
        Ok(())
    } else {
        refuse("Container.image contains invalid characters.")
    }
}

fn check_ports(container: &Value, awsvpc: bool) -> Result<(), ApiError> {
    let mut names = BTreeSet::new();
    for mapping in list(container, "portMappings") {
        let port = mapping.get("containerPort").and_then(Value::as_i64);
        let host_port = mapping.get("hostPort").and_then(Value::as_i64);
        if port.is_some_and(|port| !(1..=65535).contains(&port))
            || (port.is_none() && mapping.get("containerPortRange").is_none())
        {
            return refuse("Invalid 'containerPort' setting for container.");
        }
        if awsvpc && host_port.is_some_and(|host_port| host_port != 0 && Some(host_port) != port) {
            return refuse("When networkMode=awsvpc, the host ports and container ports in port mappings must match.");
        }
        if text(mapping, "protocol").is_some_and(|protocol| !matches!(protocol, "tcp" | "udp")) {
            return Err(ApiError::parameter("Invalid 'protocol' setting for container."));
        }
        let Some(name) = text(mapping, "name") else { continue };
        let fits = (1..=64).contains(&name.len())
            && !name.starts_with('-')
            && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_-".contains(&byte));
        if !fits {
            return refuse("Port mapping names have up to 64 lowercase letters, digits, underscores and hyphens.");
        }
        if !names.insert(name) {
            return refuse(format!("Port mapping name '{name}' is used more than once."));
        }
    }
    Ok(())
}

fn check_memory(container: &Value) -> Result<(), ApiError> {
    let number = |member: &str| container.get(member).and_then(Value::as_i64);
    let (hard, soft) = (number("memory"), number("memoryReservation"));
    if hard.is_some_and(|hard| hard < 6) || soft.is_some_and(|soft| soft < 6) {
        return refuse("Invalid 'memory' setting for container.");
    }
    if hard.zip(soft).is_some_and(|(hard, soft)| hard < soft) {
        return refuse("Invalid setting for container: 'memory' must be at least 'memoryReservation'.");
    }
    if number("cpu").is_some_and(|cpu| cpu < 0) { refuse("Invalid 'cpu' setting for container.") } else { Ok(()) }
}

fn check_health(container: &Value) -> Result<(), ApiError> {
    let Some(check) = container.get("healthCheck").filter(|check| check.is_object()) else { return Ok(()) };
    // Without `CMD` in front ECS takes a program alone (aws-observability/aws-otel-collector, issue 2034).
    if list(check, "command").is_empty() {
        return refuse("Health check command must not be empty.");
    }
    for (member, bounds) in [("interval", 5..=300), ("timeout", 2..=60), ("retries", 1..=10), ("startPeriod", 0..=300)]
    {
        if check.get(member).and_then(Value::as_i64).is_some_and(|given| !bounds.contains(&given)) {
            return refuse(format!(
                "Invalid health check '{member}': must be between {} and {}.",
                bounds.start(),
                bounds.end()
            ));
        }
    }
    Ok(())
}

fn check_timeouts(container: &Value) -> Result<(), ApiError> {
    for member in ["startTimeout", "stopTimeout"] {
        if container.get(member).and_then(Value::as_i64).is_some_and(|given| !(2..=120).contains(&given)) {
            return refuse(format!("Invalid '{member}' setting for container: must be at least 2 and less than 120."));
        }
    }
    Ok(())
}

/// A log router's user is a number, with a group or without (aws/amazon-ecs-agent, pull request 4596).
fn check_router_user(container: &Value) -> Result<(), ApiError> {
    if !container.get("firelensConfiguration").is_some_and(Value::is_object) {
        return Ok(());
    }
    let id = text(container, "user").and_then(|user| user.split(':').next());
    if id.is_none_or(|id| !id.is_empty() && id.bytes().all(|letter| letter.is_ascii_digit())) {
        return Ok(());
    }
    refuse("if 'user' is specified on a firelens container then the UID has to be 0.")
}

fn check_environment(container: &Value) -> Result<(), ApiError> {
    for secret in list(container, "secrets") {
        if text(secret, "name").is_none_or(str::is_empty) || text(secret, "valueFrom").is_none_or(str::is_empty) {
            return refuse("Secrets need a name and a valueFrom.");
        }
    }
    // aws/copilot-cli, issue 3446.
    let is_letter = |letter: u8| letter.is_ascii_alphanumeric() || b"_.-/".contains(&letter);
    let odd = list(container, "secrets").iter().find(|secret| {
        let from = text(secret, "valueFrom").unwrap_or_default();
        !from.starts_with("arn:") && !from.bytes().all(is_letter)
    });
    if let Some(name) = odd.and_then(|secret| text(secret, "name")) {
        return refuse(format!(
            "The Systems Manager parameter name specified for secret {name} is invalid. The parameter name can be up to \
             2048 characters and include the following letters and symbols: a-zA-Z0-9_.-/"
        ));
    }
    if list(container, "environment").iter().any(|entry| text(entry, "name").is_none_or(|name| name.trim().is_empty()))
    {
        return refuse("environment variable name cannot be null or blank.");
    }
    let mut names = BTreeSet::new();
    if !list(container, "secrets").iter().filter_map(|secret| text(secret, "name")).all(|name| names.insert(name)) {
        return refuse("duplicate secret names were found and each must be unique.");
    }
    let plain: BTreeSet<&str> = list(container, "environment").iter().filter_map(|entry| text(entry, "name")).collect();
    let twice =
        list(container, "secrets").iter().filter_map(|secret| text(secret, "name")).find(|name| plain.contains(name));
    if let Some(name) = twice {
        return refuse(format!(
            "The secret name must be unique and not shared with any new or existing environment variables set on the container, such as '{name}'."
        ));
    }
    let files = list(container, "environmentFiles");
    if files.len() > 10 {
        return refuse("A container can have at most 10 environment files.");
    }
    let odd = files.iter().any(|file| {
        text(file, "type") != Some("s3")
            || !text(file, "value")
                .is_some_and(|value| value.starts_with("arn:aws") && value.strip_suffix(".env").is_some())
    });
    if odd { refuse("Environment files are S3 objects that end in .env, given as an ARN.") } else { Ok(()) }
}

fn check_fargate(container: &Value) -> Result<(), ApiError> {
    if container.get("privileged").and_then(Value::as_bool) == Some(true) {
        return refuse("Fargate does not support privileged containers.");
    }
    let present = |member: &&&str| match container.get(**member) {
        None | Some(Value::Null | Value::Bool(false)) => false,
        Some(Value::Array(items)) => !items.is_empty(),
        Some(_) => true,
    };
    if let Some(member) = NOT_ON_FARGATE.iter().find(present) {
        return refuse(format!("Fargate does not support '{member}'."));
    }
    match log_driver(container) {
        Some("awslogs") => check_options(container, &["awslogs-group", "awslogs-region", "awslogs-stream-prefix"]),
        Some("splunk") => check_options(container, &["splunk-url"]),
        Some("fluentd" | "gelf" | "journald" | "json-file" | "syslog") => refuse(
            "Fargate compatible task definitions do not support this log driver: use awslogs, splunk or awsfirelens.",
        ),
        // ECS learns new drivers, and this sandbox must not be what stops their first users.
        None | Some(_) => Ok(()),
    }?;
    if container.pointer("/firelensConfiguration/options/config-file-type").and_then(Value::as_str) == Some("s3") {
        return refuse("Fargate does not support the config-file-type 's3' of a firelensConfiguration.");
    }
    Ok(())
}

fn check_options(container: &Value, required: &[&str]) -> Result<(), ApiError> {
    let options = container.pointer("/logConfiguration/options");
    match required.iter().find(|key| options.and_then(|options| text(options, key)).is_none_or(str::is_empty)) {
        Some(missing) => {
            refuse(format!("Log driver {} requires options: {missing}", log_driver(container).unwrap_or_default()))
        }
        None => Ok(()),
    }
}
