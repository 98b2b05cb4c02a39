//! The parameter store of AWS Systems Manager.

use super::call::{AwsCall, AwsReply};
use super::client::AwsClient;
use super::failure::AwsError;
use super::options::AwsOptions;
use super::service::Service;
use crate::DeployError;
use crate::secrets::Secret;
use reqwest::Method;
use reqwest::header::{CONTENT_TYPE, HeaderName};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::time::Duration;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc2822;

/// The parameter store of a region.
pub(crate) struct Ssm(AwsClient);

/// A parameter as it is stored.
#[derive(Debug)]
pub(crate) struct Parameter {
    pub(crate) value: Secret,
    /// Counts its changes, from 1.
    pub(crate) version: u64,
    /// How long ago it was last changed, by the clock of the service.
    pub(crate) age: Duration,
}

/// What to do with a parameter that exists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum IfExists {
    /// It is a failure, `ParameterAlreadyExists`; the store sees to it that one of several wins.
    Refuse,
    /// It gets another version.
    Replace,
}

/// What to write.
pub(crate) struct Put<'a> {
    pub(crate) name: &'a str,
    pub(crate) value: &'a str,
    /// What it costs and holds.
    pub(crate) tier: &'static str,
    /// Whether it is encrypted.
    pub(crate) secure: bool,
    pub(crate) if_exists: IfExists,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Stored {
    value: Secret,
    version: u64,
    #[serde(default)]
    last_modified_date: f64,
}

impl Ssm {
    /// Prepares calls.
    ///
    /// # Errors
    ///
    /// `INVALID_REQUEST` when the address is none.
    pub(crate) fn new(options: &AwsOptions) -> Result<Self, DeployError> {
        Ok(Self(AwsClient::new(Service::Ssm, options)?))
    }

    /// Reads a parameter; `None` when there is none.
    pub(crate) async fn get(&self, name: &str) -> Result<Option<Parameter>, AwsError> {
        #[derive(Deserialize)]
        #[serde(rename_all = "PascalCase")]
        struct Answer {
            parameter: Stored,
        }
        let call = call("GetParameter", &json!({ "Name": name, "WithDecryption": true }));
        let reply = match self.0.send(&call).await {
            Err(error) if error.is("ParameterNotFound") => return Ok(None),
            reply => reply?,
        };
        let Answer { parameter } = parse(&reply, call.operation)?;
        let age = age(&reply, parameter.last_modified_date);
        Ok(Some(Parameter { value: parameter.value, version: parameter.version, age }))
    }

    /// Reads what a parameter was in an earlier version; `None` when the store has forgotten it.
    pub(crate) async fn get_version(&self, name: &str, version: u64) -> Result<Option<Secret>, AwsError> {
        let selected = format!("{name}:{version}");
        match self.get(&selected).await {
            Ok(found) => Ok(found.map(|parameter| parameter.value)),
            Err(error) if error.is("ParameterVersionNotFound") => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Writes a parameter; returns its new version. Is not repeated when its outcome is unknown.
    pub(crate) async fn put(&self, put: &Put<'_>) -> Result<u64, AwsError> {
        #[derive(Deserialize)]
        #[serde(rename_all = "PascalCase")]
        struct Answer {
            version: u64,
        }
        let body = json!({
            "Name": put.name,
            "Value": put.value,
            "Type": if put.secure { "SecureString" } else { "String" },
            "Tier": put.tier,
            "Overwrite": put.if_exists == IfExists::Replace,
        });
        let call = call("PutParameter", &body).once();
        let Answer { version } = parse(&self.0.send(&call).await?, call.operation)?;
        Ok(version)
    }

    /// Deletes a parameter; one that is gone is no failure.
    pub(crate) async fn delete(&self, name: &str) -> Result<(), AwsError> {
        match self.0.send(&call("DeleteParameter", &json!({ "Name": name }))).await {
            Err(error) if error.is("ParameterNotFound") => Ok(()),
            reply => reply.map(drop),
        }
    }
}

fn call(operation: &'static str, body: &Value) -> AwsCall {
    AwsCall::new(operation, Method::POST, "/")
        .header(CONTENT_TYPE, "application/x-amz-json-1.1")
        .header(HeaderName::from_static("x-amz-target"), format!("AmazonSSM.{operation}"))
        .body(body.to_string())
}

fn parse<T: DeserializeOwned>(reply: &AwsReply, operation: &'static str) -> Result<T, AwsError> {
    serde_json::from_slice(&reply.body).map_err(|_| AwsError::malformed(Service::Ssm, operation))
}

/// How long before the answer something was changed, both by the clock of the service.
fn age(reply: &AwsReply, changed: f64) -> Duration {
    let date =
        reply.header("date").and_then(|date| OffsetDateTime::parse(&date.replace("GMT", "+0000"), &Rfc2822).ok());
    let now = date.unwrap_or_else(OffsetDateTime::now_utc);
    #[expect(clippy::cast_precision_loss, reason = "seconds since 1970 are exact for the next million years")]
    let seconds = now.unix_timestamp() as f64 - changed;
    Duration::try_from_secs_f64(seconds).unwrap_or_default()
}
