//! stub

pub mod aws;
pub mod config;
pub mod head;
pub mod image;
pub mod plan;
pub mod release;
pub mod report;
pub mod rollout;
#[cfg(feature = "sandbox")]
pub mod sandbox;
pub mod task_definition;
pub mod trigger;
pub mod validate;
pub mod verify;
