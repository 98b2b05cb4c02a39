//! One run from request to report: the phases in their order.

use super::apply::{Limits, Outcome, apply};
use super::images::{local_builder, registry_login, resolve_images};
use super::observe::{Scope, check_server, observe};
use super::port::{PortTarget, close_interrupted};
use super::prepare::{self, Zones};
use super::report::{DeployFailure, DeployReport};
use super::request::{DeployRequest, OnSniffError, RunOptions, WaitFor};
use super::resolve::{AppResolver, Generated};
use super::session::{PostgresService, Session, World};
use super::summary::summarize;
use super::wanted::{self, Ingredients, MASTER, assemble};
use crate::dns::{DnsProvider, LookupOptions, find_server_address};
use crate::dokploy::Dokploy;
use crate::env::encode_env;
use crate::image::ImageBuilder;
use crate::plan::{
    Blueprint, DatabaseRoute, DeployPlan, Observed, ObservedRecord, Operation, Ownership, TwinKind, Wanted, draw,
    recover, render,
};
use crate::postgres::DatabaseRoles;
use crate::secrets::Redactor;
use crate::sniff::{SniffOptions, SniffedEnvironment, sniff_all_apps};
use crate::state::{
    Entry, Intent, Journal, LockOwner, Outcome as Settled, SharedState, StageLock, State, StateProvider,
};
use crate::{DeployError, DeployEvent, ErrorCode, Phase};
use futures_util::future::try_join_all;
use indexmap::IndexMap;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use tokio_util::task::TaskTracker;

/// A checked request with everything that a run needs to begin.
pub(super) struct Ready {
    pub(super) request: DeployRequest,
    pub(super) options: RunOptions,
    pub(super) client: Dokploy,
    pub(super) redactor: Arc<Redactor>,
    provider: Arc<dyn StateProvider>,
    apps: Vec<String>,
    hosts: IndexMap<String, String>,
    pub(super) zones: Zones,
    declared: BTreeSet<String>,
    images: Arc<dyn ImageBuilder>,
    /// Which part of the workspace is deployed.
    part: Part,
}

/// Which part of the workspace a run deploys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    /// Everything.
    All,
    /// Project, environment and services.
    Services,
    /// These, and the roles of the database.
    Database,
    /// Nothing: it is undeployed.
    Nothing,
}

/// A plan with everything that applying it needs.
pub(super) struct Drawn {
    pub(super) wanted: Wanted,
    pub(super) observed: Observed,
    pub(super) blueprint: Blueprint,
    /// The state with what was recovered.
    state: State,
    generated: Generated,
    resolver: AppResolver,
    roles: Option<DatabaseRoles>,
}

impl Ready {
    /// Checks the request and makes the clients; connects to nothing.
    ///
    /// # Errors
    ///
    /// `INVALID_REQUEST`, `INVALID_WORKSPACE`, `PROVIDER_UNSUPPORTED`.
    pub(super) fn new(request: DeployRequest, options: RunOptions, part: Part) -> Result<Self, DeployError> {
        let DeployRequest { workspace, settings } = &request;
        prepare::check_stage(&settings.stage)?;
        // An app that is to be removed need not be declared any more.
        let apps = if part == Part::Nothing { Vec::new() } else { prepare::selected_apps(workspace, settings)? };
        let redactor = Arc::new(Redactor::new());
        prepare::know_secrets(&redactor, &settings.credentials, settings.secrets.all().cloned());
        let client = prepare::client(workspace, &settings.stage, &settings.credentials, &redactor)?;
        let hosts = workspace.hosts(&settings.stage, settings.main_frontend_at_apex)?;
        let selected = apps.iter().filter_map(|app| Some((app.clone(), hosts.get(app)?.clone())));
        let zones = prepare::zones(workspace, selected, &settings.credentials, &options)?;
        let images = match &options.image_builder {
            Some(builder) => Arc::clone(builder),
            None => local_builder(&request, &options, &redactor),
        };
        Ok(Self {
            provider: prepare::state_provider(workspace, &options)?,
            declared: prepare::declared_apps(workspace),
            apps,
            hosts,
            zones,
            client,
            redactor,
            images,
            request,
            options,
            part,
        })
    }

    pub(super) fn stage(&self) -> &str {
        &self.request.settings.stage
    }

