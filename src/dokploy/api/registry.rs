//! Image registries that the server is logged in to. Prebuilt applications carry their own login instead; only a private
//! image of a database needs one of these.

use crate::dokploy::transport::{ApiError, Call, Failure, Transport};
use crate::secrets::Secret;
use crate::{DeployError, ErrorCode};
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
    /// What stands before the names of its images, if it is not the user.
    #[serde(default)]
    pub image_prefix: Option<String>,
    /// The password, where the server says it: in lists, not of a single one.
    #[serde(default)]
    pub password: Option<Secret>,
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

    /// As [`Self::create`], for a login that a person has given: a scheme before the registry's host and a path after
    /// it are passed by.
    ///
    /// # Errors
    ///
    /// `IMAGE_REGISTRY` with the reason `login-refused` when the registry does not take the login or cannot be reached from
    /// the server, with what Docker said there; else as [`ApiError`].
    pub async fn log_in(self, create: &CreateRegistry<'_>) -> Result<Registry, DeployError> {
        let address = create.registry_url.trim();
        let bare = address.strip_prefix("https://").or_else(|| address.strip_prefix("http://")).unwrap_or(address);
        let registry = bare.split('/').next().unwrap_or_default();
        let create = CreateRegistry { registry_url: registry, ..create.clone() };
        self.create(&create).await.map_err(|error| match error.failure() {
            Failure::Rejected { message, .. } => {
                let headline = format!("The server could not log in to {registry} as {}", create.username);
                DeployError::new(ErrorCode::ImageRegistry, headline)
                    .endpoint(error.endpoint())
                    .resource(format!("registry {registry}"))
                    .reason("login-refused")
                    .log(self.0.redact(message))
                    .hint("Check the registry's address, the user and the password; the log has what Docker said")
            }
            _ => error.into(),
        })
    }
}
