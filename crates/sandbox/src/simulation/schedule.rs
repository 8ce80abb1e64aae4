//! The schedule of a run: while everything stands still, one thing at a time is chosen by the seed and done. What a
//! person does, how calls fail and how executions run is described elsewhere.

use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::dice::Dice;
use super::facts::{Facts, Landing};
use super::players::{Player, Troupe};
use super::story::{Asks, Hand, Story, later, upload_key, version};
use super::trouble::{CallOutcome, Troubles};
use super::wire::{Broken, Held};
use super::{hand, inside};
use crate::seed::{REPOSITORY, STATE_BUCKET};
use crate::server::{self, Outcome};
use crate::state::World;
use crate::wire::Reply;

/// Decisions of one run and calls of one execution, at most: what needs more goes round in circles.
const DECISIONS: u64 = 30_000;
const CALLS: u64 = 2_100;

/// A call takes effect within so many milliseconds of being sent, or never (what the protocol assumes of AWS).
const ON_THE_WIRE: i64 = 50_000;

/// How long the last deployments are waited for.
const LAST_DEPLOYMENTS: SignedDuration = SignedDuration::from_hours(2);

/// One run on its way.
#[derive(Debug)]
pub(super) struct Schedule {
    pub(super) story: Arc<Story>,
    pub(super) world: Arc<World>,
    pub(super) troupe: Troupe,
    pub(super) dice: Dice,
    pub(super) players: Vec<Player>,
    /// Events that have happened.
    happened: usize,
    troubles: Troubles,
    crashes: u64,
    decisions: u64,
    pub(super) facts: Facts,
}

/// One thing that can be done.
#[derive(Clone, Copy, Debug)]
enum Choice {
    /// The server acts on the call and answers at once.
    Serve(u64),
    /// The server acts on the call; its answer is on its way.
    Act(u64),
    Deliver(u64),
    Lose(u64),
    Wait,
    Crash(usize),
}

impl Schedule {
    pub(super) fn new(story: Arc<Story>, troupe: Troupe, dice: Dice) -> Self {
        let deliveries = story.deliveries.iter().enumerate();
        let players: Vec<Player> =
            deliveries.map(|(number, delivery)| Player::new(number, delivery.event, delivery.at)).collect();
        let facts = Facts::new(players.len());
        Self {
            world: Arc::clone(&troupe.world),
            troubles: Troubles::new(story.faults),
            crashes: story.crashes,
            story,
            troupe,
            dice,
            players,
            happened: 0,
            decisions: 0,
            facts,
        }
    }

    /// Plays the story to its end and says what was seen.
    pub(super) async fn play(mut self) -> Facts {
        while self.decide().await {}
        self.facts.is_endless = self.is_endless();
        let deadline = self.now().saturating_add(LAST_DEPLOYMENTS).unwrap_or(Timestamp::MAX);
        while inside::desired(&self.world).is_busy && self.now() < deadline {
            self.world.clock.advance(Duration::from_secs(10));
        }
        self.facts.close(&self.world, &self.players);
        self.facts
    }

    fn now(&self) -> Timestamp {
        self.world.clock.now()
    }

    /// Writes a decision down.
    pub(super) fn note(&mut self, what: &str) {
        let line = format!("{} {what}", self.now());
        self.facts.note(line);
    }

    /// Does one thing; false when nothing is left to be done.
    async fn decide(&mut self) -> bool {
        self.decisions += 1;
        // A paused runtime lets its clock move only when no task can go on: after this, everything waits for a
        // decision.
        pause(1).await;
        self.happen();
        self.wake();
        self.act_by_hand();
        let choices = self.choices();
        if choices.is_empty() {
            return self.jump().await && !self.is_endless();
        }
        let weights: Vec<u64> = choices.iter().map(|(weight, _)| *weight).collect();
        let Some((_, choice)) = choices.get(self.dice.weighted(&weights)) else { return false };
        self.choose(*choice).await;
        !self.is_endless()
    }

    fn is_endless(&self) -> bool {
        self.decisions >= DECISIONS || self.facts.calls.iter().any(|calls| *calls > CALLS)
    }

