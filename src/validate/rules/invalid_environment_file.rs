//! Reads the references to environment files.

use serde_json::Value;

use crate::validate::{Findings, Rule, RuleEvidence, Severity, Subject, label};

pub(super) static RULE: Rule = Rule {
    id: "invalid-environment-file",
    severity: Severity::Error,
    summary: "an environment file is no `.env` object in S3, or there are more than ten",
    why: "ECS refuses the registration or the task stops before its containers run: environment files are S3 objects whose \
        names end in `.env`, ten at the most.",
    source: "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/use-environment-file.html",
    evidence: RuleEvidence::Refused {
        words: "Invalid arn syntax",
        seen: "https://github.com/badmintoncryer/cdk-preflight/blob/main/docs/rules.md",
    },
    check,
    ..Rule::OF_DOCUMENTS
};

/// The most files of one container.
const MOST: usize = 10;

fn check(subject: &Subject<'_>, report: &mut Findings<'_>) {
    for container in subject.definition.containers() {
        let files = container.list("environmentFiles");
        if files.len() > MOST {
            report.add(
                format!("{}/environmentFiles", container.pointer()),
                format!("{} has {} environment files; {MOST} are the most", label(container), files.len()),
                "join some of them",
            );
        }
        for (index, file) in files.iter().enumerate() {
            let Some(arn) = file.get("value").and_then(Value::as_str) else { continue };
            let is_object = arn.starts_with("arn:") && arn.split(':').nth(2) == Some("s3") && arn.contains('/');
            if !is_object || arn.strip_suffix(".env").is_none() {
                report.add(
                    format!("{}/environmentFiles/{index}/value", container.pointer()),
                    format!(
                        "an environment file of {} is not the ARN of an S3 object that ends in `.env`",
                        label(container)
                    ),
                    "write `arn:aws:s3:::bucket/path/name.env`",
                );
            }
        }
    }
}
