//! stub

pub mod image;
#[cfg(feature = "sandbox")]
pub mod sandbox;
pub mod task_definition;
pub mod validate;
pub mod verify;
