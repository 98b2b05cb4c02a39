//! Users of AWS IAM, their rights and their access keys.

use super::call::AwsCall;
use super::client::{AwsClient, encode};
use super::failure::AwsError;
use super::options::AwsOptions;
use super::service::Service;
use crate::DeployError;
use crate::secrets::Secret;
use quick_xml::de::from_str;
use reqwest::Method;
use reqwest::header::CONTENT_TYPE;
use serde::Deserialize;
use std::fmt::Write as _;

/// The version of the API.
const VERSION: &str = "2010-05-08";

/// The users of an account.
pub(crate) struct Iam(AwsClient);

/// An access key that was made just now.
#[derive(Debug)]
pub(crate) struct NewKey {
    pub(crate) access_key_id: String,
    pub(crate) secret_access_key: Secret,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Key {
    access_key_id: String,
}

#[derive(Debug, Default, Deserialize)]
struct Keys {
    #[serde(default)]
    member: Vec<Key>,
}

impl Iam {
    /// Prepares calls.
    ///
    /// # Errors
    ///
    /// `INVALID_REQUEST` when the address is none.
    pub(crate) fn new(options: &AwsOptions) -> Result<Self, DeployError> {
        Ok(Self(AwsClient::new(Service::Iam, options)?))
    }

    /// Makes a user; one that exists is no failure.
    pub(crate) async fn create_user(&self, user: &str) -> Result<(), AwsError> {
        match self.0.send(&call("CreateUser", &[("UserName", user)])).await {
            Err(error) if error.is("EntityAlreadyExists") => Ok(()),
            reply => reply.map(drop),
        }
    }

    /// Gives a user rights, in place of those of the same name.
    pub(crate) async fn put_policy(&self, user: &str, name: &str, document: &str) -> Result<(), AwsError> {
        let fields = [("UserName", user), ("PolicyName", name), ("PolicyDocument", document)];
        self.0.send(&call("PutUserPolicy", &fields)).await.map(drop)
    }

    /// Makes an access key; nobody can read its secret again. Is not repeated when its outcome is unknown.
    pub(crate) async fn create_key(&self, user: &str) -> Result<NewKey, AwsError> {
        #[derive(Deserialize)]
        #[serde(rename_all = "PascalCase")]
        struct Answer {
            create_access_key_result: Made,
        }
        #[derive(Deserialize)]
        #[serde(rename_all = "PascalCase")]
        struct Made {
            access_key: Pair,
        }
        #[derive(Deserialize)]
        #[serde(rename_all = "PascalCase")]
        struct Pair {
            access_key_id: String,
            secret_access_key: String,
        }
        let call = call("CreateAccessKey", &[("UserName", user)]).once();
        let reply = self.0.send(&call).await?;
        let answer: Answer = from_str(&reply.text()).map_err(|_| AwsError::malformed(Service::Iam, call.operation))?;
        let Pair { access_key_id, secret_access_key } = answer.create_access_key_result.access_key;
        Ok(NewKey { access_key_id, secret_access_key: secret_access_key.into() })
    }

    /// The ids of a user's access keys; of a user that is gone there are none.
    pub(crate) async fn keys(&self, user: &str) -> Result<Vec<String>, AwsError> {
        #[derive(Deserialize)]
        struct Answer {
            #[serde(rename = "ListAccessKeysResult")]
            result: Listed,
        }
        #[derive(Deserialize)]
        struct Listed {
            #[serde(rename = "AccessKeyMetadata", default)]
            keys: Keys,
        }
        // A user has two at the most, so there is one page.
        let call = call("ListAccessKeys", &[("UserName", user)]);
        let reply = match self.0.send(&call).await {
            Err(error) if error.is("NoSuchEntity") => return Ok(Vec::new()),
            reply => reply?,
        };
        let answer: Answer = from_str(&reply.text()).map_err(|_| AwsError::malformed(Service::Iam, call.operation))?;
        Ok(answer.result.keys.member.into_iter().map(|key| key.access_key_id).collect())
    }

    /// Deletes an access key; one that is gone is no failure.
    pub(crate) async fn delete_key(&self, user: &str, id: &str) -> Result<(), AwsError> {
        self.remove("DeleteAccessKey", &[("UserName", user), ("AccessKeyId", id)]).await
    }

    /// Takes rights away; those that are gone are no failure.
    pub(crate) async fn delete_policy(&self, user: &str, name: &str) -> Result<(), AwsError> {
        self.remove("DeleteUserPolicy", &[("UserName", user), ("PolicyName", name)]).await
    }

    /// Deletes a user without rights and keys; one that is gone is no failure.
    pub(crate) async fn delete_user(&self, user: &str) -> Result<(), AwsError> {
        self.remove("DeleteUser", &[("UserName", user)]).await
    }

    async fn remove(&self, action: &'static str, fields: &[(&str, &str)]) -> Result<(), AwsError> {
        match self.0.send(&call(action, fields)).await {
            Err(error) if error.is("NoSuchEntity") => Ok(()),
            reply => reply.map(drop),
        }
    }
}

fn call(action: &'static str, fields: &[(&str, &str)]) -> AwsCall {
    let mut body = format!("Action={action}&Version={VERSION}");
    for (name, value) in fields {
        // Writing to a string cannot fail.
        let _ = write!(body, "&{name}={}", encode(value, false));
    }
    AwsCall::new(action, Method::POST, "/")
        .header(CONTENT_TYPE, "application/x-www-form-urlencoded; charset=utf-8")
        .body(body)
}
