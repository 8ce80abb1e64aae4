//! Runs many simulated schedules: `cargo run --profile simulate --example simulate -- --seeds 20000 [--from N]`, or one
//! that is shown: `-- --seed N --trace`.

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use clap::Parser;
use sandbox::simulation::{self, Run};

#[path = "../tests/it/simulation/function.rs"]
mod function;

/// Plays simulated schedules and says what they violate.
#[derive(Parser)]
struct Arguments {
    /// How many seeds are played.
    #[arg(long, default_value_t = 1_000)]
    seeds: u64,
    /// The first seed.
    #[arg(long, default_value_t = 1)]
    from: u64,
    /// One seed alone.
    #[arg(long, conflicts_with_all = ["seeds", "from"])]
    seed: Option<u64>,
    /// Shows every decision of the runs that violate something; with `--seed`, of that run in any case.
    #[arg(long)]
    trace: bool,
    /// Threads; all processors where it is not given.
    #[arg(long)]
    threads: Option<usize>,
}

#[derive(Default)]
struct Sum {
    runs: u64,
    calls: u64,
    failing: Vec<u64>,
    /// Runs and the first seed for each property.
    violations: BTreeMap<&'static str, (u64, u64)>,
    outcomes: BTreeMap<String, u64>,
}

impl Sum {
    fn add(&mut self, run: &Run) {
        self.runs += 1;
        self.calls += run.calls;
        for end in &run.ends {
            let outcome = end.split(':').next().unwrap_or_default().to_owned();
            *self.outcomes.entry(outcome).or_default() += 1;
        }
        let mut properties: Vec<&str> = run.violations.iter().map(|violation| violation.property).collect();
        properties.sort_unstable();
        properties.dedup();
        if !properties.is_empty() {
            self.failing.push(run.seed);
        }
        for property in properties {
            let entry = self.violations.entry(property).or_insert((0, run.seed));
            *entry = (entry.0 + 1, entry.1.min(run.seed));
        }
    }
}

#[expect(clippy::print_stdout, clippy::print_stderr, reason = "this is what the command is for")]
fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let (from, to) = match arguments.seed {
        Some(seed) => (seed, seed + 1),
        None => (arguments.from, arguments.from.saturating_add(arguments.seeds)),
    };
    let (next, sum) = (AtomicU64::new(from), Mutex::new(Sum::default()));
    let work = || loop {
        let seed = next.fetch_add(1, Ordering::Relaxed);
        if seed >= to {
            break;
        }
        match simulation::run(seed, function::new) {
            Ok(run) => {
                let mut sum = sum.lock().unwrap_or_else(PoisonError::into_inner);
                sum.add(&run);
                if arguments.trace && (arguments.seed.is_some() || !run.violations.is_empty()) {
                    println!("{run}");
                } else {
                    for violation in &run.violations {
                        println!("seed {seed} {violation}");
                    }
                }
            }
            Err(error) => eprintln!("seed {seed}: {error}"),
        }
    };
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..arguments.threads.unwrap_or(processors) {
            scope.spawn(work);
        }
    });
    let mut sum = sum.into_inner().unwrap_or_else(PoisonError::into_inner);
    sum.failing.sort_unstable();
    println!("{} runs, {} calls, {} runs violate something", sum.runs, sum.calls, sum.failing.len());
    println!("ends: {:?}", sum.outcomes);
    for (property, (runs, seed)) in &sum.violations {
        println!("{property}: {runs} runs, first seed {seed}");
    }
    if sum.failing.is_empty() && sum.runs == to - from { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
