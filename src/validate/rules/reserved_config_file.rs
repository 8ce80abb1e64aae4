//! The path of the configuration that ECS writes itself cannot be that of the user's file as well.

use crate::firelens::router;
use crate::validate::router_severity::severity_of_death;
use crate::validate::{Findings, Rule, RuleEvidence, Severity, Subject};

pub(super) static RULE: Rule = Rule {
    id: "reserved-config-file",
    severity: Severity::Error,
    summary: "the log router's configuration file has the path of the one that ECS writes",
    why: "ECS mounts the configuration that it writes over /fluent-bit/etc/fluent-bit.conf (Fluentd: \
          /fluentd/etc/fluent.conf) and includes your file from there. A file of that path is hidden in the image, \
          and the configuration includes itself, which the router refuses.",
    source: "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/firelens-taskdef.html",
    evidence: RuleEvidence::Observed { seen: "aws/amazon-ecs-agent agent/taskresource/firelens/firelens_unix.go" },
    check,
    ..Rule::OF_DOCUMENTS
};

fn check(subject: &Subject<'_>, report: &mut Findings<'_>) {
    let Some(router) = router::find(subject.definition) else { return };
    let reserved = match router::kind(router) {
        Some("fluentbit") => "/fluent-bit/etc/fluent-bit.conf",
        Some("fluentd") => "/fluentd/etc/fluent.conf",
        _ => return,
    };
    let is_file = router::option(router, "config-file-type") == Some("file");
    if is_file && router::option(router, "config-file-value").map(str::trim) == Some(reserved) {
        report.add_as(
            severity_of_death(router),
            router::pointer(router, "config-file-value"),
            format!("`{reserved}` is the file that ECS writes itself, so it cannot be yours"),
            "give your file another path in the router's image, for example /extra.conf",
        );
    }
}
