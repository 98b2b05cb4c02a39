//! The engine against a simulated server: real HTTP, a real PostgreSQL, real DNS.

#![expect(clippy::unwrap_used, reason = "a test says by panicking that it failed")]

mod built;
mod changes;
mod checks;
mod command_line;
mod domains;
mod drift;
mod failures;
mod first_flight;
mod hooks;
mod inside;
mod isolation;
mod many;
mod names;
mod port;
mod proxied;
mod queue;
mod queued;
mod readiness;
mod releases;
mod retired;
mod rollback;
mod rotation;
mod routes;
mod services;
mod side_by_side;
mod stale;
mod undeploy;
mod values;
