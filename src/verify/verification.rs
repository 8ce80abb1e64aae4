//! What the logs proved, as reports tell it. It is made by whoever watches the logs; nothing is decided here.

use serde::{Deserialize, Serialize};

use super::compare::Comparison;
use super::tasks::TaskProof;
use crate::text::Text;
use log_objects::level::LevelCounts;

/// What the logs proved.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Verification {
    /// The verdict.
    pub status: VerificationStatus,
    /// Why, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<Text>,
    /// Records of the new revision that were read.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub records: u64,
    /// The first object with a record of the new revision, as `s3://bucket/key`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub object: Option<Text>,
    /// A record from it, shortened, secrets masked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub record: Option<Text>,
    /// How many of the records have which level.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub levels: Option<LevelCounts>,
    /// The same for the old revision in the same time, where the two are compared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous_levels: Option<LevelCounts>,
    /// What the comparison of the two says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comparison: Option<Comparison>,
    /// At most five records of errors, shortened, secrets masked.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<Text>,
    /// The row of the table of levels (docs/log-levels.md) by which the first of them was read as one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error_row: Option<Text>,
    /// What ECS says of the new revision's tasks.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tasks: Vec<TaskProof>,
    /// Objects that could not be read to the end, with the reason.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub problems: Vec<Text>,
}

impl Verification {
    /// A verdict with its reason and no evidence.
    pub fn without_evidence(status: VerificationStatus, detail: impl Into<Text>) -> Self {
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
            error_row: None,
            tasks: Vec::new(),
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
