//! Faults that are scripted into the stand-in: which call goes wrong, when, and how. It only counts and tells; the server acts on it.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Semaphore;

/// A fault at the nth call of an operation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The operation, such as `RegisterTaskDefinition`.
    pub operation: String,
    /// The first call that goes wrong, from 1.
    pub nth: u32,
    /// How many calls in a row go wrong.
    pub times: u32,
    /// Whether the server acts first.
    pub moment: Moment,
    /// What goes wrong.
    pub kind: FaultKind,
}

/// When a fault strikes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// Before the server acts: nothing happens.
    Before,
    /// After the server has acted: only the answer is lost.
    After,
}

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FaultKind {
    /// The service's throttling error.
    Throttle,
    /// A 500.
    ServerError,
    /// The connection closes without an answer.
    Drop,
    /// The service's access denied error.
    AccessDenied,
    /// The function's process dies.
    Crash,
}

/// The faults of a sandbox and the calls that were counted.
#[derive(Debug, Default)]
pub(super) struct Faults(Mutex<Vec<(Fault, u32)>>);

impl Faults {
    pub(super) fn new(faults: Vec<Fault>) -> Self {
        Self(Mutex::new(faults.into_iter().map(|fault| (fault, 0)).collect()))
    }

    pub(super) fn add(&self, fault: Fault) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push((fault, 0));
    }

    /// Counts a call and gives the fault that strikes it.
    pub(super) fn strike(&self, operation: &str) -> Option<(Moment, FaultKind)> {
        let mut struck = None;
        for (fault, count) in self.0.lock().unwrap_or_else(PoisonError::into_inner).iter_mut() {
            if fault.operation == operation {
                *count += 1;
                let first = fault.nth.max(1);
                if (first..first.saturating_add(fault.times)).contains(count) {
                    struck.get_or_insert((fault.moment, fault.kind));
                }
            }
        }
        struck
    }
}

/// The death of the function's process: raised by the server, taken by whoever plays the Lambda service. None is lost.
#[derive(Clone, Debug)]
pub(crate) struct CrashSignal(Arc<Semaphore>);

impl CrashSignal {
    pub(super) fn new() -> Self {
        Self(Arc::new(Semaphore::new(0)))
    }

    pub(super) fn raise(&self) {
        self.0.add_permits(1);
    }

    pub(super) async fn raised(&self) {
        if let Ok(permit) = self.0.acquire().await {
            permit.forget();
        }
    }
}
