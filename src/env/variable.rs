//! A variable with its value and where it comes from.

use crate::secrets::Secret;
use serde::{Serialize, Serializer};

/// A variable with its value.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct EnvVariable {
    /// The value.
    pub value: Secret,
    /// Where it comes from.
    pub source: EnvSource,
}

/// Where a value comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum EnvSource {
    /// The workspace: `PORT`.
    App,
    /// The stage: `NODE_ENV`, `STAGE`.
    Stage,
    /// The provisioned database: `DATABASE_URL`.
    Database,
    /// The provisioned cache: `REDIS_URL`.
    Cache,
    /// The app's host name: `BETTER_AUTH_URL`.
    Host,
    /// The front ends: `BETTER_AUTH_TRUSTED_ORIGINS`.
    TrustedOrigins,
    /// An app this one depends on: `{APP}_URL`.
    Dependency,
    /// Generated, now or by an earlier run: `BETTER_AUTH_SECRET`.
    Generated,
    /// The user.
    User,
}

impl EnvSource {
    /// Whether values from here are secret.
    pub const fn is_secret(self) -> bool {
        matches!(self, Self::Database | Self::Cache | Self::Generated | Self::User)
    }
}

impl EnvVariable {
    /// The value as it may be shown: a secret one as `***`, a connection address without its password (I6).
    pub fn shown(&self) -> String {
        let value = self.value.expose();
        match self.source {
            EnvSource::Database | EnvSource::Cache => match url::Url::parse(value) {
                Ok(address) => {
                    let host = address.host_str().unwrap_or_default();
                    let port = address.port().map(|port| format!(":{port}")).unwrap_or_default();
                    let user = address.username();
                    let login = if user.is_empty() && address.password().is_none() { "" } else { ":***@" };
                    format!("{}://{user}{login}{host}{port}{}", address.scheme(), address.path())
                }
                Err(_) => "***".to_owned(),
            },
            source if source.is_secret() => "***".to_owned(),
            _ => value.to_owned(),
        }
    }
}

impl Serialize for EnvVariable {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.value.serialize(serializer)
    }
}
