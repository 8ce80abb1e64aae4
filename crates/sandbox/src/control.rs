//! The sandbox's own paths below `/_sandbox/`: the list of calls, the clock, and new faults. AWS has nothing of the
//! kind.

use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};

use super::faults::Fault;
use super::state::World;
use super::wire::{Reply, Request};

/// The body of `POST /_sandbox/clock`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Move {
    advance_seconds: u32,
}

pub(crate) fn handle(world: &World, request: &Request) -> Reply {
    match (request.method.as_str(), request.path.as_str()) {
        ("GET", "/_sandbox/calls") => match serde_json::to_value(world.calls()) {
            Ok(calls) => json_answer(&calls),
            Err(error) => Reply::plain(500, &error.to_string()),
        },
        ("GET", "/_sandbox/clock") => json_answer(&json!({"now": world.clock.now().to_string()})),
        ("POST", "/_sandbox/clock") => match serde_json::from_slice::<Move>(&request.body) {
            Ok(by) => {
                world.clock.advance(Duration::from_secs(u64::from(by.advance_seconds)));
                world.settle();
                json_answer(&json!({"now": world.clock.now().to_string()}))
            }
            Err(error) => Reply::plain(400, &error.to_string()),
        },
        ("POST", "/_sandbox/faults") => match serde_json::from_slice::<Fault>(&request.body) {
            Ok(fault) => {
                world.faults().add(fault);
                json_answer(&json!({}))
            }
            Err(error) => Reply::plain(400, &error.to_string()),
        },
        _ => Reply::plain(404, "the sandbox has GET calls, GET and POST clock, and POST faults"),
    }
}

fn json_answer(body: &Value) -> Reply {
    Reply {
        status: 200,
        headers: vec![("content-type", "application/json".to_owned())],
        body: body.to_string().into_bytes(),
    }
}
