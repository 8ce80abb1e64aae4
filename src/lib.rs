//! A Lambda function that deploys Amazon ECS Express Mode services by itself.
//!
//! The modules are the stages of a release, in the order in which it goes through them:
//!
//! 1. [`config`]: which services there are, and what may release them.
//! 2. [`trigger`]: an event comes in; is it a pushed [`image`] or an uploaded [`task_definition`], or not for us?
//! 3. [`validate`]: what ECS, Fargate, Express Mode and FireLens would refuse later, found before anything is
//!    registered.
//! 4. [`plan`]: from the trigger, the live service and the [`head`] (who owns the service now), what to do, if
//!    anything.
//! 5. [`rollout`]: the canary as a value.
//! 6. [`verify`]: which log records must land in S3, and whether what landed proves the new revision.
//! 7. `watch`: both of these watched over time, as a value.
//! 8. [`report`]: what happened, for people and for programs.
//!
//! What others wrote goes into reports, findings and log lines as [`text`] alone.
//!
//! All of these are pure: no clock, no I/O, no SDK. [`release`] is the flow that joins them, one durable async function
//! that reads top to bottom; read it next. [`aws`] holds the adapters that it calls, and `observe` joins what they
//! answer. The `sandbox` stands in for AWS on the wire, and the `cli` is the tool that plays releases against it;
//! neither is linked into the Lambda function.

pub mod config;
pub mod trigger;

pub mod text;

pub mod image;
pub mod task_definition;

pub mod firelens;
pub mod validate;

pub mod head;
pub mod plan;
pub mod rollout;
pub mod verify;

mod watch;

pub mod report;

pub mod release;

pub mod aws;
mod observe;
pub mod telemetry;

#[cfg(feature = "cli")]
pub mod cli;
