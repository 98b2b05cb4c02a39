//! Which variables exist, where each value comes from, and how they reach the app.

mod secrets;

pub use secrets::Secrets;
