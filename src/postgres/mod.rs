//! Roles and schemas in the database, and the proof that they are isolated.

mod report;

pub use report::IsolationReport;
