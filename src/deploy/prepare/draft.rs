//! What every command works out before its first change.

use super::resolver::{AppResolver, Generated};
use crate::deploy::database_access::Route;
use crate::plan::{Blueprint, Desired, Observed};
use crate::postgres::DatabaseRoles;
use crate::state::{PastDeployment, State};
use std::collections::BTreeMap;

/// A plan with everything that applying it needs.
pub(crate) struct Draft {
    /// The state as it was read; `None` when there was none.
    pub(crate) kept: Option<State>,
    /// The state with what was recovered and what the run decided.
    pub(crate) state: State,
    /// What stands on the server and in DNS.
    pub(crate) observed: Observed,
    /// What should stand there.
    pub(crate) desired: Desired,
    /// The steps from the one to the other.
    pub(crate) blueprint: Blueprint,
    /// Turns requirements into values once the services' addresses are known.
    pub(crate) resolver: AppResolver,
    /// What had to be generated, and is not in the state yet.
    pub(crate) generated: Generated,
    /// The roles that the database is to have.
    pub(crate) roles: Option<DatabaseRoles>,
    /// The way to the database.
    pub(crate) route: Route,
    /// The earlier deployments that apps go back to.
    pub(crate) past: BTreeMap<String, PastDeployment>,
}
