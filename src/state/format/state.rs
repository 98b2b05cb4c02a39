//! The state file's content (seed: Deploy State), with our own additions in a field of their own.

use super::backup::BackupState;
use super::domains::AttachedDomains;
use super::history::History;
use super::rotation::Rotation;
use crate::secrets::Secret;
use indexmap::IndexMap;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};

/// What we remember of a stage between runs.
///
/// Fields that we do not know survive a read and a write, at every level that is ours to write (I5).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct State {
    /// Always `dokploy`.
    pub provider: String,
    /// The stage.
    pub stage: String,
    /// The project on the server.
    #[serde(default, deserialize_with = "or_default", skip_serializing_if = "String::is_empty")]
    pub project_id: String,
    /// The environment on the server; empty until it is known.
    #[serde(default, deserialize_with = "or_default")]
    pub environment_id: String,
    /// App name to application id.
    #[serde(default, deserialize_with = "entries")]
    pub applications: IndexMap<String, String>,
    /// The services' ids.
    #[serde(default, deserialize_with = "or_default")]
    pub services: ServiceIds,
    /// Per-app database credentials.
    #[serde(default, deserialize_with = "entries", skip_serializing_if = "IndexMap::is_empty")]
    pub app_credentials: IndexMap<String, AppCredentials>,
    /// Generated secrets: app to variable to value.
    #[serde(default, deserialize_with = "nested_entries", skip_serializing_if = "IndexMap::is_empty")]
    pub generated_secrets: IndexMap<String, IndexMap<String, Secret>>,
    /// Host names whose records were seen to be right.
    #[serde(default, deserialize_with = "entries", skip_serializing_if = "IndexMap::is_empty")]
    pub dns_verified: IndexMap<String, DnsVerified>,
    /// The DNS records that we wrote, by `name:type`.
    #[serde(default, deserialize_with = "entries", skip_serializing_if = "IndexMap::is_empty")]
    pub dns_records: IndexMap<String, DnsRecordState>,
    /// The backups of the database, as the CLI records them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backups: Option<BackupState>,
    /// When a deployment last ended well, as ISO 8601; empty before the first.
    #[serde(default, deserialize_with = "or_default")]
    pub last_deployed_at: String,
    /// What we remember beyond the seed's fields; older readers pass it by.
    #[serde(default, deserialize_with = "or_default", skip_serializing_if = "Extension::is_empty")]
    pub deploy_native: Extension,
    /// Fields of others.
    #[serde(flatten)]
    pub unknown: Map<String, Value>,
}

/// The ids of the services.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ServiceIds {
    /// The Postgres service.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub postgres_id: Option<String>,
    /// The Redis service.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub redis_id: Option<String>,
    /// Fields of others.
    #[serde(flatten)]
    pub unknown: Map<String, Value>,
}

/// The database credentials of an app.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AppCredentials {
    /// The role.
    pub db_user: String,
    /// Its password.
    pub db_password: Secret,
    /// Fields of others.
    #[serde(flatten)]
    pub unknown: Map<String, Value>,
}

/// That a host name was seen to resolve to the server.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DnsVerified {
    /// The address it resolved to.
    pub server_ip: String,
    /// When, as ISO 8601.
    pub verified_at: String,
    /// Fields of others.
    #[serde(flatten)]
    pub unknown: Map<String, Value>,
}

/// A DNS record that we wrote, as the CLI records it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DnsRecordState {
    /// The zone.
    pub domain: String,
    /// The name within the zone, `@` for the zone itself.
    pub name: String,
    /// The type, always `A` for ours.
    #[serde(rename = "type")]
    pub record_type: String,
    /// The value that we wrote.
    pub value: String,
    /// Its time to live in seconds.
    pub ttl: u32,
    /// When, as ISO 8601.
    pub created_at: String,
    /// The app whose host name it is, or was last; absent in the files of the CLI and of older versions of us.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub app: Option<String>,
    /// What stood there before us; put back by `undeploy` (I8). Absent where nothing did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous: Option<PreviousRecord>,
    /// Fields of others.
    #[serde(flatten)]
    pub unknown: Map<String, Value>,
}

impl DnsRecordState {
    /// The whole host name.
    pub fn host(&self) -> String {
        if self.name == "@" { self.domain.clone() } else { format!("{}.{}", self.name, self.domain) }
    }
}

/// The A records that stood at a name before we wrote ours.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PreviousRecord {
    /// Their values.
    pub values: Vec<String>,
    /// Their time to live in seconds.
    pub ttl: u32,
    /// Fields of other versions.
    #[serde(flatten)]
    pub unknown: Map<String, Value>,
}

