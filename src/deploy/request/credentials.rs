//! The logins that a request carries.

use crate::secrets::Secret;
use serde::Deserialize;

/// The credentials of a request.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Credentials {
    /// Dokploy's.
    pub dokploy: DokployCredentials,
    /// The image registry's.
    #[serde(default)]
    pub registry: Option<RegistryCredentials>,
    /// Hostinger's.
    #[serde(default)]
    pub hostinger: Option<VendorCredentials>,
    /// Cloudflare's.
    #[serde(default)]
    pub cloudflare: Option<VendorCredentials>,
}

/// How Dokploy is reached.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DokployCredentials {
    /// The server's address; default: the workspace's endpoint of the stage.
    #[serde(default)]
    pub endpoint: Option<String>,
    /// The API key.
    pub token: Secret,
}

/// A login at an image registry.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RegistryCredentials {
    /// The registry's host; default: that of the workspace's `registry`.
    #[serde(default)]
    pub url: Option<String>,
    /// The user.
    pub username: String,
    /// The password or token.
    pub password: Secret,
}

/// A token for a DNS vendor.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct VendorCredentials {
    /// The token.
    pub token: Secret,
    /// The API's address; default: the vendor's own.
    #[serde(default)]
    pub base_url: Option<String>,
}
