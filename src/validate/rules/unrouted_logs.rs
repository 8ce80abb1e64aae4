//! Without options ECS makes no output for a container, so something else has to. What an unknown image or an own
//! command loads is not guessed.

use crate::firelens::router::{self, Builder};
use crate::firelens::s3_output::LogOutput;
use crate::task_definition::Container;
use crate::validate::{Findings, Rule, RuleEvidence, Severity, Subject, label};

pub(super) static RULE: Rule = Rule {
    id: "unrouted-logs",
    severity: Severity::Warning,
    summary: "a container logs through FireLens, and nothing says where to",
    why: "ECS makes an output of a container's log options, and includes the file that `config-file-value` names. \
          With neither, the router takes the lines and drops them. The patterns and the buffer limit are for ECS \
          itself and make no output.",
    source: "aws/amazon-ecs-agent agent/taskresource/firelens/firelensconfig_unix.go",
    evidence: RuleEvidence::Observed {
        seen: "aws/amazon-ecs-agent agent/taskresource/firelens/firelensconfig_unix.go",
    },
    check,
    ..Rule::OF_DOCUMENTS
};

fn check(subject: &Subject<'_>, report: &mut Findings<'_>) {
    for output in LogOutput::all(subject.definition) {
        if output.plugin_options().next().is_none() && !may_route(output.router) {
            report.add(
                output.container.pointer() + "/logConfiguration",
                format!(
                    "{} logs through FireLens, but nothing says where its lines go, so they are dropped",
                    label(output.container)
                ),
                "add `options` with the `Name` of an output plugin, or `config-file-value` to the log router",
            );
        }
    }
}

/// Whether the router may have outputs of its own.
fn may_route(router: Container<'_>) -> bool {
    let is_plain_image = matches!(Builder::of(router), Builder::Aws(_) | Builder::Fluent(_));
    let is_changed = ["command", "entryPoint", "environmentFiles"].iter().any(|list| !router.list(list).is_empty());
    let has_options = router::options(router).is_some_and(|options| options.contains_key("config-file-value"));
    !is_plain_image || is_changed || has_options || router::has_own_configuration(router)
}
