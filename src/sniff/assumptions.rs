//! Goes on where an app does not load without a variable: finds out which one, and gives it a value.
//!
//! Validators throw before anything else is asked (t3-env, envalid, znv, `if (!process.env.X) throw …`). What they name is
//! required. Where nothing is named, what the app read just before is tried, one variable at a time: it is required if
//! the app then gets further.

use super::failure::kind_of;
use super::mentions::{Lack, Mentions, is_of_system};
use super::protocol::{Assumed, Frame, Record, Thrown, ThrownPhase};
use super::worker::Run;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// How many values are tried for a variable whose value the app refuses.
const MOST_ATTEMPTS: usize = 9;
/// How many variables that nothing names are tried.
const MOST_GUESSES: usize = 6;
/// How far below the line where it failed an app's read may stand: arguments have lines of their own.
const SAME_STATEMENT: u32 = 6;

/// What an app was given so that it loads.
#[derive(Debug, Default)]
pub(super) struct Assumptions {
    /// The variables that it did not load without.
    pub(super) lacks: Vec<Lack>,
    assumed: Vec<Assumed>,
    refused: BTreeSet<String>,
    guesses: usize,
    empty_files: Option<bool>,
}

/// What to try next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Trial {
    /// Variables that the failure names and that were asked for in vain.
    Named(Vec<Lack>),
    /// Words of the failure that the app's source names as variables are named.
    Words(Vec<Lack>),
    /// Other values for variables that are given already.
    OtherValues(BTreeMap<String, Vec<String>>),
    /// Files that are not deployed, as empty ones.
    EmptyFiles,
    /// A variable that nothing names.
    Guess(Lack),
}

/// Why a run is not what it would be where the app is deployed.
struct Trouble<'a> {
    thrown: Option<&'a Thrown>,
    stack: &'a [Frame],
}

impl Assumptions {
    /// The variables that the app is given.
    pub(super) fn assumed(&self) -> Vec<Assumed> {
        self.assumed.clone()
    }

    /// Whether files that are not deployed are there, and empty.
    pub(super) fn empty_files(&self) -> bool {
        self.empty_files == Some(true)
    }

    /// What to try after a run; nothing where it loaded, or where no variable would help.
    pub(super) fn next(&self, run: &Run) -> Option<Trial> {
        let trouble = trouble(run)?;
        let mentions = Mentions::of(run, trouble.thrown);
        let new = |lacks: &[Lack]| lacks.iter().filter(|it| !self.is_settled(&it.name)).cloned().collect::<Vec<_>>();
        for (lacks, trial) in [(&mentions.lacks, Trial::Named as fn(_) -> _), (&mentions.words, Trial::Words)] {
            let named = new(lacks);
            if !named.is_empty() {
                return Some(trial(named));
            }
        }
        let refused = |it: &&Assumed| it.attempt + 1 < MOST_ATTEMPTS && mentions.names(&it.name);
        let other: BTreeMap<_, _> =
            self.assumed.iter().filter(refused).map(|it| (it.name.clone(), mentions.valid_values(&it.name))).collect();
        if !other.is_empty() {
            return Some(Trial::OtherValues(other));
        }
        let looked = run.records.iter().any(|record| matches!(record, Record::Undeployed { .. }));
        if looked && self.empty_files.is_none() {
            return Some(Trial::EmptyFiles);
        }
        if trouble.thrown.is_some_and(is_external) || self.guesses >= MOST_GUESSES {
            return None;
        }
        guesses(run, trouble.stack).into_iter().find(|lack| !self.is_settled(&lack.name)).map(Trial::Guess)
    }

    /// These assumptions with a trial.
    pub(super) fn with(&self, trial: &Trial) -> Self {
        let mut next = Self {
            lacks: self.lacks.clone(),
            assumed: self.assumed.clone(),
            refused: self.refused.clone(),
            guesses: self.guesses,
            empty_files: self.empty_files,
        };
        match trial {
            Trial::Named(lacks) | Trial::Words(lacks) => lacks.iter().for_each(|lack| next.add(lack)),
            Trial::OtherValues(values) => {
                for it in &mut next.assumed {
                    if let Some(listed) = values.get(&it.name) {
                        it.attempt += 1;
                        it.listed.clone_from(listed);
                    }
                }
            }
            Trial::EmptyFiles => next.empty_files = Some(true),
            Trial::Guess(lack) => {
                next.guesses += 1;
                next.add(lack);
            }
        }
        next
    }

