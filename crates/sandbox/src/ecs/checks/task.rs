//! Refusals that concern the task as a whole: sizes, platform, roles.

use serde_json::Value;

use super::super::super::api::ApiError;
use super::containers::log_driver;
use super::{list, refuse, text};

pub(super) fn check(document: &Value) -> Result<(), ApiError> {
    let one_of = |member: &str, given: Option<&str>, known: &[&str]| match given {
        Some(given) if !known.contains(&given) => {
            Err(ApiError::parameter(format!("Invalid '{member}' setting for task.")))
        }
        _ => Ok(()),
    };
    let platform = |member: &str| document.pointer(&format!("/runtimePlatform/{member}")).and_then(Value::as_str);
    one_of("networkMode", text(document, "networkMode"), &["bridge", "host", "awsvpc", "none"])?;
    one_of("cpuArchitecture", platform("cpuArchitecture"), &["X86_64", "ARM64"])?;
    for compatibility in list(document, "requiresCompatibilities") {
        let known = ["EC2", "FARGATE", "EXTERNAL", "MANAGED_INSTANCES"];
        one_of("requiresCompatibilities", compatibility.as_str(), &known)?;
    }
    if document.get("cpu").is_some_and(|cpu| !cpu.is_null()) && units(document).is_none() {
        return Err(ApiError::parameter("Invalid 'cpu' setting for task."));
    }
    if document.get("memory").is_some_and(|memory| !memory.is_null()) && megabytes(document).is_none() {
        return Err(ApiError::parameter("Invalid 'memory' setting for task."));
    }
    Ok(())
}

pub(super) fn check_fargate(document: &Value, containers: &[Value]) -> Result<(), ApiError> {
    if text(document, "networkMode") != Some("awsvpc") {
        return refuse("Fargate only supports network mode 'awsvpc'.");
    }
    for member in ["cpu", "memory"] {
        if text(document, member).is_none() {
            return refuse(format!("Fargate requires that '{member}' be defined at the task level."));
        }
    }
    if let Some((cpu, memory)) = units(document).zip(megabytes(document)) {
        if !is_pair(cpu, memory) {
            return refuse(format!(
                "No Fargate configuration exists for given values: {cpu} CPU, {memory} memory. See the Amazon ECS documentation for the valid values."
            ));
        }
        check_sums(containers, cpu, memory)?;
    }
    for member in ["ipcMode", "placementConstraints", "inferenceAccelerators"] {
        let given = document
            .get(member)
            .is_some_and(|given| !given.is_null() && given.as_array().is_none_or(|list| !list.is_empty()));
        if given {
            return refuse(format!("Fargate does not support '{member}'."));
        }
    }
    if let Some(size) = document.pointer("/ephemeralStorage/sizeInGiB").and_then(Value::as_i64)
        && !(21..=200).contains(&size)
    {
        return refuse("Invalid 'sizeInGiB' setting for ephemeralStorage: must be between 21 and 200.");
    }
    check_roles(document)?;
    check_execution_role(document, containers)
}

/// What IAM cannot have is no role: an account has twelve digits, and a name no braces.
fn check_roles(document: &Value) -> Result<(), ApiError> {
    for member in ["executionRoleArn", "taskRoleArn"] {
        let Some(role) = text(document, member).filter(|role| !role.is_empty()) else { continue };
        let name = role.rsplit('/').next().unwrap_or_default();
        let is_name = !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"+=,.@_-:".contains(&b));
        let account = role.strip_prefix("arn:").and_then(|rest| rest.split(':').nth(3));
        let is_account = |account: &str| account.len() == 12 && account.bytes().all(|b| b.is_ascii_digit());
        if !is_name || !account.is_none_or(is_account) {
            return refuse("Role is not valid");
        }
    }
    Ok(())
}

