//! Verification by logs: from a task definition alone which objects its tasks will write to S3, and from their bytes
//! the verdict. It lists and fetches nothing and reads no clock; how an object is read is the crate [`log_objects`]'s.
//!
//! The flow: [`expect_logs`] -> [`S3Output::searches`] for a task -> list the prefixes -> [`S3Output::keys_of`] it ->
//! [`reading::Reading`] of each object that the [`evidence::Evidence`] still wants -> its verdict.

pub mod checks;
pub mod compare;
pub mod evidence;
pub mod forbidden;
pub mod mask;
pub mod reading;
pub mod search;
pub mod tasks;
pub mod verification;

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::firelens::key_format::{KeyFormat, TaskKeys};
use crate::firelens::obstacle::{self, NoOutput, Obstacle};
use crate::firelens::s3_output::{Compression, LogOutput};
use crate::firelens::{self, router};
use crate::task_definition::TaskDefinition;
use crate::text::Text;
use log_objects::text::Lines;

/// What a container's log configuration lets us look for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Expectation {
    /// Its logs go to S3, here.
    Logs(Vec<S3Output>),
    /// Its logs do not go to S3: why, for people.
    NotConfigured(Text),
    /// Its logs may go to S3, but nothing found or missing there would prove anything: why, for people.
    NotVerifiable(Text),
}

impl Expectation {
    /// Nobody wants to know.
    pub(crate) fn switched_off() -> Self {
        Self::NotConfigured("the configuration switches the verification off".into())
    }
}

/// What ties a record to a revision.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Proof {
    /// The record names it: `ecs_task_definition`.
    ByMetadata,
    /// Only the task id in the object's key.
    ByKey,
}

/// One S3 output of a container.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct S3Output {
    /// The container.
    pub container: String,
    /// The bucket.
    pub bucket: String,
    /// The bucket's region.
    pub region: String,
    /// How keys are built.
    pub key_format: KeyFormat,
    /// The longest time that records are held back, in seconds.
    pub upload_timeout: u64,
    /// What ties a record to a revision.
    pub proof: Proof,
    /// What a line of an object is.
    pub lines: Lines,
    /// Whether the option `compression` says `snappy`.
    #[serde(default)]
    pub is_snappy: bool,
    /// The names of the other containers of the task definition.
    pub other_containers: Vec<String>,
}

impl S3Output {
    /// The keys of the objects that a task writes.
    pub fn keys_of(&self, task: &str) -> TaskKeys {
        self.key_format.of_task(&self.container, task)
    }

    /// After how many seconds from the first line an object must have landed.
    pub fn first_object_after(&self) -> u64 {
        firelens::first_object_after(self.upload_timeout)
    }
}

/// A revision of a task definition, as log records name it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Revision {
    /// The family.
    pub family: String,
    /// The number, from 1.
    pub number: u64,
}

impl Revision {
    /// The revision that an ARN (`…:task-definition/family:6`) or the short form `family:6` names.
    pub fn parse(arn: &str) -> Option<Self> {
        let (family, number) = arn.rsplit('/').next()?.rsplit_once(':')?;
        let number = number.parse().ok()?;
        (!family.is_empty()).then(|| Self { family: family.to_owned(), number })
    }
}

impl fmt::Display for Revision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.family, self.number)
    }
}

/// Whose records count: a revision, and those of its tasks that are known.
#[derive(Clone, Copy, Debug)]
pub struct Writers<'a> {
    /// The revision that its records name.
    pub revision: &'a Revision,
    /// The ARNs of the tasks that run it, or ran it.
    pub tasks: &'a [String],
}

/// How long to wait for logs, in seconds: the configured time, but never less than the slowest output needs.
pub fn deadline(timeout: u64, outputs: &[S3Output]) -> u64 {
    outputs.iter().map(S3Output::first_object_after).fold(timeout, u64::max)
}

/// What to look for when tasks of this definition run: the logs of the container, and of others where somebody asks for
/// theirs. What is asked for and cannot be had makes the whole unverifiable.
pub fn expect_logs(definition: &TaskDefinition, container: &str, others: &[String]) -> Expectation {
    expect(definition, container, others, None)
}

/// The same for a verification that waits so long, in seconds: logs that come later prove nothing.
pub fn expect_logs_within(
    definition: &TaskDefinition,
    container: &str,
    others: &[String],
    timeout: u64,
) -> Expectation {
    expect(definition, container, others, Some(timeout))
}

fn expect(definition: &TaskDefinition, container: &str, others: &[String], timeout: Option<u64>) -> Expectation {
    let (mut outputs, mut nothing) = (Vec::new(), None);
    for name in std::iter::once(container).chain(others.iter().map(String::as_str).filter(|name| *name != container)) {
        match read_output(definition, name, timeout) {
            Ok(output) => outputs.push(output),
            Err(NoOutput::Hidden(Obstacle { message, .. })) => return Expectation::NotVerifiable(message.into()),
            Err(NoOutput::NotConfigured(why)) if name == container => nothing = Some(why),
            Err(NoOutput::NotConfigured(why)) => {
                return Expectation::NotVerifiable(obstacle::not_written(definition, name, &why).message.into());
            }
        }
    }
    nothing.map_or(Expectation::Logs(outputs), |why| Expectation::NotConfigured(why.into()))
}

