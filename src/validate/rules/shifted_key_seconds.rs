//! `%s` in a key, where the log router has a time zone. Other conversions are UTC whatever the zone is.

use serde_json::Value;

use crate::firelens::router;
use crate::firelens::s3_output::LogOutput;
use crate::validate::{Findings, Rule, RuleEvidence, Severity, Subject, label};

pub(super) static RULE: Rule = Rule {
    id: "shifted-key-seconds",
    severity: Severity::Warning,
    summary: "`%s` in a key is off by the log router's time zone",
    why: "Fluent Bit formats keys with a UTC time, which `strftime` takes for a local one where it works out `%s`. With `TZ` \
          in the router's environment the seconds are off by the zone. No released S3 output has an option for local time.",
    source: "fluent/fluent-bit src/aws/flb_aws_util.c",
    evidence: RuleEvidence::Observed { seen: "fluent/fluent-bit src/aws/flb_aws_util.c" },
    check,
    ..Rule::OF_DOCUMENTS
};

fn check(subject: &Subject<'_>, report: &mut Findings<'_>) {
    let Some(router) = router::find(subject.definition) else { return };
    let is_zone = |variable: &&Value| variable.get("name").and_then(Value::as_str) == Some("TZ");
    let zone = router.list("environment").iter().find(is_zone).and_then(|zone| zone.get("value")?.as_str());
    if zone.is_none_or(|zone| zone.is_empty() || matches!(zone, "UTC" | "Etc/UTC" | "GMT")) {
        return;
    }
    for output in LogOutput::to_s3(subject.definition) {
        if output.key_format().is_some_and(|format| format.contains("%s")) {
            report.add(
                output.pointer("s3_key_format"),
                format!("`%s` is off by the time zone that `TZ` gives the log router {}", label(router)),
                "remove `TZ`, or write the time with `%Y/%m/%d/%H/%M/%S`",
            );
        }
    }
}
