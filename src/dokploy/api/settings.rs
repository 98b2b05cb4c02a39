//! The server itself.

use crate::dokploy::transport::{ApiError, Call, Transport};
use serde_json::Value;
use std::net::IpAddr;

pub(super) const VERSION: Call = Call::get("settings.getDokployVersion", &[]);
pub(super) const OPEN_API_DOCUMENT: Call = Call::get("settings.getOpenApiDocument", &[]);
pub(super) const IP: Call = Call::get("settings.getIp", &[]);

/// The calls of the settings router.
#[derive(Debug, Clone, Copy)]
pub struct SettingsApi<'a>(pub(in crate::dokploy) &'a Transport);

impl SettingsApi<'_> {
    /// Reads the server's version, for instance `v0.30.2`.
    ///
    /// # Errors
    ///
    /// Every [`ApiError`].
    pub async fn dokploy_version(self) -> Result<String, ApiError> {
        self.0.get(&VERSION, &[]).await
    }

    /// Reads the server's own description of its API, about 1 MB.
    ///
    /// # Errors
    ///
    /// Every [`ApiError`].
    pub async fn open_api_document(self) -> Result<Value, ApiError> {
        self.0.get(&OPEN_API_DOCUMENT, &[]).await
    }

    /// Reads the server's public address, if it knows it.
    ///
    /// # Errors
    ///
    /// Every [`ApiError`].
    pub async fn ip(self) -> Result<Option<IpAddr>, ApiError> {
        let text: Option<String> = self.0.get(&IP, &[]).await?;
        Ok(text.and_then(|text| text.trim().parse().ok()))
    }
}
