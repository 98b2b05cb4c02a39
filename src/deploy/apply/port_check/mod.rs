//! Whether apps accept connections, tried from within the server's network by a short-lived application of ours.
//!
//! One application tries the ports of all apps of a run, again and again, until the run is over.

mod checks;
mod endpoint;
mod probe;
mod script;

pub(crate) use checks::{Answer, PortChecks, TimeFrame};
pub(crate) use endpoint::{Endpoint, ProbeImage};
