//! Reads what secrets refer to: the ARN of a secret or of a parameter, by the grammar of each, or a parameter's name.

use serde_json::Value;

use crate::image::is_account;
use crate::validate::{Findings, Rule, RuleEvidence, Severity, Subject, label};

pub(super) static RULE: Rule = Rule {
    id: "invalid-secret-reference",
    severity: Severity::Error,
    summary: "a secret refers to something that is neither a Secrets Manager secret nor an SSM parameter",
    why: "ECS refuses a name that no parameter can have (\"The Systems Manager parameter name specified for secret … is \
        invalid\"). An ARN that the agent cannot read stops the task with `ResourceInitializationError` before any \
        container runs: \"unexpected ARN format with parameters when trying to retrieve ASM secret\".",
    source: "https://github.com/aws/copilot-cli/issues/3446",
    evidence: RuleEvidence::Refused {
        words: "The Systems Manager parameter name specified for secret … is invalid",
        seen: "https://github.com/aws/copilot-cli/issues/3446",
    },
    check,
    ..Rule::OF_DOCUMENTS
};

fn check(subject: &Subject<'_>, report: &mut Findings<'_>) {
    for container in subject.definition.containers() {
        let secret_options = container.members.get("logConfiguration").and_then(|log| log.get("secretOptions"));
        let lists = [
            ("secrets", container.members.get("secrets"), "secret"),
            ("logConfiguration/secretOptions", secret_options, "secret option"),
        ];
        for (list, secrets, noun) in lists {
            for (index, secret) in secrets.and_then(Value::as_array).into_iter().flatten().enumerate() {
                let Some(reference) = secret.get("valueFrom").and_then(Value::as_str) else { continue };
                let Some((problem, help)) = problem(reference) else { continue };
                report.add(
                    format!("{}/{list}/{index}/valueFrom", container.pointer()),
                    format!("a {noun} of {} refers to {problem}", label(container)),
                    help,
                );
            }
        }
        // Of the credentials for a registry the agent takes a secret's name, too (amazon-ecs-agent, `agent/asm`).
        let credentials = container.members.get("repositoryCredentials").and_then(|it| it.get("credentialsParameter"));
        let is_wrong =
            |arn: &&str| arn.starts_with("arn:") && !(arn.contains(":secretsmanager:") && problem(arn).is_none());
        if credentials.and_then(Value::as_str).as_ref().is_some_and(is_wrong) {
            report.add(
                format!("{}/repositoryCredentials/credentialsParameter", container.pointer()),
                format!("the credentials for the image of {} are not a secret", label(container)),
                "give the ARN of a Secrets Manager secret",
            );
        }
    }
}

/// What is wrong with a reference, and what helps.
type Problem = (&'static str, &'static str);

fn problem(reference: &str) -> Option<Problem> {
    let help = "give the ARN of a Secrets Manager secret or of an SSM parameter, or a parameter's name";
    if reference.is_empty() {
        return Some(("nothing", help));
    }
    let Some(rest) = reference.strip_prefix("arn:") else {
        return of_name(reference);
    };
    let [_, service, region, account, resource] = rest.splitn(5, ':').collect::<Vec<_>>()[..] else {
        return Some(("an ARN that is cut short", help));
    };
    match service {
        "secretsmanager" => of_secret(resource),
        "ssm" => of_parameter(resource),
        _ => return Some(("an ARN of another service", help)),
    }
    .or_else(|| {
        (region.is_empty() || !is_account(account))
            .then_some(("an ARN without a region or without an account of 12 digits", "write the whole ARN"))
    })
}

/// A parameter's name. ECS lists these letters in its answer, and no `:` among them, so that a version cannot stand
/// behind a name.
fn of_name(name: &str) -> Option<Problem> {
    if name.len() <= 2048 && name.bytes().all(is_of_parameter) {
        None
    } else if name.contains(':') {
        Some(("a name with a key or a version, which only an ARN may have", "write the whole ARN"))
    } else {
        Some(("a name that no parameter can have", "a parameter's name has letters, digits, `_`, `.`, `-` and `/`"))
    }
}

fn is_of_parameter(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-' | b'/')
}

/// `parameter/NAME`, and a version or a label behind a colon.
fn of_parameter(resource: &str) -> Option<Problem> {
    let name = resource.strip_prefix("parameter/").map(|name| name.split(':').next().unwrap_or_default());
    let is_valid = name.is_some_and(|name| !name.is_empty() && name.bytes().all(is_of_parameter));
    (!is_valid)
        .then_some(("an ARN that no parameter can have", "its resource is `parameter/` and the parameter's name"))
}

/// `secret:NAME`, or the same with three parts behind it, which may be empty: key, stage and version (amazon-ecs-agent,
/// `agent/taskresource/asmsecret`).
fn of_secret(resource: &str) -> Option<Problem> {
    let parts: Vec<&str> = resource.split(':').collect();
    let is_name = |name: &str| {
        let is_letter = |b: u8| b.is_ascii_alphanumeric() || b"/_+=.@!-".contains(&b);
        !name.is_empty() && name.bytes().all(is_letter)
    };
    match parts[..] {
        ["secret", name] | ["secret", name, _, _, _] if is_name(name) => None,
        // Nothing is asked for, however many colons say so.
        ["secret", name, ""] | ["secret", name, "", ""] if is_name(name) => None,
        ["secret", name, ..] if is_name(name) && parts.len() < 5 => Some((
            "a key of a secret without both colons behind it",
            "write `SECRET-ARN:KEY::`: stage and version may be empty, and their colons stand there",
        )),
        ["secret", name, ..] if is_name(name) => {
            Some(("a secret with too many parts", "write `SECRET-ARN:KEY:STAGE:VERSION`"))
        }
        _ => Some(("an ARN that no secret can have", "its resource is `secret:` and the secret's name")),
    }
}

#[cfg(test)]
mod tests {
    use super::problem;

    #[test]
    fn what_aws_reads_passes_and_the_rest_is_named() {
        let secret = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:shop/db-AbCdEf";
        for suffix in ["", ":password::", "::AWSCURRENT:", ":::0f1e2d3c", ":a:b:c", ":", "::", ":::"] {
            assert_eq!(problem(&format!("{secret}{suffix}")), None, "{suffix}");
        }
        for suffix in [":password", ":password:", ":a:b:c:d"] {
            assert!(problem(&format!("{secret}{suffix}")).is_some(), "{suffix}");
        }
        let parameter = "arn:aws-us-gov:ssm:us-gov-west-1:123456789012:parameter";
        for name in ["/shop/db", "/db", "/shop/db:3"] {
            assert_eq!(problem(&format!("{parameter}{name}")), None, "{name}");
        }
        for reference in ["db", "/shop/db", "Shop_DB.v1-2"] {
            assert_eq!(problem(reference), None, "{reference}");
        }
        for reference in [
            "",
            "shop db",
            "shop:password::",
            "arn:aws:ssm",
            "arn:aws:s3:::bucket/key",
            "arn:aws:ssm:eu-west-1:123456789012:shop",
            "arn:aws:ssm:eu-west-1::parameter/shop",
            "arn:aws:secretsmanager::123456789012:secret:shop",
            "arn:aws:secretsmanager:eu-west-1:1234:secret:shop",
            "arn:aws:secretsmanager:eu-west-1:123456789012:shop",
        ] {
            assert!(problem(reference).is_some(), "{reference}");
        }
    }
}
