//! The way from inside: `psql` in a short-lived application on the server's network.

mod answer;
mod connection;
mod job;
mod limits;
mod psql;

pub(super) use connection::InternalConnection;
pub(crate) use job::delete_job;
pub(super) use limits::{InternalLimits, WayFailure};
