//! The report of a release: the contract that programs parse, and the text that people read. It decides nothing.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::config::ServiceArn;
use crate::head;
use crate::head::Outcome;
use crate::plan::ImageChange;
use crate::rollout::{CircuitBreaker, Deployment, StoppedTask};
use crate::text::Text;
use crate::trigger::{ReleaseId, Trigger};
use crate::validate::Finding;
use crate::verify::verification::Verification;

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
    pub ignored: Option<Text>,
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
    /// Why it ended so, for people; names the call, the IAM action and resource, or the parameter where one of them is
    /// the reason.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Text>,
    /// What a person should know of although the outcome sounds well: what was left out, or whose place was taken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attention: Option<Text>,
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
    pub changes: Vec<Text>,
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
    pub reason: Option<Text>,
    /// CloudWatch alarms that went off.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub triggered_alarms: Vec<Text>,
    /// What the deployment circuit breaker counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub circuit_breaker: Option<CircuitBreaker>,
    /// The CPU architecture that ECS runs the tasks on, where that is not the one of the task definition.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub architecture_override: Option<Text>,
    /// Tasks of the new revision that stopped.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub stopped_tasks: Vec<StoppedTask>,
}

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Moment {
    /// When: the recorded start plus the waiting that was asked for.
    pub at: Timestamp,
    /// What, in one word or two.
    pub what: String,
    /// More of it.
    pub detail: Text,
}

impl RolloutReport {
    /// A deployment as it was seen, and the tasks of its revision that stopped.
    pub fn of(deployment: &Deployment, stopped_tasks: Vec<StoppedTask>) -> Self {
        Self {
            deployment_arn: deployment.arn.clone(),
            status: deployment.status.as_word().to_owned(),
            phase: deployment.phase().to_string(),
            traffic_percent: deployment.traffic_percent,
            reason: deployment.reason.clone(),
            triggered_alarms: deployment.triggered_alarms.clone(),
            circuit_breaker: deployment.circuit_breaker.clone(),
            architecture_override: deployment.architecture_override.clone(),
            stopped_tasks,
        }
    }
}

impl Report {
    /// The report of an event that is not for us.
    pub fn ignored(reason: impl Into<Text>) -> Self {
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

    /// One line in CloudWatch's embedded metric format (Amazon CloudWatch user guide, "Embedded metric format
    /// specification"): a count of one for the outcome, by service and in total.
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
        if let Some(members) = line.as_object_mut().filter(|_| self.attention.is_some()) {
            members.insert(ATTENTION.to_owned(), 1.into());
        }
        line.to_string()
    }
}
