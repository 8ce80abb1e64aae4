//! The variables by which a log router loads more configuration are read by the `init-` images alone. What the loaded
//! configuration says is not guessed.

use serde_json::Value;

use crate::firelens::router::{self, Builder};
use crate::validate::{Findings, Rule, RuleEvidence, Severity, Subject, label, quoted};

pub(super) static RULE: Rule = Rule {
    id: "ignored-init-variable",
    severity: Severity::Warning,
    summary: "the log router's image does not read `aws_fluent_bit_init_*`",
    why: "Only images of aws-for-fluent-bit with an `init-` tag read the variables `aws_fluent_bit_init_s3_*` and \
          `aws_fluent_bit_init_file_*`. Any other one starts without what they name, and logs that were to go where that \
          says go nowhere.",
    source: "https://github.com/aws/aws-for-fluent-bit/tree/mainline/use_cases/init-process-for-fluent-bit",
    evidence: RuleEvidence::Observed {
        seen: "https://github.com/aws/aws-for-fluent-bit/tree/mainline/use_cases/init-process-for-fluent-bit",
    },
    check,
    ..Rule::OF_DOCUMENTS
};

fn check(subject: &Subject<'_>, report: &mut Findings<'_>) {
    let Some(router) = router::find(subject.definition) else { return };
    let is_plain = match Builder::of(router) {
        // Without a tag nothing tells which image it is.
        Builder::Aws(tag) => !tag.is_empty() && !tag.starts_with("init-"),
        Builder::Fluent(_) | Builder::Fluentd => true,
        Builder::Other => false,
    };
    if !is_plain {
        return;
    }
    for (index, variable) in router.list("environment").iter().enumerate() {
        let name = variable.get("name").and_then(Value::as_str).unwrap_or_default();
        if name.starts_with("aws_fluent_bit_init_") {
            report.add(
                format!("{}/environment/{index}/name", router.pointer()),
                format!("the image of the log router {} does not read {}", label(router), quoted(name)),
                "use an `init-` tag of aws-for-fluent-bit",
            );
        }
    }
}
