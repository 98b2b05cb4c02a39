//! The client of one service: signed requests, tried again where that does no harm.

use super::call::{AwsCall, AwsReply, Repeat};
use super::credentials::signer;
use super::failure::{AwsError, Kind};
use super::options::AwsOptions;
use super::service::Service;
use crate::{DeployError, ErrorCode, trace};
use backon::{BackoffBuilder as _, ExponentialBuilder, Retryable as _};
use bytes::Bytes;
use reqsign_aws_v4::Credential;
use reqsign_core::Signer;
use reqwest::header::HeaderValue;
use reqwest::{Client, Response, redirect};
use sha2::{Digest as _, Sha256};
use std::fmt::Write as _;
use std::time::Duration;
use url::Url;

/// A larger answer is refused: a page of anything that we list is much smaller.
const LARGEST_BODY: usize = 16 << 20;

/// The header with the hash of the body, which is signed.
const CONTENT_HASH: &str = "x-amz-content-sha256";

/// A service of AWS, or what speaks its protocol.
pub(crate) struct AwsClient {
    http: Client,
    signer: Signer<Credential>,
    service: Service,
    base: Url,
    retries: usize,
    first_pause: Duration,
    longest_pause: Duration,
}

impl AwsClient {
    /// Prepares calls to a service.
    ///
    /// # Errors
    ///
    /// `INVALID_REQUEST` when its address is none.
    pub(crate) fn new(service: Service, options: &AwsOptions) -> Result<Self, DeployError> {
        let base = address(service, options)?;
        let region = service.signing_region(&options.region_or_default());
        let http = options.http.client(|builder| {
            builder
                .timeout(options.timeout)
                .redirect(redirect::Policy::none())
                .user_agent(concat!("deploy-native/", env!("CARGO_PKG_VERSION")))
        })?;
        let AwsOptions { retries, first_pause, longest_pause, .. } = *options;
        let signer = signer(service.name(), &region, options);
        Ok(Self { http, signer, service, base, retries, first_pause, longest_pause })
    }

    /// Takes another host for the same service, as S3 has one for each bucket.
    pub(crate) fn at(mut self, base: Url) -> Self {
        self.base = base;
        self
    }

    /// Where it is.
    pub(crate) fn base(&self) -> &Url {
        &self.base
    }

    /// Sends a request; tries again what was throttled, and what may be repeated and was lost.
    pub(crate) async fn send(&self, call: &AwsCall) -> Result<AwsReply, AwsError> {
        let pauses = ExponentialBuilder::new()
            .with_jitter()
            .with_min_delay(self.first_pause)
            .with_max_delay(self.longest_pause)
            .with_max_times(self.retries);
        let may_pass = |error: &AwsError| match error.kind {
            Kind::Throttled => true,
            Kind::Unavailable => call.repeat == Repeat::Always || !error.uncertain,
            Kind::Credentials | Kind::Refused => false,
        };
        let span = || trace::request(self.service.name(), call.method.as_str(), call.operation);
        (|| trace::timed(span(), self.attempt(call))).retry(pauses.build()).when(may_pass).await
    }

    async fn attempt(&self, call: &AwsCall) -> Result<AwsReply, AwsError> {
        let unsent = |kind: Kind, message: String| AwsError::unsent(self.service, call.operation, kind, message);
        let mut parts = self.head(call).map_err(|error| unsent(Kind::Refused, error.to_string()))?;
        let signed = self.signer.sign(&mut parts, None).await;
        signed.map_err(|error| unsent(Kind::Credentials, error.to_string()))?;
        let request = reqwest::Request::try_from(http::Request::from_parts(parts, call.body.clone()))
            .map_err(|error| unsent(Kind::Refused, error.without_url().to_string()))?;
        let lost = |error: reqwest::Error| {
            let connecting = error.is_connect();
            let what = if error.is_timeout() { "it did not answer in time" } else { "it cannot be reached" };
            let mut failure = unsent(Kind::Unavailable, format!("{what} ({})", self.base));
            failure.uncertain = !connecting;
            failure
        };
        let mut response = self.http.execute(request).await.map_err(lost)?;
        let status = response.status();
        trace::answered(status.as_u16());
        let headers = response.headers().clone();
        let body = read(&mut response).await.map_err(|fault| unsent(Kind::Unavailable, fault))?;
        if status.is_success() {
            return Ok(AwsReply { headers, body });
        }
        let mut error = AwsError::answered(self.service, call.operation, status, &body);
        if status.is_redirection() {
            let region = headers.get("x-amz-bucket-region").and_then(|value| value.to_str().ok());
            error.message = match region {
                Some(region) => format!("the bucket is in the region {region}"),
                None => "it answers with a redirect, which is not followed".to_owned(),
            };
        }
        Err(error)
    }

    /// A request without its body and its signature.
    fn head(&self, call: &AwsCall) -> Result<http::request::Parts, http::Error> {
        let mut address = self.base.as_str().trim_end_matches('/').to_owned();
        address.push_str(&call.path);
        for (index, (name, value)) in call.query.iter().enumerate() {
            let separator = if index == 0 { '?' } else { '&' };
            // Writing to a string cannot fail.
            let _ = write!(address, "{separator}{name}={}", encode(value, false));
        }
        let mut request = http::Request::builder().method(call.method.clone()).uri(address);
        for (name, value) in &call.headers {
            request = request.header(name, value);
        }
        let request = request.header(CONTENT_HASH, HeaderValue::from_str(&hash(&call.body))?);
        Ok(request.body(())?.into_parts().0)
    }
}

/// Where a service is.
fn address(service: Service, options: &AwsOptions) -> Result<Url, DeployError> {
    let variable = |name: &str| options.environment.variable(name);
    let given = options.base_url.clone();
    let given = given.or_else(|| variable(service.endpoint_variable())).or_else(|| variable("AWS_ENDPOINT_URL"));
    let address = given.unwrap_or_else(|| service.address(&options.region_or_default()));
    let url = Url::parse(&address).ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    url.ok_or_else(|| {
        let message = format!("The address of {} is not an http(s) URL: `{address}`", service.title());
        DeployError::new(ErrorCode::InvalidRequest, message)
            .hint("Correct the endpoint, `credentials.aws.baseUrl` or AWS_ENDPOINT_URL")
    })
}

/// Encodes as AWS wants it: everything but letters, digits and `-._~`, and the slash of a path.
pub(super) fn encode(text: &str, path: bool) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => encoded.push(char::from(byte)),
            b'/' if path => encoded.push('/'),
            // Writing to a string cannot fail.
            _ => drop(write!(encoded, "%{byte:02X}")),
        }
    }
    encoded
}

fn hash(body: &[u8]) -> String {
    hex::encode(Sha256::digest(body))
}

async fn read(response: &mut Response) -> Result<Bytes, String> {
    let mut bytes = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| error.without_url().to_string())? {
        if bytes.len() + chunk.len() > LARGEST_BODY {
            return Err(format!("its answer is larger than {} MiB", LARGEST_BODY >> 20));
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes.into())
}