/// The S3 output of a container, as far as it proves anything.
fn read_output(definition: &TaskDefinition, name: &str, timeout: Option<u64>) -> Result<S3Output, NoOutput> {
    let output = obstacle::find_output(definition, name)?;
    let late = || timeout.and_then(|timeout| obstacle::late(&output, timeout));
    let found = obstacle::unverifiable(&output).or_else(|| obstacle::untraceable(&output)).or_else(late);
    if let Some(found) = found {
        return Err(NoOutput::Hidden(found));
    }
    let (Some(bucket), Some(upload_timeout), Some(Ok(key_format))) =
        (output.bucket(), output.upload_timeout(), output.keys())
    else {
        // What cannot be seen is an obstacle, found before; what is left are values of a wrong type, which ECS refuses.
        return Err(NoOutput::NotConfigured(format!("the S3 output of container `{name}` cannot be read")));
    };
    let lines = if output.stores_bare_lines() { Lines::Bare } else { Lines::Json };
    let others = definition.containers().filter_map(|other| other.name()).filter(|other| *other != name);
    Ok(S3Output {
        container: name.to_owned(),
        bucket: bucket.to_owned(),
        region: output.region().to_owned(),
        key_format,
        upload_timeout,
        proof: proof(&output, lines),
        lines,
        is_snappy: output.compression() == Some(Compression::Snappy),
        other_containers: others.map(str::to_owned).collect(),
    })
}

