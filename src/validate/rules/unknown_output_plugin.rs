//! The output plugin that `Name` names has to be in the router's image. Images may hold any plugin, so only what
//! looks like a slip is reported.

use crate::firelens::router;
use crate::firelens::s3_output::LogOutput;
use crate::validate::nearest::nearest;
use crate::validate::{Findings, Rule, RuleEvidence, Severity, Subject, label};

pub(super) static RULE: Rule = Rule {
    id: "unknown-output-plugin",
    severity: Severity::Warning,
    summary: "`Name` looks like a misspelt output plugin of Fluent Bit",
    why: "Fluent Bit looks for the plugin by its name when it starts, and stops when it has none of that name. An \
          essential router stops its task with it.",
    source: "https://docs.fluentbit.io/manual/pipeline/outputs",
    evidence: RuleEvidence::Documented,
    check,
    ..Rule::OF_DOCUMENTS
};

/// The outputs of Fluent Bit, and Go plugins: those of aws-for-fluent-bit (`cloudwatch`, `firehose`, `kinesis`) and
/// others' that are common.
const PLUGINS: [&str; 54] = [
    "azure",
    "azure_blob",
    "azure_kusto",
    "azure_logs_ingestion",
    "bigquery",
    "calyptia",
    "chronicle",
    "cloudwatch",
    "cloudwatch_logs",
    "counter",
    "datadog",
    "es",
    "exit",
    "file",
    "firehose",
    "flowcounter",
    "forward",
    "gcs",
    "gelf",
    "http",
    "influxdb",
    "kafka",
    "kafka-rest",
    "kinesis",
    "kinesis_firehose",
    "kinesis_streams",
    "lib",
    "logdna",
    "loki",
    "nats",
    "newrelic",
    "nrlogs",
    "null",
    "opensearch",
    "opentelemetry",
    "oracle_log_analytics",
    "pgsql",
    "plot",
    "prometheus_exporter",
    "prometheus_remote_write",
    "retry",
    "s3",
    "skywalking",
    "slack",
    "splunk",
    "stackdriver",
    "stdout",
    "syslog",
    "tcp",
    "td",
    "udp",
    "vivo_exporter",
    "websocket",
    "grafana-loki",
];

fn check(subject: &Subject<'_>, report: &mut Findings<'_>) {
    for output in LogOutput::all(subject.definition).filter(|output| output.plugin_key() == "Name") {
        let Some(name) = output.plugin() else { continue };
        let is_known = PLUGINS.iter().any(|plugin| plugin.eq_ignore_ascii_case(name));
        // A plugin may have the name of a variable's value, or come with a configuration of one's own.
        if is_known || name.contains("${") || router::has_own_configuration(output.router) {
            continue;
        }
        let Some(meant) = nearest(name, PLUGINS).filter(|meant| meant.is_slip) else { continue };
        report.add(
            output.pointer("Name"),
            format!(
                "the `Name` in the log options of {} is not an output of Fluent Bit: the log router stops",
                label(output.container)
            ),
            format!("did you mean `{}`?", meant.name),
        );
    }
}
