//! The database's external port: opened for as long as it is needed, and closed on every way out (I4).

mod close;
mod connection;
mod initialisation;
mod open;
mod restart;
mod target;

pub(crate) use close::Until;
pub(super) use connection::ExternalPortConnection;
pub(crate) use target::PortTarget;