    pub(super) fn now(&self) -> OffsetDateTime {
        (self.options.surroundings.now)()
    }

    pub(super) fn phase(&self, phase: Phase) {
        self.options.events.emit(DeployEvent::PhaseStarted { phase });
    }

    fn warn(&self, code: &str, message: &str, app: Option<&str>) {
        let message = self.redactor.redact(message);
        let (code, app) = (code.to_owned(), app.map(str::to_owned));
        self.options.events.emit(DeployEvent::Warning { code, message, app });
    }

    /// Where the state is kept.
    pub(super) fn provider(&self) -> Arc<dyn StateProvider> {
        Arc::clone(&self.provider)
    }

    /// The host names of apps; of all when none are named.
    pub(super) fn hosts_of(&self, apps: Option<&BTreeSet<String>>) -> BTreeSet<String> {
        let wanted = |app: &&String| apps.is_none_or(|apps| apps.contains(*app));
        self.hosts.iter().filter(|(app, _)| wanted(app)).map(|(_, host)| host.clone()).collect()
    }

    /// The providers of every zone in which we wrote a record.
    ///
    /// # Errors
    ///
    /// As [`prepare::zones`].
    pub(super) fn providers_of(&self, state: &State) -> Result<BTreeMap<String, Arc<dyn DnsProvider>>, DeployError> {
        let mut providers = self.zones.providers.clone();
        for root in state.dns_records.values().map(|record| &record.domain) {
            if providers.contains_key(root) {
                continue;
            }
            let hooked = self.options.dns_providers.get(root).cloned();
            let declared = self.request.workspace.deploy.dns.get(root).map(|zone| zone.provider.clone());
            let provider = match (hooked, declared) {
                (Some(provider), _) => provider,
                (None, Some(name)) => prepare::built_in(&name, root, &self.request.settings.credentials)?,
                (None, None) => continue,
            };
            providers.insert(root.clone(), provider);
        }
        Ok(providers)
    }

    /// What an undeployment wants: nothing.
    pub(super) fn nothing_wanted(&self) -> Wanted {
        assemble(Ingredients {
            request: &self.request,
            apps: &[],
            hosts: &self.hosts,
            zones: &self.zones,
            server_ip: None,
            envs: &IndexMap::new(),
            images: BTreeMap::new(),
            roles: None,
            route: wanted::database_route(&self.request, None),
        })
    }

    /// A resolver for no app.
    pub(super) fn no_resolver(&self) -> AppResolver {
        self.resolver(IndexMap::new())
    }

    /// Reads the server alone, and finds out that it is one that we can speak to.
    ///
    /// # Errors
    ///
    /// `DOKPLOY_*`, `RESOURCE_AMBIGUOUS`.
    pub(super) async fn look_at_server(&self, state: Option<&State>) -> Result<Observed, DeployError> {
        check_server(&self.client).await?;
        let mut apps = self.declared.clone();
        apps.extend(state.into_iter().flat_map(|state| state.applications.keys().cloned()));
        apps.extend(self.request.settings.apps.iter().flatten().cloned());
        loop {
            let scope = Scope { containers: false, apps: &apps, ..self.scope() };
            let observed = observe(&self.client, scope, state).await?;
            if observed.orphans.is_empty() {
                return Ok(observed);
            }
            // Ours, and neither declared nor in the state: they are looked at as well.
            apps.extend(observed.orphans);
        }
    }

