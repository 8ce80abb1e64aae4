//! The one integration-test binary: one module for each thing that is tested from outside.

mod bare_image;
mod check;
mod command_line;
mod cuts;
mod docs;
mod documents;
mod edges;
mod escapes;
mod field_checks;
mod field_logs;
mod findings_of_plans;
mod flow;
mod forged;
mod guard;
mod objects;
mod permissions;
mod recorded;
mod references;
mod rules;
mod simulation;
mod strangers;
mod tidy;
mod triggers;
mod verifiable;
mod verify_corpus;
mod way_back;
