//! What a run needs before it looks at anything: the request checked against the workspace, clients, providers, names.

use super::observe::{POSTGRES_NAME, REDIS_NAME};
use super::options::RunOptions;
use super::request::{Credentials, DeploySettings, VendorCredentials};
use crate::dns::{CloudflareProvider, DnsProvider, HostingerProvider, ManualProvider, VendorOptions};
use crate::dokploy::{ClientSettings, Dokploy};
use crate::plan::{DesiredHost, HostZone};
use crate::secrets::{Redactor, Secret};
use crate::state::{LocalStateStore, State, StateProvider};
use crate::workspace::{AppType, StateSettings, Workspace, stage_fault};
use crate::{DeployError, ErrorCode};
use indexmap::IndexMap;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// The request's names and references, checked; every fault at once.
///
/// # Errors
///
/// `INVALID_REQUEST` naming each field and value.
pub(super) fn check_stage(stage: &str) -> Result<(), DeployError> {
    match stage_fault(stage) {
        None => Ok(()),
        Some(expected) => {
            Err(DeployError::new(ErrorCode::InvalidRequest, format!("stage: expected {expected}, got \"{stage}\"")))
        }
    }
}

/// The apps of a run: those selected, dependencies first, without mobile ones.
///
/// # Errors
///
/// `INVALID_REQUEST` when the request names an app that the workspace does not declare.
pub(super) fn selected_apps(workspace: &Workspace, settings: &DeploySettings) -> Result<Vec<String>, DeployError> {
    let named = settings
        .apps
        .iter()
        .flatten()
        .map(|app| ("apps", app))
        .chain(settings.images.keys().map(|app| ("images", app)))
        .chain(settings.adopt.iter().map(|app| ("adopt", app)))
        .chain(settings.secrets.apps.keys().map(|app| ("secrets.apps", app)));
    let faults: Vec<String> = named
        .filter(|(_, app)| !workspace.apps.contains_key(*app))
        .map(|(field, app)| format!("{field}: the workspace has no app \"{app}\""))
        .collect();
    if !faults.is_empty() {
        let known: Vec<&str> = workspace.apps.keys().map(String::as_str).collect();
        return Err(DeployError::new(ErrorCode::InvalidRequest, faults.join("\n"))
            .hint(format!("The workspace's apps are {}", known.join(", "))));
    }
    let desired = |app: &&str| {
        workspace.apps[*app].app_type != AppType::Mobile
            && settings.apps.as_ref().is_none_or(|apps| apps.iter().any(|it| it == app))
    };
    Ok(workspace.build_order().into_iter().filter(desired).map(str::to_owned).collect())
}

/// Makes the client of the stage's server.
///
/// # Errors
///
/// `INVALID_REQUEST` when no endpoint is known or it is not an address.
pub(super) fn client(
    workspace: &Workspace,
    stage: &str,
    credentials: &Credentials,
    settings: &ClientSettings,
    redactor: &Arc<Redactor>,
) -> Result<Dokploy, DeployError> {
    let dokploy = &credentials.dokploy;
    let declared = workspace.deploy.dokploy.as_ref().and_then(|dokploy| dokploy.endpoint(stage));
    let endpoint = dokploy.endpoint.as_deref().or(declared).ok_or_else(|| {
        DeployError::new(
            ErrorCode::InvalidRequest,
            format!("credentials.dokploy.endpoint: no endpoint is known for stage `{stage}`"),
        )
        .hint("Set it, or deploy.dokploy.endpoint or deploy.dokploy.endpoints[stage] in the workspace")
    })?;
    Dokploy::with_settings(endpoint, &dokploy.token, settings.clone(), Arc::clone(redactor))
}

/// Where the state is kept.
///
/// # Errors
///
/// `PROVIDER_UNSUPPORTED` when the workspace names a provider that is not built in and no hook is given.
pub(super) fn state_provider(
    workspace: &Workspace,
    options: &RunOptions,
) -> Result<Arc<dyn StateProvider>, DeployError> {
    match (&options.state_provider, &workspace.state) {
        (Some(provider), _) => Ok(Arc::clone(provider)),
        (None, StateSettings::Local) => Ok(Arc::new(LocalStateStore::new(&workspace.root))),
        (None, StateSettings::Named(name)) => {
            Err(DeployError::new(ErrorCode::ProviderUnsupported, format!("state.provider: `{name}` is not built in"))
                .hint("Pass an object with read() and write() as the option `stateProvider`"))
        }
    }
}

/// The zone of each host name, and the provider of each zone that is used.
pub(super) struct Zones {
    /// By host name.
    pub(super) hosts: IndexMap<String, DesiredHost>,
    /// By root domain.
    pub(super) providers: BTreeMap<String, Arc<dyn DnsProvider>>,
}