    /// Lets the events happen that are due: a tag moves, an object is stored.
    fn happen(&mut self) {
        while let Some(event) = self.story.events.get(self.happened).filter(|event| event.at <= self.now()) {
            match &event.asks {
                Asks::Push { image, tag } => {
                    if let Some(image) = self.story.images.get(*image) {
                        inside::push(&self.world, REPOSITORY, image, &[tag]);
                    }
                }
                Asks::Upload { image, marker, is_valid } => {
                    let mut document = self.story.document(*image, super::story::MARKER, marker);
                    if !is_valid {
                        document["cpu"] = "17".into();
                    }
                    // The image was pushed before, under no tag that releases.
                    if let Some(image) = self.story.images.get(*image) {
                        inside::push(&self.world, REPOSITORY, image, &[]);
                    }
                    self.world.buckets.put(STATE_BUCKET, &upload_key(), document.to_string().into_bytes(), None);
                    self.world.buckets.name_version(STATE_BUCKET, &upload_key(), &version(marker));
                }
            }
            self.note(&format!("e{} happens", self.happened));
            self.happened += 1;
        }
    }

    /// Takes the answers of invocations that have ended, ends those that work for too long, and begins those that are
    /// due.
    fn wake(&mut self) {
        let now = self.now();
        for number in 0..self.players.len() {
            let Some(player) = self.players.get_mut(number) else { continue };
            if player.reap(&self.world) {
                if let Some(ended) = self.facts.ended.get_mut(number).filter(|_| player.end().is_some()) {
                    *ended = Some(now);
                }
                if self.story.forgets && player.end().is_some() {
                    self.world.durable.forget(&player.name());
                }
                let how = player.end().map_or_else(|| "waits".to_owned(), |end| format!("ends: {end}"));
                self.note(&format!("x{number} {how}"));
            } else if player.is_overdue(now) {
                player.crash(now);
                self.note(&format!("x{number} has worked for too long"));
            }
            let story = Arc::clone(&self.story);
            let Some(player) = self.players.get_mut(number) else { continue };
            let event = player.event;
            let payload = || story.events.get(event).map(|event| story.payload(event)).unwrap_or_default();
            if player.begin(&self.troupe, payload) {
                self.note(&format!("x{number} is invoked"));
            }
        }
    }

    fn act_by_hand(&mut self) {
        let due: Vec<Hand> =
            self.story.by_hand.iter().filter(|act| act.after == self.decisions).map(|act| act.what).collect();
        for what in due {
            if let Some(done) = hand::act(&self.world, &self.story, &mut self.players, what) {
                self.facts.landings.extend(done.landing);
                self.note(&done.what);
            }
        }
    }

    /// What can be done now; nothing where all wait for time to pass.
    fn choices(&mut self) -> Vec<(u64, Choice)> {
        let now = self.now();
        let mut choices = Vec::new();
        self.troupe.wire.retain(|held| {
            let is_orphan = held.is_orphan();
            let too_late = now.duration_since(held.sent).as_millis() > i128::from(ON_THE_WIRE);
            match (&held.answer, is_orphan) {
                (Some(_), true) => return false,
                // A caller that still waits hears at last that nothing came.
                (None, _) if too_late => return false,
                (Some(_), false) if held.mute => {}
                (Some(_), false) => choices.push((20, Choice::Deliver(held.number))),
                (None, true) => choices.extend([(2, Choice::Act(held.number)), (1, Choice::Lose(held.number))]),
                (None, false) if held.mute => choices.push((2, Choice::Act(held.number))),
                (None, false) => choices.extend([(16, Choice::Serve(held.number)), (4, Choice::Act(held.number))]),
            }
            true
        });
        if !choices.is_empty() {
            choices.push((1, Choice::Wait));
            if self.crashes > 0 {
                let running = self.players.iter().enumerate().filter(|(_, player)| player.is_running());
                // Once in some thirty decisions: about two in a release.
                choices.extend(
                    running.filter(|_| self.decisions.is_multiple_of(8)).map(|(number, _)| (4, Choice::Crash(number))),
                );
            }
        }
        choices
    }

    async fn choose(&mut self, choice: Choice) {
        match choice {
            Choice::Serve(number) => self.act(number, true),
            Choice::Act(number) => self.act(number, false),
            Choice::Deliver(number) => {
                if let Some(held) = self.troupe.wire.take(number) {
                    self.deliver(held);
                }
            }
            Choice::Lose(number) => {
                if let Some(held) = self.troupe.wire.take(number) {
                    self.note(&format!("{held} never arrives"));
                }
            }
            Choice::Wait => {
                let span = if self.dice.one_in(4) { self.dice.between(100, 6_000) } else { self.dice.between(1, 100) };
                self.note(&format!("{span} ms pass"));
                pause(span).await;
            }
            Choice::Crash(number) => {
                self.crashes -= 1;
                let again = later(self.now(), self.dice.below(60_000));
                if let Some(player) = self.players.get_mut(number) {
                    player.crash(again);
                }
                self.note(&format!("x{number} dies"));
            }
        }
    }

