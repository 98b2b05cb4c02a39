//! Roles and schemas in the database, and the proof that they are isolated.
//!
//! [`DatabaseRoles`] says what should stand; [`provision()`] makes it so and [`prove()`] tries whether it is, both over a
//! [`SqlTransport`]. [`PortTransport`] is the one that speaks PostgreSQL's protocol over an opened port.

mod connection;
mod failure;
mod identifier;
mod isolation;
mod owner;
mod provision;
mod removal;
mod roles;
mod rotation;
mod scram;
mod script;

pub use connection::{ConnectOptions, Login, PortTransport};
pub use failure::{psql_error, query_error};
pub use identifier::{AppNames, PUBLIC_SCHEMA, app_names, database_name, quote_identifier, quote_literal};
pub use isolation::{IsolationCheck, IsolationGrant, IsolationReport, IsolationScope, inspect, prove};
pub use owner::{close_owner_login, open_owner_login, owner_login_name};
pub use provision::{Provisioned, preview, provision, provision_script};
pub use removal::{disable_role, drop_role};
pub use roles::{AppRole, DatabaseRoles};
pub use rotation::{change_password, close_second_login, open_second_login, second_login_name};
pub use script::{Script, SqlTransport};
