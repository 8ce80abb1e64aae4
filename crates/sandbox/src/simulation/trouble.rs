//! What goes wrong with calls: how many may fail, which, and how. The sandbox words the refusals.

use jiff::Timestamp;

use super::dice::Dice;
use super::story::later;
use super::wire::Held;
use crate::faults::{Fault, FaultKind, Moment};

/// What becomes of one call.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum CallOutcome {
    Served,
    /// The server refuses, or acts and then answers with an error.
    Fault(Fault),
    ResetBefore,
    ResetAfter,
    /// It acts later or never, and no answer comes.
    Hangs,
}

/// Calls of one operation fail for a while.
#[derive(Clone, Debug)]
struct Spell {
    operation: String,
    kind: FaultKind,
    until: Timestamp,
}

/// The faults of one run.
#[derive(Debug)]
pub(super) struct Troubles {
    left: u64,
    spells: Vec<Spell>,
}

impl Troubles {
    /// So many calls may begin to fail.
    pub(super) fn new(left: u64) -> Self {
        Self { left, spells: Vec::new() }
    }

    /// What becomes of a call that is about to act.
    pub(super) fn draw_outcome(&mut self, dice: &mut Dice, held: &Held, now: Timestamp) -> CallOutcome {
        self.spells.retain(|spell| spell.until > now);
        if let Some(spell) = self.spells.iter().find(|spell| spell.operation == held.operation) {
            return CallOutcome::Fault(fault(&held.operation, spell.kind, Moment::Before));
        }
        // Calls that change something are fewer and worth more.
        let odds = if changes(&held.operation) { 12 } else { 60 };
        if self.left == 0 || !dice.one_in(odds) {
            return CallOutcome::Served;
        }
        self.left -= 1;
        self.draw(dice, held, now)
    }

    fn draw(&mut self, dice: &mut Dice, held: &Held, now: Timestamp) -> CallOutcome {
        let fails = |kind, moment| CallOutcome::Fault(fault(&held.operation, kind, moment));
        match dice.below(12) {
            0 | 1 => fails(FaultKind::Throttle, Moment::Before),
            2 => fails(FaultKind::ServerError, Moment::Before),
            3 => fails(FaultKind::ServerError, Moment::After),
            4 => CallOutcome::ResetBefore,
            5 | 6 => CallOutcome::ResetAfter,
            7 | 8 => CallOutcome::Hangs,
            9 if special(&held.operation).is_some() => {
                fails(special(&held.operation).unwrap_or(FaultKind::ServerError), Moment::Before)
            }
            // The engine fails an execution whose checkpoints fail three times in a row, which would hide what a
            // release makes of it.
            _ if held.operation.starts_with("Checkpoint") || held.operation.ends_with("State") => {
                fails(FaultKind::Throttle, Moment::Before)
            }
            _ => {
                let kind = if dice.one_in(2) { FaultKind::AccessDenied } else { FaultKind::Throttle };
                let until = later(now, dice.between(1_000, 300_000));
                self.spells.push(Spell { operation: held.operation.clone(), kind, until });
                fails(kind, Moment::Before)
            }
        }
    }
}

/// How this operation alone can fail.
fn special(operation: &str) -> Option<FaultKind> {
    match operation {
        "ListServiceDeployments" => Some(FaultKind::Stale),
        "DescribeServiceDeployments" | "DescribeServiceRevisions" => Some(FaultKind::Missing),
        "RegisterTaskDefinition" | "PutObject" => Some(FaultKind::Contention),
        "UpdateExpressGatewayService" => Some(FaultKind::RoleNotReady),
        _ => None,
    }
}

fn fault(operation: &str, kind: FaultKind, moment: Moment) -> Fault {
    Fault { operation: operation.to_owned(), nth: 1, times: 1, moment, kind }
}

/// Whether a call changes something.
fn changes(operation: &str) -> bool {
    let words = ["Put", "Register", "Update", "Stop", "Checkpoint"];
    words.iter().any(|word| operation.starts_with(word))
}
