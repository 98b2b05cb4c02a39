//! Sends a call and receives its response: the one place that speaks HTTP.

use super::call::{Call, TimeoutClass};
use super::error::{ApiError, Failure};
use super::response;
use super::server_time::{ServerClock, ServerTime};
use crate::http::{Explanation, HttpSettings, Lasting};
use crate::secrets::{Redactor, Secret};
use crate::system::uptime;
use crate::{DeployError, ErrorCode, trace};
use backon::{ExponentialBuilder, Retryable as _};
use derive_setters::Setters;
use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderValue};
use reqwest::{Client, RequestBuilder, Response, Url, redirect};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::Semaphore;

/// The timeouts, retries and limits of a client.
#[derive(Debug, Clone, Setters)]
#[non_exhaustive]
pub struct ClientSettings {
    /// For a connection, TLS included; default 10 s.
    pub connect_timeout: Duration,
    /// For a read, response included; default 30 s.
    pub read_timeout: Duration,
    /// For a change that the server makes at once; default 60 s.
    pub write_timeout: Duration,
    /// For a change during which the server may pull an image; default 10 min.
    pub long_timeout: Duration,
    /// How often a read, and a change that may safely be sent twice, is retried after a transient failure; default 4.
    pub retries: usize,
    /// The pause before the first retry, doubled each time; default 250 ms, with jitter.
    pub retry_delay: Duration,
    /// No retry begins after this time; default 60 s.
    pub retry_budget: Duration,
    /// The longest response that is read, in bytes; default 16 MiB.
    pub response_limit: usize,
    /// How many requests may be in flight at a time; default 32.
    pub side_by_side: usize,
    /// Through which proxy, and which certificates are trusted; a run's own come from its surroundings.
    pub http: HttpSettings,
}

impl Default for ClientSettings {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(10),
            read_timeout: Duration::from_secs(30),
            write_timeout: Duration::from_mins(1),
            long_timeout: Duration::from_mins(10),
            retries: 4,
            retry_delay: Duration::from_millis(250),
            retry_budget: Duration::from_mins(1),
            response_limit: 16 * 1024 * 1024,
            side_by_side: 32,
            http: HttpSettings::default(),
        }
    }
}

/// The longest pause between two attempts.
const LONGEST_RETRY_DELAY: Duration = Duration::from_secs(5);

/// Node's HTTP server drops a connection after 5 s of silence; a request sent at that moment would be lost.
const IDLE_CONNECTION: Duration = Duration::from_secs(3);

/// What an empty response is read as.
const EMPTY: &[u8] = b"null";

/// A connection pool to one server, with its key.
#[derive(Debug)]
pub(in crate::dokploy) struct Transport {
    http: Client,
    permits: Semaphore,
    base: Url,
    origin: Arc<str>,
    settings: ClientSettings,
    redactor: Arc<Redactor>,
    clock: ServerClock,
}

impl Transport {
    pub(in crate::dokploy) fn new(
        endpoint: &str,
        token: &Secret,
        settings: ClientSettings,
        redactor: Arc<Redactor>,
    ) -> Result<Self, DeployError> {
        let base = base_url(endpoint)?;
        redactor.add(token);
        let headers = headers(token)?;
        let http = settings.http.client(|builder| {
            builder
                .default_headers(headers)
                .redirect(redirect::Policy::none())
                .connect_timeout(settings.connect_timeout)
                .pool_idle_timeout(IDLE_CONNECTION)
        })?;
        let permits = Semaphore::new(settings.side_by_side.max(1));
        let origin = base.origin().ascii_serialization().into();
        Ok(Self { http, permits, base, origin, settings, redactor, clock: ServerClock::default() })
    }

    pub(in crate::dokploy) fn origin(&self) -> &str {
        &self.origin
    }

    pub(in crate::dokploy) fn host(&self) -> &str {
        self.base.host_str().unwrap_or_default()
    }

    pub(in crate::dokploy) fn redact(&self, text: &str) -> String {
        self.redactor.redact(text)
    }

