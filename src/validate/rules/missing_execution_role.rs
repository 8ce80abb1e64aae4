//! Pulling from private registries, writing to CloudWatch Logs and reading secrets happen under the execution role.

use serde_json::Value;

use crate::image::ImageRef;
use crate::task_definition::Container;
use crate::validate::{Findings, Rule, RuleEvidence, Severity, Subject, is_missing, label};

pub(super) static RULE: Rule = Rule {
    id: "missing-execution-role",
    severity: Severity::Error,
    summary: "`executionRoleArn` is missing, though something needs it before the containers start",
    why: "The agent uses the execution role to pull from ECR, to write to CloudWatch Logs and to fetch secrets before the \
        containers run. Without it Fargate refuses the registration or the task stops with `CannotPullContainerError` or \
        `ResourceInitializationError`.",
    source: "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task_execution_IAM_role.html",
    evidence: RuleEvidence::Refused {
        words: "Fargate requires task definition to have execution role ARN to support log driver awslogs.",
        seen: "https://github.com/virtual-kubelet/virtual-kubelet/issues/193",
    },
    check,
    ..Rule::OF_DOCUMENTS
};

fn check(subject: &Subject<'_>, report: &mut Findings<'_>) {
    if !is_missing(subject.definition.members(), "executionRoleArn") {
        return;
    }
    let needs: Vec<String> = subject.definition.containers().flat_map(|container| needs(&container)).collect();
    if needs.is_empty() {
        return;
    }
    let more = needs.len().saturating_sub(MAX_NEEDS);
    let listed = needs.into_iter().take(MAX_NEEDS).collect::<Vec<_>>().join(", ");
    let rest = if more > 0 { format!(" and {more} more") } else { String::new() };
    report.add(
        "/executionRoleArn",
        format!("`executionRoleArn` is missing, but {listed}{rest}"),
        "set it to a role that ecs-tasks.amazonaws.com may assume, with AmazonECSTaskExecutionRolePolicy",
    );
}

/// The needs that a message lists.
const MAX_NEEDS: usize = 4;

/// What a container needs the execution role for (Amazon ECS developer guide, "Amazon ECS task execution IAM role").
fn needs(container: &Container<'_>) -> Vec<String> {
    let is_private = container.image().is_some_and(|image| ImageRef::parse(image).private_ecr().is_some());
    let secret_options = container.members.get("logConfiguration").and_then(|log| log.get("secretOptions"));
    let reasons = [
        (is_private, "pulls from a private ECR registry"),
        (!is_missing(container.members, "repositoryCredentials"), "has `repositoryCredentials`"),
        (container.log_driver() == Some("awslogs"), "logs to CloudWatch Logs"),
        (!container.list("secrets").is_empty(), "has `secrets`"),
        (secret_options.and_then(Value::as_array).is_some_and(|secrets| !secrets.is_empty()), "has `secretOptions`"),
        (!container.list("environmentFiles").is_empty(), "has `environmentFiles`"),
    ];
    let name = label(*container);
    reasons.into_iter().filter(|(needed, _)| *needed).map(|(_, reason)| format!("{name} {reason}")).collect()
}
