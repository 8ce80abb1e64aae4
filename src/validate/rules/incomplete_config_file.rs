//! `config-file-type` and `config-file-value` belong together. Whether the file exists in the image is not asked.

use crate::firelens::router;
use crate::task_definition::Container;
use crate::validate::{Findings, Rule, RuleEvidence, Severity, Subject};

pub(super) static RULE: Rule = Rule {
    id: "incomplete-config-file",
    severity: Severity::Error,
    summary: "the log router's configuration file has no path, or no valid type",
    why: "The agent starts no task whose router has a `config-file-type` that is neither `file` nor `s3`, or one \
          without `config-file-value`. A `config-file-value` without a type is ignored, so that its outputs and \
          parsers are missing.",
    source: "aws/amazon-ecs-agent agent/taskresource/firelens/firelens_unix.go",
    evidence: RuleEvidence::Observed { seen: "aws/amazon-ecs-agent agent/taskresource/firelens/firelens_unix.go" },
    check,
    ..Rule::OF_DOCUMENTS
};

fn check(subject: &Subject<'_>, report: &mut Findings<'_>) {
    if let Some(router) = router::find(subject.definition) {
        check_router(router, report);
    }
}

fn check_router(router: Container<'_>, report: &mut Findings<'_>) {
    let Some(options) = router::options(router) else { return };
    let has_value = options.contains_key("config-file-value");
    match options.get("config-file-type").map(|kind| kind.as_str()) {
        None if has_value => report.add_as(
            Severity::Warning,
            router::pointer(router, "config-file-value"),
            "`config-file-value` is ignored, because there is no `config-file-type`",
            "add `\"config-file-type\": \"file\"`",
        ),
        Some(Some(kind)) if !matches!(kind, "file" | "s3") => report.add(
            router::pointer(router, "config-file-type"),
            "`config-file-type` is neither `file` nor `s3`: the task does not start",
            "set it to `file`, in lower case",
        ),
        Some(Some("file")) if !has_value => report.add(
            router::pointer(router, "config-file-type"),
            "there is a `config-file-type` without `config-file-value`: the task does not start",
            "add `config-file-value` with the file's path in the router's image",
        ),
        _ => {}
    }
}
