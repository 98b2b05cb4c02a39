//! A connection to PostgreSQL over an opened port.

mod cleartext_guard;
mod port;
mod tls;

pub use port::{ConnectOptions, Login, PortTransport};
