//! Observed and wanted, turned into steps.

mod step;

pub use step::{Action, DeployPlan, Step, VariableChange, VariableChangeKind};