/// Finds the zones of the host names of a run.
///
/// # Errors
///
/// `PROVIDER_UNSUPPORTED` for a vendor that is neither built in nor given as a hook, `INVALID_REQUEST` when a vendor's
/// credentials are missing.
pub(super) fn zones(
    workspace: &Workspace,
    hosts: impl IntoIterator<Item = (String, String)>,
    credentials: &Credentials,
    options: &RunOptions,
) -> Result<Zones, DeployError> {
    let mut zones = Zones { hosts: IndexMap::new(), providers: BTreeMap::new() };
    for (app, host) in hosts {
        let Some((root, zone, name)) = workspace.zone_of(&host) else {
            zones.hosts.insert(host, DesiredHost { app, zone: None });
            continue;
        };
        let hooked = options.dns_providers.get(root);
        if !zones.providers.contains_key(root) {
            let provider = match hooked {
                Some(provider) => Arc::clone(provider),
                None => built_in(&zone.provider, root, credentials)?,
            };
            zones.providers.insert(root.to_owned(), provider);
        }
        let zone = HostZone {
            root: root.to_owned(),
            name,
            provider: zone.provider.clone(),
            ttl: zone.ttl,
            manual: hooked.is_none() && zone.provider == "manual",
        };
        zones.hosts.insert(host, DesiredHost { app, zone: Some(zone) });
    }
    Ok(zones)
}

/// Makes the client of a built-in vendor.
pub(super) fn built_in(name: &str, root: &str, credentials: &Credentials) -> Result<Arc<dyn DnsProvider>, DeployError> {
    let vendor = |given: &Option<VendorCredentials>| {
        given.clone().ok_or_else(|| {
            DeployError::new(
                ErrorCode::InvalidRequest,
                format!("credentials.{name}: missing; the zone `{root}` is served by {name}"),
            )
            .hint(format!("Pass credentials.{name}.token"))
        })
    };
    let options =
        |given: &VendorCredentials| VendorOptions { base_url: given.base_url.clone(), ..VendorOptions::default() };
    match name {
        "manual" => Ok(Arc::new(ManualProvider)),
        "cloudflare" => {
            let given = vendor(&credentials.cloudflare)?;
            Ok(Arc::new(CloudflareProvider::new(&given.token, options(&given))?))
        }
        "hostinger" => {
            let given = vendor(&credentials.hostinger)?;
            Ok(Arc::new(HostingerProvider::new(&given.token, options(&given))?))
        }
        other => Err(DeployError::new(
            ErrorCode::ProviderUnsupported,
            format!("deploy.dns: the provider `{other}` of `{root}` is not built in"),
        )
        .hint(format!(
            "Pass an object with getRecords(), upsertRecords() and deleteRecords() as dnsProviders['{root}']"
        ))),
    }
}

/// Adds what the caller gave to what must never be shown (I6).
pub(super) fn know_secrets(redactor: &Redactor, credentials: &Credentials, values: impl IntoIterator<Item = Secret>) {
    redactor.add(&credentials.dokploy.token);
    let vendors = credentials.hostinger.iter().chain(&credentials.cloudflare).map(|vendor| &vendor.token);
    vendors
        .chain(credentials.registry.iter().map(|registry| &registry.password))
        .for_each(|secret| redactor.add(secret));
    values.into_iter().for_each(|secret| redactor.add(&secret));
}

/// Adds the secrets that a state remembers (I6).
pub(super) fn know_state(redactor: &Redactor, state: &State) {
    let passwords = &state.deploy_native.passwords;
    let services = passwords.postgres.iter().chain(&passwords.redis);
    let apps = state.app_credentials.values().map(|credentials| &credentials.db_password);
    let generated = state.generated_secrets.values().flat_map(|secrets| secrets.values());
    let rotating = state.deploy_native.rotations.values().filter_map(|rotation| rotation.login.as_ref());
    let rotating = rotating.flat_map(|login| [&login.interim, &login.next]);
    services.chain(apps).chain(generated).chain(rotating).for_each(|secret| redactor.add(secret));
}

/// The base of the name of each service and application on the server.
pub(super) fn base_names(workspace: &Workspace) -> BTreeMap<String, String> {
    let names = workspace.apps.keys().map(String::as_str).chain([POSTGRES_NAME, REDIS_NAME]);
    names.map(|name| (name.to_owned(), workspace.app_name_base(name))).collect()
}

/// Every app that the workspace declares and that may live on the server.
pub(super) fn declared_apps(workspace: &Workspace) -> BTreeSet<String> {
    let deployable = workspace.apps.iter().filter(|(_, app)| app.app_type != AppType::Mobile);
    deployable.map(|(name, _)| name.clone()).collect()
}