    /// What the newest response told of the server's clock.
    pub(in crate::dokploy) fn server_time(&self) -> Option<ServerTime> {
        self.clock.newest()
    }

    /// Sends a query and decodes its response.
    pub(in crate::dokploy) async fn get<T: DeserializeOwned>(
        &self,
        call: &'static Call,
        query: &[(&'static str, &str)],
    ) -> Result<T, ApiError> {
        debug_assert!(call.carries(&query.iter().map(|(field, _)| *field)), "{} carries other fields", call.name);
        let request = self.http.get(self.url(call)).query(query);
        let bytes = self.send(call, request, &Value::Null).await?;
        response::decode(&bytes).map_err(|failure| self.failed(call, failure))
    }

    /// Sends a mutation and decodes its response.
    pub(in crate::dokploy) async fn post<T: DeserializeOwned>(
        &self,
        call: &'static Call,
        body: &impl Serialize,
    ) -> Result<T, ApiError> {
        let unwritable = |error: &dyn std::fmt::Display| {
            self.failed(
                call,
                Failure::Unreachable { sent: false, reason: format!("the request cannot be written: {error}") },
            )
        };
        let body = serde_json::to_value(body).map_err(|error| unwritable(&error))?;
        debug_assert!(
            body.as_object().is_some_and(|fields| call.carries(&fields.keys().map(String::as_str))),
            "{} carries other fields",
            call.name
        );
        let text = body.to_string();
        let request = self.http.post(self.url(call)).header(CONTENT_TYPE, "application/json").body(text);
        let bytes = self.send(call, request, &body).await?;
        response::decode(&bytes).map_err(|failure| self.failed(call, failure))
    }

    /// Sends a mutation and ignores what its response holds: `true`, nothing at all, or a record.
    pub(in crate::dokploy) async fn post_ignoring_response(
        &self,
        call: &'static Call,
        body: &impl Serialize,
    ) -> Result<(), ApiError> {
        self.post::<serde::de::IgnoredAny>(call, body).await.map(|_| ())
    }

    fn url(&self, call: &Call) -> Url {
        let mut url = self.base.clone();
        let path = format!("{}/{}", self.base.path().trim_end_matches('/'), call.name);
        url.set_path(&path);
        url
    }

    /// Sends the request, with retries where they are safe, and returns the body of a successful response.
    async fn send(&self, call: &'static Call, request: RequestBuilder, body: &Value) -> Result<Vec<u8>, ApiError> {
        let attempt = || async {
            let Some(request) = request.try_clone() else {
                let reason = "the request cannot be repeated".to_owned();
                return Err(self.failed(call, Failure::Unreachable { sent: false, reason }));
            };
            let span = trace::request("dokploy", call.method.as_str(), call.name);
            trace::timed(span, self.once(call, request, body)).await
        };
        self.repeat(attempt, ApiError::is_retryable).await
    }

    /// Makes attempts while `is_retryable` says so of their failure, with exponential backoff and jitter, until the number of
    /// retries or the budget is used up.
    pub(in crate::dokploy) async fn repeat<T, Sent>(
        &self,
        attempt: impl Fn() -> Sent,
        is_retryable: impl Fn(&ApiError) -> bool,
    ) -> Result<T, ApiError>
    where
        Sent: Future<Output = Result<T, ApiError>>,
    {
        let started = Instant::now();
        let pauses = ExponentialBuilder::default()
            .with_min_delay(self.settings.retry_delay)
            .with_max_delay(LONGEST_RETRY_DELAY)
            .with_max_times(self.settings.retries)
            .with_jitter();
        let in_time = || started.elapsed() < self.settings.retry_budget;
        attempt.retry(pauses).when(|error: &ApiError| is_retryable(error) && in_time()).await
    }

    async fn once(&self, call: &'static Call, request: RequestBuilder, body: &Value) -> Result<Vec<u8>, ApiError> {
        let timeout = self.timeout(call.timeout_class);
        let fail = |failure| self.failed(call, failure);
        // Nobody closes the semaphore. The timeout begins when the request is sent.
        let _permit = self.permits.acquire().await.ok();
        let sent = uptime();
        let response =
            request.timeout(timeout).send().await.map_err(|error| fail(self.connection_failure(error, timeout)))?;
        let status = response.status().as_u16();
        trace::answered(status);
        let header = |name: &str| response.headers().get(name).and_then(|value| value.to_str().ok());
        if let Some(date) = header("date") {
            self.clock.learn(date, sent, uptime());
        }
        let location = header("location").map(str::to_owned);
        let bytes = self.read(response, timeout).await.map_err(fail)?;
        if (200..300).contains(&status) {
            return Ok(if bytes.is_empty() { EMPTY.to_vec() } else { bytes });
        }
        let redact = |text: &str| self.redactor.redact(&response::without_request_secrets(text, body));
        if (300..400).contains(&status) {
            let location = response::location(&self.base, location.as_deref());
            return Err(fail(Failure::Redirect { status, location: redact(&location) }));
        }
        Err(fail(response::failure(status, &bytes, &redact)))
    }

    async fn read(&self, mut response: Response, timeout: Duration) -> Result<Vec<u8>, Failure> {
        let limit = self.settings.response_limit;
        let mut bytes = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| self.connection_failure(error, timeout))? {
            if bytes.len() + chunk.len() > limit {
                return Err(Failure::TooLarge { limit });
            }
            bytes.extend_from_slice(&chunk);
        }
        Ok(bytes)
    }

    /// Why there is no response.
    fn connection_failure(&self, error: reqwest::Error, timeout: Duration) -> Failure {
        // The URL of a reqwest error carries the query.
        let error = error.without_url();
        if error.is_timeout() && !error.is_connect() {
            return Failure::Timeout { after: timeout };
        }
        let Explanation { message, lasting } = self.settings.http.explain(&error, &self.base);
        if let Some(Lasting { reason, hint }) = lasting {
            return Failure::Misconfigured { reason, message, hint };
        }
        let sent = !error.is_connect() && !error.is_builder();
        let what = if sent { "the connection broke" } else { "the server cannot be reached" };
        Failure::Unreachable { sent, reason: format!("{what}: {message}") }
    }

    fn failed(&self, call: &Call, failure: Failure) -> ApiError {
        ApiError::new(call, &self.origin, failure)
    }

    fn timeout(&self, timeout_class: TimeoutClass) -> Duration {
        match timeout_class {
            TimeoutClass::Read => self.settings.read_timeout,
            TimeoutClass::Write => self.settings.write_timeout,
            TimeoutClass::Long => self.settings.long_timeout,
        }
    }
}

/// The address below which the endpoints lie, for instance `https://dokploy.example.com/api`.
fn base_url(endpoint: &str) -> Result<Url, DeployError> {
    let refuse = |why: &str| {
        DeployError::new(ErrorCode::InvalidRequest, format!("credentials.dokploy.endpoint: {why}"))
            .hint("Give the address at which a browser opens Dokploy, for instance https://dokploy.example.com")
    };
    let mut url = Url::parse(endpoint.trim()).map_err(|_| refuse("expected an http:// or https:// address"))?;
    if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none_or(str::is_empty) {
        return Err(refuse("expected an http:// or https:// address"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(refuse("must not carry a user name or a password"));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(refuse("must not carry a query or a fragment"));
    }
    let path = url.path().trim_end_matches('/');
    let prefix = path.strip_suffix("/api").unwrap_or(path);
    let path = format!("{prefix}/api");
    url.set_path(&path);
    Ok(url)
}

fn headers(token: &Secret) -> Result<HeaderMap, DeployError> {
    let refuse = |why: &str| DeployError::new(ErrorCode::InvalidRequest, format!("credentials.dokploy.token: {why}"));
    if token.expose().is_empty() {
        return Err(refuse("is empty"));
    }
    let mut key = HeaderValue::from_str(token.expose())
        .map_err(|_| refuse("has a character that no API key has, for instance a line break"))?;
    key.set_sensitive(true);
    let mut headers = HeaderMap::new();
    headers.insert("x-api-key", key);
    headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
    Ok(headers)
}
