//! The caller's hooks: one asynchronous JavaScript function behind the engine's traits.

use crate::dns::{DnsProvider, DnsRecord, RecordChange};
use crate::image::{BuiltImage, ImageBuild, ImageBuilder, LogLine};
use crate::state::{State, StateProvider};
use crate::{DeployError, ErrorCode};
use async_trait::async_trait;
use napi::Status;
use napi::bindgen_prelude::Promise;
use napi::threadsafe_function::ThreadsafeFunction;
use napi_derive::napi;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::sync::Arc;

/// The facade's hook function. Its promise never rejects: a hook that throws is a [`HookReply`] with a message.
#[napi]
pub type CallHook = ThreadsafeFunction<HookCall, Promise<HookReply>, HookCall, Status, false>;

/// A call of a hook.
#[napi(object, object_from_js = false)]
pub struct HookCall {
    /// Which: for instance `stateProvider.read`, or `dnsProviders` with the domain as first argument.
    pub hook: String,
    /// Its arguments.
    #[napi(ts_type = "Array<unknown>")]
    pub args: Value,
}

/// What a hook returned, or why it failed.
#[napi(object, object_to_js = false)]
pub struct HookReply {
    /// What it resolved to.
    #[napi(ts_type = "unknown")]
    pub value: Option<Value>,
    /// Why it failed; absent when it did not.
    pub error: Option<String>,
}

/// Calls hooks by name.
#[derive(Clone)]
pub(super) struct Hooks(Arc<CallHook>);

impl Hooks {
    pub(super) fn new(call: Arc<CallHook>) -> Self {
        Self(call)
    }

    /// Calls a hook and waits for what its promise resolves to.
    pub(super) async fn call(&self, hook: &str, args: Value) -> Result<Value, DeployError> {
        let call = HookCall { hook: hook.to_owned(), args };
        let reply = match self.0.call_async(call).await {
            Ok(promise) => promise.await,
            Err(error) => Err(error),
        };
        match reply {
            Ok(HookReply { error: Some(message), .. }) => Err(failed(hook, &message)),
            Ok(HookReply { value, .. }) => Ok(value.unwrap_or(Value::Null)),
            Err(error) => Err(failed(hook, "its thread is gone").caused_by(&error)),
        }
    }
}

fn failed(hook: &str, message: &str) -> DeployError {
    DeployError::new(ErrorCode::HookFailed, format!("`{hook}` failed: {message}")).resource(hook)
}

/// Reads what a hook returned. The text of a wrong value stays out of the error: it may be a secret (I6).
fn read<T: DeserializeOwned>(hook: &str, value: Value) -> Result<T, DeployError> {
    serde_path_to_error::deserialize(value).map_err(|error| {
        let path = error.path().to_string();
        let place = if path == "." { String::new() } else { format!(" at `{path}`") };
        failed(hook, &format!("what it returned has not the documented shape{place}"))
    })
}

/// What a store may take that a hook keeps the state in, in bytes: AWS's parameter store, in its free tier.
const SMALL_STORE: usize = 4096;

/// `stateProvider` of the public JavaScript.
pub(super) struct JsStateProvider(Hooks);

impl JsStateProvider {
    pub(super) fn new(hooks: Hooks) -> Self {
        Self(hooks)
    }
}

#[async_trait]
impl StateProvider for JsStateProvider {
    async fn read(&self, stage: &str) -> Result<Option<State>, DeployError> {
        let value = self.0.call("stateProvider.read", json!([stage])).await?;
        // Not `HOOK_FAILED`: the hook did its part, and what it keeps must not be taken for "no state" (I5).
        read("stateProvider.read", State::unpacked(value)).map_err(|error| {
            DeployError::new(ErrorCode::StateCorrupt, format!("The state of stage `{stage}` cannot be read: {error}"))
        })
    }

    async fn write(&self, stage: &str, content: &State) -> Result<(), DeployError> {
        let content = content.to_json_within(SMALL_STORE);
        self.0.call("stateProvider.write", json!([stage, content])).await.map(drop)
    }
}

/// An entry of `dnsProviders` of the public JavaScript.
pub(super) struct JsDnsProvider {
    hooks: Hooks,
    /// The root domain under which the caller gave it.
    domain: String,
    name: String,
}

impl JsDnsProvider {
    pub(super) fn new(hooks: Hooks, domain: String, name: String) -> Self {
        Self { hooks, domain, name }
    }

    fn hook(&self, method: &str) -> String {
        format!("dnsProviders.{}.{method}", self.domain)
    }
}

/// What `upsertRecords` says of a record; absent fields are `false`.
#[derive(Default, Deserialize)]
#[serde(default)]
struct UpsertResult {
    created: bool,
    unchanged: bool,
    error: Option<String>,
}

