//! Explores every state of a story, breadth first, so that the first trace to a violation is a shortest one.

use std::collections::{HashMap, VecDeque};
use std::hash::{BuildHasherDefault, Hash, Hasher};

use super::world::{Story, Violation, World};

/// What was found.
#[derive(Debug)]
pub(crate) struct Explored {
    pub(crate) states: usize,
    pub(crate) steps: usize,
    pub(crate) ends: usize,
    /// Whether the graph has a cycle; known where that was asked for.
    pub(crate) has_cycle: bool,
    /// A shortest trace to each kind of violation.
    pub(crate) violations: Vec<(Violation, Vec<String>)>,
}

/// A fast hash of 64 bits: of ten million states, two share it once in 300,000 explorations.
#[derive(Clone, Default)]
struct Print(u64);

impl Hasher for Print {
    fn finish(&self) -> u64 {
        let mixed = (self.0 ^ self.0 >> 32).wrapping_mul(0xd6e8_feb8_6659_fd93);
        let mixed = (mixed ^ mixed >> 32).wrapping_mul(0xd6e8_feb8_6659_fd93);
        mixed ^ mixed >> 32
    }

    fn write(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(8) {
            let word = chunk.iter().fold(0, |word, byte| word << 8 | u64::from(*byte));
            self.write_u64(word);
        }
    }

    fn write_u8(&mut self, number: u8) {
        self.write_u64(u64::from(number) + 1);
    }

    fn write_usize(&mut self, number: usize) {
        self.write_u64(number as u64);
    }

    fn write_u64(&mut self, number: u64) {
        self.0 = (self.0.rotate_left(5) ^ number).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        self.0 ^= self.0 >> 29;
    }
}

fn print_of(world: &World) -> u64 {
    let mut print = Print::default();
    world.hash(&mut print);
    print.finish()
}

/// Explores a story to its end, or to its first violation.
pub(crate) fn explore(story: &Story, until_first: bool) -> Explored {
    let mut seen: HashMap<u64, u32, BuildHasherDefault<Print>> = HashMap::default();
    let start = story.start();
    seen.insert(print_of(&start), 0);
    let mut parents: Vec<u32> = vec![0];
    let mut edges: Vec<(u32, u32)> = Vec::new();
    let mut queue = VecDeque::from([start]);
    // A fault is spent, so a cycle is always one of steps without faults. Larger graphs are too large for their edges.
    let keeps_edges = story.faults < 2;
    let mut explored = Explored { states: 0, steps: 0, ends: 0, has_cycle: false, violations: Vec::new() };
    let mut found: Vec<(Violation, u32)> = Vec::new();
    let (mut at, mut out) = (0_u32, Vec::new());
    while let Some(world) = queue.pop_front() {
        out.clear();
        let whole = story.next(&world, &mut out);
        let is_quiet = story.is_quiet(&world);
        explored.ends += usize::from(is_quiet);
        let stuck = (whole == 0 && !is_quiet).then_some(Violation::Stuck);
        let violation = story.check(&world).or(stuck);
        if let Some(kind) = violation.filter(|kind| found.iter().all(|(other, _)| other != kind)) {
            found.push((kind, at));
            if until_first {
                break;
            }
        }
        if violation.is_none() {
            for (_, next) in out.drain(..) {
                explored.steps += 1;
                let fresh = u32::try_from(parents.len()).unwrap_or(u32::MAX);
                let to = *seen.entry(print_of(&next)).or_insert(fresh);
                if to == fresh {
                    parents.push(at);
                    queue.push_back(next);
                }
                if keeps_edges {
                    edges.push((at, to));
                }
            }
        }
        at += 1;
    }
    explored.states = parents.len();
    explored.has_cycle = keeps_edges && has_cycle(parents.len(), &edges);
    explored.violations = found.into_iter().map(|(kind, at)| (kind, trace(story, at, &parents))).collect();
    explored
}

/// The way to a state, found again by walking forward along its ancestors.
fn trace(story: &Story, at: u32, parents: &[u32]) -> Vec<String> {
    let mut path = vec![at];
    while let Some(last) = path.last().copied().filter(|last| *last != 0) {
        path.push(parents[last as usize]);
    }
    // States are numbered in the order in which they are found, so the walk finds each again by its number.
    let wanted: Vec<u32> = path.into_iter().rev().skip(1).collect();
    let (mut told, mut number) = (Vec::new(), 0_u32);
    let mut seen: HashMap<u64, u32, BuildHasherDefault<Print>> = HashMap::default();
    let start = story.start();
    seen.insert(print_of(&start), 0);
    let mut queue = VecDeque::from([start]);
    let mut at = 0_u32;
    let mut steps = wanted.iter().copied().peekable();
    let mut last = None;
    while let (Some(world), Some(next_wanted)) = (queue.pop_front(), steps.peek().copied()) {
        let mut out = Vec::new();
        story.next(&world, &mut out);
        let is_parent = parents[next_wanted as usize] == at;
        if story.check(&world).is_none() {
            for (label, next) in out {
                let fresh = number + 1;
                let to = *seen.entry(print_of(&next)).or_insert(fresh);
                if to == fresh {
                    number = fresh;
                    if is_parent && to == next_wanted {
                        told.push(story.tell(&world, label));
                        last = Some(next.clone());
                        steps.next();
                    }
                    queue.push_back(next);
                }
            }
        }
        at += 1;
    }
    if let Some(world) = last {
        told.push(story.describe(&world));
    }
    told
}

/// Whether some state cannot be taken away after all that lead to it.
fn has_cycle(states: usize, edges: &[(u32, u32)]) -> bool {
    let mut incoming = vec![0_u32; states];
    let mut from = vec![Vec::new(); states];
    for &(source, target) in edges {
        incoming[target as usize] += 1;
        from[source as usize].push(target);
    }
    let mut free: Vec<usize> = (0..states).filter(|state| incoming[*state] == 0).collect();
    let mut taken = 0;
    while let Some(state) = free.pop() {
        taken += 1;
        for &target in &from[state] {
            incoming[target as usize] -= 1;
            if incoming[target as usize] == 0 {
                free.push(target as usize);
            }
        }
    }
    taken != states
}
