//! Speaking to a registry: its connections, and what it wants to see before it answers.

use super::challenge::{self, Challenge};
use crate::DeployError;
use crate::http::{Explanation, HttpSettings, Lasting};
use crate::image::login::RegistryLogin;
use crate::image::reference::ImageReference;
use crate::secrets::Secret;
use crate::trace;
use reqwest::header::{ACCEPT, AUTHORIZATION, HeaderValue, WWW_AUTHENTICATE};
use reqwest::redirect::Policy;
use reqwest::{Client, Method, RequestBuilder, Response, StatusCode, Url};
use serde::Deserialize;
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

/// Why a registry did not answer what it was asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Silence {
    /// It refuses us.
    Refused(String),
    /// It cannot be reached for a reason that lasts: what happened, and what to do.
    Misconfigured(String, Lasting),
    /// It did not answer, or not in a way that says anything.
    Unreachable(String),
}

/// The connections to registries, and to the token servers that they name.
///
/// Registries on this machine are spoken to without TLS, others never.
#[derive(Debug, Clone)]
pub(super) struct Connections {
    client: Client,
    http: HttpSettings,
}

impl Connections {
    pub(super) fn new(answer: Option<Duration>, http: HttpSettings) -> Result<Self, DeployError> {
        let timeout = answer.unwrap_or(ANSWER_TIME);
        let client =
            http.client(|builder| builder.connect_timeout(CONNECT_TIME).timeout(timeout).redirect(redirects()))?;
        Ok(Self { client, http })
    }

    /// Asks once.
    pub(super) async fn ask(
        &self,
        method: Method,
        url: &Url,
        authorization: Option<&Secret>,
    ) -> Result<Response, Silence> {
        let mut request = self.client.request(method.clone(), url.clone());
        if let Some(authorization) = authorization {
            let value = HeaderValue::from_str(authorization.expose());
            let mut value = value.map_err(|_| unreachable("its token server sent a token that is none"))?;
            value.set_sensitive(true);
            request = request.header(AUTHORIZATION, value);
        }
        self.send(&method, request, url).await
    }

    /// Works out what the registry wants to see, from what it `offers`; where it offers nothing, from what it offers at the
    /// root of its protocol, as Docker does.
    ///
    /// Some say nothing there either and take a login all the same: it is shown as it is.
    pub(super) async fn authorize(
        &self,
        registry: &str,
        answer: &Response,
        scope: &str,
        login: Option<&RegistryLogin>,
    ) -> Result<Secret, Silence> {
        let mut offers = offers(answer);
        if offers.is_empty() {
            offers = self::offers(&self.ask(Method::GET, &root_url(registry)?, None).await?);
        }
        if let Some(bearer) = offers.iter().find(|offer| offer.scheme == "bearer") {
            return self.token(&root_url(registry)?, bearer, scope, login).await;
        }
        match login {
            Some(login) if offers.is_empty() || offers.iter().any(|offer| offer.scheme == "basic") => {
                Ok(Secret::new(format!("Basic {}", login.basic().expose())))
            }
            None if offers.iter().any(|offer| offer.scheme == "basic") => Err(refused("it wants a login")),
            _ => Err(refused("it offers no way to log in that we know")),
        }
    }

    /// Fetches a token from where the registry at `root` says.
    async fn token(
        &self,
        root: &Url,
        offer: &Challenge,
        scope: &str,
        login: Option<&RegistryLogin>,
    ) -> Result<Secret, Silence> {
        let realm = offer.parameters.get("realm").and_then(|realm| root.join(realm).ok());
        let safe = |url: &Url| url.scheme() == "https" || (url.scheme() == "http" && is_loopback(url));
        let realm = realm.filter(safe).ok_or_else(|| refused("it names no token server that is safe to ask"))?;
        let mut request = self.client.get(realm.clone()).query(&[("scope", scope)]);
        if let Some(service) = offer.parameters.get("service") {
            request = request.query(&[("service", service)]);
        }
        if let Some(login) = login {
            request = request.basic_auth(&login.username, Some(login.password.expose()));
        }
        let answer = self.send(&Method::GET, request, &realm).await?;
        match answer.status() {
            status if status.is_success() => {}
            status @ (StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN | StatusCode::BAD_REQUEST) => {
                return Err(refused(&format!("its token server answered {status}")));
            }
            status => return Err(unreachable(&format!("its token server answered {status}"))),
        }
        let token: Option<Token> = serde_json::from_slice(&body(answer).await?).ok();
        let token = token.and_then(|token| token.token.or(token.access_token));
        let token = token.ok_or_else(|| unreachable("its token server sent no token"))?;
        Ok(Secret::new(format!("Bearer {}", token.expose())))
    }

