//! Finds `splunk` configurations without what the driver needs, given plainly or as a secret.

use serde_json::Value;

use crate::task_definition::Container;
use crate::validate::{Findings, Rule, RuleEvidence, Severity, Subject, label};

pub(super) static RULE: Rule = Rule {
    id: "missing-splunk-option",
    severity: Severity::Error,
    summary: "the `splunk` driver lacks its token or its URL",
    why: "The driver refuses to start without `splunk-token` and `splunk-url`, and the task stops. The token belongs into \
        `secretOptions`.",
    source: "https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_LogConfiguration.html",
    evidence: RuleEvidence::Observed { seen: "moby/moby daemon/logger/splunk/splunk.go" },
    check,
    ..Rule::OF_DOCUMENTS
};

fn check(subject: &Subject<'_>, report: &mut Findings<'_>) {
    for container in subject.definition.containers().filter(|container| container.log_driver() == Some("splunk")) {
        let secrets = container.members.get("logConfiguration").and_then(|log| log.get("secretOptions")?.as_array());
        for option in ["splunk-token", "splunk-url"] {
            let is_secret =
                secrets.into_iter().flatten().any(|secret| secret.get("name").and_then(Value::as_str) == Some(option));
            if !is_secret && container.log_option(option).is_none_or(str::is_empty) {
                report.add(
                    place(container, option),
                    format!("{} logs with `splunk` and has no `{option}`", label(container)),
                    format!("add `{option}`, the token by `secretOptions`"),
                );
            }
        }
    }
}

/// Where an option stands or would stand; where there are no options at all, where these would.
fn place(container: Container<'_>, option: &str) -> String {
    let options = format!("{}/logConfiguration/options", container.pointer());
    if container.log_options().is_some() { format!("{options}/{option}") } else { options }
}
