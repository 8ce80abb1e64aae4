//! Finds a proxy configuration for a container that does not exist.

use serde_json::Value;

use crate::validate::{Findings, Rule, RuleEvidence, Severity, Subject, quoted};

pub(super) static RULE: Rule = Rule {
    id: "unknown-proxy-container",
    severity: Severity::Error,
    summary: "the proxy configuration names a container that does not exist",
    why: "The traffic of the task would be led through a container that it does not have.",
    source: "https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ProxyConfiguration.html",
    evidence: RuleEvidence::Refused {
        words: "Proxy container […]",
        seen: "https://github.com/badmintoncryer/cdk-preflight/blob/main/docs/rules.md",
    },
    check,
    ..Rule::OF_DOCUMENTS
};

fn check(subject: &Subject<'_>, report: &mut Findings<'_>) {
    let proxy = subject.definition.members().get("proxyConfiguration");
    let name = proxy.and_then(|proxy| proxy.get("containerName")).and_then(Value::as_str);
    if let Some(name) = name.filter(|name| subject.definition.container(name).is_none()) {
        report.add(
            "/proxyConfiguration/containerName",
            format!("the proxy is {}, which is not a container here", quoted(name)),
            "correct the name, or add the container",
        );
    }
}
