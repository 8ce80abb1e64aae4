//! The agent reads three options of `firelensConfiguration` and drops all others without a word.

use crate::firelens::router;
use crate::validate::nearest::nearest;
use crate::validate::{Findings, Rule, RuleEvidence, Severity, Subject, quoted};

pub(super) static RULE: Rule = Rule {
    id: "unknown-router-option",
    severity: Severity::Warning,
    summary: "the log router has an option that FireLens does not know",
    why: "The agent looks up its options by exact names and ignores everything else, so a mistyped one has no \
          effect: the configuration file is not included, or the metadata stay as they are by default. Options of \
          Fluent Bit's outputs belong to the containers that log.",
    source: "https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_FirelensConfiguration.html",
    evidence: RuleEvidence::Documented,
    check,
    ..Rule::OF_DOCUMENTS
};

const KNOWN: [&str; 3] = ["enable-ecs-log-metadata", "config-file-type", "config-file-value"];

fn check(subject: &Subject<'_>, report: &mut Findings<'_>) {
    let Some(router) = router::find(subject.definition) else { return };
    for option in router::options(router).into_iter().flat_map(|options| options.keys()) {
        if KNOWN.contains(&option.as_str()) {
            continue;
        }
        let help = match nearest(option, KNOWN) {
            Some(meant) => format!("did you mean `{}`?", meant.name),
            None => "move it to `logConfiguration.options` of the container that logs, or remove it".to_owned(),
        };
        report.add(
            router::pointer(router, option),
            format!("{} is not an option of `firelensConfiguration`, so it has no effect", quoted(option)),
            help,
        );
    }
}
