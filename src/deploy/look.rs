//! What a run looks at before it plans: the server, the DNS zones, the server's address.

use super::observe::{Scope, observe};
use super::ready::{Part, Ready};
use super::request::WaitFor;
use crate::DeployError;
use crate::dns::{DnsRecord, LookupOptions, find_server_address};
use crate::dokploy::{Access, Call};
use crate::plan::{Blueprint, DatabaseRoute, DatabaseWay, Observed, ObservedRecord, Operation, Ownership};
use crate::state::State;
use futures_util::future::try_join_all;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

impl Ready {
    /// Reads the server alone, and finds out that it is one that we can speak to.
    ///
    /// # Errors
    ///
    /// `DOKPLOY_*`, `RESOURCE_AMBIGUOUS`.
    pub(super) async fn look_at_server(&self, state: Option<&State>) -> Result<Observed, DeployError> {
        self.check_server().await?;
        let mut apps = self.declared.clone();
        apps.extend(state.into_iter().flat_map(|state| state.applications.keys().cloned()));
        apps.extend(self.request.settings.apps.iter().flatten().cloned());
        loop {
            let scope = Scope { containers: false, pending: false, apps: &apps, ..self.scope() };
            let observed = observe(&self.client, scope, state).await?;
            if observed.orphans.is_empty() {
                return Ok(observed);
            }
            // Ours, and neither declared nor in the state: they are looked at as well.
            apps.extend(observed.orphans);
        }
    }

    /// Reads the server, the DNS zones and the server's address, side by side.
    pub(super) async fn look(&self, state: Option<&State>) -> Result<(Observed, Option<IpAddr>), DeployError> {
        let (mut observed, records, server_ip, ()) = tokio::try_join!(
            observe(&self.client, self.scope(), state),
            self.records(),
            self.server_ip(),
            self.check_server(),
        )?;
        observed.records = records;
        let ours = observed.postgres.as_ref().filter(|found| found.ownership == Ownership::Ours);
        observed.open_port = ours.filter(|found| found.external_port.is_some()).map(|found| found.id.clone());
        Ok((observed, server_ip))
    }

    /// Finds out that the server is one that we can speak to, and that our key may do what the plan needs (I1).
    async fn check_server(&self) -> Result<(), DeployError> {
        self.client.check_server(Call::ALL, self.access()).await.map(drop)
    }

    /// What our key must be allowed to look at, as far as the request tells.
    fn access(&self) -> Access {
        let wait_for = self.request.settings.wait_for;
        match self.part {
            Part::Nothing => Access::default(),
            Part::Credentials => Access::ALL,
            Part::All | Part::Services | Part::Database => {
                Access { containers: wait_for == WaitFor::Running, queue: wait_for > WaitFor::Queued }
            }
        }
    }

    /// Finds out that our key may do what only the plan shows to be needed (I1). `way`: the one to the database.
    ///
    /// # Errors
    ///
    /// `DOKPLOY_*`.
    pub(super) async fn check_access(
        &self,
        blueprint: &Blueprint,
        way: Option<&DatabaseWay>,
    ) -> Result<(), DeployError> {
        let any = |is: fn(&Operation) -> bool| blueprint.operations.values().any(is);
        // Whatever the request says, an app's next login waits for it to run with the one before.
        let rotates = any(|operation| {
            matches!(operation, Operation::OpenSecondLogins { .. } | Operation::ChangePasswords { .. })
                || matches!(operation, Operation::CloseSecondLogins { .. })
        });
        let works = rotates || any(|it| matches!(it, Operation::ApplyRoles | Operation::DropRoles { .. }));
        // Its application is followed through the queue; a way that falls back on the port can do without.
        let inside = way.is_some_and(|way| way.route == DatabaseRoute::Internal && !way.falls_back);
        let needed = Access { containers: rotates, queue: rotates || (works && inside) };
        self.client.check_access(needed.beyond(self.access())).await
    }