    async fn send(&self, method: &Method, request: RequestBuilder, url: &Url) -> Result<Response, Silence> {
        let failed = |error: reqwest::Error| {
            // The query belongs to the token server.
            let Explanation { message, lasting } = self.http.explain(&error.without_url(), url);
            match lasting {
                Some(lasting) => Silence::Misconfigured(message, lasting),
                None => Silence::Unreachable(message),
            }
        };
        let span = trace::request("registry", method.as_str(), url.path());
        let sent = async {
            let answer = request.header(ACCEPT, MANIFESTS).send().await?;
            trace::answered(answer.status().as_u16());
            Ok(answer)
        };
        trace::timed(span, sent).await.map_err(failed)
    }
}

/// What a token server answers; both names are in use.
#[derive(Deserialize)]
struct Token {
    token: Option<Secret>,
    access_token: Option<Secret>,
}

/// The ways of authenticating that an answer offers.
pub(super) fn offers(answer: &Response) -> Vec<Challenge> {
    let headers = answer.headers().get_all(WWW_AUTHENTICATE);
    headers.iter().filter_map(|value| value.to_str().ok()).flat_map(challenge::parse).collect()
}

/// Follows a few, never from TLS to plain text. The HTTP client takes the login off when the host changes.
fn redirects() -> Policy {
    Policy::custom(|attempt| {
        let downgrade =
            attempt.url().scheme() != "https" && attempt.previous().iter().any(|url| url.scheme() == "https");
        if attempt.previous().len() > REDIRECTS || downgrade { attempt.stop() } else { attempt.follow() }
    })
}

/// The root of a registry's protocol, which says how to log in.
pub(super) fn root_url(registry: &str) -> Result<Url, Silence> {
    let host = if same_registry(registry, "docker.io") { "registry-1.docker.io" } else { registry };
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    let scheme = if is_loopback_name(name) || is_loopback_name(host) { "http" } else { "https" };
    Url::parse(&format!("{scheme}://{host}/v2/")).map_err(|error| unreachable(&error.to_string()))
}

/// Where the manifest of an image is.
pub(super) fn manifest_url(reference: &ImageReference) -> Result<Url, Silence> {
    let tag = reference.tag().unwrap_or("latest");
    let path = format!("{}/manifests/{tag}", reference.repository());
    root_url(reference.registry())?.join(&path).map_err(|error| unreachable(&error.to_string()))
}

fn is_loopback(url: &Url) -> bool {
    url.host_str().is_some_and(is_loopback_name)
}

fn is_loopback_name(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    host == "localhost" || address.is_ok_and(|address| address.is_loopback())
}

/// Whether two names stand for one registry; the default one has several.
pub(super) fn same_registry(one: &str, other: &str) -> bool {
    let default = |name: &str| matches!(name, "docker.io" | "index.docker.io" | "registry-1.docker.io");
    one.eq_ignore_ascii_case(other) || (default(one) && default(other))
}

/// Reads an answer whole.
pub(super) async fn body(mut answer: Response) -> Result<Vec<u8>, Silence> {
    let mut bytes = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(broken_off)? {
        bytes.extend_from_slice(&chunk);
        if bytes.len() > LARGEST_ANSWER {
            return Err(unreachable("its answer is too large"));
        }
    }
    Ok(bytes)
}

pub(super) fn refused(reason: &str) -> Silence {
    Silence::Refused(reason.to_owned())
}

pub(super) fn unreachable(reason: &str) -> Silence {
    Silence::Unreachable(reason.to_owned())
}

/// Says what happened without the URL, whose query belongs to the token server.
fn broken_off(error: reqwest::Error) -> Silence {
    Silence::Unreachable(format!("its answer broke off: {}", error.without_url()))
}
