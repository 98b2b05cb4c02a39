//! Scripts of SQL: their statements, what they are part of, and how their answer is found in any output.

mod fingerprint;
mod framing;
mod sql;
mod statements;
mod transport;

pub(super) use statements::{Maintenance, Outcome, maintain, proof, provision};
pub(super) use transport::nonce;
pub use transport::{Script, SqlTransport};
