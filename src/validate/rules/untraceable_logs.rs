//! A record must tell which task wrote it, by itself or by the key of its object. Keys that only the running task
//! knows are left alone.

use crate::validate::log_output::{LogOutput, Setting};
use crate::validate::{Report, Rule, Severity, Subject, label, log_router};

pub(super) static RULE: Rule = Rule {
    id: "untraceable-logs",
    severity: Severity::Warning,
    summary: "neither the key nor the records of an S3 output tell which revision wrote them",
    why: "While a release runs, tasks of two revisions write at the same time. Records name their task and revision \
          in `ecs_task_arn` and `ecs_task_definition`, unless these are switched off or only the line itself is \
          stored. Without the task id in the key nobody can tell then whether a line is from the new revision, so a \
          release cannot be verified by it.",
    source: "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/firelens-taskdef.html",
    check,
};

fn check(subject: &Subject<'_>, report: &mut Report<'_>) {
    for output in LogOutput::to_s3(subject.definition) {
        let Some((pointer, reason, help)) = reason(&output) else { continue };
        if output.key_names_task() == Some(false) {
            report.add(
                pointer,
                format!(
                    "the logs of {} do not tell which task wrote them: {reason}, and the key has no task id",
                    label(output.container)
                ),
                format!("put `$TAG` into `s3_key_format`, or {help}"),
            );
        }
    }
}

/// Why the records themselves name no task, if so.
fn reason(output: &LogOutput<'_>) -> Option<(String, &'static str, &'static str)> {
    if let Setting::Given(option, key) = output.setting("log_key")
        && !key.is_empty()
    {
        return Some((output.pointer(option), "`log_key` stores the bare line", "remove `log_key`"));
    }
    if let Setting::Given(option, format) = output.setting("format")
        && format.to_ascii_lowercase().starts_with("otlp_json")
    {
        return Some((output.pointer(option), "OTLP drops the metadata", "remove `format`"));
    }
    // A value that the agent cannot read is another rule's; its help repairs this too.
    let metadata = log_router::option(output.router, "enable-ecs-log-metadata").and_then(log_router::go_bool);
    (metadata == Some(false)).then(|| {
        let pointer = log_router::pointer(output.router, "enable-ecs-log-metadata");
        (pointer, "the metadata are switched off", "set `enable-ecs-log-metadata` to `true`")
    })
}
