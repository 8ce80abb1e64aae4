//! stub
use crate::task_definition::TaskDefinition;
use serde::{Deserialize, Serialize};
/// x
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Expectation {
    /// x
    Logs(Vec<LogOutput>),
    /// x
    NotConfigured(String),
    /// x
    NotVerifiable(String),
}
/// x
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LogOutput {
    /// x
    pub bucket: String,
    /// x
    pub region: String,
}
/// x
impl LogOutput {
    /// x
    pub fn prefix(&self, _task: &str) -> String {
        String::new()
    }
    /// x
    pub fn matches(&self, _key: &str, _task: &str) -> bool {
        true
    }
}
/// x
pub fn expect_logs(_: &TaskDefinition, _: &str) -> Expectation {
    Expectation::NotConfigured("x".into())
}
/// x
pub fn deadline(t: u64, _: &[LogOutput]) -> u64 {
    t
}
/// x
pub struct Checks;
impl Checks {
    /// x
    pub fn new(_: &[String], _: &[String]) -> Result<Checks, String> {
        Ok(Checks)
    }
}
/// x
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Evidence {
    /// x
    pub records: u64,
    /// x
    pub objects: u64,
    /// x
    pub first: Option<Sample>,
    /// x
    pub problems: Vec<String>,
}
/// x
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Sample {
    /// x
    pub key: String,
    /// x
    pub record: String,
}
impl Evidence {
    /// x
    pub fn verdict(&self, _: &Checks) -> Verdict {
        Verdict::Waiting { missing: vec![] }
    }
    /// x
    pub fn is_settled(&self, _: &Checks) -> bool {
        false
    }
    /// x
    pub fn has_read(&self, _: &str) -> bool {
        false
    }
    /// x
    pub fn read_object(&mut self, _: &Checks, _: &LogOutput, _: &Revision, _: &str, _: &str, _: &[u8]) {}
}
/// x
pub enum Verdict {
    /// x
    Waiting {
        /// x
        missing: Vec<String>,
    },
    /// x
    Passed,
    /// x
    Failed(String),
}
/// x
pub struct Revision;
impl Revision {
    /// x
    pub fn of_arn(_: &str) -> Option<Revision> {
        None
    }
}
/// x
pub const MAX_KEYS: i32 = 1000;
/// x
pub const MAX_OBJECT: usize = 64 * 1024 * 1024;
