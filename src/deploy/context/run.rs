//! A checked request with the clients that every phase of a run uses.

use super::clients::{self, dokploy_client, state_provider};
use super::names::Marks;
use super::redaction::hide_given;
use super::reporter::Reporter;
use super::scope::RunScope;
use super::selection::{check_not_empty, check_stage, declared_apps, selected_apps};
use super::zones::Zones;
use crate::DeployError;
use crate::deploy::request::{DeployRequest, OnFailure, RunOptions, WaitFor};
use crate::dns::LookupOptions;
use crate::dokploy::{Access, Dokploy};
use crate::image::ImageBuilder;
use crate::plan::{DeployPlan, check_still_true};
use crate::secrets::{Entropy, Redactor};
use crate::sniff::SniffedEnvironment;
use crate::state::{SharedState, State, StateProvider, StateVersion};
use crate::workspace::{Health, Release};
use indexmap::IndexMap;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};
use time::OffsetDateTime;
use tokio::sync::OnceCell;

/// A checked request with the clients that every phase of a run uses.
pub(crate) struct RunContext {
    pub(crate) request: DeployRequest,
    pub(crate) options: RunOptions,
    /// How much of the workspace the run concerns.
    pub(crate) scope: RunScope,
    pub(crate) client: Dokploy,
    pub(crate) reporter: Reporter,
    pub(crate) redactor: Arc<Redactor>,
    pub(crate) state_provider: Arc<dyn StateProvider>,
    /// Which state was read: a write that finds another one is refused.
    read_version: Mutex<StateVersion>,
    pub(crate) image_builder: Arc<dyn ImageBuilder>,
    /// The apps that the run deploys, dependencies first.
    pub(crate) apps: Vec<String>,
    /// Every app that the workspace declares and that may live on the server.
    pub(crate) declared: BTreeSet<String>,
    /// The host name of every app that has one: all do, where domains are attached.
    pub(crate) hosts: IndexMap<String, String>,
    /// The zones of the host names of [`Self::apps`].
    pub(crate) zones: Zones,
    /// What the apps ask for, once that was found out.
    pub(crate) sniffed: OnceCell<IndexMap<String, SniffedEnvironment>>,
}

impl RunContext {
    /// Checks the request and makes the clients; connects to nothing.
    ///
    /// # Errors
    ///
    /// `INVALID_REQUEST`, `INVALID_WORKSPACE`, `PROVIDER_UNSUPPORTED`.
    pub(crate) fn new(request: DeployRequest, options: RunOptions, scope: RunScope) -> Result<Self, DeployError> {
        let DeployRequest { workspace, settings } = &request;
        check_stage(&settings.stage)?;
        check_not_empty(settings)?;
        let apps = if scope.selects_apps() { selected_apps(workspace, settings)? } else { Vec::new() };
        let redactor = Arc::new(Redactor::new());
        hide_given(&redactor, &settings.credentials, settings.secrets.all().cloned());
        let client =
            dokploy_client(workspace, &settings.stage, &settings.credentials, &options.surroundings, &redactor)?;
        let hosts = if settings.domains {
            workspace.hosts(&settings.stage, settings.main_frontend_at_apex)?
        } else {
            workspace.known_hosts(&settings.stage, settings.main_frontend_at_apex)
        };
        let selected = apps.iter().filter_map(|app| Some((app.clone(), hosts.get(app)?.clone())));
        let zones = Zones::find(workspace, selected, &settings.credentials, &options)?;
        let image_builder = match &options.image_builder {
            Some(builder) => Arc::clone(builder),
            None => clients::local_builder(&request, &options, &redactor),
        };
        Ok(Self {
            state_provider: state_provider(workspace, &settings.credentials, &options)?,
            read_version: Mutex::new(StateVersion::Absent),
            declared: declared_apps(workspace),
            reporter: Reporter::new(Arc::clone(&options.events), Arc::clone(&redactor)),
            scope,
            client,
            redactor,
            image_builder,
            apps,
            hosts,
            zones,
            request,
            options,
            sniffed: OnceCell::new(),
        })
    }

