//! On Fargate a log router takes its own configuration from a file in its image; ECS refuses one in S3.

use crate::firelens::router;
use crate::task_definition::Container;
use crate::validate::{Findings, Rule, RuleEvidence, Severity, Subject, label};

pub(super) static RULE: Rule = Rule {
    id: "s3-config-file",
    severity: Severity::Error,
    summary: "the log router's configuration file is in S3, which Fargate does not support",
    why: "ECS refuses to register the definition: the Fargate launch type does not support a FireLens configuration \
          file from S3.",
    source: "https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_FirelensConfiguration.html",
    evidence: RuleEvidence::Refused {
        words: "The specified platform does not satisfy the task definition’s required capabilities",
        seen: "https://github.com/aws-samples/amazon-ecs-firelens-examples/issues/32",
    },
    check,
    ..Rule::OF_DOCUMENTS
};

fn check(subject: &Subject<'_>, report: &mut Findings<'_>) {
    for router in subject.definition.containers().filter(Container::is_log_router) {
        if router::option(router, "config-file-type") == Some("s3") {
            report.add(
                router::pointer(router, "config-file-type"),
                format!(
                    "the log router {} takes its configuration file from S3, \
                     but on Fargate only `file` is supported",
                    label(router)
                ),
                "put the file into the router's image and use `file`, \
                 or use an `init-` tag of aws-for-fluent-bit, which loads it from S3",
            );
        }
    }
}
