//! The proof that the apps' roles are isolated from each other.

mod proof;
mod report;

pub use proof::{inspect, prove};
pub use report::{IsolationCheck, IsolationGrant, IsolationReport, IsolationScope};
