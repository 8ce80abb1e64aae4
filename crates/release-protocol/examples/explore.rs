//! Explores all stories to their end: `cargo run -p release-protocol --example explore [EXECUTIONS FAULTS [NAME]]`.

#![expect(clippy::print_stdout, reason = "a command prints")]
#![expect(clippy::indexing_slicing, reason = "a model that reaches beyond its own lists is wrong, and should end")]

#[path = "../tests/model/explore.rs"]
mod explore;
#[path = "../tests/model/stories.rs"]
mod stories;
#[path = "../tests/model/world.rs"]
mod world;

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let number = |place: usize| args.get(place).and_then(|text| text.parse::<u8>().ok());
    let sets: Vec<(usize, u8)> = match (number(0), number(1)) {
        (Some(executions), Some(faults)) => vec![(usize::from(executions), faults)],
        _ => vec![(1, 2), (2, 2), (3, 1), (4, 0)],
    };
    let (mut states, mut bad) = (0, 0);
    for (executions, faults) in sets {
        for story in stories::under(stories::stories(executions), faults) {
            if args.get(2).is_some_and(|name| name != story.name) {
                continue;
            }
            let explored = explore::explore(&story, false);
            states += explored.states;
            bad += usize::from(!explored.violations.is_empty() || explored.has_cycle);
            println!(
                "{:<44} {faults} faults, ECS {:<10} {:>9} states {:>10} steps {:>6} ends{}",
                story.name,
                if story.refuses { "refuses" } else { "supersedes" },
                explored.states,
                explored.steps,
                explored.ends,
                if explored.has_cycle { "  CYCLE" } else { "" }
            );
            for (kind, trace) in explored.violations {
                println!("  {kind:?}");
                for step in trace {
                    println!("    {step}");
                }
            }
        }
    }
    println!("{states} states; {bad} stories with a violation");
    std::process::exit(i32::from(bad > 0));
}
