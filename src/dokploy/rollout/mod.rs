//! From a deployment that is queued to tasks that provably run what was deployed (I7).

mod comparison;
mod follow;
mod log;
mod monitor;
mod polling;
mod progress;
mod snapshot;
mod task;
mod verify;

pub use comparison::{EnvDifference, image_matches};
pub use follow::{Place, locate};
pub use monitor::{Expected, Verdict, Watch};
pub use polling::{OnProgress, WaitSettings};
pub use progress::{Progress, RunFailure};
pub use snapshot::{Look, Observation, classify};
pub use task::{Task, TaskState};