    fn scope(&self) -> Scope<'_> {
        Scope {
            workspace: &self.request.workspace.name,
            stage: self.stage(),
            apps: &self.declared,
            containers: self.request.settings.wait_for == WaitFor::Running,
            pending: self.request.settings.wait_for == WaitFor::Queued,
        }
    }

    /// The records at each host name of the run; fails when a zone does not exist (I1).
    async fn records(&self) -> Result<BTreeMap<String, ObservedRecord>, DeployError> {
        if self.part != Part::All {
            return Ok(BTreeMap::new());
        }
        let zones = self.zones.hosts.values().filter_map(|host| host.zone.as_ref()).filter(|zone| !zone.manual);
        let roots: BTreeSet<&str> = zones.map(|zone| zone.root.as_str()).collect();
        let reads = roots.into_iter().map(|root| async move {
            let provider = &self.zones.providers[root];
            let read = tokio::try_join!(provider.get_records(root), provider.get_proxied_names(root))?;
            Ok::<_, DeployError>((root.to_owned(), read))
        });
        let read: BTreeMap<_, _> = try_join_all(reads).await?.into_iter().collect();
        let mut found = BTreeMap::new();
        for (host, desired) in &self.zones.hosts {
            let Some(records) = desired.zone.as_ref().and_then(|zone| Some((zone, read.get(&zone.root)?))) else {
                continue;
            };
            let (zone, (records, proxied)) = records;
            let proxied = proxied.iter().any(|name| name.eq_ignore_ascii_case(&zone.name));
            let mut observed = ObservedRecord { proxied, ..ObservedRecord::default() };
            for record in records.iter().filter(|record| record.name.eq_ignore_ascii_case(&zone.name)) {
                match record.record_type.as_str() {
                    "A" => {
                        observed.values.extend(record.values.iter().cloned());
                        observed.ttl = record.ttl;
                    }
                    "CNAME" | "ALIAS" => observed.conflict = Some(record.record_type.clone()),
                    _ => {}
                }
            }
            found.insert(host.clone(), observed);
        }
        Ok(found)
    }

    /// The host names of the apps that are to go which lead to the server, when the state knows of no record that we wrote: it
    /// may be lost. What cannot be found out is left out.
    pub(super) async fn leading_here(&self, state: &State, apps: Option<&BTreeSet<String>>) -> BTreeSet<String> {
        let mut leading = BTreeSet::new();
        if !state.dns_records.is_empty() || self.request.workspace.deploy.dns.is_empty() {
            return leading;
        }
        let here = self.address().await.ok().map(|ip| ip.to_string());
        let mut read = BTreeMap::new();
        for (app, host) in &self.hosts {
            let zone = self.request.workspace.zone_of(host).filter(|_| apps.is_none_or(|apps| apps.contains(app)));
            let Some((root, _, name)) = zone else { continue };
            if !read.contains_key(root) {
                let records = match self.provider_of(root) {
                    Some(Ok(provider)) => provider.get_records(root).await.unwrap_or_default(),
                    _ => Vec::new(),
                };
                read.insert(root, records);
            }
            let known = state.dns_verified.get(host).map(|verified| &verified.server_ip);
            let ours = |value: &String| Some(value) == here.as_ref() || Some(value) == known;
            let is_a = |record: &&DnsRecord| record.record_type == "A" && record.name.eq_ignore_ascii_case(&name);
            if read[root].iter().filter(is_a).any(|record| record.values.iter().any(ours)) {
                leading.insert(host.clone());
            }
        }
        leading
    }

    /// The server's address, when a zone is configured for one of the host names.
    async fn server_ip(&self) -> Result<Option<IpAddr>, DeployError> {
        let needed = self.part == Part::All && self.zones.hosts.values().any(|host| host.zone.is_some());
        if !needed {
            return Ok(None);
        }
        self.address().await.map(Some)
    }

    /// The server's address: as the request says, else what the endpoint's host resolves to.
    ///
    /// # Errors
    ///
    /// `DNS_RESOLUTION`.
    pub(super) async fn address(&self) -> Result<IpAddr, DeployError> {
        match self.request.settings.server_ip {
            Some(ip) => Ok(ip),
            None => find_server_address(self.client.host(), &self.lookup_options()).await,
        }
    }

    /// How DNS is asked.
    pub(super) fn lookup_options(&self) -> LookupOptions {
        LookupOptions {
            name_servers: self.options.surroundings.name_servers.clone(),
            authoritative_port: self.options.surroundings.authoritative_port,
            ..LookupOptions::default()
        }
    }
}
