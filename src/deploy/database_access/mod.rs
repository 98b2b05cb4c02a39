//! The way to the database: by its external port, or from inside the server's network.

mod access;
mod connection;
mod external_port;
mod internal;
mod route;
mod target;

pub(crate) use access::DatabaseAccess;
pub(crate) use connection::DatabaseWork;
pub(crate) use external_port::{PortTarget, Until};
pub(crate) use route::{Route, choose_route};
pub(crate) use target::DatabaseTarget;
