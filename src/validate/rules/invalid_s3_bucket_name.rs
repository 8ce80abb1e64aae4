//! Names that no bucket has. Whether the bucket exists is not asked, nor what a store other than S3 allows.

use crate::firelens::s3_output::{LogOutput, Setting};
use crate::validate::{Findings, Rule, RuleEvidence, Severity, Subject, label};

pub(super) static RULE: Rule = Rule {
    id: "invalid-s3-bucket-name",
    severity: Severity::Warning,
    summary: "the `bucket` of an S3 output is not a name that S3 gives to buckets",
    why: "Fluent Bit starts, but each upload fails, and after some attempts the lines are given up. The only trace \
          is in the router's own log.",
    source: "https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html",
    evidence: RuleEvidence::Documented,
    check,
    ..Rule::OF_DOCUMENTS
};

fn check(subject: &Subject<'_>, report: &mut Findings<'_>) {
    for output in LogOutput::to_s3(subject.definition) {
        let Setting::Given(option, bucket) = output.setting("bucket") else { continue };
        if bucket.is_empty() || output.setting("endpoint") != Setting::Absent {
            continue;
        }
        if let Some(help) = flaw(bucket) {
            report.add(
                output.pointer(option),
                format!("the `bucket` of the S3 output of {} is not a bucket's name", label(output.container)),
                help,
            );
        }
    }
}

/// What to write instead, when it is not a name. Buckets of us-east-1 from before March 2018 may have capitals and
/// underscores.
fn flaw(bucket: &str) -> Option<&'static str> {
    let is_ipv4 = bucket.parse::<core::net::Ipv4Addr>().is_ok();
    if bucket.starts_with("arn:") || bucket.starts_with("s3://") {
        Some("write the bucket's bare name, without `arn:aws:s3:::` or `s3://`")
    } else if bucket.contains('/') {
        Some("write the bucket's bare name; what comes after the slash belongs to `s3_key_format`")
    } else if !(3..=255).contains(&bucket.len())
        || is_ipv4
        || !bucket.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_'))
    {
        Some("correct it; the name has 3 to 63 lower-case letters, digits, dots and hyphens")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::flaw;

    #[test]
    fn names_that_a_bucket_may_have_pass() {
        for name in ["logs-of-web", "abc", "a.b.c", "Old_Logs", "123456789012-logs", "my-ap-0123456789abcdef-s3alias"] {
            assert_eq!(flaw(name), None, "{name}");
        }
    }

    #[test]
    fn addresses_and_paths_are_no_names() {
        for name in ["arn:aws:s3:::logs", "s3://logs", "logs/web", "ab", "10.0.0.1", "logs web", "lögs"] {
            assert!(flaw(name).is_some(), "{name}");
        }
    }
}
