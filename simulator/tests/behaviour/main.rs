//! The simulator's own behaviour, seen through HTTP: what the recorded exchanges do not cover.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod api;
mod deployments;
mod faults;
mod health;
mod ports;
mod programs;
mod psql;
mod tags;
mod transport;
