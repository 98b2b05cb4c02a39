//! How a lease is claimed, held and lost: what to ask the server next, given what it answered. Pure; every time is an
//! argument, so the model check (`tests/lease`) runs these very lines.
//!
//! The server keeps at most one entry for a stage, and whoever makes it first has it. Nothing else of the server is exclusive:
//! a change of the entry, or its removal, is never refused because of what it was. So three rules do the rest.
//!
//! 1. **A holder believes itself only.** It may work for a *term* from when it **sent** the request that made or renewed the
//!    entry, by its own clock; the entry's deadline is no earlier than that on the server. A renewal that is answered after
//!    the term before it has ended counts for nothing: an heir may have looked in between.
//! 2. **An heir looks late.** It takes an entry for dead only when it was sure, *before it asked for the entry*, that the
//!    deadline has passed by the server's clock, and a grace with it. In that time the last requests of the dead take effect;
//!    and a renewal that was overtaken by a later one puts the deadline back by no more than that.
//! 3. **An heir removes what it read, then makes its own.** An entry is removed by its id, so an heir that is late removes
//!    nothing of another heir's, and the server lets only one of them make the next.

use super::holder::LeaseHolder;
use std::time::Duration;
use time::OffsetDateTime;

/// How long a lease lasts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct LeaseTerms {
    /// How long a holder that says nothing keeps it.
    pub term: Duration,
    /// How often it says something.
    pub renewal: Duration,
    /// How long a request may take to have its effect. An heir waits so long beyond the deadline.
    pub grace: Duration,
}

/// The entry that the server keeps while a lease is held.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Entry {
    /// Its id; one that is made anew has another.
    pub id: String,
    /// Who holds it; `None` for a text that is not ours.
    pub holder: Option<LeaseHolder>,
}

/// What to ask the server.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Ask {
    /// Whether there is an entry.
    Look,
    /// Make the entry.
    Make(LeaseHolder),
    /// Write another deadline into the entry.
    Renew {
        /// The entry.
        id: String,
        /// What to write.
        holder: LeaseHolder,
    },
    /// Remove the entry.
    Remove {
        /// The entry.
        id: String,
    },
}

/// What the server answered.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Answer {
    /// The entry, if there is one.
    Found(Option<Entry>),
    /// The entry was made; its id.
    Made(String),
    /// There may be another entry; nothing was made.
    Refused,
    /// The entry was renewed.
    Renewed,
    /// The entry was removed, or was gone already.
    Removed,
    /// There is no such entry any more.
    Gone,
    /// Nothing: whether it took effect, or is still to take effect, is not known.
    Lost,
}

/// What the clocks say when a request is about to be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Clocks {
    /// How long this process has been at it, by its own clock.
    pub elapsed: Duration,
    /// It is no earlier than this on the server.
    pub server_at_least: OffsetDateTime,
    /// It is no later than this on the server.
    pub server_at_most: OffsetDateTime,
}

/// A run that claims the lease.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Claim {
    terms: LeaseTerms,
    /// Who claims; its deadline is set anew for each request.
    holder: LeaseHolder,
    /// The runs that are known to be dead.
    dead: Vec<String>,
    /// When a request was first sent that may have made our entry, or may yet make it.
    made: Option<Duration>,
    /// When the last one was sent whose answer was lost.
    lost: Option<Duration>,
    stage: Stage,
}

/// What a claim waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Stage {
    Making,
    /// What the clocks said when the entry was asked for.
    Looking(Clocks),
    Removing,
    Refused,
}

/// What comes next.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Next {
    /// Another request.
    Ask(Ask),
    /// The lease is ours.
    Ours(Hold),
    /// Somebody else holds it; `None` when the entry does not say who.
    Theirs(Option<LeaseHolder>),
}

impl Claim {
    /// Begins a claim; `dead` are runs of which the caller knows for certain that they have ended.
    pub fn begin(terms: LeaseTerms, holder: LeaseHolder, dead: Vec<String>, clocks: Clocks) -> (Self, Ask) {
        let mut claim = Self { terms, holder, dead, made: None, lost: None, stage: Stage::Making };
        let ask = claim.make(clocks);
        (claim, ask)
    }

    /// Looks again, after somebody else was seen to hold the lease.
    pub fn again(&mut self, clocks: Clocks) -> Ask {
        self.look(clocks)
    }

    /// Takes an answer in; `clocks` are those of now.
    pub fn answered(&mut self, answer: Answer, clocks: Clocks) -> Next {
        match (self.stage, answer) {
            (Stage::Making, Answer::Made(id)) => self.ours(id, clocks),
            (Stage::Making, answer) => {
                match answer {
                    Answer::Lost => self.lost = self.made.map(|_| clocks.elapsed),
                    _ if self.lost.is_none() => self.made = None,
                    _ => {}
                }
                Next::Ask(self.look(clocks))
            }
            (Stage::Looking(asked), Answer::Found(found)) => self.judge(found, asked, clocks),
            // Who has removed it may be about to make its own: the server decides.
            (Stage::Removing, Answer::Removed | Answer::Gone) => Next::Ask(self.make(clocks)),
            // What may have happened has to be looked at.
            _ => Next::Ask(self.look(clocks)),
        }
    }

