//! How fast the engine is, in counts: how many requests, how deep in a row, how many writes to the disk.
//!
//! The times are in `benches/engine.rs`, which uses the same parts.

#![allow(clippy::unwrap_used, clippy::large_futures, reason = "tests: a panic is a failed test, and futures are few")]

mod depth;
mod growth;
mod windows;
