//! Carrying out a plan: its steps as a graph of tasks, side by side where nothing depends on another.

mod graph;
mod inputs;
mod output;
mod port_check;
mod resources;
mod scheduler;
mod steps;

pub(crate) use inputs::ApplyInputs;
pub(crate) use output::Output;
pub(crate) use resources::Resources;
pub(crate) use scheduler::Outcome;
pub(crate) use steps::Records;

use crate::DeployError;
use port_check::PortChecks;
use scheduler::{Limits, run_graph};
use tokio_util::sync::CancellationToken;

/// What applying a plan came to.
pub(crate) struct Applied {
    /// What became of each step.
    pub(crate) outcome: Outcome,
    /// What is known of the stage's resources now.
    pub(crate) resources: Resources,
}

/// Carries out a plan: a failed step stops what depends on it, everything else finishes. When the token fires, it returns at
/// once with what was done until then.
///
/// # Errors
///
/// `INTERNAL` when a step lacks what makes its value; every other failure is in the outcome.
pub(crate) async fn apply(inputs: &ApplyInputs<'_>, cancel: &CancellationToken) -> Result<Applied, DeployError> {
    let checks = PortChecks::default();
    let (graph, resources) = steps::wire(inputs, &checks)?;
    let reporter = &inputs.services.reporter;
    let mut outcome = run_graph(graph, &inputs.draft.blueprint, reporter.sink(), cancel, Limits::default()).await;
    let failed = std::mem::take(&mut outcome.failed).into_iter();
    outcome.failed = failed.map(|(step, error)| (step, error.redacted(&|text| reporter.redact(text)))).collect();
    // Dropped, it goes on in the background (I10).
    let closed = tokio::select! {
        biased;
        () = cancel.cancelled() => Ok(()),
        closed = checks.close() => closed,
    };
    if let Err(error) = closed {
        let message = format!("A short-lived application may be left until the next run: {}", error.message());
        reporter.warn("job-left", &message, None);
    }
    Ok(Applied { outcome, resources })
}
