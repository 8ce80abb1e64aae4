//! What was seen in a run, from the outside: who updated the service when and to what, how each execution ended, and
//! what is left.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::Value;

use super::inside::{desired, newest_deployment};
use super::players::{End, Player};
use crate::seed::{REPOSITORY, STATE_BUCKET};
use crate::state::World;

/// An update of the service that took effect.
#[derive(Clone, Debug)]
pub(super) struct Landing {
    pub(super) at: Timestamp,
    /// The execution whose call it was; none where a person did it.
    pub(super) by: Option<usize>,
    /// The task definition that the service was to run before, and the one since.
    pub(super) before: String,
    pub(super) definition: String,
    pub(super) deployment: String,
}

impl Landing {
    /// The update that has just taken effect.
    pub(super) fn new(world: &World, by: Option<usize>, before: String) -> Self {
        let definition = desired(world).definition;
        Self { at: world.clock.now(), by, before, definition, deployment: newest_deployment(world) }
    }
}

/// Everything that can be seen of a run.
#[derive(Debug)]
pub(super) struct Facts {
    /// In the order in which they took effect.
    pub(super) landings: Vec<Landing>,
    /// The execution and the task definition of each registration.
    pub(super) registered: Vec<(usize, String)>,
    /// Calls that were served, by execution.
    pub(super) calls: Vec<u64>,
    /// How each execution ended and what it cost, in metered operations.
    pub(super) ends: Vec<(Option<End>, u64)>,
    /// When each execution ended, as far as it has.
    pub(super) ended: Vec<Option<Timestamp>>,
    pub(super) is_endless: bool,
    /// The desired task definition at the end.
    pub(super) last: String,
    /// Whether a deployment still runs then.
    pub(super) is_busy: bool,
    /// Task definitions by ARN, and deployments, oldest first.
    pub(super) definitions: BTreeMap<String, Value>,
    pub(super) deployments: Vec<Value>,
    /// Keys and texts of the reports in the state bucket.
    pub(super) reports: Vec<(String, String)>,
    /// Requests to S3 that do not say who must own the bucket.
    pub(super) ownerless: Vec<String>,
    /// Every decision, one a line, and a hash over all of them.
    pub(super) decisions: Vec<String>,
    pub(super) hash: u64,
}

impl Facts {
    pub(super) fn new(executions: usize) -> Self {
        Self {
            landings: Vec::new(),
            registered: Vec::new(),
            calls: vec![0; executions],
            ends: Vec::new(),
            ended: vec![None; executions],
            is_endless: false,
            last: String::new(),
            is_busy: false,
            definitions: BTreeMap::new(),
            deployments: Vec::new(),
            reports: Vec::new(),
            ownerless: Vec::new(),
            decisions: Vec::new(),
            hash: 0xcbf2_9ce4_8422_2325,
        }
    }

    /// Writes a decision down; the hash is FNV-1a.
    pub(super) fn note(&mut self, line: String) {
        for byte in line.bytes() {
            self.hash = (self.hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
        self.decisions.push(line);
    }

    /// Counts a call of an execution.
    pub(super) fn count(&mut self, execution: usize) {
        if let Some(calls) = self.calls.get_mut(execution) {
            *calls += 1;
        }
    }

    /// Looks at what is left when all is quiet.
    pub(super) fn close(&mut self, world: &World, players: &[Player]) {
        let desired = desired(world);
        (self.last, self.is_busy) = (desired.definition, desired.is_busy);
        let ecs = world.ecs();
        for definition in ecs.definitions.family(REPOSITORY) {
            let arn = definition.get("taskDefinitionArn").and_then(Value::as_str).unwrap_or_default().to_owned();
            self.definitions.insert(arn, definition);
        }
        self.deployments = ecs.all_deployments(world.clock.now());
        drop(ecs);
        let keys = world.buckets.keys(STATE_BUCKET).into_iter().filter(|key| key.starts_with("releases/"));
        let text = |key: String| {
            let body = world.buckets.get(STATE_BUCKET, &key).unwrap_or_default();
            (key, String::from_utf8_lossy(&body).into_owned())
        };
        self.reports = keys.map(text).collect();
        let ownerless = world.calls().into_iter().filter(|call| call.service == "s3" && call.bucket_owner.is_none());
        self.ownerless = ownerless.map(|call| format!("{} {}", call.operation, call.resource)).collect();
        for player in players {
            let (metered, _) = player.arn().map(|arn| world.durable.spent(arn)).unwrap_or_default();
            self.ends.push((player.end().cloned(), metered));
        }
    }
}