    fn scope(&self) -> Scope<'_> {
        Scope {
            workspace: &self.request.workspace.name,
            stage: self.stage(),
            apps: &self.declared,
            containers: self.request.settings.wait_for == WaitFor::Running,
        }
    }

    fn database_host(&self) -> String {
        self.request.settings.database_host.clone().unwrap_or_else(|| self.client.host().to_owned())
    }

    /// Finds out what would have to be done. Makes only reads.
    ///
    /// # Errors
    ///
    /// Everything that stops a deployment before its first change (I1).
    pub(super) async fn draw(&self, state: Option<State>) -> Result<Drawn, DeployError> {
        let requirements = self.sniff().await?;
        self.phase(Phase::Resolve);
        let known = state.clone().unwrap_or_else(|| State::new(self.stage()));
        let resolver = self.resolver(requirements);
        // What is missing is missing whatever the server says; so this comes before the first request.
        resolver.resolve_all(&known, None, None)?;
        self.phase(Phase::Observe);
        let (observed, server_ip) = self.look(state.as_ref()).await?;
        let mut state = known;
        let recovered = recover(&mut state, &observed, &resolver.needs())?;
        if !recovered.is_empty() {
            self.warn("state-recovered", &format!("recovered from the server: {}", recovered.join(", ")), None);
        }
        self.assemble(resolver, state, observed, server_ip).await
    }

    async fn assemble(
        &self,
        resolver: AppResolver,
        state: State,
        observed: Observed,
        server_ip: Option<IpAddr>,
    ) -> Result<Drawn, DeployError> {
        let world = World::of(&observed);
        let redis = world.redis.as_ref().map(|(_, name)| name.as_str());
        let resolved = resolver.resolve_all(&state, world.postgres.as_ref(), redis)?;
        resolved.secrets.iter().for_each(|value| self.redactor.add(value));
        for (app, env) in &resolved.envs {
            encode_env(app, &env.values)?;
        }
        let mut filled = state.clone();
        resolved.generated.keep_in(&mut filled);
        // A server's words may hold any of them, also those that no app's environment shows before its host is known.
        prepare::know_state(&self.redactor, &filled);
        let (database, master) = match &world.postgres {
            Some(PostgresService { database, user, .. }) => (database.clone(), user.clone()),
            None => (self.request.workspace.database_name(), MASTER.to_owned()),
        };
        let roles = wanted::roles(&self.request, &resolver, &filled, &database, &master)?;
        let hooked = self.options.image_builder.is_some();
        let images = wanted::images(&self.request, &self.apps, &resolved.envs, hooked, self.now())?;
        let images = resolve_images(images, self.images.as_ref(), registry_login(&self.request).as_ref()).await?;
        let wanted = assemble(Ingredients {
            request: &self.request,
            apps: &self.apps,
            hosts: &self.hosts,
            zones: &self.zones,
            server_ip,
            envs: &resolved.envs,
            images,
            roles: roles.as_ref(),
            route: wanted::database_route(&self.request, observed.postgres.as_ref()),
        });
        self.phase(Phase::Plan);
        let mut blueprint = draw(&wanted, &observed, &state)?;
        self.part.narrow(&mut blueprint);
        self.options
            .events
            .emit(DeployEvent::Planned { changes: blueprint.plan.changes, text: render(&blueprint.plan) });
        Ok(Drawn { wanted, observed, blueprint, state, generated: resolved.generated, resolver, roles })
    }

    async fn sniff(&self) -> Result<IndexMap<String, SniffedEnvironment>, DeployError> {
        if self.part == Part::Services {
            return Ok(IndexMap::new());
        }
        self.phase(Phase::Sniff);
        let events = Arc::clone(&self.options.events);
        let surroundings = &self.options.surroundings;
        let options = SniffOptions {
            node: surroundings.node.clone(),
            sniffer: surroundings.sniffer.clone(),
            cache: self.options.cache,
            cancel: self.options.cancel.clone(),
            on_sniffed: Some(Arc::new(move |sniffed: &SniffedEnvironment| {
                events.emit(DeployEvent::AppSniffed {
                    app: sniffed.app_name.clone(),
                    required: sniffed.required_env_vars.clone(),
                    optional: sniffed.optional_env_vars.clone(),
                    cached: sniffed.cached,
                });
            })),
            ..SniffOptions::default()
        };
        let workspace = &self.request.workspace;
        let apps = self.apps.iter().map(|name| (name.clone(), workspace.apps[name].clone())).collect();
        let mut sniffed = sniff_all_apps(&apps, &workspace.root, &options).await?;
        self.judge(&sniffed)?;
        for sniffed in sniffed.values_mut() {
            // Traefik leads to this port, whether the app asks for the variable or has a default of its own.
            let port = "PORT".to_owned();
            sniffed.optional_env_vars.retain(|name| *name != port);
            if !sniffed.required_env_vars.contains(&port) {
                sniffed.required_env_vars.push(port);
            }
        }
        Ok(sniffed)
    }

    /// Stops on sniffs that could not run, or warns, as the request says.
    fn judge(&self, sniffed: &IndexMap<String, SniffedEnvironment>) -> Result<(), DeployError> {
        let mut failed = Vec::new();
        for (app, sniffed) in sniffed {
            let Some(failure) = &sniffed.error else { continue };
            let partial = if failure.partial { "; what it asked for before is known" } else { "" };
            let message = format!("{app} could not be sniffed ({}): {}{partial}", failure.kind, failure.message);
            if !failure.fatal || self.request.settings.on_sniff_error == OnSniffError::Warn {
                self.warn("sniff", &message, Some(app));
                continue;
            }
            let mut error = DeployError::new(ErrorCode::SniffFailed, message).app(app).reason(&failure.kind).hint(format!(
                "Mend what stops `{app}` from loading, list its variables in apps.{app}.requiredEnv, or pass onSniffError: 'warn'"
            ));
            if let Some(stack) = &failure.stack {
                error = error.log(stack);
            }
            failed.push(error);
        }
        if failed.is_empty() { Ok(()) } else { Err(DeployError::join(failed)) }
    }

    fn resolver(&self, requirements: IndexMap<String, SniffedEnvironment>) -> AppResolver {
        let DeployRequest { workspace, settings } = &self.request;
        AppResolver::new(
            workspace.clone(),
            &settings.stage,
            self.hosts.clone(),
            settings.secrets.clone(),
            requirements,
            settings.public_schema_app.clone(),
            Arc::clone(&self.options.surroundings.entropy),
        )
    }

    /// Reads the server, the DNS zones and the server's address, side by side.
    async fn look(&self, state: Option<&State>) -> Result<(Observed, Option<IpAddr>), DeployError> {
        let (mut observed, records, server_ip, ()) = tokio::try_join!(
            observe(&self.client, self.scope(), state),
            self.records(),
            self.server_ip(),
            check_server(&self.client),
        )?;
        observed.records = records;
        let ours = observed.postgres.as_ref().filter(|found| found.ownership == Ownership::Ours);
        observed.open_port = ours.filter(|found| found.external_port.is_some()).map(|found| found.id.clone());
        Ok((observed, server_ip))
    }

    /// The records at each host name of the run; fails when a zone does not exist (I1).
    async fn records(&self) -> Result<BTreeMap<String, ObservedRecord>, DeployError> {
        if self.part != Part::All {
            return Ok(BTreeMap::new());
        }
        let zones = self.zones.hosts.values().filter_map(|host| host.zone.as_ref()).filter(|zone| !zone.manual);
        let roots: BTreeSet<&str> = zones.map(|zone| zone.root.as_str()).collect();
        let reads = roots.into_iter().map(|root| async move {
            let records = self.zones.providers[root].get_records(root).await?;
            Ok::<_, DeployError>((root.to_owned(), records))
        });
        let read: BTreeMap<String, Vec<crate::dns::DnsRecord>> = try_join_all(reads).await?.into_iter().collect();
        let mut found = BTreeMap::new();
        for (host, wanted) in &self.zones.hosts {
            let Some(records) = wanted.zone.as_ref().and_then(|zone| Some((zone, read.get(&zone.root)?))) else {
                continue;
            };
            let (zone, records) = records;
            let mut observed = ObservedRecord::default();
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

    /// Reads the state.
    ///
    /// # Errors
    ///
    /// `STATE_CORRUPT`, `STATE_IO`, `HOOK_FAILED`.
    pub(super) async fn state(&self) -> Result<Option<State>, DeployError> {
        Ok(SharedState::load(Arc::clone(&self.provider), self.stage())
            .await?
            .map(|state| State::clone(&state.snapshot())))
    }
}

impl Part {
    /// Leaves only the steps of this part in a plan.
    fn narrow(self, blueprint: &mut Blueprint) {
        let belongs = |operation: &Operation| match self {
            Self::All | Self::Nothing => true,
            Self::Services | Self::Database => match operation {
                Operation::ApplyRoles => self == Self::Database,
                // It still carries the database's master password.
                Operation::RemoveTwin(twin) => twin.kind == TwinKind::Job,
                Operation::Keep
                | Operation::ClosePort
                | Operation::CreateProject
                | Operation::CreateEnvironment
                | Operation::MarkEnvironment
                | Operation::ProvisionPostgres
                | Operation::ProvisionRedis => true,
                _ => false,
            },
        };
        let Blueprint { plan, operations, .. } = blueprint;
        operations.retain(|_, operation| belongs(operation));
        plan.steps.retain(|step| operations.contains_key(&step.id));
        plan.recount();
        if plan.changes == 0 {
            operations.clear();
        }
    }
}

/// Holds what must outlive a cancelled run: the lock, until cleaning up is done.
#[derive(Default)]
pub(super) struct Hold {
    lock: std::sync::Mutex<Option<Arc<StageLock>>>,
    pub(super) cleanup: TaskTracker,
}

impl Hold {
    fn keep(&self, lock: &Arc<StageLock>) {
        if let Ok(mut kept) = self.lock.lock() {
            *kept = Some(Arc::clone(lock));
        }
    }

    /// Lets go of the lock once cleaning up is done; waits for that no longer than `patience`.
    pub(super) async fn release(self, patience: Duration) {
        self.cleanup.close();
        let released = tokio::spawn(async move {
            self.cleanup.wait().await;
            drop(self.lock);
        });
        let _ = tokio::time::timeout(patience, released).await;
    }
}

/// Deploys: everything from the lock to the report.
///
/// # Errors
///
/// Every failure of a deployment, with what succeeded.
pub(super) async fn deploy(ready: &Ready, hold: &Hold) -> Result<DeployReport, DeployFailure> {
    let started = Instant::now();
    let journal = begin(ready, hold).await?;
    let state = ready.state().await?;
    let fresh = state.is_none();
    let drawn = Box::pin(ready.draw(state.clone())).await?;
    let shared = if fresh {
        SharedState::start(Arc::clone(&ready.provider), drawn.state.clone())
    } else {
        SharedState::load(Arc::clone(&ready.provider), ready.stage())
            .await?
            .unwrap_or_else(|| SharedState::start(Arc::clone(&ready.provider), drawn.state.clone()))
    };
    let Drawn { wanted, observed, blueprint, state: recovered, generated, resolver, roles } = drawn;
    if blueprint.plan.changes == 0 && !fresh && state.as_ref() == Some(&recovered) {
        return Ok(summarize(
            ready,
            &World::of(&observed),
            &wanted,
            &blueprint,
            &Outcome::default(),
            started.elapsed(),
        ));
    }
    // Durable before the first request that carries any of it (I2).
    shared
        .update(|state| {
            *state = recovered;
            generated.keep_in(state);
        })
        .await?;
    let mut session = session(ready, hold, shared, journal, &observed, wanted, resolver, roles);
    session.opens_database = session.database_route == DatabaseRoute::ExternalPort
        && blueprint.operations.values().any(|operation| *operation == Operation::ApplyRoles);
    ready.phase(Phase::Apply);
    let events = &ready.options.events;
    let outcome = apply(&blueprint, &session, events.as_ref(), &ready.options.cancel, Limits::default()).await?;
    finish(ready, &session, &blueprint, outcome, started).await
}

/// Takes the lock, opens the journal, and sets right what an interrupted run left in the middle.
///
/// # Errors
///
/// `STATE_LOCKED`, `STATE_CORRUPT`, `STATE_IO`, and what closing a port fails with.
pub(super) async fn begin(ready: &Ready, hold: &Hold) -> Result<Journal, DeployError> {
    let root = &ready.request.workspace.root;
    let owner = LockOwner::this_process(run_id(ready), ready.now());
    let lock = Arc::new(StageLock::acquire(root, ready.stage(), owner).await?);
    hold.keep(&lock);
    let journal = Journal::open(&lock, ready.options.surroundings.now).await?;
    let unfinished = journal.unfinished().await?;
    for entry in unfinished {
        settle(ready, &journal, &entry).await?;
    }
    if crate::state::is_exposed_to_git(&ready.options.surroundings.git, root, ready.stage()).await {
        ready.warn("state-exposed", "git would not ignore the state file: add `.gkm/` to .gitignore", None);
    }
    Ok(journal)
}

fn run_id(ready: &Ready) -> String {
    crate::secrets::generate_secret(ready.options.surroundings.entropy.as_ref()).expose().chars().take(12).collect()
}

/// Sets right one thing that an interrupted run left in the middle.
async fn settle(ready: &Ready, journal: &Journal, entry: &Entry) -> Result<(), DeployError> {
    let landing = ready.options.surroundings.landing;
    match &entry.intent {
        Intent::OpenDatabasePort { postgres_id, port, until } => {
            ready.warn("port-left-open", "an interrupted run may have left the database's port open: closing it", None);
            let target = PortTarget {
                client: ready.client.clone(),
                postgres_id: postgres_id.clone(),
                host: ready.database_host(),
                landing,
            };
            close_interrupted(&target, *port, until, ready.now()).await?;
        }
        // Such a request may still take effect: looking before it can have would miss what it makes (facts: aborted create).
        Intent::Create { .. } => {
            let begun = OffsetDateTime::parse(&entry.at, &Rfc3339).unwrap_or(OffsetDateTime::UNIX_EPOCH);
            let rest = Duration::try_from(begun + landing - ready.now()).unwrap_or_default();
            tokio::time::sleep(rest.min(landing)).await;
        }
        // Sending any of these again, or seeing that it is not needed, is what the plan is for.
        _ => {}
    }
    journal.settle(entry, Settled::Done).await
}

#[expect(clippy::too_many_arguments, reason = "the parts of a session come from as many places")]
pub(super) fn session(
    ready: &Ready,
    hold: &Hold,
    state: SharedState,
    journal: Journal,
    observed: &Observed,
    wanted: Wanted,
    resolver: AppResolver,
    roles: Option<DatabaseRoles>,
) -> Session {
    let settings = &ready.request.settings;
    let running = observed.applications.iter().filter(|(_, found)| found.running && found.newest_done);
    let domains = observed
        .applications
        .iter()
        .map(|(app, found)| (app.clone(), found.domains.iter().map(|domain| domain.host.clone()).collect::<Vec<_>>()));
    Session {
        client: ready.client.clone(),
        declared: ready.declared.clone(),
        wanted,
        state,
        journal,
        events: Arc::clone(&ready.options.events),
        redactor: Arc::clone(&ready.redactor),
        dns: ready.zones.providers.clone(),
        images: Arc::clone(&ready.images),
        resolver,
        names: prepare::base_names(&ready.request.workspace),
        roles,
        public_schema_app: settings.public_schema_app.clone(),
        opens_database: false,
        database_route: wanted::database_route(&ready.request, observed.postgres.as_ref()).way,
        database_host: ready.database_host(),
        wait_for: settings.wait_for,
        stability: Duration::from_secs(settings.stability_seconds),
        dns_timeout: Duration::from_secs(settings.dns_timeout_seconds),
        surroundings: ready.options.surroundings.clone(),
        cleanup: hold.cleanup.clone(),
        records: observed.records.clone(),
        running: running.map(|(app, _)| app.clone()).collect(),
        domains: domains.collect(),
        environments: observed.applications.iter().map(|(app, found)| (app.clone(), found.env.clone())).collect(),
        world: Session::world_of(observed),
    }
}

/// Makes the report; the failures of the run become its error.
async fn finish(
    ready: &Ready,
    session: &Session,
    blueprint: &Blueprint,
    outcome: Outcome,
    started: Instant,
) -> Result<DeployReport, DeployFailure> {
    if outcome.failed.is_empty() && !outcome.changed.is_empty() && ready.part == Part::All {
        let now = session.now();
        session.state.update(|state| state.last_deployed_at = now).await?;
    }
    session.journal.compact().await?;
    let report = {
        let world = session.world();
        summarize(ready, &world, &session.wanted, blueprint, &outcome, started.elapsed())
    };
    if outcome.failed.is_empty() {
        return Ok(report);
    }
    let errors = outcome.failed.into_values().collect();
    Err(DeployFailure { error: DeployError::join(errors), report: Some(Box::new(report)) })
}

/// Plans: what a deployment would do.
///
/// # Errors
///
/// Everything that stops a deployment before its first change.
pub(super) async fn plan(ready: &Ready) -> Result<DeployPlan, DeployError> {
    let mut drawn = Box::pin(ready.draw(ready.state().await?)).await?;
    let unfinished = Journal::peek(&ready.request.workspace.root, ready.stage()).await?;
    let opened = unfinished.iter().any(|entry| matches!(entry.intent, Intent::OpenDatabasePort { .. }));
    if opened && drawn.observed.open_port.is_none() {
        drawn.observed.open_port = drawn.observed.postgres.as_ref().map(|found| found.id.clone());
        drawn.blueprint = draw(&drawn.wanted, &drawn.observed, &drawn.state)?;
    }
    Ok(drawn.blueprint.plan)
}