/// Our own additions.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Extension {
    /// The master credentials of the services, kept before the first request that carries them (I2).
    #[serde(default, skip_serializing_if = "ServicePasswords::is_empty")]
    pub passwords: ServicePasswords,
    /// What each app's last deployment that was verified running consisted of.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub deployed: BTreeMap<String, Deployed>,
    /// The images that were pushed, by app, whether deployed already or not.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub images: BTreeMap<String, PushedImage>,
    /// The domains that we attached.
    #[serde(default, skip_serializing_if = "AttachedDomains::is_empty")]
    pub domains: AttachedDomains,
    /// The server that holds all this, as its origin: `https://dokploy.example.com`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<String>,
    /// The fingerprint of the roles and schemas that were applied and proven.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub database: Option<String>,
    /// Credentials that are being changed, by app; the next run goes on with them.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub rotations: BTreeMap<String, Rotation>,
    /// The last deployments of each app that were seen running, and can be brought back.
    #[serde(default, skip_serializing_if = "History::is_empty")]
    pub history: History,
    /// The deployment that each app is going back to; the next rollback finishes it.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub rolling_back: BTreeMap<String, String>,
    /// What each app's last release that ended well was made of: it is not run again for the same.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub released: BTreeMap<String, String>,
    /// The apps whose release may have left its login as the owner of the database, which the next run drops.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub owner_logins: BTreeSet<String>,
    /// The number of the last run that this state has seen, among those that have changed the stage; 0 before the first,
    /// and in the states of older versions.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub serial: u64,
    /// The run that counted it, a name of six letters and digits; `None` in states of older versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<String>,
    /// Whether an image of a database was seen to run `psql`, by reference; known ones are not asked.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub psql: BTreeMap<String, bool>,
    /// Fields of other versions.
    #[serde(flatten)]
    pub unknown: Map<String, Value>,
}

/// The master passwords of the services.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ServicePasswords {
    /// Postgres's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub postgres: Option<Secret>,
    /// Redis's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub redis: Option<Secret>,
    /// Fields of other versions.
    #[serde(flatten)]
    pub unknown: Map<String, Value>,
}

impl ServicePasswords {
    fn is_empty(&self) -> bool {
        self.postgres.is_none() && self.redis.is_none() && self.unknown.is_empty()
    }
}

/// An image in its registry.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PushedImage {
    /// `name@sha256:…`.
    pub reference: String,
    /// What it was built from: Dockerfile, context, build arguments and platform.
    pub fingerprint: String,
    /// Fields of other versions.
    #[serde(flatten)]
    pub unknown: Map<String, Value>,
}

/// A deployment that was verified running.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deployed {
    /// The fingerprint of its image, environment and settings (I9).
    pub fingerprint: String,
    /// The fingerprint of its environment alone, which tells a hand's edit from a new wish.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub environment: String,
    /// The image, as `name@sha256:…` where known; empty where the store had no room for it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub image: String,
    /// The title of the deployment on the server.
    pub title: String,
    /// Whether its containers have a health check of ours.
    #[serde(default, skip_serializing_if = "is_false")]
    pub checked: bool,
    /// Fields of other versions.
    #[serde(flatten)]
    pub unknown: Map<String, Value>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "as serde passes it")]
fn is_false(value: &bool) -> bool {
    !value
}

/// Reads `null` as nothing, as JavaScript does.
fn or_default<'de, D: Deserializer<'de>, T: Default + Deserialize<'de>>(deserializer: D) -> Result<T, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

/// Reads a map whose entries may be `null`; those are passed by.
fn entries<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<IndexMap<String, T>, D::Error> {
    let map: IndexMap<String, Option<T>> = or_default(deserializer)?;
    Ok(map.into_iter().filter_map(|(key, value)| Some((key, value?))).collect())
}

/// Reads a map of maps whose entries may be `null` at both levels.
fn nested_entries<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<IndexMap<String, IndexMap<String, T>>, D::Error> {
    let map: IndexMap<String, IndexMap<String, Option<T>>> = entries(deserializer)?;
    let inner = |map: IndexMap<String, Option<T>>| map.into_iter().filter_map(|(key, value)| Some((key, value?)));
    Ok(map.into_iter().map(|(app, map)| (app, inner(map).collect())).collect())
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands it over so")]
fn is_zero(serial: &u64) -> bool {
    *serial == 0
}

impl Extension {
    fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl State {
    /// The state of a stage of which nothing is known yet.
    pub fn new(stage: impl Into<String>) -> Self {
        Self {
            provider: "dokploy".to_owned(),
            stage: stage.into(),
            project_id: String::new(),
            environment_id: String::new(),
            applications: IndexMap::new(),
            services: ServiceIds::default(),
            app_credentials: IndexMap::new(),
            generated_secrets: IndexMap::new(),
            dns_verified: IndexMap::new(),
            dns_records: IndexMap::new(),
            backups: None,
            last_deployed_at: String::new(),
            deploy_native: Extension::default(),
            unknown: Map::new(),
        }
    }
}
