//! What a registry says: which digest a tag stands for (I9), and whether it takes a login.

use super::connection::{
    Connections, Silence, body, manifest_url, offers, refused, root_url, same_registry, unreachable,
};
use crate::http::{HttpSettings, Lasting};
use crate::image::login::RegistryLogin;
use crate::image::reference::{ImageReference, is_digest};
use crate::{DeployError, ErrorCode};
use reqwest::header::CONTENT_TYPE;
use reqwest::{Method, Response, StatusCode};
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::time::Duration;

/// The header in which a registry says a manifest's digest.
const DIGEST_HEADER: &str = "docker-content-digest";

/// What became of the question which digest a tag stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Resolution {
    /// It stands for this digest.
    Digest(String),
    /// The registry has no such image.
    NotFound,
    /// The registry refuses us: the login is missing or wrong, or may not read the image.
    Refused {
        /// What it answered.
        reason: String,
    },
    /// The registry cannot be reached for a reason that lasts: a certificate, TLS itself, the login at a proxy.
    Misconfigured {
        /// `certificate`, `tls` or `proxy-login`.
        reason: &'static str,
        /// What happened.
        message: String,
        /// What to do.
        hint: String,
    },
    /// The registry did not answer, or not in a way that says anything.
    Unreachable {
        /// What happened.
        reason: String,
    },
}

impl Resolution {
    /// The digest, for a caller that cannot go on without it.
    ///
    /// # Errors
    ///
    /// `IMAGE_REGISTRY` with the reason `not-found`, `login-refused`, `registry-unreachable`, `certificate`, `tls` or
    /// `proxy-login`.
    pub fn into_digest(self, reference: &ImageReference) -> Result<String, DeployError> {
        let error = |message: String| {
            DeployError::new(ErrorCode::ImageRegistry, message).resource(format!("image {reference}"))
        };
        let registry = reference.registry();
        match self {
            Self::Digest(digest) => Ok(digest),
            Self::NotFound => Err(error(format!("{reference} does not exist at {registry}"))
                .reason("not-found")
                .hint("Push the image, or correct its name and tag")),
            Self::Refused { reason } => Err(error(format!("{registry} does not let us read {reference}: {reason}"))
                .reason("login-refused")
                .hint("Check credentials.registry: the user, the password and their right to read")),
            Self::Misconfigured { reason, message, hint } => {
                Err(error(format!("{registry} cannot be asked what {reference} is: {message}"))
                    .reason(reason)
                    .hint(hint))
            }
            Self::Unreachable { reason } => Err(error(format!("{registry} did not say what {reference} is: {reason}"))
                .reason("registry-unreachable")
                .retryable(true)
                .hint(format!("Check that {registry} can be reached from this machine"))),
        }
    }
}

/// What a registry says of a login.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LoginCheck {
    /// It takes it.
    Taken,
    /// It refuses it.
    Refused {
        /// What it answered.
        reason: String,
    },
    /// It did not answer from here, or not in a way that says anything.
    Unknown {
        /// What happened.
        reason: String,
    },
}

/// Asks registries that speak the Docker registry protocol, version 2.
#[derive(Debug, Clone)]
pub struct RegistryClient {
    connections: Connections,
}

impl RegistryClient {
    /// Makes one with the time limits of 10 seconds for a connection and `answer` (default 30 seconds) for an answer.
    ///
    /// # Errors
    ///
    /// `INTERNAL` when TLS cannot be set up, `INVALID_REQUEST` with the reason `proxy` for a proxy that is none.
    pub fn new(answer: Option<Duration>) -> Result<Self, DeployError> {
        Self::with_http(answer, HttpSettings::default())
    }

    /// As [`Self::new`], with proxies and certificates of the caller's choice.
    ///
    /// # Errors
    ///
    /// As [`Self::new`].
    pub fn with_http(answer: Option<Duration>, http: HttpSettings) -> Result<Self, DeployError> {
        Ok(Self { connections: Connections::new(answer, http)? })
    }

    /// Finds the digest that `reference` stands for; a reference with a digest stands for that.
    ///
    /// `login` is shown only to its own registry, and to the token server that this registry names. Registries on
    /// this machine are spoken to without TLS, others never.
    pub async fn resolve(&self, reference: &ImageReference, login: Option<&RegistryLogin>) -> Resolution {
        if let Some(digest) = reference.digest() {
            return Resolution::Digest(digest.to_owned());
        }
        let login = login.filter(|login| same_registry(login.host(), reference.registry()));
        self.ask(reference, login).await.unwrap_or_else(Resolution::from)
    }

