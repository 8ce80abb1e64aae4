//! `${NAME}` in an option is a variable of the log router's environment. Images and files that may set more of them
//! are left alone.

use serde_json::Value;

use crate::firelens::router::{self, Builder};
use crate::firelens::s3_output::LogOutput;
use crate::task_definition::Container;
use crate::validate::{Findings, Rule, RuleEvidence, Severity, Subject, label, quoted};

pub(super) static RULE: Rule = Rule {
    id: "unset-router-variable",
    severity: Severity::Warning,
    summary: "a log option takes a variable that the log router's environment does not have",
    why: "Fluent Bit replaces `${NAME}` by the variable of the router's own environment, not the application's, and \
          by nothing when it is not set: two slashes meet in the key, or the bucket has no name. Only the `init-` \
          tags of aws-for-fluent-bit set ECS_TASK_ID, ECS_REVISION and the like.",
    source: "https://github.com/aws/aws-for-fluent-bit/blob/mainline/use_cases/init-process-for-fluent-bit/README.md",
    evidence: RuleEvidence::Observed {
        seen: "https://github.com/aws/aws-for-fluent-bit/blob/mainline/use_cases/init-process-for-fluent-bit/README.md",
    },
    check,
    ..Rule::OF_DOCUMENTS
};

/// What the `init-` images set beside `AWS_*`.
const OF_INIT_IMAGES: [&str; 7] = [
    "ECS_LAUNCH_TYPE",
    "ECS_CLUSTER",
    "ECS_FAMILY",
    "ECS_TASK_ARN",
    "ECS_TASK_ID",
    "ECS_REVISION",
    "ECS_TASK_DEFINITION",
];

fn check(subject: &Subject<'_>, report: &mut Findings<'_>) {
    let Some(router) = router::find(subject.definition) else { return };
    let is_init = match Builder::of(router) {
        Builder::Aws(tag) => tag.starts_with("init-"),
        Builder::Fluent(_) => false,
        // An image of one's own may set anything.
        Builder::Fluentd | Builder::Other => return,
    };
    if !router.list("environmentFiles").is_empty() || router::has_own_configuration(router) {
        return;
    }
    for output in LogOutput::all(subject.definition) {
        for (option, value) in output.container.log_options().into_iter().flatten() {
            let variables = value.as_str().into_iter().flat_map(variables);
            let unset = |name: &&str| !(has(router, name) || is_init && OF_INIT_IMAGES.contains(name));
            for variable in variables.filter(unset) {
                let help = if OF_INIT_IMAGES.contains(&variable) {
                    "use an `init-` tag of aws-for-fluent-bit, which sets it, or `$TAG`, which holds the task id"
                        .to_owned()
                } else {
                    format!("add {} to the `environment` of {}", quoted(variable), label(router))
                };
                report.add(
                    output.pointer(option),
                    format!(
                        "{} takes {}, which is not in the environment of the log router {}, so it is empty",
                        quoted(option),
                        quoted(variable),
                        label(router)
                    ),
                    help,
                );
            }
        }
    }
}

/// The variables in a value. Only what is written as names of variables usually are: anything else in a value may be
/// confidential.
fn variables(value: &str) -> impl Iterator<Item = &str> {
    let names = value.split("${").skip(1).filter_map(|rest| Some(rest.split_once('}')?.0));
    names.filter(|name| {
        !name.is_empty() && name.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_')
    })
}

/// Whether the definition, or Fargate itself, sets the variable.
fn has(router: Container<'_>, variable: &str) -> bool {
    let mut listed = ["environment", "secrets"].into_iter().flat_map(|list| router.list(list));
    let of_fargate = ["AWS_", "ECS_CONTAINER_METADATA_URI", "ECS_AGENT_URI", "HOSTNAME", "HOME", "PATH"];
    of_fargate.iter().any(|name| variable.starts_with(name))
        || listed.any(|entry| entry.get("name").and_then(Value::as_str) == Some(variable))
}
