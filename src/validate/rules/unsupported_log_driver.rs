//! Finds log drivers that Fargate does not have.

use crate::validate::{Findings, Rule, RuleEvidence, Severity, Subject, label, quoted};

pub(super) static RULE: Rule = Rule {
    id: "unsupported-log-driver",
    severity: Severity::Error,
    summary: "a log driver is one that Fargate does not have",
    why: "ECS refuses the registration: Fargate has `awslogs`, `splunk` and `awsfirelens`. Everything else can be reached \
        through FireLens.",
    source: "https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_LogConfiguration.html",
    evidence: RuleEvidence::Observed {
        seen: "https://github.com/aws-samples/aws-fargate-log-aggregator-with-fluentd/issues/2",
    },
    check,
    ..Rule::OF_DOCUMENTS
};

/// Drivers that ECS has on EC2 alone; a name that ECS does not know at all is for `unknown-value` to speak of.
pub(in crate::validate) const ON_EC2: [&str; 5] = ["fluentd", "gelf", "journald", "json-file", "syslog"];

fn check(subject: &Subject<'_>, report: &mut Findings<'_>) {
    for container in subject.definition.containers() {
        if let Some(driver) = container.log_driver().filter(|driver| ON_EC2.contains(driver)) {
            report.add(
                format!("{}/logConfiguration/logDriver", container.pointer()),
                format!("{} logs with {}, which Fargate does not have", label(container), quoted(driver)),
                "use `awslogs`, or `awsfirelens` with a log router",
            );
        }
    }
}
