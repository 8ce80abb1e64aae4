//! Says when a release is to be verified by logs that nobody here can find or read. The release itself runs all the
//! same.

use crate::firelens::obstacle::{self, NoOutput, Obstacle, find_output, unverifiable};
use crate::validate::{Findings, Rule, RuleEvidence, Severity, Subject};

pub(super) static RULE: Rule = Rule {
    id: "unverifiable-logs",
    severity: Severity::Hint,
    summary: "the logs of a container cannot be verified, though the service asks for it",
    why: "The verification reads lines of JSON, or bare lines, that Fluent Bit's S3 output writes to Amazon S3 as \
          the definition says. It cannot find or read what goes elsewhere, what is stored as Arrow, Parquet or OTLP, \
          what depends on values that only the running task knows, and keys that begin with something random. The \
          release is then reported without that proof.",
    source: "https://docs.fluentbit.io/manual/pipeline/outputs/s3",
    evidence: RuleEvidence::Documented,
    check,
    ..Rule::OF_DOCUMENTS
};

fn check(subject: &Subject<'_>, report: &mut Findings<'_>) {
    for name in subject.verified_containers() {
        let found = match find_output(subject.definition, name) {
            Ok(output) => unverifiable(&output),
            Err(NoOutput::Hidden(hidden)) => Some(hidden),
            // What the main container does not write is not asked for; what another one is asked for is.
            Err(NoOutput::NotConfigured(_)) if name == subject.container => None,
            Err(NoOutput::NotConfigured(reason)) => Some(obstacle::not_written(subject.definition, name, &reason)),
        };
        if let Some(Obstacle { pointer, message, help }) = found {
            report.add(pointer, message, help);
        }
    }
}
