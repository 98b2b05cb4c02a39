//! Roles and schemas on real PostgreSQL servers, whatever happens on the way.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
#![allow(clippy::print_stdout, reason = "a test says what it ran on, and what it measured")]

mod connection;
mod database;
mod extensions;
mod faults;
mod hostile;
mod impostor;
mod interruptions;
mod isolation;
mod owner;
mod properties;
mod proxy;
mod psql;
mod roles;
mod rotation;
mod takeover;
