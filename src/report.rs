//! The report of a release: the contract that programs parse, and the text that people read. It decides nothing.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::config::ServiceArn;
use crate::head;
use crate::task_definition::Difference;
use crate::trigger::{ReleaseId, Trigger};
use crate::validate::Finding;
use crate::verify::compare::Comparison;
use log_objects::level::Levels;

pub use crate::head::Outcome;

mod text;

/// The metric that counts releases that ended well and still say something.
const ATTENTION: &str = "NeedsAttention";

/// What one event led to.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// One entry per service and trigger.
    pub releases: Vec<ReleaseReport>,
    /// Why nothing was released, where the event was not for us.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ignored: Option<String>,
}

/// What became of one release.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ReleaseReport {
    /// The service.
    pub service: ServiceArn,
    /// The release.
    pub release: ReleaseId,
    /// What started it.
    pub trigger: Trigger,
    /// How it ended.
    pub outcome: Outcome,
    /// Why it ended so, for people; names the call, the IAM action and resource, or the parameter where one of them is the reason.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// What a person should know of although the outcome sounds well: what was left out, or whose place was taken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attention: Option<String>,
    /// The image of the container, where it was decided.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<ImageChange>,
    /// The revision that was registered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task_definition_arn: Option<String>,
    /// The revision that was live before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous_task_definition_arn: Option<String>,
    /// Where the new task definition differs from the live one; values that may be confidential are left out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub changes: Vec<String>,
    /// What the checks found.
    #[serde(default)]
    pub findings: Vec<Finding>,
    /// The deployment, where there was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rollout: Option<RolloutReport>,
    /// What the logs proved.
    pub verification: Verification,
    /// What happened when.
    pub timeline: Vec<Moment>,
}

/// The image of the container that the release is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImageChange {
    /// The container.
    pub container: String,
    /// The image that was live.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<String>,
    /// The image of the new revision.
    pub after: String,
    /// The tag that was pushed or resolved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tag: Option<String>,
}

/// The deployment as it was last seen.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RolloutReport {
    /// The service deployment.
    pub deployment_arn: String,
    /// Its status in the words of ECS.
    pub status: String,
    /// The phase in the words of this program.
    pub phase: String,
    /// The share of production traffic on the new revision, in percent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub traffic_percent: Option<f64>,
    /// The status reason that ECS gives.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// CloudWatch alarms that went off.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub triggered_alarms: Vec<String>,
    /// What the deployment circuit breaker counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub circuit_breaker: Option<CircuitBreaker>,
    /// The CPU architecture that ECS runs the tasks on, where that is not the one of the task definition.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub architecture_override: Option<String>,
    /// Tasks of the new revision that stopped.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub stopped_tasks: Vec<StoppedTask>,
}

/// The deployment circuit breaker.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CircuitBreaker {
    /// Its status in the words of ECS.
    pub status: String,
    /// Tasks that failed.
    pub failures: i32,
    /// Failures at which it rolls back.
    pub threshold: i32,
}

/// A task that stopped, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoppedTask {
    /// The task's id.
    pub task: String,
    /// The reason that ECS gives.
    pub reason: String,
    /// What its containers say: name, exit code, reason.
    pub containers: Vec<String>,
}

/// What the logs proved.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Verification {
    /// The verdict.
    pub status: VerificationStatus,
    /// Why, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// Records of the new revision that were read.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub records: u64,
    /// The first object with a record of the new revision, as `s3://bucket/key`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub object: Option<String>,
    /// A record from it, shortened, secrets masked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub record: Option<String>,
    /// How many of the records have which level.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub levels: Option<Levels>,
    /// The same for the old revision in the same time, where the two are compared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous_levels: Option<Levels>,
    /// What the comparison of the two says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comparison: Option<Comparison>,
    /// At most five records of errors, shortened, secrets masked.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<String>,
    /// Objects that could not be read to the end, with the reason.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub problems: Vec<String>,
}

impl Verification {
    /// A verdict with its reason and no evidence.
    pub fn without_evidence(status: VerificationStatus, detail: impl Into<String>) -> Self {
        let detail = Some(detail.into());
        Self {
            status,
            detail,
            records: 0,
            object: None,
            record: None,
            levels: None,
            previous_levels: None,
            comparison: None,
            errors: Vec::new(),
            problems: Vec::new(),
        }
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes the field by reference")]
fn is_zero(number: &u64) -> bool {
    *number == 0
}

/// The verdict of the verification.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VerificationStatus {
    /// Records of the new revision say what they should.
    Passed,
    /// They say what they must not, or did not come in time.
    Failed,
    /// No records came, or too few: nobody can tell.
    Inconclusive,
    /// The task definition writes no logs to S3, or the configuration switches the verification off.
    NotConfigured,
    /// Logs are written, but in a way that proves nothing.
    NotVerifiable,
    /// The release ended before there was anything to verify.
    NotReached,
}

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Moment {
    /// When: the recorded start plus the waiting that was asked for.
    pub at: Timestamp,
    /// What, in one word or two.
    pub what: String,
    /// More of it.
    pub detail: String,
}

impl Report {
    /// The report of an event that is not for us.
    pub fn ignored(reason: impl Into<String>) -> Self {
        Self { releases: Vec::new(), ignored: Some(reason.into()) }
    }

    /// Whether every release ended well, or there was none.
    pub fn is_well(&self) -> bool {
        self.releases.iter().all(ReleaseReport::is_well)
    }
}

impl ReleaseReport {
    /// The key of the report in the state bucket.
    pub fn key(&self) -> String {
        format!("releases/{}/{}.json", head::place(&self.service), self.release)
    }

    /// Whether nobody has to do or to know anything.
    pub fn is_well(&self) -> bool {
        self.outcome.is_well() && self.attention.is_none()
    }

    /// Where the places differ, as the report shows them.
    pub fn describe_changes(differences: &[Difference]) -> Vec<String> {
        differences.iter().map(ToString::to_string).collect()
    }

    /// One line in CloudWatch's embedded metric format (Amazon CloudWatch user guide, "Embedded metric format specification"): a count of one
    /// for the outcome, by service and in total.
    pub fn metric_line(&self, at: Timestamp) -> String {
        let name = match self.outcome {
            Outcome::Succeeded => "Succeeded",
            Outcome::NoChange => "NoChange",
            Outcome::Superseded => "Superseded",
            Outcome::Duplicate => "Duplicate",
            Outcome::Held => "Held",
            Outcome::Rejected => "Rejected",
            Outcome::Failed => "Failed",
            Outcome::RolledBack => "RolledBack",
        };
        let metric = |name: &str| serde_json::json!({"Name": name, "Unit": "Count"});
        let mut metrics = vec![metric(name)];
        metrics.extend(self.attention.as_ref().map(|_| metric(ATTENTION)));
        let directive = serde_json::json!({
            "Namespace": "ExpressDeployer",
            "Dimensions": [["Service"], []],
            "Metrics": metrics,
        });
        let mut line = serde_json::json!({
            "_aws": {"Timestamp": at.as_millisecond(), "CloudWatchMetrics": [directive]},
            "Service": format!("{}/{}", self.service.cluster(), self.service.name()),
            name: 1,
            "release": self.release,
            "outcome": self.outcome,
        });
        if self.attention.is_some() {
            line[ATTENTION] = 1.into();
        }
        line.to_string()
    }
}
