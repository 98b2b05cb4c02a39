//! The files, requests and processes with which credentials are found, each with a limit of its own.

use super::options::AwsOptions;
use crate::http::HttpSettings;
use crate::trace;
use bytes::Bytes;
use reqsign_core::{CommandExecute, CommandOutput, Context, Error, FileRead, HttpSend, Result};
use reqwest::redirect;
use std::process::Stdio;
use std::time::Duration;
use tokio::process::Command;
use tokio::time::timeout;

/// How long a service that gives credentials may take; the machine's own one is not there on most machines.
const REQUEST_LIMIT: Duration = Duration::from_secs(10);
const CONNECT_LIMIT: Duration = Duration::from_secs(2);

/// How long a `credential_process` may take; it may ask a person.
const PROCESS_LIMIT: Duration = Duration::from_mins(1);

/// What `reqsign` works with.
pub(super) fn context(options: &AwsOptions) -> Context {
    let http = Http { sts: sts_address(options), settings: options.http.clone() };
    Context::new()
        .with_env(options.environment.clone())
        .with_file_read(Files)
        .with_http_send(http)
        .with_command_execute(Processes)
}

/// The address that takes the place of the token service's own.
fn sts_address(options: &AwsOptions) -> Option<String> {
    let variable = |name: &str| options.environment.variable(name);
    let given = options.base_url.clone();
    let address = given.or_else(|| variable("AWS_ENDPOINT_URL_STS")).or_else(|| variable("AWS_ENDPOINT_URL"));
    address.map(|address| address.trim_end_matches('/').to_owned())
}

#[derive(Debug)]
struct Files;

impl FileRead for Files {
    async fn file_read(&self, path: &str) -> Result<Vec<u8>> {
        tokio::fs::read(path).await.map_err(|error| Error::config_invalid(format!("{path}: {error}")))
    }
}

#[derive(Debug)]
struct Http {
    sts: Option<String>,
    settings: HttpSettings,
}

impl Http {
    /// Where a request goes to.
    fn address(&self, uri: &http::Uri) -> String {
        match (&self.sts, uri.host()) {
            (Some(sts), Some(host)) if host.starts_with("sts.") => {
                let rest = uri.path_and_query().map_or("/", http::uri::PathAndQuery::as_str);
                format!("{sts}{rest}")
            }
            _ => uri.to_string(),
        }
    }
}

impl HttpSend for Http {
    async fn http_send(&self, request: http::Request<Bytes>) -> Result<http::Response<Bytes>> {
        // Nothing of a request or an answer may stand in an error: both can hold credentials.
        let failed = |error: reqwest::Error| Error::unexpected(error.without_url().to_string());
        let client = self.settings.client(|builder| {
            builder.connect_timeout(CONNECT_LIMIT).timeout(REQUEST_LIMIT).redirect(redirect::Policy::none())
        });
        let client = client.map_err(|error| Error::config_invalid(error.message()))?;
        let (parts, body) = request.into_parts();
        let address = self.address(&parts.uri);
        // Its path can be a secret of the container's.
        let span = trace::request("aws-credentials", parts.method.as_str(), parts.uri.host().unwrap_or_default());
        let request = client.request(parts.method, address).headers(parts.headers).body(body);
        let sent = async {
            let answer = request.send().await?;
            trace::answered(answer.status().as_u16());
            Ok(answer)
        };
        let answer = trace::timed(span, sent).await.map_err(failed)?;
        let mut response = http::Response::new(Bytes::new());
        *response.status_mut() = answer.status();
        answer.headers().clone_into(response.headers_mut());
        *response.body_mut() = answer.bytes().await.map_err(failed)?;
        Ok(response)
    }
}

#[derive(Debug)]
struct Processes;

impl CommandExecute for Processes {
    async fn command_execute(&self, program: &str, arguments: &[&str]) -> Result<CommandOutput> {
        let mut command = Command::new(program);
        command.args(arguments).stdin(Stdio::null()).kill_on_drop(true);
        let output = match timeout(PROCESS_LIMIT, command.output()).await {
            Ok(output) => output.map_err(|error| Error::config_invalid(format!("{program}: {error}")))?,
            Err(_) => return Err(Error::unexpected(format!("{program} does not end"))),
        };
        let status = output.status.code().unwrap_or(-1);
        Ok(CommandOutput { status, stdout: output.stdout, stderr: output.stderr })
    }
}
