//! The one virtual clock of a sandbox. It moves only when told to, or with the clock of a tokio runtime that is paused;
//! nothing here reads the real time.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;

/// A shared clock. Clones show the same time.
#[derive(Clone, Debug)]
pub struct VirtualClock(Arc<Hand>);

#[derive(Debug)]
struct Hand {
    /// What it was set to, in milliseconds since the Unix epoch.
    set: AtomicI64,
    /// Since when it runs along with the runtime's clock, where it does.
    runs_since: OnceLock<Instant>,
}

impl VirtualClock {
    /// A clock that stands at `start`.
    pub fn at(start: Timestamp) -> Self {
        Self(Arc::new(Hand { set: AtomicI64::new(start.as_millisecond()), runs_since: OnceLock::new() }))
    }

    /// From here on the clock runs along with the tokio runtime's, whose time is virtual as well: timers of the code
    /// under test and timers of the sandbox then come in one order.
    pub(crate) fn run_with_the_runtime(&self) {
        self.0.runs_since.get_or_init(Instant::now);
    }

    /// The time that the clock shows.
    pub fn now(&self) -> Timestamp {
        let run = self.0.runs_since.get().map_or(Duration::ZERO, Instant::elapsed);
        let now = self.0.set.load(Ordering::SeqCst).saturating_add(milliseconds(run));
        Timestamp::from_millisecond(now).unwrap_or(Timestamp::UNIX_EPOCH)
    }

    /// Moves the clock to `time`, never back.
    pub fn advance_to(&self, time: Timestamp) {
        let ahead = time.as_millisecond().saturating_sub(self.now().as_millisecond());
        self.0.set.fetch_add(ahead.max(0), Ordering::SeqCst);
    }

    /// Moves the clock on by `span`.
    pub fn advance(&self, span: Duration) {
        self.0.set.fetch_add(milliseconds(span), Ordering::SeqCst);
    }
}

fn milliseconds(span: Duration) -> i64 {
    i64::try_from(span.as_millis()).unwrap_or(i64::MAX / 4)
}
