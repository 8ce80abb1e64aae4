//! Names that have not even the form of a region's. It holds no list of regions: AWS adds some every year.

use crate::firelens::s3_output::{LogOutput, Setting};
use crate::image::is_dns_label;
use crate::validate::{Findings, Rule, RuleEvidence, Severity, Subject, label};

pub(super) static RULE: Rule = Rule {
    id: "unknown-s3-region",
    severity: Severity::Warning,
    summary: "the `region` of an S3 output is not a region's name",
    why: "Fluent Bit makes the address of S3 from it and starts, but finds nobody at that address, so each upload \
          fails, and after some attempts the lines are given up. The only trace is in the router's own log.",
    source: "https://docs.aws.amazon.com/general/latest/gr/rande.html",
    evidence: RuleEvidence::Documented,
    check,
    ..Rule::OF_DOCUMENTS
};

fn check(subject: &Subject<'_>, report: &mut Findings<'_>) {
    for output in LogOutput::to_s3(subject.definition) {
        let Setting::Given(option, region) = output.setting("region") else { continue };
        // Elsewhere regions may have any name; an empty one is missing.
        if region.is_empty() || output.setting("endpoint") != Setting::Absent || is_region(region) {
            continue;
        }
        let is_zone = region.strip_suffix(|c: char| c.is_ascii_lowercase()).is_some_and(is_region);
        let severity = if is_dns_label(region) { Severity::Warning } else { Severity::Error };
        report.add_as(
            severity,
            output.pointer(option),
            format!("the `region` of the S3 output of {} is not a region's name", label(output.container)),
            if is_zone {
                "leave out the letter at its end: it is the name of an availability zone"
            } else {
                "write the region as in `ap-northeast-1`"
            },
        );
    }
}

/// Whether the text has the form of `ap-northeast-1` or `us-gov-west-1`.
fn is_region(text: &str) -> bool {
    let mut parts = text.split('-').rev();
    let is_number = parts.next().is_some_and(|part| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit()));
    let words: Vec<&str> = parts.collect();
    is_number
        && words.len() >= 2
        && words.iter().all(|word| !word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase()))
}

#[cfg(test)]
mod tests {
    use super::is_region;

    #[test]
    fn regions_have_words_and_a_number() {
        for region in
            ["us-east-1", "ap-southeast-7", "us-gov-west-1", "us-isob-east-1", "eusc-de-east-1", "mx-central-1"]
        {
            assert!(is_region(region), "{region}");
        }
        for text in ["us-east-1a", "Tokyo", "us-east", "ap_northeast_1", "AP-NORTHEAST-1", "us--1", "-1", "1"] {
            assert!(!is_region(text), "{text}");
        }
    }
}
