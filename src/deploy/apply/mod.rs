//! Carrying out a plan: its steps as a graph of tasks, side by side where nothing depends on another.

mod graph;
mod inputs;
mod output;
mod resources;
mod scheduler;
mod steps;

pub(crate) use inputs::ApplyInputs;
pub(crate) use output::Output;
pub(crate) use resources::Resources;
pub(crate) use scheduler::Outcome;
pub(crate) use steps::Records;

use crate::DeployError;
use scheduler::{Limits, run_graph};
use tokio_util::sync::CancellationToken;

/// What applying a plan came to.
pub(crate) struct Applied {
    /// What became of each step.
    pub(crate) outcome: Outcome,
    /// What is known of the stage's resources now.
    pub(crate) resources: Resources,
}

/// Carries out a plan: a failed step stops what depends on it, everything else finishes.
///
/// # Errors
///
/// `CANCELLED` when the token fires; every other failure is in the outcome.
pub(crate) async fn apply(inputs: &ApplyInputs<'_>, cancel: &CancellationToken) -> Result<Applied, DeployError> {
    let (graph, resources) = steps::wire(inputs)?;
    let events = inputs.services.reporter.sink();
    let outcome = run_graph(graph, &inputs.draft.blueprint, events, cancel, Limits::default()).await?;
    Ok(Applied { outcome, resources })
}