    fn judge(&mut self, found: Option<Entry>, asked: Clocks, clocks: Clocks) -> Next {
        let ours = |entry: &Entry| entry.holder.as_ref().is_some_and(|holder| holder.run == self.holder.run);
        if let Some(entry) = found.as_ref().filter(|entry| ours(entry)) {
            return self.ours(entry.id.clone(), clocks);
        }
        if self.lost.is_some_and(|lost| asked.elapsed >= lost + self.terms.grace) {
            // What could still have made ours has not.
            (self.made, self.lost) = (None, None);
        }
        let Some(Entry { id, holder }) = found else { return Next::Ask(self.make(clocks)) };
        let is_dead = |holder: &LeaseHolder| {
            self.dead.contains(&holder.run) || asked.server_at_least > holder.deadline + self.terms.grace
        };
        if holder.as_ref().is_some_and(is_dead) {
            self.stage = Stage::Removing;
            return Next::Ask(Ask::Remove { id });
        }
        self.stage = Stage::Refused;
        Next::Theirs(holder)
    }

    fn make(&mut self, clocks: Clocks) -> Ask {
        self.made.get_or_insert(clocks.elapsed);
        self.stage = Stage::Making;
        Ask::Make(dated(&self.holder, self.terms, clocks))
    }

    fn look(&mut self, clocks: Clocks) -> Ask {
        self.stage = Stage::Looking(clocks);
        Ask::Look
    }

    fn ours(&mut self, id: String, clocks: Clocks) -> Next {
        // Which of several requests has made it is not known: the first one has the earliest deadline.
        let sent = self.made.unwrap_or(clocks.elapsed);
        Next::Ours(Hold { terms: self.terms, holder: self.holder.clone(), id, sent, asked: None, over: None })
    }
}

/// The same holder, with a deadline that is no earlier on the server than the end of the term that begins now.
fn dated(holder: &LeaseHolder, terms: LeaseTerms, clocks: Clocks) -> LeaseHolder {
    LeaseHolder { deadline: clocks.server_at_most + terms.term, ..holder.clone() }
}

/// A lease that is ours, until it lapses or somebody takes it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Hold {
    terms: LeaseTerms,
    holder: LeaseHolder,
    id: String,
    /// When the request was sent that the term begins with.
    sent: Duration,
    /// When a renewal was sent that is not answered yet.
    asked: Option<Duration>,
    /// Why it is ours no more.
    over: Option<End>,
}

/// Why a lease is ours no more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum End {
    /// Its entry is gone: an heir, or somebody by hand, has removed it.
    Taken,
    /// It could not be renewed in time: an heir may have come, and may have gone.
    Lapsed,
}

impl Hold {
    /// The entry.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The run that holds it.
    pub fn run(&self) -> &str {
        &self.holder.run
    }

    /// Whether a change may be made now; if not, why.
    ///
    /// # Errors
    ///
    /// Why it may not. Once refused, it stays so.
    pub fn check(&mut self, elapsed: Duration) -> Result<(), End> {
        if self.over.is_none() && elapsed >= self.sent + self.terms.term {
            self.over = Some(End::Lapsed);
        }
        self.over.map_or(Ok(()), Err)
    }

    /// How long until it should be renewed; zero when it should be now.
    pub fn renewal_due_in(&self, elapsed: Duration) -> Duration {
        (self.sent + self.terms.renewal).saturating_sub(elapsed)
    }

    /// Renews it: for a term that begins now, once that is answered in time.
    pub fn renew(&mut self, clocks: Clocks) -> Ask {
        self.asked = Some(clocks.elapsed);
        Ask::Renew { id: self.id.clone(), holder: dated(&self.holder, self.terms, clocks) }
    }

    /// Takes the answer to a renewal in.
    ///
    /// # Errors
    ///
    /// As [`Hold::check`]. An answer that says nothing leaves the term as it was.
    pub fn renewed(&mut self, answer: &Answer, elapsed: Duration) -> Result<(), End> {
        let asked = self.asked.take();
        if *answer == Answer::Gone {
            self.over.get_or_insert(End::Taken);
        }
        self.check(elapsed)?;
        if let (Answer::Renewed, Some(asked)) = (answer, asked) {
            self.sent = asked;
        }
        Ok(())
    }

    /// Gives it back. What is removed is our own entry, whoever holds the lease by now.
    pub fn release(&self) -> Ask {
        Ask::Remove { id: self.id.clone() }
    }
}

#[cfg(test)]
mod tests;
