//! From a deployment that is queued to tasks that provably run what was deployed (I7).

mod advice;
mod comparison;
mod follow;
mod log;
mod monitor;
mod once;
mod polling;
mod progress;
mod snapshot;
mod task;
mod verify;

pub use comparison::{EnvDifference, image_matches};
pub use monitor::{Expected, RolloutMonitor, RolloutStatus};
pub use once::{Once, exit_status};
pub use polling::{OnProgress, WaitSettings};
pub use progress::{Progress, RolloutFailure};
pub use snapshot::{Observation, ServiceSnapshot, classify};
pub use task::{Task, TaskState};
