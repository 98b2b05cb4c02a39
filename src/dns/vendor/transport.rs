//! How the vendors' APIs are called: limits, retries, and errors that never carry the token.

use crate::http::{Explanation, HttpSettings, Lasting};
use crate::secrets::{Redactor, Secret};
use crate::{DeployError, ErrorCode, trace};
use backon::{BackoffBuilder as _, ExponentialBuilder, Retryable as _};
use derive_setters::Setters;
use reqwest::header::{AUTHORIZATION, HeaderValue, RETRY_AFTER};
use reqwest::{Client, ClientBuilder, Method, RequestBuilder, Response, StatusCode, redirect};
use serde_json::Value;
use std::time::Duration;
use url::Url;

/// A larger answer is refused; a zone of ten thousand records takes about four mebibytes.
const LARGEST_BODY: usize = 16 << 20;

/// How much of a vendor's own words an error quotes, in characters.
const LONGEST_QUOTE: usize = 300;

/// How a vendor's API is reached.
#[derive(Debug, Clone, Setters)]
#[setters(strip_option)]
#[non_exhaustive]
pub struct VendorOptions {
    /// The API's address; default: the vendor's own.
    #[setters(into)]
    pub base_url: Option<String>,
    /// How long one request may take; default 30 s.
    pub timeout: Duration,
    /// How often a read or a repeatable write is tried again after 429, 5xx or a lost connection; default 4.
    pub retries: usize,
    /// The first pause between tries; it doubles each time, with jitter. Default 500 ms.
    pub first_pause: Duration,
    /// The longest pause between tries; a vendor that asks for a longer one is not waited for. Default 30 s.
    pub longest_pause: Duration,
    /// Through which proxy, and which certificates are trusted; a run's own come from its surroundings.
    pub http: HttpSettings,
}

impl Default for VendorOptions {
    fn default() -> Self {
        Self {
            base_url: None,
            timeout: Duration::from_secs(30),
            retries: 4,
            first_pause: Duration::from_millis(500),
            longest_pause: Duration::from_secs(30),
            http: HttpSettings::default(),
        }
    }
}

/// One vendor's API with a token.
pub(super) struct Transport {
    client: Client,
    base: Url,
    authorization: HeaderValue,
    redactor: Redactor,
    vendor: &'static str,
    options: VendorOptions,
}

/// One request.
pub(super) struct Call<'a> {
    pub(super) method: Method,
    /// The segments of the path below the base URL; each is encoded.
    pub(super) path: &'a [&'a str],
    pub(super) query: &'a [(&'a str, &'a str)],
    pub(super) body: Option<&'a Value>,
}

/// An answer: anything but 429, 5xx and a redirect.
#[derive(Debug)]
pub(super) struct Reply {
    pub(super) status: StatusCode,
    /// The JSON body; null when it is none.
    pub(super) body: Value,
}

/// Why a request got no [`Reply`].
enum Failure {
    Transport(reqwest::Error),
    Status { status: StatusCode, retry_after: Option<Duration>, words: String },
    Body(String),
}

impl Transport {
    /// Prepares calls to `default_url`, or to the address that the options give.
    ///
    /// # Errors
    ///
    /// `DNS_PROVIDER` when the address or the token cannot be used.
    pub(super) fn new(
        vendor: &'static str,
        default_url: &str,
        token: &Secret,
        options: VendorOptions,
    ) -> Result<Self, DeployError> {
        let refuse = |message: String| DeployError::new(ErrorCode::DnsProvider, message).resource(vendor);
        let address = options.base_url.as_deref().unwrap_or(default_url);
        let base = Url::parse(address).ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
        let base = base.ok_or_else(|| {
            refuse(format!("The address of the {vendor} API is not an http(s) URL: `{address}`"))
                .hint(format!("Correct `credentials.{vendor}.baseUrl`, or leave it out"))
        })?;
        let header = HeaderValue::from_str(&format!("Bearer {}", token.expose()));
        let mut authorization = header.ok().filter(|_| !token.expose().trim().is_empty()).ok_or_else(|| {
            refuse(format!("The {vendor} token is empty or has characters that no token has"))
                .hint(format!("Correct `credentials.{vendor}.token`"))
        })?;
        authorization.set_sensitive(true);
        let setup = |builder: ClientBuilder| builder.timeout(options.timeout).redirect(redirect::Policy::none());
        let client = options.http.client(setup)?;
        let redactor = Redactor::new();
        redactor.add(token);
        Ok(Self { client, base, authorization, redactor, vendor, options })
    }

    /// Sends a request whose repetition does no harm; tries again after 429, 5xx and lost connections.
    ///
    /// # Errors
    ///
    /// `DNS_PROVIDER`, retryable, when the tries are used up.
    pub(super) async fn send(&self, call: &Call<'_>) -> Result<Reply, DeployError> {
        let pauses = ExponentialBuilder::new()
            .with_jitter()
            .with_min_delay(self.options.first_pause)
            .with_max_delay(self.options.longest_pause)
            .with_max_times(self.options.retries);
        // backon's jitter adds up to one pause; the cap holds for the delay alone that the vendor asks for.
        let path = format!("/{}", call.path.join("/"));
        let span = || trace::request(self.vendor, call.method.as_str(), &path);
        (|| trace::timed(span(), self.attempt(call)))
            .retry(pauses.build())
            .when(|failure| self.may_pass(failure))
            .adjust(|failure, pause| match failure.requested_delay() {
                Some(delay) if delay > self.options.longest_pause => None,
                Some(delay) => pause.map(|pause| pause.max(delay)),
                None => pause,
            })
            .await
            .map_err(|failure| self.error(call, failure))
    }

