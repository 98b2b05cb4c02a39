//! The release applications that stand on the server.

use crate::DeployError;
use crate::deploy::context::Marks;
use crate::dokploy::{Dokploy, ServiceEntry};

/// A release application that stands on the server.
pub(super) struct Listed {
    pub(super) id: String,
    /// The app whose release it is.
    pub(super) app: String,
}

/// The release applications of a stage, of whatever app: they may have one database.
pub(super) async fn listed(client: &Dokploy, marks: &Marks, environment: &str) -> Result<Vec<Listed>, DeployError> {
    let applications = client.environment().one(environment).await?.applications;
    let release = |entry: ServiceEntry| {
        let app = marks.app_of_release(entry.description.as_deref())?;
        Some(Listed { id: entry.id, app })
    };
    Ok(applications.into_iter().filter_map(release).collect())
}
