//! The scheduler: carries out the step graph, side by side where nothing depends on another.

use crate::plan::{Blueprint, Operation, Step, WorkKind};
use crate::{DeployError, DeployEvent, EventSink};
use futures_util::future::BoxFuture;
use futures_util::stream::{FuturesUnordered, StreamExt};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::{Duration, Instant};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

/// What became of a step that did not fail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Done {
    /// It did what it says.
    Changed,
    /// It turned out to have nothing to do, or to wait for something that is not ours to wait for longer.
    Nothing(String),
    /// It has to wait for something else, and with it what depends on it; the next run does it.
    Waits(String),
}

/// How many steps of a kind run side by side.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    /// Image builds.
    pub(super) builds: usize,
    /// Calls of the server's API.
    pub(super) api: usize,
    /// Records that are written or wait for their zone, whose writes follow one another.
    pub(super) dns: usize,
}

impl Default for Limits {
    fn default() -> Self {
        let cores = std::thread::available_parallelism().map_or(2, std::num::NonZero::get);
        Self { builds: cores, api: 16, dns: 64 }
    }
}

/// What became of the steps of a plan.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    /// The steps that did what they say.
    pub(super) changed: BTreeSet<String>,
    /// The steps that were not run or had nothing to do, and why.
    pub(super) skipped: BTreeMap<String, String>,
    /// Every failure.
    pub(super) failed: BTreeMap<String, DeployError>,
}

/// Carries out one operation.
pub(super) trait Executor: Sync {
    /// Carries out the operation of a step. Dropping the future stops the work and leaves nothing running but what has to
    /// be cleaned up.
    fn execute<'a>(&'a self, step: &'a Step, operation: &'a Operation) -> BoxFuture<'a, Result<Done, DeployError>>;
}

/// Carries out a plan: a failed step stops what depends on it, everything else finishes.
///
/// # Errors
///
/// `CANCELLED` when the token fires; every other failure is in the outcome.
pub(super) async fn apply(
    blueprint: &Blueprint,
    executor: &dyn Executor,
    events: &dyn EventSink,
    cancel: &CancellationToken,
    limits: Limits,
) -> Result<Outcome, DeployError> {
    let mut schedule = Schedule::new(blueprint);
    let permits = permits(limits);
    let mut running = FuturesUnordered::new();
    loop {
        for step in schedule.take_ready() {
            let operation = &blueprint.operations[&step.id];
            let permit = permits.get(&operation.kind());
            running.push(run(step, operation, executor, events, permit));
        }
        tokio::select! {
            biased;
            () = cancel.cancelled() => return Err(DeployError::cancelled()),
            finished = running.next() => match finished {
                Some((step, result)) => schedule.settle(step, &blueprint.operations[&step.id], result, events),
                None => return Ok(schedule.outcome),
            },
        }
    }
}

async fn run<'a>(
    step: &'a Step,
    operation: &'a Operation,
    executor: &'a dyn Executor,
    events: &'a dyn EventSink,
    permits: Option<&'a Semaphore>,
) -> (&'a Step, Result<(Done, Duration), (DeployError, Duration)>) {
    // A closed semaphore cannot be: nobody closes it.
    let _permit = match permits {
        Some(permits) => permits.acquire().await.ok(),
        None => None,
    };
    events.emit(DeployEvent::step_started(step, operation));
    let started = Instant::now();
    let result = executor.execute(step, operation).await;
    let duration = started.elapsed();
    (step, result.map(|done| (done, duration)).map_err(|error| (error, duration)))
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
    /// The steps that go on although another one, which they wait for, did not succeed.
    soft: &'a BTreeMap<String, Vec<String>>,
    /// Those that wait for nothing any more.
    ready: Vec<&'a Step>,
    outcome: Outcome,
}

/// A step that waits.
struct Waiting<'a> {
    step: &'a Step,
    /// For how many others.
    left: usize,
}

impl<'a> Schedule<'a> {
    fn new(blueprint: &'a Blueprint) -> Self {
        let changes = |id: &str| blueprint.operations.get(id).is_some_and(|operation| *operation != Operation::Keep);
        let (mut waiting, mut dependents) = (HashMap::new(), HashMap::<_, Vec<_>>::new());
        let mut ready = Vec::new();
        for step in blueprint.plan.steps.iter().filter(|step| changes(&step.id)) {
            let first: Vec<&String> = step.depends_on.iter().filter(|id| changes(id)).collect();
            if first.is_empty() {
                ready.push(step);
                continue;
            }
            waiting.insert(step.id.as_str(), Waiting { step, left: first.len() });
            for id in first {
                dependents.entry(id.as_str()).or_default().push(step.id.as_str());
            }
        }
        Self { waiting, dependents, soft: &blueprint.soft, ready, outcome: Outcome::default() }
    }

