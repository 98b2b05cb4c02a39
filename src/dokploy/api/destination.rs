//! Destinations: buckets that the server copies databases into.

use crate::dokploy::transport::{ApiError, Call, Transport};
use crate::secrets::Secret;
use serde::{Deserialize, Serialize};

const FIELDS: [&str; 8] =
    ["name", "provider", "accessKey", "bucket", "region", "endpoint", "secretAccessKey", "additionalFlags"];

pub(super) const ALL: Call = Call::get("destination.all", &[]);
pub(super) const ONE: Call = Call::get("destination.one", &["destinationId"]);
pub(super) const CREATE: Call = Call::post("destination.create", &FIELDS);
pub(super) const TEST_CONNECTION: Call = Call::post("destination.testConnection", &FIELDS);
pub(super) const UPDATE: Call = Call::post(
    "destination.update",
    &[
        "destinationId",
        "name",
        "provider",
        "accessKey",
        "bucket",
        "region",
        "endpoint",
        "secretAccessKey",
        "additionalFlags",
    ],
);
pub(super) const REMOVE: Call = Call::post("destination.remove", &["destinationId"]);

/// A destination as the server stores it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Destination {
    /// Its id.
    pub destination_id: String,
    /// Its name; not unique.
    pub name: String,
    /// What kind of store it is, in `rclone`'s words.
    pub provider: Option<String>,
    /// The id of the access key.
    pub access_key: String,
    /// Its secret, which the server answers in clear.
    pub secret_access_key: Secret,
    /// The bucket.
    pub bucket: String,
    /// Its region.
    pub region: String,
    /// The store's address.
    pub endpoint: String,
}

/// What a destination is to be.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DestinationFields<'a> {
    /// Its name.
    pub name: &'a str,
    /// What kind of store it is, in `rclone`'s words: `AWS`.
    pub provider: &'a str,
    /// The id of the access key; it goes to a shell, between double quotes.
    pub access_key: &'a str,
    /// Its secret.
    pub secret_access_key: &'a Secret,
    /// The bucket.
    pub bucket: &'a str,
    /// Its region.
    pub region: &'a str,
    /// The store's address.
    pub endpoint: &'a str,
}

impl DestinationFields<'_> {
    /// Whether a destination is that already.
    pub fn are(&self, found: &Destination) -> bool {
        let texts = [
            (self.name, &found.name),
            (self.access_key, &found.access_key),
            (self.bucket, &found.bucket),
            (self.region, &found.region),
            (self.endpoint, &found.endpoint),
        ];
        texts.iter().all(|(desired, found)| desired == found)
            && found.provider.as_deref() == Some(self.provider)
            && *self.secret_access_key == found.secret_access_key
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Body<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    destination_id: Option<&'a str>,
    #[serde(flatten)]
    fields: &'a DestinationFields<'a>,
    additional_flags: [&'static str; 0],
}

impl<'a> Body<'a> {
    fn of(destination_id: Option<&'a str>, fields: &'a DestinationFields<'a>) -> Self {
        Self { destination_id, fields, additional_flags: [] }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ById<'a> {
    destination_id: &'a str,
}

/// The calls of the destination router.
#[derive(Debug, Clone, Copy)]
pub struct DestinationApi<'a>(pub(in crate::dokploy) &'a Transport);

impl DestinationApi<'_> {
    /// Lists the destinations of the organization.
    ///
    /// # Errors
    ///
    /// Every [`ApiError`].
    pub async fn all(self) -> Result<Vec<Destination>, ApiError> {
        self.0.get(&ALL, &[]).await
    }

    /// Reads a destination.
    ///
    /// # Errors
    ///
    /// Not found, and every other [`ApiError`].
    pub async fn one(self, destination_id: &str) -> Result<Destination, ApiError> {
        self.0.get(&ONE, &[("destinationId", destination_id)]).await
    }

    /// Makes a destination. A second one of the same name is another destination.
    ///
    /// # Errors
    ///
    /// Every [`ApiError`].
    pub async fn create(self, fields: &DestinationFields<'_>) -> Result<Destination, ApiError> {
        self.0.post(&CREATE, &Body::of(None, fields)).await
    }

    /// Changes a destination.
    ///
    /// # Errors
    ///
    /// Not found, and every other [`ApiError`].
    pub async fn update(self, destination_id: &str, fields: &DestinationFields<'_>) -> Result<(), ApiError> {
        self.0.post_ignoring_response(&UPDATE, &Body::of(Some(destination_id), fields)).await
    }

    /// Has the server list the bucket.
    ///
    /// # Errors
    ///
    /// A rejection with what `rclone` said, and every other [`ApiError`].
    pub async fn test_connection(self, fields: &DestinationFields<'_>) -> Result<(), ApiError> {
        self.0.post_ignoring_response(&TEST_CONNECTION, &Body::of(None, fields)).await
    }

    /// Removes a destination, and with it the backups that go there; the bucket stays.
    ///
    /// # Errors
    ///
    /// Not found, and every other [`ApiError`].
    pub async fn remove(self, destination_id: &str) -> Result<(), ApiError> {
        self.0.post_ignoring_response(&REMOVE, &ById { destination_id }).await
    }
}
