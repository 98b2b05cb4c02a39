//! Loads the files that stand for an app, again with what it does not load without, and gathers what they asked for.

use super::app_paths::AppPaths;
use super::assumptions::{Assumptions, signature};
use super::cache::Cache;
use super::failure::unfollowed;
use super::findings::{Learnt, gather};
use super::offshoots::Offshoots;
use super::options::SniffOptions;
use super::origins::{Origins, traced};
use super::protocol::{Assumed, Record, Target};
use super::requirement::{SniffFailure, SniffedEntry};
use super::worker::{Run, Task, Unstarted, run};
use crate::DeployError;
use std::time::Instant;

/// How often an app is loaded at most.
const MOST_RUNS: usize = 20;

/// Loads `targets` and gathers what they asked for, or takes it from the cache; says which.
pub(super) async fn sniff_targets(
    targets: Vec<Target>,
    paths: &AppPaths,
    options: &SniffOptions,
) -> Result<(SniffedEntry, bool), DeployError> {
    let cache = Cache::of(&targets, paths, options);
    if let Some(answer) = cache.as_ref().and_then(Cache::look_up) {
        return Ok((answer, true));
    }
    match find_all(targets, paths, options).await {
        Ok((answer, records)) => {
            if let Some(cache) = cache {
                cache.keep(&answer, &records, paths);
            }
            Ok((answer, false))
        }
        Err(Unstarted::NoNode(error)) => {
            let message = format!("{} could not be run: {error}", options.node.display());
            Ok((SniffedEntry::failed(SniffFailure::new("no-node", message)), false))
        }
        Err(Unstarted::Failed(error)) => Err(error),
    }
}

/// What an app asks for, with what it runs beside itself, and the records of all runs.
async fn find_all(
    targets: Vec<Target>,
    paths: &AppPaths,
    options: &SniffOptions,
) -> Result<(SniffedEntry, Vec<Record>), Unstarted> {
    let start = Instant::now();
    let loading = |targets| Loading { targets, as_modules: false, paths, options, start };
    let (mut answer, mut records) = loading(targets).find().await?;
    let mut offshoots = Offshoots::of(paths);
    let mut waiting = offshoots.next(&records);
    for _ in 0..MOST_RUNS {
        if waiting.is_empty() || start.elapsed() >= options.deadline {
            break;
        }
        let (found, more) = loading(waiting.clone()).find().await?;
        // One that ends the process takes those behind it along.
        waiting.retain(|target| !has_started(&more, target));
        waiting.extend(offshoots.next(&more));
        if !more.contains(&Record::Ended) {
            records.push(Record::Doubtful);
        }
        records.extend(more);
        answer.take_offshoot(found);
    }
    if let Some((file, told)) = offshoots.unfollowed(&records).filter(|_| answer.error.is_none()) {
        answer.error = Some(unfollowed(told, file, &answer.required_env_vars()));
    }
    Ok((answer, records))
}

fn has_started(records: &[Record], target: &Target) -> bool {
    records.iter().any(|record| matches!(record, Record::Started { file, .. } if *file == target.file))
}

/// The runs of one app.
struct Loading<'a> {
    targets: Vec<Target>,
    as_modules: bool,
    paths: &'a AppPaths,
    options: &'a SniffOptions,
    start: Instant,
}

impl Loading<'_> {
    /// What the app asks for, and the records of all runs.
    async fn find(mut self) -> Result<(SniffedEntry, Vec<Record>), Unstarted> {
        let (assumptions, last, mut earlier) = self.load().await?;
        let keys = traced(&last.records);
        let mut origins = Origins::default();
        if !keys.is_empty() && self.start.elapsed() < self.options.deadline {
            let assumed = with_keys(assumptions.assumed(), keys);
            let trace = self.run(assumed, assumptions.empty_files()).await?;
            origins = Origins::of(&trace.records);
            earlier.extend(trace.records);
        }
        let learnt = Learnt { origins, lacks: assumptions.lacks, earlier: &earlier };
        let answer = gather(&last, &self.paths.root, &learnt);
        // Their inputs count, not how far the runs before came.
        earlier.retain(|record| !matches!(record, Record::Ended));
        earlier.extend(last.records);
        Ok((answer, earlier))
    }

    /// Loads the app until it loads or nothing more helps; gives the run that came furthest and the records of the others.
    async fn load(&mut self) -> Result<(Assumptions, Run, Vec<Record>), Unstarted> {
        let mut assumptions = Assumptions::default();
        let mut last = self.run(Vec::new(), false).await?;
        let mut earlier = Vec::new();
        if last.records.contains(&Record::Asynchronous) {
            self.as_modules = true;
            let again = self.run(Vec::new(), false).await?;
            earlier.extend(std::mem::replace(&mut last, again).records);
        }
        for _ in 1..MOST_RUNS {
            let Some(trial) = assumptions.next(&last).filter(|_| self.start.elapsed() < self.options.deadline) else {
                break;
            };
            let tried = assumptions.with(&trial);
            let again = self.run(tried.assumed(), tried.empty_files()).await?;
            let helped = signature(&again) != signature(&last);
            if let Some(without) = assumptions.without(&trial).filter(|_| !helped) {
                assumptions = without;
                earlier.extend(again.records);
            } else {
                assumptions = tried;
                earlier.extend(std::mem::replace(&mut last, again).records);
            }
        }
        Ok((assumptions, last, earlier))
    }

    async fn run(&self, assumed: Vec<Assumed>, empty_files: bool) -> Result<Run, Unstarted> {
        let task = Task { targets: self.targets.clone(), assumed, empty_files, as_modules: self.as_modules };
        run(task, self.paths, self.options).await
    }
}

fn with_keys(mut assumed: Vec<Assumed>, keys: Vec<String>) -> Vec<Assumed> {
    for name in keys {
        if !assumed.iter().any(|it| it.name == name) {
            assumed.push(Assumed { name, attempt: 0, listed: Vec::new() });
        }
    }
    assumed
}
