//! The lease of a stage: its protocol in every order of events, and its adapter against the simulator.

#![allow(clippy::unwrap_used, reason = "tests: a panic is a failed test")]

mod kept;
mod model;
mod safety;
