//! The scheduler: carries out the step graph, side by side where nothing depends on another.

use super::graph::{Graph, StepOutcome, Task};
use crate::plan::{Blueprint, Operation, Step, WorkKind};
use crate::{DeployError, DeployEvent, EventSink, trace};
use futures_util::stream::{FuturesUnordered, StreamExt};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::{Duration, Instant};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

/// How many steps of a kind run side by side.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    /// Image builds.
    pub(crate) builds: usize,
    /// Calls of the server's API.
    pub(crate) api: usize,
    /// Records that are written or wait for their zone, whose writes follow one another.
    pub(crate) dns: usize,
}

impl Default for Limits {
    fn default() -> Self {
        let cores = std::thread::available_parallelism().map_or(2, std::num::NonZero::get);
        Self { builds: cores, api: 16, dns: 64 }
    }
}

/// What became of the steps of a plan.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    /// The steps that did what they say.
    pub(crate) changed: BTreeSet<String>,
    /// The steps that were not run or had nothing to do, and why.
    pub(crate) skipped: BTreeMap<String, String>,
    /// Those of them that had nothing to do.
    pub(crate) unchanged: BTreeSet<String>,
    /// Every failure.
    pub(crate) failed: BTreeMap<String, DeployError>,
    /// Whether the run was cancelled before every step had ended.
    pub(crate) cancelled: bool,
}

/// Carries out a plan: a failed step stops what depends on it, everything else finishes.
///
/// When the token fires, the steps under way are dropped, and the outcome has what was done until then.
pub(super) async fn run_graph<'a>(
    graph: Graph<'a>,
    blueprint: &'a Blueprint,
    events: &dyn EventSink,
    cancel: &CancellationToken,
    limits: Limits,
) -> Outcome {
    let Graph { tasks, mut serving, .. } = graph;
    let mut schedule = Schedule::new(tasks, blueprint);
    let permits = permits(limits);
    let mut running = FuturesUnordered::new();
    loop {
        for task in schedule.take_ready() {
            let (operation, permit) = (schedule.operation(task.step), permits.get(&task.kind));
            running.push(run(task, operation, events, permit));
        }
        tokio::select! {
            biased;
            () = cancel.cancelled() => return Outcome { cancelled: true, ..schedule.outcome },
            Some(step) = serving.recv() => schedule.serves(&step),
            finished = running.next() => match finished {
                Some((step, result)) => schedule.settle(step, result, events),
                None => return schedule.outcome,
            },
        }
    }
}

async fn run<'a>(
    task: Task<'a>,
    operation: &Operation,
    events: &dyn EventSink,
    permits: Option<&Semaphore>,
) -> (&'a Step, Result<(StepOutcome, Duration), (DeployError, Duration)>) {
    // A closed semaphore cannot be: nobody closes it.
    let _permit = match permits {
        Some(permits) => permits.acquire().await.ok(),
        None => None,
    };
    let step = task.step;
    events.emit(DeployEvent::step_started(step, operation));
    let started = Instant::now();
    let span = trace::step(&step.id, step.action.as_str(), &step.resource, step.app.as_deref());
    let result = match (task.start)() {
        Some(work) => trace::traced(span, work).await,
        // Those that make what it needs have not succeeded, and then it is dropped before it comes here.
        None => Ok(StepOutcome::Deferred("what it needs was not made".to_owned())),
    };
    let duration = started.elapsed();
    (step, result.map(|outcome| (outcome, duration)).map_err(|error| (error, duration)))
}

fn permits(limits: Limits) -> HashMap<WorkKind, Semaphore> {
    [
        (WorkKind::Build, limits.builds),
        (WorkKind::Api, limits.api),
        (WorkKind::Dns, limits.dns),
        (WorkKind::Database, 1),
    ]
    .into_iter()
    .map(|(kind, count)| (kind, Semaphore::new(count.max(1))))
    .collect()
}

/// Which steps wait for which.
struct Schedule<'a> {
    waiting: HashMap<&'a str, Waiting<'a>>,
    /// The steps that depend on a step, by its id.
    dependents: HashMap<&'a str, Vec<&'a str>>,
    blueprint: &'a Blueprint,
    /// Those that wait for nothing any more.
    ready: Vec<Task<'a>>,
    outcome: Outcome,
}

/// A step that waits.
struct Waiting<'a> {
    task: Task<'a>,
    /// For how many others.
    left: usize,
}

impl<'a> Schedule<'a> {
    fn new(tasks: Vec<Task<'a>>, blueprint: &'a Blueprint) -> Self {
        let (mut waiting, mut dependents) = (HashMap::new(), HashMap::<_, Vec<_>>::new());
        let mut ready = Vec::new();
        let ids: BTreeSet<&'a str> = tasks.iter().map(|task| task.step.id.as_str()).collect();
        for task in tasks {
            let step = task.step;
            let planned = step.depends_on.iter().map(String::as_str);
            let first: BTreeSet<&str> = planned.chain(task.producers.iter().map(AsRef::as_ref)).collect();
            let first: Vec<&'a str> = first.into_iter().filter_map(|id| ids.get(id).copied()).collect();
            if first.is_empty() {
                ready.push(task);
                continue;
            }
            waiting.insert(step.id.as_str(), Waiting { task, left: first.len() });
            for id in first {
                dependents.entry(id).or_default().push(step.id.as_str());
            }
        }
        Self { waiting, dependents, blueprint, ready, outcome: Outcome::default() }
    }

