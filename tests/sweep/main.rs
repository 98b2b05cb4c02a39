//! Interrupting a deployment everywhere: what holds afterwards (design §6), and how many points were tried.
//!
//! A sample of the points runs by default; `DEPLOY_NATIVE_SWEEP=full` runs all of them.

#![allow(clippy::unwrap_used, clippy::large_futures, reason = "tests: a panic is a failed test, and futures are few")]

mod canary;
mod cancel;
mod check;
mod child;
mod crash;
mod inside;
mod kill;
#[allow(unreachable_pub, dead_code, reason = "shared with the tests of the engine, which use all of it")]
#[path = "../engine/live.rs"]
mod live;
mod locked;
mod lost;
mod reference;
mod rotation;
#[allow(unreachable_pub, dead_code, reason = "shared with the tests of the engine, which use all of it")]
#[path = "../engine/world.rs"]
mod world;
