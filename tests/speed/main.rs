//! How fast the engine is, in counts: how many requests, how deep in a row, how many writes to the disk.
//!
//! The times are in `benches/engine.rs`, which uses the same parts.

#![allow(clippy::unwrap_used, clippy::large_futures, reason = "tests: a panic is a failed test, and futures are few")]

#[allow(dead_code, reason = "shared with the benchmark, which uses all of it")]
mod chain;
#[allow(dead_code, reason = "shared with the benchmark, which uses all of it")]
mod course;
mod crowd;
mod depth;
#[allow(dead_code, reason = "shared with the benchmark, which uses all of it")]
mod disk;
mod growth;
mod relay;
#[allow(unreachable_pub, dead_code, reason = "shared with the tests of the engine, which use all of it")]
#[path = "../engine/world.rs"]
mod world;
