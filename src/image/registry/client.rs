//! Finds out which digest a tag stands for at its registry (I9).

use super::challenge::{self, Challenge};
use crate::image::login::RegistryLogin;
use crate::image::reference::{ImageReference, is_digest};
use crate::secrets::Secret;
use crate::{DeployError, ErrorCode};
use reqwest::header::{ACCEPT, AUTHORIZATION, HeaderValue, WWW_AUTHENTICATE};
use reqwest::redirect::Policy;
use reqwest::{Client, Method, RequestBuilder, Response, StatusCode, Url};
use serde::Deserialize;
use sha2::{Digest, Sha256};
use std::fmt::Write as _;
use std::net::IpAddr;
use std::time::Duration;

/// How long a registry may take to take a connection.
const CONNECT_TIME: Duration = Duration::from_secs(10);

/// How long a registry may take for one answer.
const ANSWER_TIME: Duration = Duration::from_secs(30);

/// How often an answer may point elsewhere.
const REDIRECTS: usize = 5;

/// No manifest and no token is larger, in bytes.
const LARGEST_ANSWER: usize = 8 * 1024 * 1024;

/// Every kind of manifest; what a registry is not asked for it may convert, and a converted one has another digest.
const MANIFESTS: &str = "application/vnd.oci.image.index.v1+json, \
    application/vnd.docker.distribution.manifest.list.v2+json, application/vnd.oci.image.manifest.v1+json, \
    application/vnd.docker.distribution.manifest.v2+json";

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
    /// `IMAGE_REGISTRY` with the reason `not-found`, `login-refused` or `registry-unreachable`.
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
            Self::Unreachable { reason } => Err(error(format!("{registry} did not say what {reference} is: {reason}"))
                .reason("registry-unreachable")
                .retryable(true)
                .hint(format!("Check that {registry} can be reached from this machine"))),
        }
    }
}

/// Asks registries that speak the Docker registry protocol, version 2.
#[derive(Debug, Clone)]
pub struct RegistryClient {
    outside: Client,
    /// For registries on this machine, which no proxy reaches.
    loopback: Client,
}

impl RegistryClient {
    /// Makes one with the time limits of 10 seconds for a connection and `answer` (default 30 seconds) for an answer.
    ///
    /// # Errors
    ///
    /// `INTERNAL` when TLS cannot be set up.
    pub fn new(answer: Option<Duration>) -> Result<Self, DeployError> {
        let builder = || {
            Client::builder()
                .connect_timeout(CONNECT_TIME)
                .timeout(answer.unwrap_or(ANSWER_TIME))
                .redirect(redirects())
                .user_agent(concat!("deploy-native/", env!("CARGO_PKG_VERSION")))
        };
        let failed =
            |error: reqwest::Error| DeployError::new(ErrorCode::Internal, "TLS cannot be set up").caused_by(&error);
        let outside = builder().build().map_err(failed)?;
        Ok(Self { outside, loopback: builder().no_proxy().build().map_err(failed)? })
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
        match self.ask(reference, login).await {
            Ok(resolution) | Err(resolution) => resolution,
        }
    }

    async fn ask(&self, reference: &ImageReference, login: Option<&RegistryLogin>) -> Result<Resolution, Resolution> {
        let url = manifest_url(reference)?;
        let client = if is_loopback(&url) { &self.loopback } else { &self.outside };
        let first = send(client.request(Method::HEAD, url.clone())).await?;
        let (answer, authorization) = if first.status() == StatusCode::UNAUTHORIZED {
            let authorization = self.authorize(&first, reference, login).await?;
            let again = with(client.request(Method::HEAD, url.clone()), Some(&authorization))?;
            (send(again).await?, Some(authorization))
        } else {
            (first, None)
        };
        if let Some(resolution) = from_head(&answer) {
            return Ok(resolution);
        }
        // Some registries do not know HEAD, or do not say the digest; then it is worked out.
        let answer = send(with(client.get(url), authorization.as_ref())?).await?;
        match from_head(&answer) {
            Some(resolution) => Ok(resolution),
            None if answer.status().is_success() => Ok(Resolution::Digest(digest_of(&body(answer).await?))),
            None => Err(unreachable(format!("it answered {}", answer.status()))),
        }
    }

    /// Works out what the registry wants to see.
    async fn authorize(
        &self,
        answer: &Response,
        reference: &ImageReference,
        login: Option<&RegistryLogin>,
    ) -> Result<Secret, Resolution> {
        let headers = answer.headers().get_all(WWW_AUTHENTICATE);
        let offers: Vec<Challenge> =
            headers.iter().filter_map(|value| value.to_str().ok()).flat_map(challenge::parse).collect();
        if let Some(bearer) = offers.iter().find(|offer| offer.scheme == "bearer") {
            return self.token(bearer, reference, login).await;
        }
        match (offers.iter().any(|offer| offer.scheme == "basic"), login) {
            (true, Some(login)) => Ok(Secret::new(format!("Basic {}", login.basic().expose()))),
            (true, None) => Err(refused("it wants a login")),
            (false, _) => Err(refused("it offers no way to log in that we know")),
        }
    }

