//! Fluent Bit uploads to S3 under the task role. Where nobody waits for the logs their loss is only a warning.

use crate::firelens::s3_output::LogOutput;
use crate::validate::{Findings, Rule, RuleEvidence, Severity, Subject, is_missing, label};

pub(super) static RULE: Rule = Rule {
    id: "missing-task-role",
    severity: Severity::Error,
    summary: "`taskRoleArn` is missing, though FireLens writes to S3",
    why: "Fluent Bit writes to the bucket with the credentials of the task role. Without one every upload is refused, and \
        after some attempts the records are dropped.",
    source: "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/firelens-taskdef.html",
    evidence: RuleEvidence::Observed {
        seen: "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/firelens-taskdef.html",
    },
    check,
    ..Rule::OF_DOCUMENTS
};

fn check(subject: &Subject<'_>, report: &mut Findings<'_>) {
    if !is_missing(subject.definition.members(), "taskRoleArn") {
        return;
    }
    for output in LogOutput::to_s3(subject.definition).filter(|output| !output.router_has_credentials()) {
        // The tasks run all the same. But a release whose logs are to be verified can only fail.
        let is_verified = subject.verify_timeout.is_some() && output.container.name() == Some(subject.container);
        report.add_as(
            if is_verified { Severity::Error } else { Severity::Warning },
            "/taskRoleArn",
            format!("`taskRoleArn` is missing, but FireLens writes the logs of {} to S3", label(output.container)),
            "set it to a role that ecs-tasks.amazonaws.com may assume, with s3:PutObject on the bucket",
        );
    }
}
