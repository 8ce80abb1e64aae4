//! Reads role ARNs and names by IAM's grammar. Whether the role exists is not asked.

use crate::image::is_account;
use crate::validate::{Findings, Rule, RuleEvidence, Severity, Subject};

pub(super) static RULE: Rule = Rule {
    id: "invalid-role",
    severity: Severity::Error,
    summary: "a role is none that IAM can have",
    why: "ECS refuses the registration (\"Role is not valid\"): the task and the execution role are IAM roles, by ARN or \
        by name.",
    source: "https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_RegisterTaskDefinition.html",
    evidence: RuleEvidence::Refused {
        words: "Role is not valid",
        seen: "https://github.com/aws-samples/aws-modern-application-workshop/issues/9",
    },
    check,
    ..Rule::OF_DOCUMENTS
};

fn check(subject: &Subject<'_>, report: &mut Findings<'_>) {
    for member in ["taskRoleArn", "executionRoleArn"] {
        let Some(role) = subject.definition.text(member).filter(|role| !role.is_empty()) else { continue };
        if let Some(problem) = problem(role) {
            report.add(
                format!("/{member}"),
                format!("`{member}` {problem}"),
                "write `arn:aws:iam::<account>:role/<name>`",
            );
        }
    }
}

/// What is wrong with a role, which is an ARN or a name (IAM user guide, "IAM identifiers" and "Quotas").
fn problem(role: &str) -> Option<&'static str> {
    let is_name = |name: &str| {
        let is_letter = |letter: u8| letter.is_ascii_alphanumeric() || b"+=,.@_-".contains(&letter);
        (1..=64).contains(&name.len()) && name.bytes().all(is_letter)
    };
    let Some(rest) = role.strip_prefix("arn:") else {
        // A bare name may have a path in front of it; `role/` is what is left of an ARN.
        let name = role.rsplit('/').next().unwrap_or_default();
        let is_cut = role.starts_with("role/");
        return (is_cut || !is_name(name)).then_some("is not the name of an IAM role");
    };
    let parts: Vec<&str> = rest.splitn(5, ':').collect();
    let [partition, service, region, account, resource] = parts[..] else {
        return Some("is not the ARN of an IAM role");
    };
    let Some(path) = resource.strip_prefix("role/").filter(|_| service == "iam") else {
        return Some("is not the ARN of an IAM role");
    };
    let name = path.rsplit('/').next().unwrap_or_default();
    if !(partition.starts_with("aws") && region.is_empty()) {
        Some("is not the ARN of an IAM role")
    } else if !is_account(account) {
        Some("has an account that is not 12 digits")
    } else if !is_name(name) || path.contains(':') {
        Some("has a role's name that IAM does not take")
    } else {
        None
    }
}
