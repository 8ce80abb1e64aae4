//! The stand-in for AWS: one HTTP server on 127.0.0.1 that speaks ECS, ECR, S3 and the two Lambda calls of durable functions on the wire.
//! It refuses what AWS refuses, and it never runs a container: rollouts, tasks and log objects happen on a virtual clock.

pub mod clock;
mod wire;
