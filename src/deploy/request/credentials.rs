//! The logins that a request carries.

use crate::aws::AwsKeys;
use crate::secrets::Secret;
use derive_setters::Setters;
use serde::Deserialize;

/// The credentials of a request.
#[derive(Debug, Clone, Deserialize, Setters)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[setters(strip_option)]
#[non_exhaustive]
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
    /// AWS's; default: what its tools find.
    #[serde(default)]
    pub aws: Option<AwsCredentials>,
}

impl Credentials {
    /// Those of Dokploy alone.
    pub fn new(dokploy: DokployCredentials) -> Self {
        Self { dokploy, registry: None, hostinger: None, cloudflare: None, aws: None }
    }
}

/// An account at AWS.
#[derive(Debug, Clone, Default, Deserialize, Setters)]
#[serde(try_from = "AwsFields")]
#[setters(strip_option)]
#[non_exhaustive]
pub struct AwsCredentials {
    /// The access key to use, whatever profiles and environment say.
    pub keys: Option<AwsKeys>,
    /// The address of every service; default AWS's own.
    #[setters(into)]
    pub base_url: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct AwsFields {
    access_key_id: Option<String>,
    secret_access_key: Option<Secret>,
    session_token: Option<Secret>,
    base_url: Option<String>,
}

impl TryFrom<AwsFields> for AwsCredentials {
    type Error = &'static str;

    fn try_from(fields: AwsFields) -> Result<Self, Self::Error> {
        let AwsFields { access_key_id, secret_access_key, session_token, base_url } = fields;
        let keys = match (access_key_id, secret_access_key) {
            (Some(access_key_id), Some(secret_access_key)) => {
                Some(AwsKeys { access_key_id, secret_access_key, session_token })
            }
            (None, None) if session_token.is_none() => None,
            _ => return Err("`accessKeyId` and `secretAccessKey` belong together"),
        };
        Ok(Self { keys, base_url })
    }
}

/// How Dokploy is reached.
#[derive(Debug, Clone, Deserialize, Setters)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[setters(strip_option)]
#[non_exhaustive]
pub struct DokployCredentials {
    /// The server's address; default: the workspace's endpoint of the stage.
    #[serde(default)]
    #[setters(into)]
    pub endpoint: Option<String>,
    /// The API key.
    #[setters(into)]
    pub token: Secret,
}

impl DokployCredentials {
    /// A key for the server that the workspace names.
    pub fn new(token: impl Into<Secret>) -> Self {
        Self { endpoint: None, token: token.into() }
    }
}

/// A login at an image registry.
#[derive(Debug, Clone, Deserialize, Setters)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[setters(strip_option)]
#[non_exhaustive]
pub struct RegistryCredentials {
    /// The registry's host; default: that of the workspace's `registry`.
    #[serde(default)]
    #[setters(into)]
    pub url: Option<String>,
    /// The user.
    #[setters(into)]
    pub username: String,
    /// The password or token.
    #[setters(into)]
    pub password: Secret,
}

impl RegistryCredentials {
    /// A login at the registry that the workspace names.
    pub fn new(username: impl Into<String>, password: impl Into<Secret>) -> Self {
        Self { url: None, username: username.into(), password: password.into() }
    }
}

/// A token for a DNS vendor.
#[derive(Debug, Clone, Deserialize, Setters)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[setters(strip_option)]
#[non_exhaustive]
pub struct VendorCredentials {
    /// The token.
    #[setters(into)]
    pub token: Secret,
    /// The API's address; default: the vendor's own.
    #[serde(default)]
    #[setters(into)]
    pub base_url: Option<String>,
}

impl VendorCredentials {
    /// A token for the vendor's own API.
    pub fn new(token: impl Into<Secret>) -> Self {
        Self { token: token.into(), base_url: None }
    }
}
