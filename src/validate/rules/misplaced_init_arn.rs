//! `aws_fluent_bit_init_file_*` names a file of the image. Whether the file is there is not known here.

use serde_json::Value;

use crate::firelens::router::{self, Builder};
use crate::validate::router_severity::severity_of_death;
use crate::validate::{Findings, Rule, RuleEvidence, Severity, Subject, quoted};

pub(super) static RULE: Rule = Rule {
    id: "misplaced-init-arn",
    severity: Severity::Error,
    summary: "`aws_fluent_bit_init_file_*` has an ARN where a path belongs",
    why: "`aws_fluent_bit_init_file_*` is the path of a file in the image; an object in S3 is named by \
          `aws_fluent_bit_init_s3_*`. Fluent Bit looks for a file of the ARN's name, and does not start.",
    source: "https://github.com/aws/aws-for-fluent-bit/issues/839",
    evidence: RuleEvidence::Observed { seen: "https://github.com/aws/aws-for-fluent-bit/issues/839" },
    check,
    ..Rule::OF_DOCUMENTS
};

fn check(subject: &Subject<'_>, report: &mut Findings<'_>) {
    let Some(router) = router::find(subject.definition) else { return };
    if !matches!(Builder::of(router), Builder::Aws(tag) if tag.starts_with("init-")) {
        return;
    }
    for (index, variable) in router.list("environment").iter().enumerate() {
        let text = |member: &str| variable.get(member).and_then(Value::as_str).unwrap_or_default();
        let (name, value) = (text("name"), text("value"));
        if name.starts_with("aws_fluent_bit_init_file_") && value.starts_with("arn:") {
            let right = name.replace("_file_", "_s3_");
            report.add_as(
                severity_of_death(router),
                format!("{}/environment/{index}/value", router.pointer()),
                format!("{} takes a path in the image, not an ARN: the log router does not start", quoted(name)),
                format!("name the variable {}", quoted(&right)),
            );
        }
    }
}
