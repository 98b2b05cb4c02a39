//! Who a key belongs to, and what the server says that it may do.

use crate::dokploy::transport::{ApiError, Call, Failure, Transport};
use serde::Deserialize;
use std::collections::BTreeMap;

pub(super) const GET: Call = Call::get("user.get", &[]);
pub(super) const PERMISSIONS: Call = Call::get("user.getPermissions", &[]);

/// `user.get`: the user as a member of the key's organization.
#[expect(clippy::struct_excessive_bools, reason = "the server's own fields")]
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::dokploy) struct Member {
    pub(in crate::dokploy) role: String,
    pub(in crate::dokploy) organization_id: String,
    pub(in crate::dokploy) user: User,
    #[serde(default)]
    pub(in crate::dokploy) can_create_projects: bool,
    #[serde(default)]
    pub(in crate::dokploy) can_create_environments: bool,
    #[serde(default)]
    pub(in crate::dokploy) can_create_services: bool,
    #[serde(default)]
    pub(in crate::dokploy) can_delete_services: bool,
}

#[derive(Debug, Deserialize)]
pub(in crate::dokploy) struct User {
    pub(in crate::dokploy) id: String,
    pub(in crate::dokploy) email: String,
}

/// `user.getPermissions`: whether an action on a kind of resource is allowed.
pub(in crate::dokploy) type Permissions = BTreeMap<String, BTreeMap<String, bool>>;

/// The calls of the user router.
#[derive(Debug, Clone, Copy)]
pub(in crate::dokploy) struct UserApi<'a>(pub(in crate::dokploy) &'a Transport);

impl UserApi<'_> {
    pub(in crate::dokploy) async fn get(self) -> Result<Member, ApiError> {
        self.0.get(&GET, &[]).await
    }

    /// `None` on a server that does not know the call.
    pub(in crate::dokploy) async fn permissions(self) -> Result<Option<Permissions>, ApiError> {
        match self.0.get(&PERMISSIONS, &[]).await {
            Ok(permissions) => Ok(Some(permissions)),
            Err(error) if *error.failure() == Failure::NoSuchEndpoint => Ok(None),
            Err(error) => Err(error),
        }
    }
}
