//! Fluent Bit stops at an option that its S3 output does not have. Options that only some versions have are the rule
//! `newer-s3-option`'s.

use crate::firelens::s3_output::{self, LogOutput};
use crate::validate::nearest::nearest;
use crate::validate::router_severity::severity_of_death;
use crate::validate::{Findings, Rule, RuleEvidence, Severity, Subject, quoted};

pub(super) static RULE: Rule = Rule {
    id: "unknown-s3-option",
    severity: Severity::Error,
    summary: "an S3 output has an option that Fluent Bit does not know",
    why: "ECS hands every option to Fluent Bit unchecked. At one that the plugin does not have Fluent Bit stops with \
          exit code 255 before it takes a line, and an essential router stops its task with it.",
    source: "fluent/fluent-bit plugins/out_s3/s3.c",
    evidence: RuleEvidence::Observed { seen: "fluent/fluent-bit plugins/out_s3/s3.c" },
    check,
    ..Rule::OF_DOCUMENTS
};

fn check(subject: &Subject<'_>, report: &mut Findings<'_>) {
    for output in LogOutput::to_s3(subject.definition) {
        for option in output.plugin_options().filter(|option| !s3_output::is_known_option(option)) {
            // AWS lists these two for every log driver, and what its agent on Fargate does with them is not public.
            let is_driver_option = matches!(option, "mode" | "max-buffer-size");
            let (severity, outcome) = if is_driver_option {
                (Severity::Warning, "the log router stops if ECS hands it on")
            } else {
                (severity_of_death(output.router), "the log router stops")
            };
            let help = match nearest(option, s3_output::known_options()) {
                _ if is_driver_option => {
                    "remove it; `log-driver-buffer-limit` sets how many lines wait for the router".to_owned()
                }
                Some(meant) => format!("did you mean `{}`?", meant.name),
                None => "remove it, or correct its name".to_owned(),
            };
            report.add_as(
                severity,
                output.pointer_of_plugin_option(option),
                format!("{} is not an option of Fluent Bit's S3 output: {outcome}", quoted(option)),
                help,
            );
        }
    }
}
