//! The logins that a request carries.

use crate::aws::AwsKeys;
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
    /// AWS's; default: what its tools find.
    #[serde(default)]
    pub aws: Option<AwsCredentials>,
}

/// An account at AWS.
#[derive(Debug, Clone, Deserialize)]
#[serde(try_from = "AwsFields")]
pub struct AwsCredentials {
    /// The access key to use, whatever profiles and environment say.
    pub keys: Option<AwsKeys>,
    /// The address of every service; default AWS's own.
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
