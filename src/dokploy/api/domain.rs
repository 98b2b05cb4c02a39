//! Domains: which host names lead to an application.

use crate::dokploy::transport::{ApiError, Call, Transport};
use serde::{Deserialize, Serialize};

pub(super) const CREATE: Call =
    Call::post("domain.create", &["host", "applicationId", "port", "https", "certificateType"]);
pub(super) const BY_APPLICATION_ID: Call = Call::get("domain.byApplicationId", &["applicationId"]);
pub(super) const UPDATE: Call =
    Call::post("domain.update", &["domainId", "host", "port", "https", "certificateType", "path"]);
pub(super) const DELETE: Call = Call::post("domain.delete", &["domainId"]);

/// A domain as the server stores it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Domain {
    /// Its id.
    pub domain_id: String,
    /// The host name.
    pub host: String,
    /// The application it leads to.
    pub application_id: Option<String>,
    /// The container's port.
    pub port: Option<u16>,
    /// The path below which it leads there, `/` for all.
    pub path: Option<String>,
    /// Whether it is served over TLS.
    #[serde(default)]
    pub https: bool,
    /// Where its certificate comes from.
    #[serde(default)]
    pub certificate_type: Certificate,
    /// Whether it leads anywhere; somebody may have switched it off. Servers that know no switch do not say.
    pub enabled: Option<bool>,
}

/// Where the certificate of a domain comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Certificate {
    /// Let's Encrypt.
    Letsencrypt,
    /// Nowhere.
    None,
    /// A resolver of the user's, or one that this client does not know.
    #[default]
    #[serde(other)]
    Custom,
}

/// What to make.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CreateDomain<'a> {
    /// The host name.
    pub host: &'a str,
    /// The application it is to lead to.
    pub application_id: &'a str,
    /// The container's port.
    pub port: u16,
    /// Whether it is served over TLS.
    pub https: bool,
    /// Where its certificate comes from.
    pub certificate_type: Certificate,
}

/// A domain as it is to be.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct UpdateDomain<'a> {
    /// The domain.
    pub domain_id: &'a str,
    /// The host name.
    pub host: &'a str,
    /// The container's port.
    pub port: u16,
    /// Whether it is served over TLS.
    pub https: bool,
    /// Where its certificate comes from.
    pub certificate_type: Certificate,
    /// The path below which it leads there, `/` for all.
    pub path: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ById<'a> {
    domain_id: &'a str,
}

/// The calls of the domain router.
#[derive(Debug, Clone, Copy)]
pub struct DomainApi<'a>(pub(in crate::dokploy) &'a Transport);

impl DomainApi<'_> {
    /// Attaches a host name to an application, at once; a second one of the same host name is another domain.
    ///
    /// # Errors
    ///
    /// Every [`ApiError`].
    pub async fn create(self, create: &CreateDomain<'_>) -> Result<Domain, ApiError> {
        self.0.post(&CREATE, create).await
    }

    /// Lists the domains of an application.
    ///
    /// # Errors
    ///
    /// Every [`ApiError`].
    pub async fn by_application_id(self, application_id: &str) -> Result<Vec<Domain>, ApiError> {
        self.0.get(&BY_APPLICATION_ID, &[("applicationId", application_id)]).await
    }

    /// Changes a domain, at once.
    ///
    /// # Errors
    ///
    /// Every [`ApiError`].
    pub async fn update(self, update: &UpdateDomain<'_>) -> Result<(), ApiError> {
        self.0.post_ignoring_response(&UPDATE, update).await
    }

    /// Detaches a host name, at once.
    ///
    /// # Errors
    ///
    /// Not found, and every other [`ApiError`].
    pub async fn delete(self, domain_id: &str) -> Result<(), ApiError> {
        self.0.post_ignoring_response(&DELETE, &ById { domain_id }).await
    }
}