    /// These assumptions after a trial that got the app no further; none where it counts all the same.
    pub(super) fn without(&self, trial: &Trial) -> Option<Self> {
        let mut kept = self.with(trial);
        match trial {
            Trial::Named(_) | Trial::OtherValues(_) => return None,
            Trial::Words(lacks) => lacks.iter().for_each(|lack| kept.drop_variable(&lack.name)),
            Trial::EmptyFiles => kept.empty_files = Some(false),
            Trial::Guess(lack) => kept.drop_variable(&lack.name),
        }
        Some(kept)
    }

    fn add(&mut self, lack: &Lack) {
        self.assumed.push(Assumed { name: lack.name.clone(), attempt: 0, listed: Vec::new() });
        self.lacks.push(lack.clone());
    }

    fn drop_variable(&mut self, name: &str) {
        self.assumed.retain(|it| it.name != name);
        self.lacks.retain(|lack| lack.name != name);
        self.refused.insert(name.to_owned());
    }

    fn is_settled(&self, name: &str) -> bool {
        self.refused.contains(name) || self.assumed.iter().any(|it| it.name == name)
    }
}

/// What went wrong in a run, if anything did.
fn trouble(run: &Run) -> Option<Trouble<'_>> {
    let thrown = |phase: ThrownPhase| {
        run.records.iter().find_map(|record| match record {
            Record::Threw(thrown) if thrown.phase == phase => Some(thrown),
            _ => None,
        })
    };
    if let Some(thrown) = thrown(ThrownPhase::Evaluation).or_else(|| thrown(ThrownPhase::Background)) {
        return Some(Trouble { thrown: Some(thrown), stack: &thrown.stack });
    }
    run.records.iter().find_map(|record| match record {
        Record::Exiting { code, stack } if *code != 0 => Some(Trouble { thrown: None, stack }),
        _ => None,
    })
}

/// Whether an error has a cause that no variable is: the file, or what the app did not reach.
fn is_external(thrown: &Thrown) -> bool {
    let of_system = |code: &str| code.starts_with('E') && code.chars().all(|letter| letter.is_ascii_uppercase());
    kind_of(thrown) != "threw" || thrown.code.as_deref().is_some_and(of_system)
}

/// What tells one failure from another; nothing for a run without one.
pub(super) fn signature(run: &Run) -> Option<String> {
    let trouble = trouble(run)?;
    let said = trouble.thrown.map_or_else(|| run.stderr.clone(), |thrown| format!("{}{}", thrown.name, thrown.message));
    let places: Vec<String> = trouble.stack.iter().map(|at| format!("{}:{}", at.file.display(), at.line)).collect();
    // Times, ports and counts differ between two runs of the same.
    Some(said.chars().filter(|letter| !letter.is_ascii_digit()).collect::<String>() + &places.join("\n"))
}

/// The variables that the app read in vain, those first whose value is the likeliest cause.
fn guesses(run: &Run, stack: &[Frame]) -> Vec<Lack> {
    let mut reads: Vec<Lack> = run
        .records
        .iter()
        .rev()
        .filter_map(|record| match record {
            Record::Lacked { name, file: Some(file), line } if !is_of_system(name) => {
                Some(Lack { name: name.clone(), file: Some(file.clone()), line: *line })
            }
            _ => None,
        })
        .collect();
    reads.sort_by_key(|read| distance(read, stack));
    reads
}

/// How far a read is from where the app failed: in the same statement, in the same file, elsewhere.
fn distance(read: &Lack, stack: &[Frame]) -> u8 {
    let in_file = |frame: &&Frame| read.file.as_deref() == Some(Path::new(&frame.file));
    let near = |frame: &Frame| read.line.is_some_and(|line| (frame.line..=frame.line + SAME_STATEMENT).contains(&line));
    match stack.iter().find(in_file) {
        Some(frame) if near(frame) => 0,
        Some(_) => 1,
        None => 2,
    }
}
