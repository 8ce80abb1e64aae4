//! The log objects that Fluent Bit's S3 output uploads, read as their bytes arrive: from compressed bytes to records
//! and their levels. It fetches nothing and judges nothing.
//!
//! The flow: [`object::ObjectReader`] decodes -> [`text`] cuts lines -> [`record::Record`] -> [`level::Stated::of`] its
//! message -> [`event::Events`] tells which records are one event.
//!
//! This is a crate of its own for two reasons: it is compiled for speed while the function around it is compiled for
//! size, and it can be fuzzed without an AWS SDK.

pub mod event;
pub mod level;
pub mod object;
pub mod problem;
pub mod record;
pub mod text;
