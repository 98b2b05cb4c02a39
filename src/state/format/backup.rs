//! What is remembered of a stage's backups, as the CLI records it.

use crate::secrets::Secret;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};

/// The backups of a stage's database: the bucket, who may write to it, and what the server knows of it.
///
/// Names are kept before anything of that name is made, so a field of what is not made yet may be empty; it is
/// left out then.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BackupState {
    /// The bucket.
    #[serde(default, deserialize_with = "or_default", skip_serializing_if = "String::is_empty")]
    pub bucket_name: String,
    /// Its name in policies.
    #[serde(default, deserialize_with = "or_default", skip_serializing_if = "String::is_empty")]
    pub bucket_arn: String,
    /// The user that may write to it.
    #[serde(default, deserialize_with = "or_default", skip_serializing_if = "String::is_empty")]
    pub iam_user_name: String,
    /// The id of the user's access key; empty until there is one.
    #[serde(default, deserialize_with = "or_default", skip_serializing_if = "String::is_empty")]
    pub iam_access_key_id: String,
    /// Its secret; empty until there is one.
    #[serde(default = "no_secret", skip_serializing_if = "is_no_secret")]
    pub iam_secret_access_key: Secret,
    /// The destination on the server; empty until there is one.
    #[serde(default, deserialize_with = "or_default", skip_serializing_if = "String::is_empty")]
    pub destination_id: String,
    /// The backup on the server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub postgres_backup_id: Option<String>,
    /// The bucket's region.
    #[serde(default, deserialize_with = "or_default", skip_serializing_if = "String::is_empty")]
    pub region: String,
    /// When the bucket's name was chosen, as ISO 8601.
    #[serde(default, deserialize_with = "or_default", skip_serializing_if = "String::is_empty")]
    pub created_at: String,
    /// Fields of others.
    #[serde(flatten)]
    pub unknown: Map<String, Value>,
}

impl BackupState {
    /// Backups of which nothing is made yet.
    pub fn new(bucket_name: String, bucket_arn: String, iam_user_name: String, region: String) -> Self {
        Self {
            bucket_name,
            bucket_arn,
            iam_user_name,
            iam_access_key_id: String::new(),
            iam_secret_access_key: no_secret(),
            destination_id: String::new(),
            postgres_backup_id: None,
            region,
            created_at: String::new(),
            unknown: Map::new(),
        }
    }

    /// Whether there is an access key.
    pub fn has_key(&self) -> bool {
        !self.iam_access_key_id.is_empty() && !self.iam_secret_access_key.expose().is_empty()
    }
}

fn no_secret() -> Secret {
    Secret::new("")
}

fn is_no_secret(secret: &Secret) -> bool {
    secret.expose().is_empty()
}

fn or_default<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}