    /// Lets one call act, or go wrong.
    fn act(&mut self, number: u64, at_once: bool) {
        let Some(mut held) = self.troupe.wire.take(number) else { return };
        let outcome = match held.mute || held.is_orphan() {
            true => CallOutcome::Served,
            false => self.troubles.draw_outcome(&mut self.dice, &held, self.world.clock.now()),
        };
        self.facts.count(held.caller.execution);
        match outcome {
            CallOutcome::Hangs => {
                self.note(&format!("{held} hangs"));
                held.mute = true;
                self.troupe.wire.hold_on(held);
            }
            CallOutcome::ResetBefore => {
                self.note(&format!("{held} is reset before it acts"));
                held.end(Err(Broken));
            }
            CallOutcome::Served | CallOutcome::ResetAfter | CallOutcome::Fault(_) => {
                let fault = if let CallOutcome::Fault(fault) = &outcome { Some(fault.clone()) } else { None };
                let words =
                    fault.as_ref().map_or_else(String::new, |fault| format!(", {:?} {:?}", fault.kind, fault.moment));
                if let Some(fault) = fault {
                    self.world.faults().add(fault);
                }
                let reply = self.serve(&held);
                self.note(&format!("{held} acts: {}{words}", reply.as_ref().map_or(0, |reply| reply.status)));
                held.answer = reply.ok();
                match (at_once, matches!(outcome, CallOutcome::ResetAfter)) {
                    (_, true) => held.end(Err(Broken)),
                    (true, false) => self.deliver(held),
                    (false, false) => self.troupe.wire.hold_on(held),
                }
            }
        }
    }

    fn deliver(&mut self, mut held: Held) {
        self.note(&format!("{held} is answered"));
        let answer = held.answer.take().ok_or(Broken);
        held.end(answer);
    }

    /// What the sandbox says. What an update or a registration changed is remembered, also where its answer is an
    /// error: it is seen by what there is afterwards.
    fn serve(&mut self, held: &Held) -> Result<Reply, Broken> {
        if !["RegisterTaskDefinition", "UpdateExpressGatewayService"].contains(&held.operation.as_str()) {
            return reply(server::answer(&self.world, &held.request));
        }
        let before = inside::desired(&self.world).definition;
        let (deployment, definition) = (inside::newest_deployment(&self.world), inside::newest_definition(&self.world));
        let outcome = server::answer(&self.world, &held.request);
        let execution = held.caller.execution;
        if inside::newest_deployment(&self.world) != deployment {
            let landing = Landing::new(&self.world, Some(execution), before);
            self.facts.landings.push(landing);
        }
        let newest = inside::newest_definition(&self.world);
        if newest != definition {
            self.facts.registered.push((execution, newest));
        }
        reply(outcome)
    }

    /// Moves the clock to the next thing that happens by itself; false where nothing will.
    async fn jump(&mut self) -> bool {
        let mut times: Vec<Timestamp> = self.players.iter().filter_map(|player| player.next(&self.world)).collect();
        times.extend(self.story.events.get(self.happened).map(|event| event.at));
        self.troupe.wire.retain(|held| {
            let end = held.sent.saturating_add(SignedDuration::from_millis(ON_THE_WIRE + 1));
            times.extend(end);
            true
        });
        let Some(next) = times.into_iter().min() else { return false };
        let now = self.now();
        let wire = Arc::clone(&self.troupe.wire);
        let span = u64::try_from(next.duration_since(now).as_millis()).unwrap_or(0);
        let arrived = wire.arrivals.notified();
        tokio::select! {
            biased;
            () = arrived => {}
            () = pause(span) => {}
        }
        true
    }
}

/// Lets so many milliseconds pass.
async fn pause(milliseconds: u64) {
    #[expect(clippy::disallowed_methods, reason = "the runtime's time is virtual")]
    tokio::time::sleep(Duration::from_millis(milliseconds)).await;
}

/// An answer, or none.
fn reply(outcome: Outcome) -> Result<Reply, Broken> {
    match outcome {
        Outcome::Reply(reply) => Ok(reply),
        Outcome::Dropped | Outcome::Withheld => Err(Broken),
    }
}