    async fn attempt(&self, call: &Call<'_>) -> Result<Reply, Failure> {
        let mut response = self.request(call).send().await.map_err(Failure::Transport)?;
        let status = response.status();
        trace::answered(status.as_u16());
        let retry_after = retry_after(&response);
        let bytes = read(&mut response).await?;
        let body: Value = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
        if status == StatusCode::TOO_MANY_REQUESTS || status.is_server_error() || status.is_redirection() {
            let words = body.get("message").and_then(Value::as_str).map(str::to_owned);
            let words = words.or_else(|| Some(body.pointer("/errors/0/message")?.as_str()?.to_owned()));
            return Err(Failure::Status { status, retry_after, words: words.unwrap_or_default() });
        }
        if status.is_success() && body.is_null() {
            return Err(Failure::Body("is not JSON".to_owned()));
        }
        Ok(Reply { status, body })
    }

    fn request(&self, call: &Call<'_>) -> RequestBuilder {
        let mut url = self.base.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(call.path);
        }
        let request = self.client.request(call.method.clone(), url).header(AUTHORIZATION, self.authorization.clone());
        let request = if call.query.is_empty() { request } else { request.query(call.query) };
        if let Some(body) = call.body { request.json(body) } else { request }
    }

    fn error(&self, call: &Call<'_>, failure: Failure) -> DeployError {
        let operation = format!("{} /{}", call.method, call.path.join("/"));
        let vendor = self.vendor;
        let error = |message: String| DeployError::new(ErrorCode::DnsProvider, message).resource(vendor);
        match failure {
            Failure::Transport(cause) => self.lost(cause, &operation),
            Failure::Status { status, retry_after, words } if status == StatusCode::TOO_MANY_REQUESTS => {
                let delay = retry_after.map(|delay| format!("; it asks for a pause of {} s", delay.as_secs()));
                let words = self.quote(&words);
                error(format!(
                    "The {vendor} API refuses more requests for now (429){}: {operation}{words}",
                    delay.unwrap_or_default()
                ))
                .reason("rate-limit")
                .retryable(true)
                .hint("Try again later")
            }
            Failure::Status { status, words, .. } if status.is_redirection() => error(format!(
                "The {vendor} API answered with a redirect ({status}): {operation}{}",
                self.quote(&words)
            ))
            .hint(format!("Check `credentials.{vendor}.baseUrl`: a redirect is not followed, it could leak the token")),
            Failure::Status { status, words, .. } => {
                error(format!("The {vendor} API failed ({status}): {operation}{}", self.quote(&words)))
                    .reason("server")
                    .retryable(true)
                    .hint("Try again later")
            }
            Failure::Body(what) => error(format!("The answer of the {vendor} API {what}: {operation}"))
                .hint(format!("Check `credentials.{vendor}.baseUrl`")),
        }
    }

    /// The error of a request that got no response.
    fn lost(&self, cause: reqwest::Error, operation: &str) -> DeployError {
        let vendor = self.vendor;
        let cause = cause.without_url();
        let Explanation { message, lasting } = self.options.http.explain(&cause, &self.base);
        let error = |what: &str| {
            let text = format!("The {vendor} API {what}: {message}: {operation}");
            DeployError::new(ErrorCode::DnsProvider, text).resource(vendor).caused_by(&cause)
        };
        match lasting {
            Some(Lasting { reason, hint }) => error("cannot be reached").reason(reason).hint(hint),
            None => error(if cause.is_timeout() { "did not answer in time" } else { "could not be reached" })
                .reason("unreachable")
                .retryable(true)
                .hint("Check the connection, or try again later"),
        }
    }

    fn may_pass(&self, failure: &Failure) -> bool {
        match failure {
            Failure::Transport(error) => {
                !error.is_builder() && self.options.http.explain(error, &self.base).lasting.is_none()
            }
            Failure::Status { status, .. } => !status.is_redirection(),
            Failure::Body(_) => false,
        }
    }

    /// A vendor's words for an error message: short, and without the token; empty when it said nothing.
    pub(super) fn quote(&self, words: &str) -> String {
        let words: String = self.redactor.redact(words.trim()).chars().take(LONGEST_QUOTE).collect();
        if words.is_empty() { words } else { format!(": {words}") }
    }
}

impl Failure {
    fn requested_delay(&self) -> Option<Duration> {
        if let Self::Status { retry_after, .. } = self { *retry_after } else { None }
    }
}

/// The pause that a vendor asks for, in whole seconds; the form with a date is rare enough to be ignored.
fn retry_after(response: &Response) -> Option<Duration> {
    let seconds = response.headers().get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds))
}

async fn read(response: &mut Response) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(Failure::Transport)? {
        if bytes.len() + chunk.len() > LARGEST_BODY {
            return Err(Failure::Body(format!("is larger than {} MiB", LARGEST_BODY >> 20)));
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}
