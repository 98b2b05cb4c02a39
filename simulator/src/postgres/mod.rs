//! Real PostgreSQL servers behind doors that really open and close.
//!
//! [`Binaries`] finds a PostgreSQL and makes it runnable, [`Cluster`] is one server, [`Door`] is a TCP port in front of
//! it, and [`PostgresBackend`] keeps one cluster for each simulated Postgres service.

mod backend;
mod binaries;
mod cluster;
mod door;
mod process;
mod service;

pub use backend::PostgresBackend;
pub use binaries::{BIN_VARIABLE, Binaries, MORE_VARIABLE};
pub use cluster::{Cluster, ClusterOptions};
pub use door::Door;
