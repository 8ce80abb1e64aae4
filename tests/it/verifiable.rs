//! What `check` calls unverifiable is what a release does not verify: both go by one reading of the document, here over
//! tables that reach every option with plain, hidden, empty and oddly written values.

#![cfg(test)]

use express_deployer::task_definition::TaskDefinition;
use express_deployer::validate::{Finding, Origin, Severity};
use express_deployer::verify::{Expectation, expect_logs_within};
use serde_json::{Map, Value, json};

use crate::rules::{Dice, Setting};

/// The findings that say that logs cannot be verified.
const IDS: [&str; 3] = ["unverifiable-logs", "untraceable-logs", "late-log-upload"];

/// The option and its values; `None` leaves it out.
const OPTIONS: [(&str, &[&str]); 12] = [
    ("bucket", &["logs-of-web", "logs-of-web", "", "${BUCKET}"]),
    ("region", &["ap-northeast-1", "ap-northeast-1", "", "${AWS_REGION}"]),
    ("endpoint", &["https://s3.ap-northeast-1.amazonaws.com", "http://minio:9000", ""]),
    (
        "s3_key_format",
        &["/web/$TAG/$UUID", "/$UUID/$TAG", "/web/%Y/%m/%d/$UUID", "/web/$TAG[2]/$UUID", "/${ENV}/$TAG", "web/$TAG"],
    ),
    ("s3_key_format_tag_delimiters", &[".", "-", ".-"]),
    ("static_file_path", &["true", "Off"]),
    ("upload_timeout", &["30s", "1m", "10m", "2h", "99999999d", "${TIMEOUT}"]),
    ("compression", &["gzip", "GZIP", "zstd", "snappy", "None", "ARROW", "parquet", "Parquet", "brotli"]),
    ("format", &["json_lines", "JSON", "otlp_json", "otlp_json_pretty", "OTLP_JSON_Pretty", "Parquet", "arrow", "xml"]),
    ("log_key", &["log", "", "${KEY}"]),
    ("total_file_size", &["1M", "50M"]),
    ("use_put_object", &["On"]),
];

const METADATA: [Option<&str>; 4] = [None, Some("true"), Some("false"), Some("yes")];

/// A document with the containers `Main` and `worker` and a log router.
fn document(dice: &mut Dice) -> TaskDefinition {
    let mut router = json!({
        "name": "log-router",
        "image": "public.ecr.aws/aws-observability/aws-for-fluent-bit:3.4.16",
        "essential": dice.below(4) == 0,
        "firelensConfiguration": {"type": if dice.below(30) == 0 { "fluentd" } else { "fluentbit" }, "options": {}},
    });
    if let Some(value) = METADATA[dice.below(METADATA.len())] {
        router["firelensConfiguration"]["options"]["enable-ecs-log-metadata"] = json!(value);
    }
    let document = json!({
        "family": "web",
        "containerDefinitions": [container("Main", dice), container("worker", dice), router],
    });
    TaskDefinition::parse(document.to_string().as_bytes()).unwrap()
}

fn container(name: &str, dice: &mut Dice) -> Value {
    let logs = match dice.below(20) {
        0 => json!({"logDriver": "awslogs", "options": {"awslogs-group": "web", "awslogs-region": "ap-northeast-1"}}),
        1 => json!({"logDriver": "awsfirelens"}),
        _ => firelens(dice),
    };
    json!({"name": name, "image": "web:1", "logConfiguration": logs})
}

fn firelens(dice: &mut Dice) -> Value {
    let (mut options, mut secrets) = (Map::new(), Vec::new());
    let names = ["s3", "s3", "s3", "s3", "S3", "s3 ", " S3", "datadog"];
    if dice.below(20) != 0 {
        options.insert("Name".to_owned(), json!(names[dice.below(names.len())]));
    }
    for (option, values) in OPTIONS {
        let (is_needed, written) = (option == "bucket", written(option, dice));
        match dice.below(10) {
            0 if dice.below(4) == 0 => {
                secrets.push(json!({"name": written, "valueFrom": "arn:aws:ssm:x:1:parameter/x"}));
            }
            1..=4 if !is_needed && dice.below(5) != 0 => {}
            _ => {
                let blanks = if dice.below(10) == 0 { " " } else { "" };
                // The first value is a usual one, so that most documents have one odd value or none.
                let value = if dice.below(3) == 0 { values[dice.below(values.len())] } else { values[0] };
                options.insert(written, json!(format!("{value}{blanks}")));
            }
        }
    }
    json!({"logDriver": "awsfirelens", "options": options, "secretOptions": secrets})
}

/// Fluent Bit ignores the case of an option's name.
fn written(option: &str, dice: &mut Dice) -> String {
    if dice.below(6) == 0 { option.to_uppercase() } else { option.to_owned() }
}

/// Whether a finding is about this container, the one with this number.
fn is_about(finding: &Finding, number: usize, name: &str) -> bool {
    let own = format!("/containerDefinitions/{number}/");
    let is_own = finding.pointer.starts_with(&own) || format!("{}/", finding.pointer) == own;
    is_own || finding.pointer.starts_with("/containerDefinitions/2/") && finding.message.contains(&format!("`{name}`"))
}

#[test]
fn what_check_calls_unverifiable_is_not_verified_in_a_release_and_nothing_else() {
    let mut dice = Dice(20_261_125);
    let (mut verified, mut refused) = (0, [0; IDS.len()]);
    for number in 0..20_000 {
        let definition = document(&mut dice);
        let others = if dice.below(2) == 0 { vec!["worker".to_owned()] } else { Vec::new() };
        let timeout = [60, 300, 600, 3_600][dice.below(4)];
        let setting = Setting {
            container: "Main".to_owned(),
            images: Vec::new(),
            guard: None,
            live: None,
            verify_timeout: Some(timeout),
            verify_containers: others.clone(),
        };
        let findings = setting.findings(&definition, Origin::Uploaded);
        // Errors about the logs end the release; others, such as what Fargate needs, have nothing to do with them.
        let is_error = |finding: &Finding| finding.severity == Severity::Error && finding.pointer.contains("/logConf");
        if findings.iter().any(is_error) {
            continue;
        }
        let named = [(0, "Main"), (1, "worker")].into_iter().take(1 + others.len());
        let unverifiable: Vec<&Finding> = findings
            .iter()
            .filter(|finding| IDS.contains(&finding.rule.as_str()))
            .filter(|finding| named.clone().any(|(index, name)| is_about(finding, index, name)))
            .collect();
        match expect_logs_within(&definition, "Main", &others, timeout) {
            Expectation::NotVerifiable(reason) => {
                let said = unverifiable.iter().find(|finding| *finding.message == *reason);
                let said = said.unwrap_or_else(|| panic!("{number}: {reason}\n{findings:#?}"));
                refused[IDS.iter().position(|id| said.rule == **id).unwrap()] += 1;
            }
            Expectation::Logs(_) => {
                assert!(unverifiable.is_empty(), "{number}: {unverifiable:#?}");
                verified += 1;
            }
            Expectation::NotConfigured(_) => {
                let of_others = unverifiable.iter().find(|finding| is_about(finding, 1, "worker"));
                assert!(of_others.is_none(), "{number}: {of_others:#?}");
            }
        }
    }
    println!("verified {verified}, refused {refused:?}");
    assert!(verified > 500 && refused.iter().all(|count| *count > 100), "{verified}, {refused:?}");
}
