//! The options of a run, as the facade passes them on: values as they are, functions by name.

use super::events::JsEvents;
use super::hooks::{CallHook, Hooks, JsDnsProvider, JsImageBuilder, JsStateProvider};
use super::run_hooks::JsRunHooks;
use super::trace;
use crate::deploy::{RunOptions, Surroundings};
use crate::plan::DeployPlan;
use crate::{DeployError, ErrorCode};
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use tracing::Dispatch;

/// `RunOptions` of the public JavaScript; the hooks are only named here and called by [`CallHook`].
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[expect(clippy::struct_excessive_bools, reason = "each is a function that the caller gave or did not")]
struct Options {
    #[serde(default)]
    cache: Option<bool>,
    #[serde(default)]
    surroundings: JsSurroundings,
    #[serde(default)]
    state_provider: bool,
    /// Root domain to the provider's name.
    #[serde(default)]
    dns_providers: BTreeMap<String, String>,
    #[serde(default)]
    build_image: bool,
    #[serde(default)]
    image_fingerprint: bool,
    #[serde(default)]
    before_apply: bool,
    #[serde(default)]
    after_app: bool,
    #[serde(default)]
    expected_plan: Option<DeployPlan>,
    /// In seconds.
    #[serde(default)]
    wait_for_lock: u32,
    #[serde(default)]
    trace: Option<PathBuf>,
}

/// `Surroundings` of the public JavaScript.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct JsSurroundings {
    node: Option<PathBuf>,
    sniffer: Option<PathBuf>,
    docker: Option<PathBuf>,
    #[serde(default)]
    name_servers: Vec<SocketAddr>,
    authoritative_port: Option<u16>,
    git: Option<PathBuf>,
    landing_millis: Option<u32>,
    database_deadline_millis: Option<u32>,
}

/// Reads the options of a run, and who takes its spans.
///
/// # Errors
///
/// `INVALID_REQUEST` with the path of the wrong or unknown field.
pub(super) fn read_options(
    value: Value,
    cancel: CancellationToken,
    events: JsEvents,
    call_hook: Arc<CallHook>,
) -> Result<(RunOptions, Dispatch), DeployError> {
    let options: Options = parse("options", value)?;
    if options.image_fingerprint && !options.build_image {
        return Err(invalid("options.imageFingerprint: it says when `buildImage` may be skipped, and there is none"));
    }
    let trace = options.trace.as_deref().map_or_else(|| Ok(Dispatch::none()), trace::to_file)?;
    let hooks = Hooks::new(call_hook);
    let state_provider = options.state_provider.then(|| Arc::new(JsStateProvider::new(hooks.clone())) as _);
    let image_builder =
        options.build_image.then(|| Arc::new(JsImageBuilder::new(hooks.clone(), options.image_fingerprint)) as _);
    let (before_apply, after_app) = (options.before_apply, options.after_app);
    let run_hooks = (before_apply || after_app).then(|| {
        let hooks = hooks.clone();
        Arc::new(JsRunHooks { hooks, before_apply, after_app }) as _
    });
    let dns_providers = options.dns_providers.into_iter().map(|(domain, name)| {
        let provider = JsDnsProvider::new(hooks.clone(), domain.clone(), name);
        (domain, Arc::new(provider) as _)
    });
    let run = RunOptions {
        cancel,
        events: Arc::new(events),
        cache: options.cache.unwrap_or(true),
        state_provider,
        dns_providers: dns_providers.collect(),
        image_builder,
        hooks: run_hooks,
        expected_plan: options.expected_plan,
        wait_for_lock: Duration::from_secs(options.wait_for_lock.into()),
        surroundings: options.surroundings.into(),
    };
    Ok((run, trace))
}

impl From<JsSurroundings> for Surroundings {
    fn from(given: JsSurroundings) -> Self {
        let default = Self::default();
        let millis = |given: Option<u32>, default| given.map_or(default, |given| Duration::from_millis(given.into()));
        Self {
            node: given.node.unwrap_or(default.node),
            sniffer: given.sniffer.or(default.sniffer),
            docker: given.docker.unwrap_or(default.docker),
            name_servers: given.name_servers,
            authoritative_port: given.authoritative_port.unwrap_or(default.authoritative_port),
            git: given.git.unwrap_or(default.git),
            landing: millis(given.landing_millis, default.landing),
            database_deadline: millis(given.database_deadline_millis, default.database_deadline),
            ..default
        }
    }
}

/// Reads `value` as a `T`; an error names the path below `root`.
pub(super) fn parse<T: serde::de::DeserializeOwned>(root: &str, value: Value) -> Result<T, DeployError> {
    serde_path_to_error::deserialize(value).map_err(|error| {
        let path = error.path().to_string();
        let place = if path == "." { root.to_owned() } else { format!("{root}.{path}") };
        invalid(format!("{place}: {}", without_value(&error.inner().to_string())))
    })
}

/// A message of serde's without the text that stood where something else belongs: it may be a secret (I6).
fn without_value(message: &str) -> String {
    match (message.find("string \""), message.rfind("\", expected")) {
        (Some(start), Some(end)) if start < end => format!("{}string{}", &message[..start], &message[end + 1..]),
        _ => message.to_owned(),
    }
}

/// An `INVALID_REQUEST`.
pub(super) fn invalid(message: impl Into<String>) -> DeployError {
    DeployError::new(ErrorCode::InvalidRequest, message)
}
