//! Whole executions of the real code, on one virtual clock, under a schedule that a seed decides: every call is held
//! and let go one at a time, fails, is lost or comes late; executions die, events come twice and in any order, people
//! interfere. At the end, what must hold is checked.

mod check;
mod dice;
mod facts;
mod hand;
mod inside;
mod logs;
mod players;
mod schedule;
mod story;
mod tale;
mod trouble;
mod wire;

use std::fmt;
use std::sync::{Arc, Mutex};

use jiff::{SignedDuration, Timestamp};

use self::check::Seen;
use self::dice::Dice;
use self::logs::Logs;
use self::players::Troupe;
use self::schedule::Schedule;
use self::story::{MARKER, Story};
use self::wire::Wire;
use super::Options;
use super::seed::{self, REPOSITORY, SERVICE};
use super::state::World;

pub use self::check::Violation;
pub use self::players::{Function, Process, Service, ServiceFuture};
pub use self::story::Hand;
pub use self::tale::Tale;

/// The sandbox's address, which nobody listens at; that of an IP, so that S3 is asked in path style.
const ENDPOINT: &str = "http://127.0.0.1:1";

/// How long the first revision has been live before the story.
const BEFORE: SignedDuration = SignedDuration::from_hours(25);

/// One run.
#[derive(Clone, Debug)]
pub struct Run {
    /// What it was made of.
    pub seed: u64,
    /// The story, as text.
    pub story: String,
    /// Every decision, one a line.
    pub decisions: Vec<String>,
    /// A hash over all decisions: two runs of one seed have the same.
    pub hash: u64,
    /// Calls that were served.
    pub calls: u64,
    /// How each execution ended, in words.
    pub ends: Vec<String>,
    /// The reports that were stored, as text.
    pub reports: Vec<String>,
    /// The name of the image that the service runs in the end; `live` is the first one.
    pub image: String,
    /// What was violated.
    pub violations: Vec<Violation>,
}

impl fmt::Display for Run {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "seed {}, hash {:016x}", self.seed, self.hash)?;
        write!(f, "{}", self.story)?;
        for decision in &self.decisions {
            writeln!(f, "  {decision}")?;
        }
        for (number, end) in self.ends.iter().enumerate() {
            writeln!(f, "x{number} {end}")?;
        }
        for report in &self.reports {
            writeln!(f, "{report}")?;
        }
        for violation in &self.violations {
            writeln!(f, "{violation}")?;
        }
        Ok(())
    }
}

/// Why a run could not begin.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The runtime could not be made.
    #[error("no tokio runtime could be made")]
    Runtime(#[from] std::io::Error),
    /// The sandbox could not be filled.
    #[error(transparent)]
    Sandbox(#[from] super::Error),
}

/// Plays the run of a seed: it decides the story and the schedule.
///
/// # Errors
/// When it could not begin.
pub fn run(seed: u64, function: Function) -> Result<Run, Error> {
    begin(seed, function, Story::new)
}

/// Plays a tale under the schedule of a seed.
///
/// # Errors
/// When it could not begin.
pub fn play(seed: u64, tale: &Tale, function: Function) -> Result<Run, Error> {
    begin(seed, function, |_, start| tale.story(start))
}

fn begin(seed: u64, function: Function, story: impl FnOnce(&mut Dice, Timestamp) -> Story) -> Result<Run, Error> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build()?;
    let logs = Logs::default();
    let mut dice = Dice::new(seed);
    let story = story(&mut dice, Options::default().start);
    tracing::subscriber::with_default(logs.clone(), || {
        runtime.block_on(to_the_end((seed, dice), Arc::new(story), function, &logs))
    })
}

async fn to_the_end(
    (seed, mut dice): (u64, Dice),
    story: Arc<Story>,
    function: Function,
    logs: &Logs,
) -> Result<Run, Error> {
    let options = Options {
        second_update: story.second_update,
        deployment: story.deployment,
        hook: story.hook.clone(),
        ending: story.ending,
        ..Options::default()
    };
    let world = Arc::new(World::new(&options, ENDPOINT.to_owned()));
    world.clock.run_with_the_runtime();
    seed::fill(&world, options.scenario)?;
    fill(&world, &story, options.start)?;
    let wire = Arc::new(Wire::new(world.clock.clone()));
    let troupe = Troupe { world, wire, function, dice: Mutex::new(dice.fork()) };
    let schedule = Schedule::new(Arc::clone(&story), troupe, dice);
    let facts = schedule.play().await;
    let log = logs.lines();
    let seen = Seen { story: &story, facts: &facts, log: &log };
    let violations = check::all(&seen);
    let image = seen.last_image().map_or_else(String::new, |image| image.name.clone());
    let ends = facts.ends.iter().map(|(end, _)| end.as_ref().map_or("has not ended".to_owned(), ToString::to_string));
    Ok(Run {
        seed,
        story: story.to_string(),
        calls: facts.calls.iter().sum(),
        ends: ends.collect(),
        hash: facts.hash,
        decisions: facts.decisions,
        reports: facts.reports.into_iter().map(|(key, text)| format!("{key}: {text}")).collect(),
        image,
        violations,
    })
}

/// What the story finds: its first image is live, in a task definition with secrets.
fn fill(world: &World, story: &Story, start: Timestamp) -> Result<(), Error> {
    if let Some(image) = story.images.first() {
        inside::push(world, REPOSITORY, image, &["v0", "latest"]);
    }
    let mut ecs = world.ecs();
    for image in &story.images {
        ecs.decide_image(&image.digest, image.scenario);
    }
    let document = story.document(0, MARKER, "seed");
    let since = start.saturating_sub(BEFORE).unwrap_or(start);
    let arn = ecs.definitions.store(&document, since, None).map_err(super::Error::from)?.arn();
    ecs.set_live(SERVICE, &arn, &world.registry(), start).map_err(super::Error::from)?;
    Ok(())
}
