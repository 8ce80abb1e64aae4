//! Everything that one sandbox is: the services behind one clock, the faults, and the list of calls. It hears no
//! socket.

use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use serde::Serialize;

use super::clock::VirtualClock;
use super::durable::DurableService;
use super::ecr::Registry;
use super::ecs::Ecs;
use super::faults::{CrashSignal, FaultPlan};
use super::permissions::{self, Permission};
use super::s3::Buckets;
use super::{Advance, Options};

/// Calls that are kept; later ones are served all the same.
const MAX_CALLS: usize = 100_000;

/// One call of an AWS operation; those that a running function makes of its own durable execution are apart.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Call {
    /// `ecs`, `ecr`, `s3` or `lambda`.
    pub service: &'static str,
    /// As AWS names it; `DownloadLayer` is the URL that ECR hands out.
    pub operation: String,
    /// What it was about, shortly.
    pub resource: String,
    /// The status of the answer; 0 where none was given.
    pub status: u16,
    /// The account that has to own the bucket, where a call of S3 names one; in JSON `bucketOwner`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bucket_owner: Option<String>,
    /// The virtual time; in JSON as text.
    #[serde(serialize_with = "as_text")]
    pub at: Timestamp,
}

/// One call as it came in, checkpoints included, before any latency.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Arrival {
    /// `ecs`, `ecr`, `s3` or `lambda`.
    pub service: &'static str,
    /// As AWS names it.
    pub operation: String,
    /// The real time.
    pub at: Instant,
}

/// A request that is being answered.
pub(crate) struct UnderWay<'a>(&'a World);

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        lock(&self.0.under_way).0 -= 1;
    }
}

/// The state of a sandbox.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) clock: VirtualClock,
    pub(crate) buckets: Buckets,
    pub(crate) durable: DurableService,
    pub(crate) crash: CrashSignal,
    /// `http://127.0.0.1:PORT`.
    pub(crate) endpoint: String,
    pub(crate) advance: Advance,
    pub(crate) latency: Duration,
    ecs: Mutex<Ecs>,
    registry: Mutex<Registry>,
    faults: Mutex<FaultPlan>,
    calls: Mutex<Vec<Call>>,
    permissions: Mutex<BTreeSet<Permission>>,
    arrivals: Mutex<Vec<Arrival>>,
    /// Requests that are being answered, and the most that ever were at once.
    under_way: Mutex<(usize, usize)>,
    /// Bucket and key of each log object that has been stored.
    stored: Mutex<BTreeSet<(String, String)>>,
}

impl World {
    pub(crate) fn new(options: &Options, endpoint: String) -> Self {
        let clock = VirtualClock::at(options.start);
        let mut faults = FaultPlan::default();
        for fault in &options.faults {
            faults.add(fault.clone());
        }
        Self {
            buckets: Buckets::new(clock.clone()),
            durable: DurableService::new(clock.clone()),
            crash: CrashSignal::new(),
            endpoint,
            advance: options.advance,
            latency: options.latency,
            ecs: Mutex::new(Ecs::new(options)),
            registry: Mutex::default(),
            faults: Mutex::new(faults),
            calls: Mutex::default(),
            permissions: Mutex::default(),
            arrivals: Mutex::default(),
            under_way: Mutex::default(),
            stored: Mutex::default(),
            clock,
        }
    }

    /// ECS; taken before the registry where both are needed.
    pub(crate) fn ecs(&self) -> MutexGuard<'_, Ecs> {
        lock(&self.ecs)
    }

    pub(crate) fn registry(&self) -> MutexGuard<'_, Registry> {
        lock(&self.registry)
    }

    pub(crate) fn faults(&self) -> MutexGuard<'_, FaultPlan> {
        lock(&self.faults)
    }

    pub(crate) fn calls(&self) -> Vec<Call> {
        lock(&self.calls).clone()
    }

    /// A request begins; it ends when the guard goes.
    pub(crate) fn begin(&self) -> UnderWay<'_> {
        let mut under_way = lock(&self.under_way);
        under_way.0 += 1;
        under_way.1 = under_way.1.max(under_way.0);
        UnderWay(self)
    }

    /// The most requests that were ever answered at once.
    pub(crate) fn most_under_way(&self) -> usize {
        lock(&self.under_way).1
    }

    pub(crate) fn record(&self, call: Call) {
        let mut calls = lock(&self.calls);
        if calls.len() < MAX_CALLS {
            calls.push(call);
        }
    }

    /// Notes what a policy must allow for a call.
    pub(crate) fn need(&self, asked: &permissions::Asked<'_>) {
        let needed = permissions::of(self, asked);
        let mut permissions = lock(&self.permissions);
        if permissions.len() < MAX_CALLS {
            permissions.extend(needed);
        }
    }

    pub(crate) fn permissions(&self) -> BTreeSet<Permission> {
        lock(&self.permissions).clone()
    }

    /// Notes a call as it comes in. Only a benchmark asks, so only then is the real time read.
    pub(crate) fn arrive(&self, service: &'static str, operation: String) {
        #[expect(clippy::disallowed_methods, reason = "a benchmark measures real time")]
        let at = Instant::now();
        let mut arrivals = lock(&self.arrivals);
        if arrivals.len() < MAX_CALLS {
            arrivals.push(Arrival { service, operation, at });
        }
    }

    pub(crate) fn arrivals(&self) -> Vec<Arrival> {
        lock(&self.arrivals).clone()
    }

    /// Brings everything that happens by itself up to the present: what remains to be done is to store log objects.
    pub(crate) fn settle(&self) {
        let ecs = self.ecs();
        let mut stored = lock(&self.stored);
        let objects =
            ecs.log_objects(self.clock.now(), &mut |bucket, key| stored.insert((bucket.to_owned(), key.to_owned())));
        for object in objects {
            // Where there is no such bucket, the log router's uploads fail and nobody hears of it.
            self.buckets.put(&object.bucket, &object.key, object.body, object.encoding);
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn as_text<S: serde::Serializer>(time: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(time)
}
