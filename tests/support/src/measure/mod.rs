//! Counts and times of runs: requests, how deep they go in a row, writes to the disk.

mod chain;
mod counting_store;
mod critical_path;
mod many_apps;
mod measured_world;
mod relay;

pub use chain::ChainTimes;
pub use counting_store::CountingStore;
pub use critical_path::{critical_path, depth, in_a_row, without_polls};
pub use measured_world::{MeasuredRun, MeasuredWorld};
pub use relay::{Exchange, Log};
