//! Fluent Bit matches tags by their beginnings, so one container's output can take another one's lines.

use crate::firelens::s3_output::LogOutput;
use crate::validate::{Findings, Rule, RuleEvidence, Severity, Subject, label};

pub(super) static RULE: Rule = Rule {
    id: "overlapping-log-tags",
    severity: Severity::Warning,
    summary: "the output of one container also takes the lines of another",
    why: "ECS makes an output of a container's options that takes every tag beginning with `<container>-firelens`. A \
          container whose name begins like this is written by its own output and by that one.",
    source: "aws/amazon-ecs-agent agent/taskresource/firelens/firelensconfig_unix.go",
    evidence: RuleEvidence::Observed {
        seen: "aws/amazon-ecs-agent agent/taskresource/firelens/firelensconfig_unix.go",
    },
    check,
    ..Rule::OF_DOCUMENTS
};

fn check(subject: &Subject<'_>, report: &mut Findings<'_>) {
    for output in LogOutput::all(subject.definition).filter(|output| output.plugin_options().next().is_some()) {
        let Some(prefix) = output.container.name().map(|name| format!("{name}-firelens")) else { continue };
        for other in LogOutput::all(subject.definition).map(|other| other.container) {
            if other.name().is_some_and(|name| name.starts_with(&prefix)) {
                report.add(
                    other.pointer() + "/name",
                    format!("the lines of {} also go to the output of {}", label(other), label(output.container)),
                    "rename the container, so that its name does not begin with the other one's and `-firelens`",
                );
            }
        }
    }
}
