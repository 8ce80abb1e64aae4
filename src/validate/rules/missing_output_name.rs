//! The ECS agent looks for the key `Name` (for Fluentd `@type`) with exactly this spelling, and starts no task whose
//! other options lack it.

use crate::firelens::s3_output::LogOutput;
use crate::validate::{Findings, Rule, RuleEvidence, Severity, Subject, label, quoted};

pub(super) static RULE: Rule = Rule {
    id: "missing-output-name",
    severity: Severity::Error,
    summary: "the FireLens options of a container do not name the output plugin",
    why: "ECS registers the definition, but the agent cannot make an output of options without the plugin's name, and the \
        task fails to start. The key is `Name` for Fluent Bit, in exactly this spelling, and `@type` for Fluentd.",
    source: "aws/amazon-ecs-agent agent/taskresource/firelens/firelensconfig_unix.go",
    evidence: RuleEvidence::Observed {
        seen: "aws/amazon-ecs-agent agent/taskresource/firelens/firelensconfig_unix.go",
    },
    check,
    ..Rule::OF_DOCUMENTS
};

fn check(subject: &Subject<'_>, report: &mut Findings<'_>) {
    for output in LogOutput::all(subject.definition) {
        let key = output.plugin_key();
        if output.plugin_options().next().is_none() || output.plugin_options().any(|option| option == key) {
            continue;
        }
        let container = label(output.container);
        let other_spelling = output.plugin_options().find(|option| option.eq_ignore_ascii_case(key));
        let (pointer, message) = match other_spelling {
            Some(option) if output.container.log_options().is_some_and(|options| options.contains_key(option)) => (
                output.pointer(option),
                format!(
                    "the log options of {container} have {} instead of `{key}`: the task does not start",
                    quoted(option)
                ),
            ),
            _ => (
                output.container.pointer() + "/logConfiguration/options",
                format!("the log options of {container} have no `{key}`: the task does not start"),
            ),
        };
        report.add(
            pointer,
            message,
            format!("add `{key}`, spelt exactly so, with the output plugin, for example `s3`"),
        );
    }
}
