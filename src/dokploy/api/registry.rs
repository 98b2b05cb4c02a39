//! Image registries that the server is logged in to. Prebuilt applications carry their own login instead; only a private
//! image of a database needs one of these.

use crate::dokploy::transport::{ApiError, Call, Transport};
use crate::secrets::Secret;
use serde::{Deserialize, Serialize};

pub(super) const ALL: Call = Call::get("registry.all", &[]);
pub(super) const CREATE: Call = Call::post(
    "registry.create",
    &["registryName", "username", "password", "registryUrl", "registryType", "imagePrefix"],
);

/// A registry as the server stores it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Registry {
    /// Its id.
    pub registry_id: String,
    /// Its name; not unique.
    pub registry_name: String,
    /// The user.
    pub username: String,
    /// Host, or host and port.
    pub registry_url: String,
}

/// What to make.
#[derive(Debug, Clone)]
pub struct CreateRegistry<'a> {
    /// Its name.
    pub registry_name: &'a str,
    /// The user.
    pub username: &'a str,
    /// The password.
    pub password: &'a Secret,
    /// Host, or host and port; neither scheme nor path.
    pub registry_url: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Create<'a> {
    registry_name: &'a str,
    username: &'a str,
    password: &'a Secret,
    registry_url: &'a str,
    registry_type: &'static str,
    image_prefix: Option<&'a str>,
}

/// The calls of the registry router.
#[derive(Debug, Clone, Copy)]
pub struct RegistryApi<'a>(pub(in crate::dokploy) &'a Transport);

impl RegistryApi<'_> {
    /// Lists the registries.
    ///
    /// # Errors
    ///
    /// Every [`ApiError`].
    pub async fn all(self) -> Result<Vec<Registry>, ApiError> {
        self.0.get(&ALL, &[]).await
    }

    /// Logs the server in to a registry, for every service on it. A second one of the same address is another registry.
    ///
    /// # Errors
    ///
    /// A rejection with docker's message when the login fails; every other [`ApiError`].
    pub async fn create(self, create: &CreateRegistry<'_>) -> Result<Registry, ApiError> {
        let CreateRegistry { registry_name, username, password, registry_url } = *create;
        let body =
            Create { registry_name, username, password, registry_url, registry_type: "cloud", image_prefix: None };
        self.0.post(&CREATE, &body).await
    }
}
