//! The sandbox seen from outside: by the SDK's clients over the wire, and by durable executions that it drives.

mod ecs;
mod executions;
