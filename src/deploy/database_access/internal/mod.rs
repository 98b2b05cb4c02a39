//! The way from inside: `psql` in a short-lived application on the server's network.

mod answer;
mod connection;
mod limits;
mod psql;

pub(super) use connection::InternalConnection;
pub(super) use limits::{InternalLimits, WayFailure};
