//! A container's name that holds the delimiter is cut as well, and moves the task id to a later part.

use crate::firelens::s3_output::LogOutput;
use crate::validate::{Findings, Rule, RuleEvidence, Severity, Subject, label};

pub(super) static RULE: Rule = Rule {
    id: "shifted-tag-part",
    severity: Severity::Warning,
    summary: "the container's name holds a tag delimiter, and no part in the key is the task id",
    why: "The tag is `<container>-firelens-<task id>`, cut at every delimiter, also at those in the container's \
          name. Each of them moves the parts behind it by one: of `my-app`, cut at hyphens, `$TAG[2]` is the word \
          `firelens`, and the task id is `$TAG[3]`. The objects of all tasks then share their keys.",
    source: "fluent/fluent-bit src/aws/flb_aws_util.c",
    evidence: RuleEvidence::Observed { seen: "fluent/fluent-bit src/aws/flb_aws_util.c" },
    check,
    ..Rule::OF_DOCUMENTS
};

fn check(subject: &Subject<'_>, report: &mut Findings<'_>) {
    for output in LogOutput::to_s3(subject.definition) {
        let Some(parts) = output.tag_parts() else { continue };
        let used = output.used_tag_parts();
        // A part behind the name's is meant to be the task id; `$TAG[0]` alone may be meant as it is.
        let means_task = used.iter().any(|part| *part > 0 && *part < parts.all);
        if parts.of_name > 1 && means_task && output.key_names_task() == Some(false) {
            report.add(
                output.pointer("s3_key_format"),
                format!(
                    "the name {} is cut into {} parts, so the task id is `$TAG[{}]`, which the key does not have",
                    label(output.container),
                    parts.of_name,
                    parts.all.saturating_sub(1)
                ),
                "use that part, or `$TAG`, or rename the container",
            );
        }
    }
}