    /// What a step does.
    fn operation(&self, step: &Step) -> &'a Operation {
        self.blueprint.operations.get(&step.id).unwrap_or(&Operation::Keep)
    }

    /// Takes the steps that may run now.
    fn take_ready(&mut self) -> Vec<Task<'a>> {
        std::mem::take(&mut self.ready)
    }

    /// Lets run what waited for this step alone.
    fn release(&mut self, id: &str) {
        for dependent in self.dependents.remove(id).unwrap_or_default() {
            self.waits_less(dependent);
        }
    }

    /// Lets run what only waits until this step serves. Whatever becomes of the step then stops them no more.
    fn serves(&mut self, id: &str) {
        let Some(dependents) = self.dependents.remove_entry(id) else { return };
        let (known, dependents) = dependents;
        let (early, others): (Vec<_>, Vec<_>) =
            dependents.into_iter().partition(|dependent| self.is_early(dependent, id));
        self.dependents.insert(known, others);
        for dependent in early {
            self.waits_less(dependent);
        }
    }

    /// Whether a step that waits for another one may run when that serves: not before it is given a value that it needs.
    fn is_early(&self, dependent: &str, id: &str) -> bool {
        self.blueprint.early.get(dependent).is_some_and(|early| early.iter().any(|it| it == id))
            && !self.is_given(dependent, id)
    }

    /// Whether a step is given a value of another one.
    fn is_given(&self, dependent: &str, id: &str) -> bool {
        self.waiting.get(dependent).is_some_and(|waiting| waiting.task.producers.iter().any(|it| **it == *id))
    }

    fn waits_less(&mut self, id: &str) {
        let Some(waiting) = self.waiting.get_mut(id) else { return };
        waiting.left -= 1;
        if waiting.left == 0 {
            self.ready.extend(self.waiting.remove(id).map(|waiting| waiting.task));
        }
    }

    /// Drops what cannot run any more because of what became of this step, in words, or because it was dropped itself.
    fn drop_dependents(&mut self, id: &str, became: &str, events: &dyn EventSink) {
        let mut blockers = vec![id.to_owned()];
        while let Some(blocker) = blockers.pop() {
            for dependent in self.dependents.remove(blocker.as_str()).unwrap_or_default() {
                if self.goes_on_without(dependent, &blocker) {
                    self.waits_less(dependent);
                    continue;
                }
                let Some(Waiting { task: Task { step, .. }, .. }) = self.waiting.remove(dependent) else { continue };
                let reason = format!("{blocker} {became}");
                events.emit(DeployEvent::step_skipped(step, &reason));
                self.outcome.skipped.insert(step.id.clone(), reason);
                blockers.push(step.id.clone());
            }
        }
    }

    /// Whether a step goes on although one that it waits for did not succeed: not without a value that it is given.
    fn goes_on_without(&self, dependent: &str, blocker: &str) -> bool {
        self.blueprint.soft.get(dependent).is_some_and(|soft| soft.iter().any(|id| id == blocker))
            && !self.is_given(dependent, blocker)
    }

    fn settle(
        &mut self,
        step: &'a Step,
        result: Result<(StepOutcome, Duration), (DeployError, Duration)>,
        events: &dyn EventSink,
    ) {
        let (id, app) = (step.id.clone(), step.app.clone());
        match result {
            Ok((StepOutcome::Changed(()), took)) => {
                self.release(&id);
                events.emit(DeployEvent::step_finished(step, self.operation(step), took));
                self.outcome.changed.insert(id);
            }
            Ok((StepOutcome::Unchanged { reason, .. }, _)) => {
                self.release(&id);
                events.emit(DeployEvent::step_skipped(step, &reason));
                self.outcome.unchanged.insert(id.clone());
                self.outcome.skipped.insert(id, reason);
            }
            Ok((StepOutcome::Deferred(reason), _)) => {
                self.drop_dependents(&id, "waits", events);
                events.emit(DeployEvent::step_skipped(step, &reason));
                self.outcome.skipped.insert(id, reason);
            }
            Err((error, took)) => {
                events.emit(DeployEvent::step_failed(step, &error, took));
                self.drop_dependents(&id, "did not succeed", events);
                let error = if error.step_id().is_none() { error.step(&id) } else { error };
                let error = match app {
                    Some(app) if error.app_name().is_none() => error.app(app),
                    _ => error,
                };
                self.outcome.failed.insert(id, error);
            }
        }
    }
}

#[cfg(test)]
mod tests;