    /// Takes the steps that may run now.
    fn take_ready(&mut self) -> Vec<&'a Step> {
        std::mem::take(&mut self.ready)
    }

    /// Lets run what waited for this step alone.
    fn release(&mut self, id: &str) {
        for dependent in self.dependents.remove(id).unwrap_or_default() {
            self.waits_less(dependent);
        }
    }

    fn waits_less(&mut self, id: &str) {
        let Some(waiting) = self.waiting.get_mut(id) else { return };
        waiting.left -= 1;
        if waiting.left == 0 {
            self.ready.push(waiting.step);
            self.waiting.remove(id);
        }
    }

    /// Drops what cannot run any more because of what became of this step, in words, or because it was dropped itself.
    fn drop_dependents(&mut self, id: &str, became: &str, events: &dyn EventSink) {
        let mut blockers = vec![id.to_owned()];
        while let Some(blocker) = blockers.pop() {
            for dependent in self.dependents.remove(blocker.as_str()).unwrap_or_default() {
                if self.soft.get(dependent).is_some_and(|soft| soft.contains(&blocker)) {
                    self.waits_less(dependent);
                    continue;
                }
                let Some(Waiting { step, .. }) = self.waiting.remove(dependent) else { continue };
                let reason = format!("{blocker} {became}");
                events.emit(DeployEvent::step_skipped(step, &reason));
                self.outcome.skipped.insert(step.id.clone(), reason);
                blockers.push(step.id.clone());
            }
        }
    }

    fn settle(
        &mut self,
        step: &'a Step,
        operation: &Operation,
        result: Result<(Done, Duration), (DeployError, Duration)>,
        events: &dyn EventSink,
    ) {
        let (id, app) = (step.id.clone(), step.app.clone());
        match result {
            Ok((Done::Changed, took)) => {
                self.release(&id);
                self.outcome.changed.insert(id.clone());
                events.emit(DeployEvent::step_finished(step, operation, took));
            }
            Ok((Done::Nothing(reason), _)) => {
                self.release(&id);
                events.emit(DeployEvent::step_skipped(step, &reason));
                self.outcome.skipped.insert(id, reason);
            }
            Ok((Done::Waits(reason), _)) => {
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
mod tests {
    use super::*;
    use crate::ErrorCode;
    use crate::plan::Action;
    use std::sync::Mutex;

    /// Sleeps a moment a step, fails where asked, and remembers the order.
    struct Probe {
        fails: BTreeSet<&'static str>,
        log: Mutex<Vec<String>>,
    }

    impl Executor for Probe {
        fn execute<'a>(&'a self, step: &'a Step, _: &'a Operation) -> BoxFuture<'a, Result<Done, DeployError>> {
            Box::pin(async move {
                self.log.lock().unwrap().push(format!("+{}", step.id));
                tokio::time::sleep(Duration::from_secs(1)).await;
                self.log.lock().unwrap().push(format!("-{}", step.id));
                if self.fails.contains(step.id.as_str()) {
                    return Err(DeployError::new(ErrorCode::Internal, "as asked"));
                }
                Ok(Done::Changed)
            })
        }
    }

    fn graph(edges: &[(&str, &[&str])]) -> Blueprint {
        let mut blueprint = Blueprint::default();
        for (id, first) in edges {
            let mut step = Step::new(id, Action::Create, id, "test");
            step.depends_on = first.iter().map(|id| (*id).to_owned()).collect();
            blueprint.operations.insert((*id).to_owned(), Operation::CreateProject);
            blueprint.plan.steps.push(step);
        }
        blueprint
    }

    async fn carry_out(blueprint: &Blueprint, fails: &[&'static str]) -> (Outcome, Vec<String>) {
        let probe = Probe { fails: fails.iter().copied().collect(), log: Mutex::default() };
        let silent = |_: DeployEvent| {};
        let outcome = apply(blueprint, &probe, &silent, &CancellationToken::new(), Limits::default()).await.unwrap();
        (outcome, probe.log.into_inner().unwrap())
    }

    #[tokio::test(start_paused = true)]
    async fn what_does_not_depend_on_each_other_runs_side_by_side() {
        let started = tokio::time::Instant::now();
        let (outcome, log) = carry_out(&graph(&[("a", &[]), ("b", &[]), ("c", &["a", "b"])]), &[]).await;
        assert_eq!(outcome.changed.len(), 3);
        assert_eq!(started.elapsed(), Duration::from_secs(2));
        assert_eq!(log.last().map(String::as_str), Some("-c"));
    }

    #[tokio::test(start_paused = true)]
    async fn a_failed_step_stops_its_dependents_and_nothing_else() {
        let (outcome, log) =
            carry_out(&graph(&[("a", &[]), ("b", &["a"]), ("c", &["b"]), ("d", &[]), ("e", &["d"])]), &["a"]).await;
        assert_eq!(outcome.failed.keys().collect::<Vec<_>>(), ["a"]);
        assert_eq!(outcome.skipped.keys().collect::<Vec<_>>(), ["b", "c"]);
        assert_eq!(outcome.changed.iter().collect::<Vec<_>>(), ["d", "e"]);
        assert!(!log.contains(&"+b".to_owned()));
    }

    #[tokio::test(start_paused = true)]
    async fn a_step_goes_on_despite_the_failure_of_one_that_it_only_waits_for() {
        let mut blueprint = graph(&[("a", &[]), ("b", &[]), ("c", &["a", "b"]), ("d", &["c"]), ("e", &["a", "c"])]);
        blueprint.soft.insert("c".into(), vec!["a".into(), "b".into()]);
        let (outcome, log) = carry_out(&blueprint, &["a"]).await;
        assert_eq!(outcome.changed.iter().collect::<Vec<_>>(), ["b", "c", "d"]);
        assert_eq!(outcome.skipped.keys().collect::<Vec<_>>(), ["e"]);
        let at = |entry: &str| log.iter().position(|it| it == entry).unwrap();
        assert!(at("+c") > at("-a") && at("+c") > at("-b"));
    }

    #[tokio::test(start_paused = true)]
    async fn i10_a_cancelled_run_ends_at_once() {
        let cancel = CancellationToken::new();
        cancel.cancel();
        let probe = Probe { fails: BTreeSet::new(), log: Mutex::default() };
        let silent = |_: DeployEvent| {};
        let result = apply(&graph(&[("a", &[])]), &probe, &silent, &cancel, Limits::default()).await;
        assert_eq!(result.map_err(|error| error.code()).unwrap_err(), ErrorCode::Cancelled);
    }
}