    /// The stage.
    pub(crate) fn stage(&self) -> &str {
        &self.request.settings.stage
    }

    /// The names and marks of the stage's resources.
    pub(crate) fn marks(&self) -> Marks {
        Marks { workspace: self.request.workspace.name.clone(), stage: self.stage().to_owned() }
    }

    /// Whether the run looks at containers: it follows deployments until they run, or may have to put apps back, which is
    /// seen running whatever the request says.
    pub(crate) fn looks_at_containers(&self) -> bool {
        self.furthest_wait() == WaitFor::Running
    }

    /// What our key must be allowed to look at, as far as the request tells.
    pub(crate) fn access(&self) -> Access {
        self.scope.access(self.furthest_wait())
    }

    /// How far a deployment of the run is followed at most.
    fn furthest_wait(&self) -> WaitFor {
        let settings = &self.request.settings;
        let puts_back = self.scope == RunScope::Workspace && settings.on_failure == OnFailure::Rollback;
        if puts_back { WaitFor::Running } else { settings.wait_for }
    }

    /// What an app wants run before it is deployed: as the request says, else the workspace.
    pub(crate) fn release_of(&self, app: &str) -> Option<Release> {
        let declared = || self.request.workspace.apps.get(app)?.release.clone();
        self.request.settings.release.get(app).cloned().or_else(declared)
    }

    /// How it is found out that an app works: as the request says, else the workspace.
    pub(crate) fn health_of(&self, app: &str) -> Health {
        let declared = || self.request.workspace.apps.get(app).map(|app| app.health.clone());
        self.request.settings.health.get(app).cloned().or_else(declared).unwrap_or_default()
    }

    /// The time.
    pub(crate) fn now(&self) -> OffsetDateTime {
        (self.options.surroundings.now)()
    }

    /// The randomness.
    pub(crate) fn entropy(&self) -> &dyn Entropy {
        self.options.surroundings.entropy.as_ref()
    }

    /// The app at each host name of the stage.
    pub(crate) fn apps_by_host(&self) -> BTreeMap<String, String> {
        self.hosts.iter().map(|(app, host)| (host.clone(), app.clone())).collect()
    }

    /// Where an opened database port is reached.
    pub(crate) fn database_host(&self) -> String {
        self.request.settings.database_host.clone().unwrap_or_else(|| self.client.host().to_owned())
    }

    /// How names are looked up.
    pub(crate) fn lookup_options(&self) -> LookupOptions {
        LookupOptions {
            name_servers: self.options.surroundings.name_servers.clone(),
            authoritative_port: self.options.surroundings.authoritative_port,
            ..LookupOptions::default()
        }
    }

    /// Compares a plan with the one that the caller was shown, if any.
    ///
    /// # Errors
    ///
    /// `PLAN_STALE`.
    pub(crate) fn check_expected(&self, plan: &DeployPlan) -> Result<(), DeployError> {
        match &self.options.expected_plan {
            Some(shown) => check_still_true(shown, plan),
            None => Ok(()),
        }
    }

    /// Reads the state.
    ///
    /// # Errors
    ///
    /// `STATE_CORRUPT`, `STATE_IO`, `HOOK_FAILED`.
    pub(crate) async fn read_state(&self) -> Result<Option<State>, DeployError> {
        let shared = SharedState::load(Arc::clone(&self.state_provider), self.stage()).await?;
        let version = match &shared {
            Some(shared) => shared.version().await,
            None => StateVersion::Absent,
        };
        *self.read_version.lock().unwrap_or_else(PoisonError::into_inner) = version;
        Ok(shared.map(|state| State::clone(&state.snapshot())))
    }

    /// Which state [`Self::read_state`] has read.
    pub(crate) fn read_version(&self) -> StateVersion {
        self.read_version.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
