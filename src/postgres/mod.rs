//! Roles and schemas in the database, and the proof that they are isolated.
//!
//! [`DatabaseRoles`] says what is wanted; [`provision()`] makes it so and [`prove()`] tries whether it is, both over a
//! [`SqlTransport`]. [`PortTransport`] is the one that speaks PostgreSQL's protocol over an opened port.

mod connection;
mod failure;
mod frame;
mod guard;
mod identifier;
mod owner;
mod proof;
mod provision;
mod removal;
mod report;
mod roles;
mod rotation;
mod scram;
mod sql;
mod statements;
mod tls;
mod transport;

pub use connection::{ConnectOptions, Login, PortTransport};
pub use failure::{psql_error, query_error};
pub use identifier::{AppNames, PUBLIC_SCHEMA, app_names, database_name, quote_identifier, quote_literal};
pub use owner::{close_owner_login, open_owner_login, owner_login_name};
pub use proof::{inspect, prove};
pub use provision::{Provisioned, preview, provision, provision_script};
pub use removal::{disable_role, drop_role};
pub use report::{IsolationCheck, IsolationGrant, IsolationReport, IsolationScope};
pub use roles::{AppRole, DatabaseRoles};
pub use rotation::{change_password, close_second_login, open_second_login, second_login_name};
pub use transport::{Script, SqlTransport};
