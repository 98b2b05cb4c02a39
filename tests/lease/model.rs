//! Runs that contend for one entry of a server, as a model whose every order of events is tried.
//!
//! What the runs do is the protocol itself (`deploy_native::lease`). The model adds what the protocol cannot choose: when
//! requests take effect and answers arrive, which of them get lost, who dies when. Time goes in ticks of a second, and the
//! clocks are as close as the protocol allows: an uncertain one only makes heirs later and deadlines further away.

use deploy_native::lease::{Answer, Ask, Claim, Clocks, Entry, Hold, LeaseHolder, LeaseTerms, Next};
use stateright::{Model, Property};
use std::time::Duration;
use time::OffsetDateTime;

const TERMS: LeaseTerms =
    LeaseTerms { term: Duration::from_secs(4), renewal: Duration::from_secs(2), grace: Duration::from_secs(GRACE) };
/// How long a request may take to have its effect, in ticks.
const GRACE: u64 = 1;

/// What is wrong with the runs of a model; each breaks one rule of the protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flaw {
    None,
    /// A renewal counts whenever it is answered.
    LateRenewalCounts,
    /// A renewal overwrites the entry, whoever's it is, and counts whenever it is answered.
    RenewsWithoutComparing,
    /// The term begins when the answer arrives, not when the request was sent.
    TermFromAnswer,
    /// A holder takes the lease for its own until a renewal says otherwise.
    NeverLapses,
    /// An heir judges an entry by the time at which the answer arrives.
    JudgesByAnswer,
    /// An heir takes every holder for dead.
    DoesNotWait,
    /// An heir removes the entry that there is, not the one that it read.
    RemovesWhateverThereIs,
    /// An heir makes its entry beside the one of the dead.
    MakesWithoutRemoving,
}

