//! An option that is newer than the Fluent Bit in the router's image stops it. Images whose version cannot be told
//! are left alone.

use crate::firelens::router::FluentBit;
use crate::firelens::s3_output::{self, LogOutput};
use crate::validate::router_severity::severity_of_lacking;
use crate::validate::{Findings, Rule, RuleEvidence, Severity, Subject, quoted};

pub(super) static RULE: Rule = Rule {
    id: "newer-s3-option",
    severity: Severity::Error,
    summary: "an S3 output has an option that is newer than the Fluent Bit in the router's image",
    why: "To an older Fluent Bit the option is unknown, and it stops with exit code 255 before it takes a line. All \
          images aws-for-fluent-bit 2.x hold Fluent Bit 1.9.10, and in 2026 the tags `stable` and `latest` still \
          pointed to one of them.",
    source: "https://github.com/aws/aws-for-fluent-bit/issues/1181",
    evidence: RuleEvidence::Observed { seen: "https://github.com/aws/aws-for-fluent-bit/issues/1181" },
    check,
    ..Rule::OF_DOCUMENTS
};

fn check(subject: &Subject<'_>, report: &mut Findings<'_>) {
    for output in LogOutput::to_s3(subject.definition) {
        for option in output.plugin_options() {
            let Some(severity) = s3_output::since(option).and_then(|since| severity_of_lacking(output.router, since))
            else {
                continue;
            };
            let fluent_bit = FluentBit::of(output.router).statement();
            report.add_as(
                severity,
                output.pointer_of_plugin_option(option),
                format!("{fluent_bit}, which does not know {}: the log router stops", quoted(option)),
                "use a newer image, for example \
                 public.ecr.aws/aws-observability/aws-for-fluent-bit:3, or remove the option",
            );
        }
    }
}