    /// Finds out whether the registry takes `login` for pushing to `repository`. Pushes nothing.
    ///
    /// A registry may take a login that may not push there, and says so only to the push.
    pub async fn check_login(&self, login: &RegistryLogin, repository: &str) -> LoginCheck {
        match self.log_in(login, repository).await {
            Ok(()) => LoginCheck::Taken,
            Err(Silence::Refused(reason)) => LoginCheck::Refused { reason },
            Err(Silence::Unreachable(reason) | Silence::Misconfigured(reason, _)) => LoginCheck::Unknown { reason },
        }
    }

    async fn log_in(&self, login: &RegistryLogin, repository: &str) -> Result<(), Silence> {
        let url = root_url(login.host())?;
        let open = self.connections.ask(Method::GET, &url, None).await?;
        // Who lets everybody in may still look at a login.
        let scope = format!("repository:{repository}:pull,push");
        let authorization = self.connections.authorize(login.host(), &open, &scope, Some(login)).await?;
        let answer = self.connections.ask(Method::GET, &url, Some(&authorization)).await?;
        match answer.status() {
            status if status.is_success() => Ok(()),
            status @ (StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) => {
                Err(refused(&format!("it answered {status}")))
            }
            status => Err(unreachable(&format!("it answered {status}"))),
        }
    }

    async fn ask(&self, reference: &ImageReference, login: Option<&RegistryLogin>) -> Result<Resolution, Silence> {
        let url = manifest_url(reference)?;
        let first = self.connections.ask(Method::HEAD, &url, None).await?;
        let (answer, authorization) = if wants_login(&first, login) {
            let scope = scope_of(&first).unwrap_or_else(|| format!("repository:{}:pull", reference.repository()));
            let authorization = self.connections.authorize(reference.registry(), &first, &scope, login).await?;
            (self.connections.ask(Method::HEAD, &url, Some(&authorization)).await?, Some(authorization))
        } else {
            (first, None)
        };
        if let Some(known @ (Resolution::Digest(_) | Resolution::Unreachable { .. })) = from_head(&answer) {
            return Ok(known);
        }
        // Some registries do not know HEAD, refuse it, or do not say the digest; then it is worked out.
        let answer = self.connections.ask(Method::GET, &url, authorization.as_ref()).await?;
        match from_head(&answer) {
            Some(resolution) => Ok(resolution),
            None if answer.status().is_success() => from_manifest(answer).await,
            None => Err(unreachable(&format!("it answered {}", answer.status()))),
        }
    }
}

impl From<Silence> for Resolution {
    fn from(silence: Silence) -> Self {
        match silence {
            Silence::Refused(reason) => Self::Refused { reason },
            Silence::Misconfigured(message, Lasting { reason, hint }) => Self::Misconfigured { reason, message, hint },
            Silence::Unreachable(reason) => Self::Unreachable { reason },
        }
    }
}

/// Whether a login may change the answer. Some refuse who has shown none without asking for one.
fn wants_login(answer: &Response, login: Option<&RegistryLogin>) -> bool {
    answer.status() == StatusCode::UNAUTHORIZED || answer.status() == StatusCode::FORBIDDEN && login.is_some()
}

/// What the registry says that a token must be good for.
fn scope_of(answer: &Response) -> Option<String> {
    offers(answer).into_iter().find(|offer| offer.scheme == "bearer")?.parameters.remove("scope")
}

/// What an answer says by its status and headers alone; `None` when there is more to ask.
fn from_head(answer: &Response) -> Option<Resolution> {
    match answer.status() {
        status if status.is_success() => {
            let digest = answer.headers().get(DIGEST_HEADER)?.to_str().ok()?;
            is_digest(digest).then(|| Resolution::Digest(digest.to_owned()))
        }
        StatusCode::NOT_FOUND => Some(Resolution::NotFound),
        status @ (StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) => {
            Some(refused(&format!("it answered {status}")).into())
        }
        StatusCode::TOO_MANY_REQUESTS => Some(unreachable("it has had too many questions from here").into()),
        _ => None,
    }
}

/// The digest of the manifest in an answer; a page of a proxy is none.
async fn from_manifest(answer: Response) -> Result<Resolution, Silence> {
    let kind = answer.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
    let bytes = body(answer).await?;
    let is_manifest = serde_json::from_slice::<Value>(&bytes).is_ok_and(|value| value["schemaVersion"].is_u64());
    if is_manifest {
        return Ok(Resolution::Digest(format!("sha256:{}", hex::encode(Sha256::digest(&bytes)))));
    }
    let kind = if kind.is_empty() { String::new() } else { format!(": {}", kind.escape_debug()) };
    Err(unreachable(&format!("what it sent is no manifest{kind}")))
}