/// What is tried.
#[derive(Debug, Clone)]
pub(crate) struct System {
    pub(crate) runs: usize,
    /// When time ends.
    pub(crate) horizon: u64,
    /// How many of the runs die.
    pub(crate) deaths: usize,
    /// How many answers get lost; what was asked may take effect at any later time.
    pub(crate) losses: usize,
    /// Whether runs give the lease back.
    pub(crate) releases: bool,
    /// Whether everything that can happen happens before time goes on, and everybody tries again at once.
    pub(crate) prompt: bool,
    pub(crate) flaw: Flaw,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct World {
    now: u64,
    entry: Option<Entry>,
    made: u8,
    runs: Vec<Run>,
    /// Requests that nobody waits for any more, and when they were sent.
    late: Vec<(Ask, u64)>,
    deaths: usize,
    losses: usize,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Run {
    phase: Phase,
    wire: Option<Wire>,
    /// When it last saw that somebody else holds the lease.
    refused: Option<u64>,
    /// Whether it died, or lapsed, while it held the lease.
    over_holding: bool,
    /// Whether it got a lease that was over already.
    useless: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Phase {
    Absent,
    Claiming(Claim),
    Holding(Hold),
    Releasing,
    Done,
    Dead,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Wire {
    Request { ask: Ask, sent: u64 },
    Answer { answer: Answer, sent: u64 },
}

/// What can happen.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Event {
    Tick,
    Begin(usize),
    Serve(usize),
    ServeLate(usize),
    Deliver(usize),
    Lose(usize),
    Again(usize),
    Renew(usize),
    Release(usize),
    Die(usize),
}

fn clocks(now: u64) -> Clocks {
    let server = OffsetDateTime::UNIX_EPOCH + Duration::from_secs(100 + now);
    Clocks { elapsed: Duration::from_secs(now), server_at_least: server, server_at_most: server }
}

fn holder(run: usize) -> LeaseHolder {
    LeaseHolder {
        machine: String::new(),
        process: 0,
        run: run.to_string(),
        started_at: String::new(),
        deadline: OffsetDateTime::UNIX_EPOCH,
    }
}

impl World {
    /// The runs that would make a change now.
    fn working(&self, flaw: Flaw) -> usize {
        let passes = |run: &&Run| match &run.phase {
            Phase::Holding(hold) => {
                let asked = if flaw == Flaw::NeverLapses { Duration::ZERO } else { Duration::from_secs(self.now) };
                hold.clone().check(asked).is_ok()
            }
            _ => false,
        };
        self.runs.iter().filter(passes).count()
    }

    /// What the server does with a request.
    fn serve(&mut self, ask: Ask, flaw: Flaw) -> Answer {
        let is = |entry: &Option<Entry>, id: &str| entry.as_ref().is_some_and(|entry| entry.id == id);
        match ask {
            Ask::Look => Answer::Found(self.entry.clone()),
            Ask::Make(_) if self.entry.is_some() => Answer::Refused,
            Ask::Make(holder) => {
                self.made += 1;
                let id = self.made.to_string();
                self.entry = Some(Entry { id: id.clone(), holder: Some(holder) });
                Answer::Made(id)
            }
            Ask::Renew { id, holder } if flaw == Flaw::RenewsWithoutComparing => {
                self.entry = Some(Entry { id, holder: Some(holder) });
                Answer::Renewed
            }
            Ask::Renew { id, holder } if is(&self.entry, &id) => {
                self.entry = Some(Entry { id, holder: Some(holder) });
                Answer::Renewed
            }
            Ask::Renew { .. } => Answer::Gone,
            Ask::Remove { id } => {
                if is(&self.entry, &id) || flaw == Flaw::RemovesWhateverThereIs {
                    self.entry = None;
                }
                Answer::Removed
            }
        }
    }

    fn send(&mut self, run: usize, ask: Ask) {
        self.runs[run].wire = Some(Wire::Request { ask, sent: self.now });
    }

    /// Gives a run its answer; nothing when `None`.
    fn answer(&mut self, run: usize, answer: Answer, sent: u64, flaw: Flaw) {
        let now = self.now;
        match self.runs[run].phase.clone() {
            Phase::Claiming(claim) => self.claimed(run, claim, answer, flaw),
            Phase::Holding(mut hold) => {
                let late = matches!(flaw, Flaw::LateRenewalCounts | Flaw::RenewsWithoutComparing | Flaw::NeverLapses);
                let seen = if late { sent } else { now };
                // What it says is asked for again by the property.
                let _ = hold.renewed(&answer, Duration::from_secs(seen));
                self.runs[run].phase = Phase::Holding(hold);
            }
            Phase::Releasing => self.runs[run].phase = Phase::Done,
            Phase::Absent | Phase::Done | Phase::Dead => {}
        }
    }

    fn claimed(&mut self, run: usize, mut claim: Claim, answer: Answer, flaw: Flaw) {
        let mut clocks = clocks(self.now);
        if matches!(answer, Answer::Found(_)) && flaw == Flaw::JudgesByAnswer {
            claim.again(clocks);
        }
        if matches!(answer, Answer::Found(_)) && flaw == Flaw::DoesNotWait {
            clocks.server_at_least += Duration::from_secs(1_000);
            claim.again(clocks);
        }
        if matches!(answer, Answer::Made(_)) && flaw == Flaw::TermFromAnswer {
            claim = Claim::begin(TERMS, holder(run), Vec::new(), clocks).0;
        }
        match claim.answered(answer, clocks) {
            Next::Ask(Ask::Remove { .. }) if flaw == Flaw::MakesWithoutRemoving => {
                self.runs[run].phase = Phase::Claiming(Claim::begin(TERMS, holder(run), Vec::new(), clocks).0);
                self.runs[run].refused = Some(self.now);
            }
            Next::Ask(ask) => {
                self.runs[run].phase = Phase::Claiming(claim);
                self.send(run, ask);
            }
            Next::Ours(mut hold) => {
                self.runs[run].useless |= hold.check(Duration::from_secs(self.now)).is_err();
                self.runs[run].phase = Phase::Holding(hold);
            }
            Next::Theirs(_) => {
                self.runs[run].phase = Phase::Claiming(claim);
                self.runs[run].refused = Some(self.now);
            }
        }
    }
}

impl System {
    /// What a run can do, or what can happen to its request.
    fn events_of(&self, world: &World, index: usize, events: &mut Vec<Event>) {
        let run = &world.runs[index];
        let lossy = world.losses > 0;
        match &run.wire {
            Some(Wire::Request { .. }) => {
                events.push(Event::Serve(index));
                if lossy {
                    events.push(Event::Lose(index));
                }
                return;
            }
            Some(Wire::Answer { .. }) => {
                events.push(Event::Deliver(index));
                if lossy {
                    events.push(Event::Lose(index));
                }
                return;
            }
            None => {}
        }
        match &run.phase {
            Phase::Absent => events.push(Event::Begin(index)),
            Phase::Claiming(_) if run.refused.is_some_and(|at| at < world.now) => events.push(Event::Again(index)),
            Phase::Holding(hold) => {
                let elapsed = Duration::from_secs(world.now);
                let lives = hold.clone().check(elapsed).is_ok() || self.flaw == Flaw::NeverLapses;
                if lives && hold.renewal_due_in(elapsed).is_zero() {
                    events.push(Event::Renew(index));
                }
                if self.releases {
                    events.push(Event::Release(index));
                }
            }
            _ => {}
        }
    }
}

impl Model for System {
    type State = World;
    type Action = Event;

    fn init_states(&self) -> Vec<World> {
        let run = Run { phase: Phase::Absent, wire: None, refused: None, over_holding: false, useless: false };
        vec![World {
            now: 0,
            entry: None,
            made: 0,
            runs: vec![run; self.runs],
            late: Vec::new(),
            deaths: self.deaths,
            losses: self.losses,
        }]
    }

    fn actions(&self, world: &World, events: &mut Vec<Event>) {
        if world.now >= self.horizon {
            return;
        }
        for index in 0..world.runs.len() {
            self.events_of(world, index, events);
        }
        events.extend((0..world.late.len()).map(Event::ServeLate));
        // Nothing that has to happen is left.
        let idle = events.is_empty();
        if world.deaths > 0 {
            let alive = |run: &Run| !matches!(run.phase, Phase::Absent | Phase::Done | Phase::Dead);
            events.extend((0..world.runs.len()).filter(|index| alive(&world.runs[*index])).map(Event::Die));
        }
        if idle || !self.prompt {
            events.push(Event::Tick);
        }
    }

    fn next_state(&self, last: &World, event: Event) -> Option<World> {
        let mut world = last.clone();
        match event {
            Event::Tick => {
                world.now += 1;
                let elapsed = Duration::from_secs(world.now);
                for run in &mut world.runs {
                    run.over_holding |=
                        matches!(&run.phase, Phase::Holding(hold) if hold.clone().check(elapsed).is_err());
                }
                // What has not taken effect by now never does.
                world.late.retain(|(_, sent)| sent + GRACE >= last.now + 1);
            }
            Event::Begin(run) => {
                let (claim, ask) = Claim::begin(TERMS, holder(run), Vec::new(), clocks(world.now));
                world.runs[run].phase = Phase::Claiming(claim);
                world.send(run, ask);
            }
            Event::Serve(run) => {
                let Some(Wire::Request { ask, sent }) = world.runs[run].wire.take() else { return None };
                let answer = world.serve(ask, self.flaw);
                world.runs[run].wire = Some(Wire::Answer { answer, sent });
            }
            Event::ServeLate(index) => {
                let (ask, _) = world.late.remove(index);
                world.serve(ask, self.flaw);
            }
            Event::Deliver(run) => {
                let Some(Wire::Answer { answer, sent }) = world.runs[run].wire.take() else { return None };
                world.answer(run, answer, sent, self.flaw);
            }
            Event::Lose(run) => {
                world.losses -= 1;
                let sent = match world.runs[run].wire.take()? {
                    Wire::Request { ask, sent } => {
                        world.late.push((ask, sent));
                        sent
                    }
                    Wire::Answer { sent, .. } => sent,
                };
                world.answer(run, Answer::Lost, sent, self.flaw);
            }
            Event::Again(run) => {
                let Phase::Claiming(claim) = &mut world.runs[run].phase else { return None };
                let ask = claim.again(clocks(last.now));
                world.runs[run].refused = None;
                world.send(run, ask);
            }
            Event::Renew(run) => {
                let Phase::Holding(hold) = &mut world.runs[run].phase else { return None };
                let ask = hold.renew(clocks(last.now));
                world.send(run, ask);
            }
            Event::Release(run) => {
                let Phase::Holding(hold) = &world.runs[run].phase else { return None };
                let ask = hold.release();
                world.runs[run].phase = Phase::Releasing;
                world.send(run, ask);
            }
            Event::Die(run) => {
                world.deaths -= 1;
                world.runs[run].over_holding = matches!(world.runs[run].phase, Phase::Holding(_));
                world.runs[run].phase = Phase::Dead;
                if let Some(Wire::Request { ask, sent }) = world.runs[run].wire.take() {
                    world.late.push((ask, sent));
                }
            }
        }
        Some(world)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        let mut properties = vec![
            Property::always(EXCLUSIVE, |system: &Self, world: &World| world.working(system.flaw) <= 1),
            Property::sometimes(INHERITED, |_, world: &World| {
                let holds = |run: &Run| matches!(run.phase, Phase::Holding(_));
                world.runs.iter().any(|run| run.over_holding) && world.made > 1 && world.runs.iter().any(holds)
            }),
        ];
        if self.prompt {
            properties.push(Property::always(SERVED, |system: &Self, world: &World| {
                let over = |run: &Run| matches!(run.phase, Phase::Done | Phase::Dead) && !run.useless;
                world.now < system.horizon || world.runs.iter().all(over)
            }));
        }
        properties
    }
}

/// Never two runs that would both make a change.
pub(crate) const EXCLUSIVE: &str = "one run at a time";
/// A run holds it after one that died, or that lapsed, while it held it.
pub(crate) const INHERITED: &str = "somebody inherits";
/// Whoever does not die has had the lease by the end of time.
pub(crate) const SERVED: &str = "nobody waits for ever";
