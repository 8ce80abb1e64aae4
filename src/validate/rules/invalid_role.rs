//! Finds role ARNs that lead to something else than an IAM role.

use crate::validate::{Findings, Rule, Severity, Subject};

pub(super) static RULE: Rule = Rule {
    id: "invalid-role",
    severity: Severity::Error,
    summary: "a role is the ARN of something that is no IAM role",
    why: "ECS refuses the registration (\"Role is not valid\"): the task and the execution role are IAM roles, by ARN or \
        by name.",
    source: "https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_RegisterTaskDefinition.html",
    check,
    ..Rule::OF_DOCUMENTS
};

fn check(subject: &Subject<'_>, report: &mut Findings<'_>) {
    for member in ["taskRoleArn", "executionRoleArn"] {
        let arn = subject.definition.text(member).and_then(|role| role.strip_prefix("arn:"));
        let Some(mut parts) = arn.map(|rest| rest.splitn(5, ':')) else { continue };
        let (service, resource) = (parts.nth(1), parts.nth(2));
        if service != Some("iam") || resource.is_none_or(|resource| !resource.starts_with("role/")) {
            report.add(
                format!("/{member}"),
                format!("`{member}` is not the ARN of an IAM role"),
                "write `arn:aws:iam::<account>:role/<name>`",
            );
        }
    }
}