fn proof(output: &LogOutput<'_>, lines: Lines) -> Proof {
    if lines == Lines::Json && router::adds_metadata(output.router) { Proof::ByMetadata } else { Proof::ByKey }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn definition(options: &Value, router: &Value) -> TaskDefinition {
        let document = json!({"family": "web", "containerDefinitions": [
            {"name": "Main", "logConfiguration": {"logDriver": "awsfirelens", "options": options}},
            {"name": "log-router", "firelensConfiguration": router},
        ]});
        TaskDefinition::parse(document.to_string().as_bytes()).unwrap()
    }

    fn expect(options: &Value) -> Expectation {
        expect_logs(&definition(options, &json!({"type": "fluentbit"})), "Main", &[])
    }

    fn output(options: &Value) -> S3Output {
        match expect(options) {
            Expectation::Logs(outputs) => outputs[0].clone(),
            other => panic!("{other:?}"),
        }
    }

    fn why(expectation: Expectation) -> String {
        match expectation {
            Expectation::Logs(outputs) => panic!("{outputs:?}"),
            Expectation::NotConfigured(why) => format!("not configured: {why}"),
            Expectation::NotVerifiable(why) => format!("not verifiable: {why}"),
        }
    }

    #[test]
    fn the_options_of_an_output_are_read_whatever_their_case() {
        let read = output(&json!({"Name": "S3", "Bucket": "logs", "REGION": "ap-northeast-1", "upload_timeout": "30s",
            "s3_key_format": "/logs/$TAG/%Y/%m/%d/%H/%M/$UUID.gz", "compression": "gzip"}));
        assert_eq!((read.bucket.as_str(), read.region.as_str(), read.upload_timeout), ("logs", "ap-northeast-1", 30));
        assert_eq!((read.proof, read.lines), (Proof::ByMetadata, Lines::Json));
        assert_eq!(read.other_containers, ["log-router"]);
        assert_eq!(read.keys_of("1f2e").prefix(), "logs/Main-firelens-1f2e/");
        let text = serde_json::to_string(&read).unwrap();
        assert_eq!(serde_json::from_str::<S3Output>(&text).unwrap(), read);
    }

    #[test]
    fn defaults_are_those_of_the_plugin() {
        let read = output(&json!({"Name": " S3 ", "bucket": "logs", "region": ""}));
        assert_eq!((read.region.as_str(), read.upload_timeout), ("us-east-1", 600));
        assert_eq!(read.keys_of("1f2e").prefix(), "fluent-bit-logs/Main-firelens-1f2e/");
    }

    #[test]
    fn without_metadata_the_key_is_the_proof() {
        for (value, proof) in
            [("true", Proof::ByMetadata), ("1", Proof::ByMetadata), ("false", Proof::ByKey), ("yes", Proof::ByKey)]
        {
            let router = json!({"type": "fluentbit", "options": {"enable-ecs-log-metadata": value}});
            match expect_logs(&definition(&json!({"Name": "s3", "bucket": "b"}), &router), "Main", &[]) {
                Expectation::Logs(outputs) => assert_eq!(outputs[0].proof, proof, "{value}"),
                other => panic!("{other:?}"),
            }
        }
        let bare = output(&json!({"Name": "s3", "bucket": "b", "log_key": "log"}));
        assert_eq!((bare.proof, bare.lines), (Proof::ByKey, Lines::Bare));
    }

    #[test]
    fn what_is_not_configured_says_why() {
        assert_eq!(
            why(expect(&json!({"Name": "datadog"}))),
            "not configured: the logs of container `Main` go to Fluent Bit's output `datadog`, not to `s3`"
        );
        assert_eq!(
            why(expect(&json!({"exclude-pattern": "x"}))),
            "not configured: container `Main` has no log options, so its logs go nowhere"
        );
        let definition = definition(&json!({"Name": "s3", "bucket": "b"}), &json!({}));
        assert_eq!(
            why(expect_logs(&definition, "log-router", &[])),
            "not configured: container `log-router` has no log configuration"
        );
        assert_eq!(
            why(expect_logs(&definition, "Other", &[])),
            "not configured: the task definition has no container `Other`"
        );
    }

    #[test]
    fn what_cannot_be_verified_says_why() {
        let with = |name: &str, value: &str| {
            let mut options = json!({"Name": "s3", "bucket": "b"});
            options[name] = json!(value);
            why(expect(&options))
        };
        for (reason, part) in [
            (with("s3_key_format", "/logs/$UUID/$TAG"), "names neither the task nor a date before"),
            (with("s3_key_format", "/logs/%M/$UUID"), "names neither the task nor a date before"),
            (with("s3_key_format", "logs/$TAG"), "does not start with `/`"),
            (with("S3_key_format", "/${ENV}/$TAG"), "`s3_key_format` takes a variable"),
            (with("bucket", "${BUCKET}"), "`bucket` takes a variable"),
            (with("compression", "arrow"), "compressed with arrow"),
            (with("format", "otlp_json"), "format otlp_json"),
            (with("format", "otlp_json_pretty"), "format otlp_json_pretty"),
            (with("format", "OTLP_JSON_Pretty "), "format otlp_json_pretty"),
            (with("format", "Parquet"), "format parquet"),
            (with("compression", "Parquet"), "compressed with parquet"),
            (with("compression", "GZIP"), "`compression` has a value that Fluent Bit does not know"),
            (with("endpoint", "http://minio:9000"), "not Amazon S3"),
            (why(expect(&json!({"Name": "s3"}))), "names no bucket"),
            (why(expect(&json!({"name": "s3", "bucket": "b"}))), "no `Name`"),
        ] {
            assert!(reason.starts_with("not verifiable: ") && reason.contains(part), "{reason}");
        }
    }

    #[test]
    fn a_value_that_is_a_secret_cannot_be_verified() {
        let document = json!({"containerDefinitions": [{"name": "Main", "logConfiguration": {"logDriver": "awsfirelens",
            "options": {"Name": "s3"}, "secretOptions": [{"name": "bucket", "valueFrom": "arn:aws:ssm:x"}]}},
            {"name": "log-router", "firelensConfiguration": {"type": "fluentbit"}}]});
        let definition = TaskDefinition::parse(document.to_string().as_bytes()).unwrap();
        let reason = why(expect_logs(&definition, "Main", &[]));
        let bucket = "the option `bucket` is a secret, so its value cannot be seen here";
        assert_eq!(reason, format!("not verifiable: the logs of `Main` cannot be verified: {bucket}"));
    }

    #[test]
    fn outputs_in_a_configuration_of_the_routers_own_cannot_be_verified() {
        for router in [
            json!({"type": "fluentbit", "options": {"config-file-type": "file", "config-file-value": "/extra.conf"}}),
            json!({"type": "fluentd"}),
        ] {
            assert!(why(expect_logs(&definition(&json!({}), &router), "Main", &[])).starts_with("not verifiable: "));
        }
    }

    #[test]
    fn the_deadline_is_never_less_than_an_output_needs() {
        let waits = |timeout: &str| output(&json!({"Name": "s3", "bucket": "b", "upload_timeout": timeout}));
        for (timeout, seconds) in [("5s", 26), ("30s", 51), ("1m", 85), ("10m", 675)] {
            assert_eq!(waits(timeout).first_object_after(), seconds, "{timeout}");
        }
        assert_eq!(deadline(600, &[waits("30s")]), 600);
        assert_eq!(deadline(60, &[waits("30s"), waits("10m")]), 675);
        assert_eq!(deadline(60, &[waits("9999999999999999999d")]), u64::MAX);
    }

    #[test]
    fn a_revision_is_read_from_an_arn() {
        let revision = Revision::parse("arn:aws:ecs:ap-northeast-1:123456789012:task-definition/web:6").unwrap();
        assert_eq!((revision.to_string().as_str(), revision.number), ("web:6", 6));
        assert_eq!(Revision::parse("web:6"), Some(revision));
        assert!(Revision::parse("web").is_none() && Revision::parse("arn:aws:ecs:r:1:task-definition/web").is_none());
    }
}