/// The containers' shares must fit into the task.
fn check_sums(containers: &[Value], cpu: i64, memory: i64) -> Result<(), ApiError> {
    let sum = |member: &str| -> i64 {
        containers
            .iter()
            .filter_map(|container| container.get(member).and_then(Value::as_i64))
            .fold(0, i64::saturating_add)
    };
    if sum("cpu") > cpu {
        return refuse("The total cpu of the containers exceeds the cpu of the task.");
    }
    // A container reserves its soft limit where it has one; each hard limit is held against the task alone.
    let number = |container: &Value, member: &str| container.get(member).and_then(Value::as_i64);
    let reserved = |container: &Value| number(container, "memoryReservation").or_else(|| number(container, "memory"));
    if containers.iter().filter_map(reserved).fold(0, i64::saturating_add) > memory {
        return refuse("The total memory of the containers exceeds the memory of the task.");
    }
    if let Some(container) = containers.iter().find(|container| number(container, "memory") > Some(memory)) {
        let name = text(container, "name").unwrap_or_default();
        return refuse(format!("The 'memory' setting for container '{name}' is greater than for the task."));
    }
    Ok(())
}

fn check_execution_role(document: &Value, containers: &[Value]) -> Result<(), ApiError> {
    if text(document, "executionRoleArn").is_some_and(|role| !role.is_empty()) {
        return Ok(());
    }
    let need = containers.iter().find_map(|container| {
        let image = text(container, "image").unwrap_or_default();
        if image.contains(".dkr.ecr.") || image.contains(".dkr-ecr.") {
            Some("ECR images")
        } else if log_driver(container) == Some("awslogs") {
            Some("log driver awslogs")
        } else if !list(container, "secrets").is_empty() {
            Some("secrets")
        } else {
            None
        }
    });
    need.map_or(Ok(()), |need| {
        refuse(format!("Fargate requires task definition to have execution role ARN to support {need}."))
    })
}

/// The task's CPU in units of 1/1024 vCPU, from `"256"` or `".25 vCPU"`.
pub(in super::super) fn units(document: &Value) -> Option<i64> {
    sized(text(document, "cpu")?, "vcpu")
}

/// The task's memory in MiB, from `"512"` or `"0.5 GB"`.
pub(in super::super) fn megabytes(document: &Value) -> Option<i64> {
    sized(text(document, "memory")?, "gb")
}

fn sized(text: &str, unit: &str) -> Option<i64> {
    let text = text.trim().to_lowercase();
    match text.strip_suffix(unit) {
        None => text.parse::<i64>().ok().filter(|given| *given > 0),
        Some(number) => {
            let thousandths = thousandths(number.trim())?;
            (thousandths > 0).then_some(thousandths.checked_mul(1024)? / 1000)
        }
    }
}

/// A short decimal number in thousandths: `.25` is 250.
fn thousandths(text: &str) -> Option<i64> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    if fraction.len() > 3 || (whole.is_empty() && fraction.is_empty()) {
        return None;
    }
    let whole: i64 = if whole.is_empty() { 0 } else { whole.parse().ok()? };
    let fraction: i64 = format!("{fraction:0<3}").parse().ok()?;
    whole.checked_mul(1000)?.checked_add(fraction)
}

/// The sizes that Fargate offers.
fn is_pair(cpu: i64, memory: i64) -> bool {
    let stepped = |from: i64, to: i64, step: i64| (from..=to).contains(&memory) && (memory - from) % step == 0;
    match cpu {
        256 => [512, 1024, 2048].contains(&memory),
        512 => stepped(1024, 4096, 1024),
        1024 => stepped(2048, 8192, 1024),
        2048 => stepped(4096, 16384, 1024),
        4096 => stepped(8192, 30720, 1024),
        8192 => stepped(16384, 61440, 4096),
        16384 => stepped(32768, 122_880, 8192),
        32768 => [61440, 122_880, 249_856].contains(&memory),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_in_both_spellings() {
        assert_eq!(
            ["256", ".25 vCPU", "1 vcpu", "0.5vCPU", "x", "0"].map(|text| sized(text, "vcpu")),
            [Some(256), Some(256), Some(1024), Some(512), None, None]
        );
        assert_eq!(sized("2 GB", "gb"), Some(2048));
    }

    #[test]
    fn only_sizes_that_fargate_offers_are_pairs() {
        assert!(is_pair(256, 512) && is_pair(512, 4096) && is_pair(8192, 20480));
        assert!(!is_pair(256, 4096) && !is_pair(512, 512) && !is_pair(300, 1024) && !is_pair(8192, 17408));
    }
}
