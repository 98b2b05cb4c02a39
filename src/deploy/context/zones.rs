//! The DNS zones of a run's host names, and who serves them.

use crate::deploy::request::{Credentials, RunOptions, VendorCredentials};
use crate::dns::{CloudflareProvider, DnsProvider, HostingerProvider, ManualProvider, VendorOptions};
use crate::plan::{DesiredHost, HostZone};
use crate::state::State;
use crate::workspace::{DnsZone, Workspace};
use crate::{DeployError, ErrorCode};
use indexmap::IndexMap;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// DNS providers by root domain.
pub(crate) type Providers = BTreeMap<String, Arc<dyn DnsProvider>>;

/// The zone of each host name, and the provider of each zone.
pub(crate) struct Zones {
    /// By host name.
    pub(crate) hosts: IndexMap<String, DesiredHost>,
    /// The providers of the zones in which the run has host names.
    pub(crate) providers: Providers,
    /// What the workspace says of every zone.
    declared: IndexMap<String, DnsZone>,
    /// Providers that the caller gives.
    hooks: Providers,
    credentials: Credentials,
}

impl Zones {
    /// Finds the zones of the host names of a run.
    ///
    /// # Errors
    ///
    /// `PROVIDER_UNSUPPORTED` for a vendor that is neither built in nor given as a hook, `INVALID_REQUEST` when a
    /// vendor's credentials are missing.
    pub(crate) fn find(
        workspace: &Workspace,
        hosts: impl IntoIterator<Item = (String, String)>,
        credentials: &Credentials,
        options: &RunOptions,
    ) -> Result<Self, DeployError> {
        let mut zones = Self {
            hosts: IndexMap::new(),
            providers: BTreeMap::new(),
            declared: workspace.deploy.dns.clone(),
            hooks: options.dns_providers.clone(),
            credentials: credentials.clone(),
        };
        for (app, host) in hosts {
            let zone = match workspace.zone_of(&host) {
                None => None,
                Some((root, zone, name)) => {
                    if !zones.providers.contains_key(root) {
                        let provider = zones.provider_named(&zone.provider, root)?;
                        zones.providers.insert(root.to_owned(), provider);
                    }
                    let (root, provider) = (root.to_owned(), zone.provider.clone());
                    Some(HostZone { manual: zones.is_manual(&root), root, name, provider, ttl: zone.ttl })
                }
            };
            zones.hosts.insert(host, DesiredHost { app, zone });
        }
        Ok(zones)
    }

    /// The provider of a zone; `None` when nobody says who serves it.
    pub(crate) fn provider_of(&self, root: &str) -> Option<Result<Arc<dyn DnsProvider>, DeployError>> {
        if let Some(hook) = self.hooks.get(root) {
            return Some(Ok(Arc::clone(hook)));
        }
        let declared = self.declared.get(root)?;
        Some(built_in(&declared.provider, root, &self.credentials))
    }

    /// The providers of the run's zones, and those of every other zone in which the state has a record of ours.
    ///
    /// # Errors
    ///
    /// As [`Self::find`].
    pub(crate) fn with_recorded(&self, state: &State) -> Result<Providers, DeployError> {
        let mut providers = self.providers.clone();
        for root in recorded_zones(state) {
            if !providers.contains_key(root)
                && let Some(provider) = self.provider_of(root)
            {
                providers.insert(root.to_owned(), provider?);
            }
        }
        Ok(providers)
    }

    /// As [`Self::with_recorded`], without the zones in which we cannot write today.
    pub(crate) fn writable(&self, state: &State) -> Providers {
        let mut providers = self.providers.clone();
        for root in recorded_zones(state) {
            // A provider's client takes a while to make.
            if !providers.contains_key(root)
                && let Some(Ok(provider)) = self.provider_of(root)
            {
                providers.insert(root.to_owned(), provider);
            }
        }
        providers.retain(|root, _| !self.is_manual(root));
        providers
    }

    /// Whether the user makes the records of a zone by hand.
    fn is_manual(&self, root: &str) -> bool {
        !self.hooks.contains_key(root) && self.declared.get(root).is_some_and(|zone| zone.provider == "manual")
    }

    fn provider_named(&self, name: &str, root: &str) -> Result<Arc<dyn DnsProvider>, DeployError> {
        match self.hooks.get(root) {
            Some(hook) => Ok(Arc::clone(hook)),
            None => built_in(name, root, &self.credentials),
        }
    }
}

/// The zones in which the state has a record of ours.
fn recorded_zones(state: &State) -> BTreeSet<&str> {
    state.dns_records.values().map(|record| record.domain.as_str()).collect()
}

/// Makes the client of a built-in vendor.
fn built_in(name: &str, root: &str, credentials: &Credentials) -> Result<Arc<dyn DnsProvider>, DeployError> {
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
