//! Finds members that Fargate refuses whatever they say. A default that changes nothing passes, since tools write it
//! out.

use serde_json::Value;

use crate::validate::{Findings, Rule, RuleEvidence, Severity, Subject, label};

pub(super) static RULE: Rule = Rule {
    id: "unsupported-member",
    severity: Severity::Error,
    summary: "a member is one that Fargate refuses",
    why: "ECS refuses the registration: these members speak about a host, its network or its devices, and on Fargate there \
        is none to speak about.",
    source: "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/fargate-tasks-services.html",
    evidence: RuleEvidence::Refused {
        words: "Tasks using the Fargate launch type do not support ipcMode.",
        seen: "https://github.com/cn-terraform/terraform-aws-ecs-fargate/issues/2",
    },
    check,
    ..Rule::OF_DOCUMENTS
};

/// Container members that Fargate refuses (developer guide, "Task definition differences for Fargate").
pub(in crate::validate) const CONTAINER: [&str; 8] = [
    "disableNetworking",
    "dnsSearchDomains",
    "dnsServers",
    "dockerSecurityOptions",
    "extraHosts",
    "hostname",
    "links",
    "privileged",
];

/// Task members that Fargate refuses.
pub(in crate::validate) const TASK: [&str; 3] = ["inferenceAccelerators", "ipcMode", "placementConstraints"];

fn check(subject: &Subject<'_>, report: &mut Findings<'_>) {
    for member in TASK.iter().filter(|member| subject.definition.members().get(**member).is_some_and(says_something)) {
        report.add(format!("/{member}"), format!("Fargate refuses `{member}`"), "remove it");
    }
    if let Some(mode) = subject.definition.text("pidMode").filter(|mode| !mode.is_empty() && *mode != "task") {
        let message = if mode == "host" {
            "Fargate refuses the PID mode `host`"
        } else {
            "Fargate knows the PID mode `task` only"
        };
        report.add("/pidMode", message, "set it to `task`, or remove it");
    }
    for container in subject.definition.containers() {
        for member in CONTAINER.iter().filter(|member| container.members.get(**member).is_some_and(says_something)) {
            report.add(
                format!("{}/{member}", container.pointer()),
                format!("Fargate refuses `{member}`, which {} has", label(container)),
                "remove it",
            );
        }
    }
}

/// Whether a value is more than the absence of one.
fn says_something(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => false,
        Value::Array(items) => !items.is_empty(),
        Value::String(text) => !text.is_empty(),
        Value::Bool(true) | Value::Number(_) | Value::Object(_) => true,
    }
}
