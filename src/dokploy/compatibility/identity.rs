//! Who a key belongs to, and what it may do.

use super::check::Access;
use crate::dokploy::api::{Member, Permissions, User, UserApi};
use crate::dokploy::client::Dokploy;
use crate::dokploy::transport::Call;
use crate::{DeployError, ErrorCode};
use serde::Serialize;

/// A server as a key sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ServerCheck {
    /// The server's address: scheme, host and port.
    pub endpoint: String,
    /// Its version as it says it, for instance `v0.30.2`.
    pub version: String,
    /// Whose key it is.
    pub user: KeyOwner,
    /// What the key may do.
    pub permissions: KeyPermissions,
}

/// The user to whom a key belongs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct KeyOwner {
    /// The user's id.
    pub id: String,
    /// The user's address.
    pub email: String,
    /// `owner`, `admin`, `member`, or a role of the organization's own.
    pub role: String,
    /// The organization in which the key is valid.
    pub organization_id: String,
}

/// What a key may do of what a deployment needs.
#[expect(clippy::struct_excessive_bools, reason = "each is a permission of its own")]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct KeyPermissions {
    /// Make projects.
    pub create_projects: bool,
    /// Make environments.
    pub create_environments: bool,
    /// Make applications and databases.
    pub create_services: bool,
    /// Delete applications and databases.
    pub delete_services: bool,
    /// See tasks and containers, without which nobody can say that an app runs; tried.
    pub see_containers: bool,
    /// See the queue of deployments; tried.
    pub see_queue: bool,
    /// List and make registries.
    pub registries: bool,
}

impl Dokploy {
    /// Finds out what the server is, whose key this is and what it may do. Reads only.
    ///
    /// # Errors
    ///
    /// `DOKPLOY_UNREACHABLE`, `DOKPLOY_UNAUTHORIZED`, and `DOKPLOY_UNSUPPORTED` for a version or contract that we cannot
    /// speak to.
    pub async fn identify(&self) -> Result<ServerCheck, DeployError> {
        let (settings, user) = (self.settings(), UserApi(&self.transport));
        self.check_server(Call::ALL, Access::default()).await?;
        let containers = self.may(Access { containers: true, queue: false });
        let queue = self.may(Access { containers: false, queue: true });
        let asked = async { Ok(futures_util::try_join!(settings.dokploy_version(), user.get(), user.permissions())?) };
        let ((version, member, permissions), see_containers, see_queue) =
            futures_util::try_join!(asked, containers, queue)?;
        let permissions = permissions_of(&member, permissions.as_ref(), see_containers, see_queue);
        let Member { role, organization_id, user: User { id, email }, .. } = member;
        let user = KeyOwner { id, email, role, organization_id };
        Ok(ServerCheck { endpoint: self.origin(), version, user, permissions })
    }

    /// Whether the key has an access, tried.
    async fn may(&self, access: Access) -> Result<bool, DeployError> {
        match self.check_access(access).await {
            Ok(()) => Ok(true),
            Err(error) if error.code() == ErrorCode::DokployForbidden => Ok(false),
            Err(error) => Err(error),
        }
    }
}

/// What the server says of the key; where it has no call for that, what follows from the user's role and grants.
fn permissions_of(
    member: &Member,
    permissions: Option<&Permissions>,
    see_containers: bool,
    see_queue: bool,
) -> KeyPermissions {
    let whole = matches!(member.role.as_str(), "owner" | "admin");
    let may = |resource: &str, action: &str, granted: bool| match permissions {
        Some(permissions) => permissions.get(resource).and_then(|actions| actions.get(action)) == Some(&true),
        None => whole || granted,
    };
    KeyPermissions {
        create_projects: may("project", "create", member.can_create_projects),
        create_environments: may("environment", "create", member.can_create_environments),
        create_services: may("service", "create", member.can_create_services),
        delete_services: may("service", "delete", member.can_delete_services),
        see_containers,
        see_queue,
        registries: may("registry", "read", false) && may("registry", "create", false),
    }
}
