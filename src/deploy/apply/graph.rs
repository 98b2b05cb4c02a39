//! The steps of a run as tasks: what each needs, what it does, what it makes known.

use super::output::{Inputs, Output};
use crate::DeployError;
use crate::plan::{Step, WorkKind};
use futures_util::future::BoxFuture;
use std::future::Future;
use std::sync::Arc;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

/// What became of a step that did not fail, with what it makes known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum StepOutcome<T = ()> {
    /// It did what it says.
    Changed(T),
    /// It turned out to have nothing to do.
    Unchanged {
        /// What it makes known all the same.
        value: T,
        /// Why.
        reason: String,
    },
    /// It waits for something outside of this run, and so does what depends on it. The next run does it.
    Deferred(String),
}

impl StepOutcome {
    /// A step that had nothing to do.
    pub(super) fn unchanged(reason: impl Into<String>) -> Self {
        Self::Unchanged { value: (), reason: reason.into() }
    }
}

/// The work of a task, once its inputs are there.
pub(super) type Work<'a> = BoxFuture<'a, Result<StepOutcome, DeployError>>;

/// A step that is ready to be scheduled.
pub(super) struct Task<'a> {
    /// The step.
    pub(super) step: &'a Step,
    /// By which apply limits what runs side by side.
    pub(super) kind: WorkKind,
    /// The steps whose values it is given: it cannot run without their success.
    pub(super) producers: Vec<Arc<str>>,
    /// Starts it; `None` when what it needs was not made.
    pub(super) start: Box<dyn FnOnce() -> Option<Work<'a>> + Send + 'a>,
}

/// Tells the scheduler that what a step brings about serves already, though the step goes on: what only waits for that
/// need not wait for its end.
#[derive(Clone)]
pub(super) struct Serves {
    step: Arc<str>,
    told: UnboundedSender<Arc<str>>,
}

impl Serves {
    /// Tells it; again does nothing.
    pub(super) fn tell(&self) {
        // Nobody listens any more when the run is over.
        let _ = self.told.send(Arc::clone(&self.step));
    }
}

/// The tasks of a run.
pub(super) struct Graph<'a> {
    pub(super) tasks: Vec<Task<'a>>,
    tell: UnboundedSender<Arc<str>>,
    /// The steps that serve already.
    pub(super) serving: UnboundedReceiver<Arc<str>>,
}

impl Default for Graph<'_> {
    fn default() -> Self {
        let (tell, serving) = unbounded_channel();
        Self { tasks: Vec::new(), tell, serving }
    }
}

impl<'a> Graph<'a> {
    /// What a step tells the scheduler with.
    pub(super) fn serves(&self, step: &Step) -> Serves {
        Serves { step: Arc::from(step.id.as_str()), told: self.tell.clone() }
    }

    /// Adds a step. `run` is called with the values of `inputs`, when all of them are made; what is returned is what the
    /// step makes known.
    pub(super) fn add<I, T, Run, Running>(&mut self, step: &'a Step, kind: WorkKind, inputs: I, run: Run) -> Output<T>
    where
        I: Inputs + 'a,
        T: Send + Sync + 'a,
        Run: FnOnce(I::Values) -> Running + Send + 'a,
        Running: Future<Output = Result<StepOutcome<T>, DeployError>> + Send + 'a,
    {
        let output = Output::of_step(&step.id);
        let made = output.clone();
        let producers = inputs.producers();
        let start = move || -> Option<Work<'a>> {
            let running = run(inputs.values()?);
            Some(Box::pin(async move { Ok(publish(running.await?, &made)) }))
        };
        self.tasks.push(Task { step, kind, producers, start: Box::new(start) });
        output
    }
}

/// Makes known what a step has made.
fn publish<T>(outcome: StepOutcome<T>, output: &Output<T>) -> StepOutcome {
    match outcome {
        StepOutcome::Changed(value) => {
            output.fulfil(value);
            StepOutcome::Changed(())
        }
        StepOutcome::Unchanged { value, reason } => {
            output.fulfil(value);
            StepOutcome::unchanged(reason)
        }
        StepOutcome::Deferred(reason) => StepOutcome::Deferred(reason),
    }
}