    /// Fetches a token from where the registry says.
    async fn token(
        &self,
        offer: &Challenge,
        reference: &ImageReference,
        login: Option<&RegistryLogin>,
    ) -> Result<Secret, Resolution> {
        let realm = offer.parameters.get("realm").and_then(|realm| Url::parse(realm).ok());
        let safe = |url: &Url| url.scheme() == "https" || (url.scheme() == "http" && is_loopback(url));
        let realm = realm.filter(safe).ok_or_else(|| refused("it names no token server that is safe to ask"))?;
        let client = if is_loopback(&realm) { &self.loopback } else { &self.outside };
        let scope = format!("repository:{}:pull", reference.repository());
        let scope = offer.parameters.get("scope").unwrap_or(&scope);
        let mut request = client.get(realm).query(&[("scope", scope)]);
        if let Some(service) = offer.parameters.get("service") {
            request = request.query(&[("service", service)]);
        }
        if let Some(login) = login {
            request = request.basic_auth(&login.username, Some(login.password.expose()));
        }
        let answer = send(request).await?;
        match answer.status() {
            status if status.is_success() => {}
            status @ (StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN | StatusCode::BAD_REQUEST) => {
                return Err(refused(&format!("its token server answered {status}")));
            }
            status => return Err(unreachable(format!("its token server answered {status}"))),
        }
        let token: Option<Token> = serde_json::from_slice(&body(answer).await?).ok();
        let token = token.and_then(|token| token.token.or(token.access_token));
        let token = token.ok_or_else(|| unreachable("its token server sent no token".to_owned()))?;
        Ok(Secret::new(format!("Bearer {}", token.expose())))
    }
}

/// What a token server answers; both names are in use.
#[derive(Deserialize)]
struct Token {
    token: Option<Secret>,
    access_token: Option<Secret>,
}

/// Follows a few, never from TLS to plain text. The HTTP client takes the login off when the host changes.
fn redirects() -> Policy {
    Policy::custom(|attempt| {
        let downgrade =
            attempt.url().scheme() != "https" && attempt.previous().iter().any(|url| url.scheme() == "https");
        if attempt.previous().len() > REDIRECTS || downgrade { attempt.stop() } else { attempt.follow() }
    })
}

fn manifest_url(reference: &ImageReference) -> Result<Url, Resolution> {
    let registry = reference.registry();
    let host = if same_registry(registry, "docker.io") { "registry-1.docker.io" } else { registry };
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    let scheme = if is_loopback_name(name) || is_loopback_name(host) { "http" } else { "https" };
    let tag = reference.tag().unwrap_or("latest");
    let text = format!("{scheme}://{host}/v2/{}/manifests/{tag}", reference.repository());
    Url::parse(&text).map_err(|error| unreachable(error.to_string()))
}

fn is_loopback(url: &Url) -> bool {
    url.host_str().is_some_and(is_loopback_name)
}

fn is_loopback_name(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    host == "localhost" || address.is_ok_and(|address| address.is_loopback())
}

/// Whether two names stand for one registry; the default one has several.
fn same_registry(one: &str, other: &str) -> bool {
    let default = |name: &str| matches!(name, "docker.io" | "index.docker.io" | "registry-1.docker.io");
    one.eq_ignore_ascii_case(other) || (default(one) && default(other))
}

fn with(request: RequestBuilder, authorization: Option<&Secret>) -> Result<RequestBuilder, Resolution> {
    let Some(authorization) = authorization else { return Ok(request) };
    let value = HeaderValue::from_str(authorization.expose());
    let mut value = value.map_err(|_| unreachable("its token server sent a token that is none".to_owned()))?;
    value.set_sensitive(true);
    Ok(request.header(AUTHORIZATION, value))
}

async fn send(request: RequestBuilder) -> Result<Response, Resolution> {
    request.header(ACCEPT, MANIFESTS).send().await.map_err(describe)
}

/// What an answer says by its status and headers alone; `None` when there is more to ask.
fn from_head(answer: &Response) -> Option<Resolution> {
    match answer.status() {
        status if status.is_success() => {
            let digest = answer.headers().get(DIGEST_HEADER)?.to_str().ok()?;
            is_digest(digest).then(|| Resolution::Digest(digest.to_owned()))
        }
        StatusCode::NOT_FOUND => Some(Resolution::NotFound),
        status @ (StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) => Some(refused(&format!("it answered {status}"))),
        StatusCode::TOO_MANY_REQUESTS => Some(unreachable("it has had too many questions from here".to_owned())),
        _ => None,
    }
}

async fn body(mut answer: Response) -> Result<Vec<u8>, Resolution> {
    let mut bytes = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(describe)? {
        bytes.extend_from_slice(&chunk);
        if bytes.len() > LARGEST_ANSWER {
            return Err(unreachable("its answer is too large".to_owned()));
        }
    }
    Ok(bytes)
}

fn digest_of(manifest: &[u8]) -> String {
    format!("sha256:{:x}", Sha256::digest(manifest))
}

fn refused(reason: &str) -> Resolution {
    Resolution::Refused { reason: reason.to_owned() }
}

fn unreachable(reason: String) -> Resolution {
    Resolution::Unreachable { reason }
}

/// Says what happened without the URL, whose query belongs to the token server.
fn describe(error: reqwest::Error) -> Resolution {
    let error = error.without_url();
    let mut text = error.to_string();
    let mut source = std::error::Error::source(&error);
    while let Some(cause) = source {
        // Writing to a `String` cannot fail.
        let _ = write!(text, ": {cause}");
        source = cause.source();
    }
    unreachable(text)
}
