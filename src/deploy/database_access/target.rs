//! The database that is to be reached.

use crate::deploy::context::PostgresService;

/// The database that is to be reached.
#[derive(Debug, Clone)]
pub(crate) struct DatabaseTarget {
    /// The service.
    pub(crate) service: PostgresService,
    /// The environment in which it stands.
    pub(crate) environment: String,
}