/// What `deleteRecords` says of a record; a provider need not say anything.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct DeleteResult {
    record: Option<RecordName>,
    deleted: Option<bool>,
    #[serde(default)]
    not_found: bool,
    error: Option<String>,
}

/// A record as a provider names it.
#[derive(Deserialize)]
struct RecordName {
    name: String,
    #[serde(rename = "type")]
    record_type: String,
}

impl DeleteResult {
    /// Why the record is still there, if it is.
    fn failure(&self) -> Option<&str> {
        match self {
            Self { not_found: true, .. } => None,
            Self { error: Some(error), .. } => Some(error),
            Self { deleted: Some(false), .. } => Some("it was not deleted, without a reason"),
            Self { .. } => None,
        }
    }
}

/// The failure of records that a provider says it did not write or delete, each with its reason.
fn refused(hook: &str, failures: &[String]) -> Result<(), DeployError> {
    if failures.is_empty() { Ok(()) } else { Err(failed(hook, &failures.join("; "))) }
}

#[async_trait]
impl DnsProvider for JsDnsProvider {
    fn name(&self) -> &str {
        &self.name
    }

    async fn get_records(&self, zone: &str) -> Result<Vec<DnsRecord>, DeployError> {
        let hook = self.hook("getRecords");
        read(&hook, self.hooks.call(&hook, json!([zone])).await?)
    }

    async fn upsert_records(&self, zone: &str, records: &[DnsRecord]) -> Result<Vec<RecordChange>, DeployError> {
        let hook = self.hook("upsertRecords");
        let desired: Vec<Value> = records.iter().map(to_upsert).collect();
        let results: Option<Vec<UpsertResult>> = read(&hook, self.hooks.call(&hook, json!([zone, desired])).await?)?;
        let mut results = results.unwrap_or_default().into_iter();
        let mut failures = Vec::new();
        let changes = records.iter().map(|record| {
            let UpsertResult { created, unchanged, error } = results.next().unwrap_or_default();
            failures.extend(error.map(|error| format!("{}: {error}", record.name)));
            RecordChange { record: record.clone(), created, unchanged }
        });
        let changes = changes.collect();
        refused(&hook, &failures)?;
        Ok(changes)
    }

    async fn delete_records(&self, zone: &str, records: &[DnsRecord]) -> Result<(), DeployError> {
        let names: Vec<Value> =
            records.iter().map(|record| json!({ "name": record.name, "type": record.record_type })).collect();
        let hook = self.hook("deleteRecords");
        let answer = self.hooks.call(&hook, json!([zone, names])).await?;
        // Of what is no list nothing is documented; it need not say anything.
        let results: Vec<DeleteResult> = if answer.is_array() { read(&hook, answer)? } else { Vec::new() };
        let failures = results.iter().enumerate().filter_map(|(index, result)| {
            let reason = result.failure()?;
            let asked = records.get(index).map(|record| (&record.name, &record.record_type));
            let told = result.record.as_ref().map(|record| (&record.name, &record.record_type));
            let (name, record_type) = told.or(asked)?;
            Some(format!("{name} {record_type}: {reason}"))
        });
        refused(&hook, &failures.collect::<Vec<_>>())
    }
}

/// A record as the CLI's providers take it: `value` for those that write one, `values` for those that write all.
fn to_upsert(record: &DnsRecord) -> Value {
    let DnsRecord { name, record_type, ttl, values } = record;
    json!({ "name": name, "type": record_type, "ttl": ttl, "value": values.first(), "values": values })
}

/// `buildImage` and `imageFingerprint` of the public JavaScript.
pub(super) struct JsImageBuilder {
    hooks: Hooks,
    /// Whether the caller gave `imageFingerprint`.
    fingerprints: bool,
}

impl JsImageBuilder {
    pub(super) fn new(hooks: Hooks, fingerprints: bool) -> Self {
        Self { hooks, fingerprints }
    }
}

/// What `buildImage` resolves to.
#[derive(Deserialize)]
struct ImageResult {
    image: String,
}

#[async_trait]
impl ImageBuilder for JsImageBuilder {
    async fn fingerprint(&self, build: &ImageBuild) -> Result<Option<String>, DeployError> {
        if !self.fingerprints {
            return Ok(None);
        }
        let value = self.hooks.call("imageFingerprint", json!([build.app])).await?;
        read("imageFingerprint", value).map_err(|error| error.app(&build.app))
    }

    async fn build(&self, build: &ImageBuild, _log: LogLine<'_>) -> Result<BuiltImage, DeployError> {
        let value = self.hooks.call("buildImage", json!([build])).await.map_err(|error| error.app(&build.app))?;
        let ImageResult { image } = read("buildImage", value).map_err(|error| error.app(&build.app))?;
        Ok(BuiltImage { reference: image })
    }
}
