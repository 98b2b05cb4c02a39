//! Interrupting a deployment everywhere: what holds afterwards (design §6), and how many points were tried.
//!
//! A sample of the points runs by default; `DEPLOY_NATIVE_SWEEP=full` runs all of them, and another text those whose
//! `Debug` form contains it, for instance `DEPLOY_NATIVE_SWEEP='(First, ("postgres.create", 1))'`.

#![allow(clippy::unwrap_used, clippy::large_futures, reason = "tests: a panic is a failed test, and futures are few")]

mod canary;
mod cancel;
mod check;
mod child;
mod crash;
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
mod durable;
mod flight;
mod inside;
mod interruption;
mod kill;
mod locked;
mod lost;
mod machines;
mod reference;
mod rollback;
mod rotation;
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
mod trace;
