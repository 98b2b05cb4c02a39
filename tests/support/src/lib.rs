//! What the suites and benchmarks share.
//!
//! [`World`] is a place to deploy into: a simulated Dokploy with a real PostgreSQL behind it, and DNS zones served for
//! real. [`measure`] counts and times what a run does in one.

#![allow(clippy::unwrap_used, clippy::missing_panics_doc, reason = "a test says by panicking that it failed")]
#![allow(clippy::missing_errors_doc, reason = "a test passes on what the library says")]
#![allow(clippy::large_futures, reason = "futures are few")]

mod clients;
mod images;
pub mod measure;
mod observe;
mod postgres;
mod world;

pub use clients::Seen;
pub use images::{digest, image};
pub use observe::{Moment, host, of, rows};
pub use postgres::{bundled_postgres, postgres_installations};
pub use world::{DATABASE_DEADLINE, LANDING, SERVER_IP, STAGE, TIME_SCALE, World, scaled_waits};
