//! A checked request with everything that a run needs to begin.

use super::desired::{self, Ingredients, assemble};
use super::images::local_builder;
use super::options::RunOptions;
use super::prepare::{self, Zones};
use super::request::DeployRequest;
use super::resolve::AppResolver;
use crate::dns::DnsProvider;
use crate::dokploy::Dokploy;
use crate::image::ImageBuilder;
use crate::plan::{Blueprint, DeployPlan, Desired, Operation, TwinKind, check_still_true};
use crate::secrets::Redactor;
use crate::sniff::SniffedEnvironment;
use crate::state::{SharedState, State, StateProvider};
use crate::{DeployError, DeployEvent, Phase};
use indexmap::IndexMap;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use time::OffsetDateTime;

/// A checked request with everything that a run needs to begin.
pub(super) struct Ready {
    pub(super) request: DeployRequest,
    pub(super) options: RunOptions,
    pub(super) client: Dokploy,
    pub(super) redactor: Arc<Redactor>,
    pub(super) provider: Arc<dyn StateProvider>,
    pub(super) apps: Vec<String>,
    pub(super) hosts: IndexMap<String, String>,
    pub(super) zones: Zones,
    pub(super) declared: BTreeSet<String>,
    pub(super) images: Arc<dyn ImageBuilder>,
    /// Which part of the workspace is deployed.
    pub(super) part: Part,
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
    /// Other credentials for what runs.
    Credentials,
    /// Nothing: it is undeployed.
    Nothing,
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
        let apps = match part {
            Part::Nothing | Part::Credentials => Vec::new(),
            Part::All | Part::Services | Part::Database => prepare::selected_apps(workspace, settings)?,
        };
        let redactor = Arc::new(Redactor::new());
        prepare::know_secrets(&redactor, &settings.credentials, settings.secrets.all().cloned());
        let client = prepare::client(
            workspace,
            &settings.stage,
            &settings.credentials,
            &options.surroundings.client,
            &redactor,
        )?;
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

    pub(super) fn warn(&self, code: &str, message: &str, app: Option<&str>) {
        let message = self.redactor.redact(message);
        let (code, app) = (code.to_owned(), app.map(str::to_owned));
        self.options.events.emit(DeployEvent::Warning { code, message, app });
    }

    /// Where the state is kept.
    pub(super) fn provider(&self) -> Arc<dyn StateProvider> {
        Arc::clone(&self.provider)
    }

    /// The app at each host name of the stage.
    pub(super) fn apps_by_host(&self) -> BTreeMap<String, String> {
        self.hosts.iter().map(|(app, host)| (host.clone(), app.clone())).collect()
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
            if let Some(provider) = self.provider_of(root) {
                providers.insert(root.clone(), provider?);
            }
        }
        Ok(providers)
    }

    /// The provider of a zone; `None` when nobody says who serves it.
    pub(super) fn provider_of(&self, root: &str) -> Option<Result<Arc<dyn DnsProvider>, DeployError>> {
        if let Some(hooked) = self.options.dns_providers.get(root) {
            return Some(Ok(Arc::clone(hooked)));
        }
        let declared = self.request.workspace.deploy.dns.get(root)?;
        Some(prepare::built_in(&declared.provider, root, &self.request.settings.credentials))
    }

    /// The providers of the run's zones, and of those in which we wrote a record as far as we can write there today.
    pub(super) fn writable_zones(&self, state: &State) -> BTreeMap<String, Arc<dyn DnsProvider>> {
        let mut providers = self.zones.providers.clone();
        let roots: BTreeSet<&String> = state.dns_records.values().map(|record| &record.domain).collect();
        for root in roots {
            // A provider's client takes a while to make.
            if !providers.contains_key(root)
                && let Some(Ok(provider)) = self.provider_of(root)
            {
                providers.insert(root.clone(), provider);
            }
        }
        let hooked = &self.options.dns_providers;
        let zones = &self.request.workspace.deploy.dns;
        let manual =
            |root: &str| !hooked.contains_key(root) && zones.get(root).is_some_and(|zone| zone.provider == "manual");
        providers.retain(|root, _| !manual(root));
        providers
    }

    /// What an undeployment wants: nothing.
    pub(super) fn nothing_desired(&self) -> Desired {
        assemble(Ingredients {
            request: &self.request,
            apps: &[],
            hosts: &self.hosts,
            zones: &self.zones,
            server_ip: None,
            envs: &IndexMap::new(),
            images: BTreeMap::new(),
            roles: None,
            route: desired::database_route(&self.request, None, &State::new(self.stage())),
        })
    }

    pub(super) fn database_host(&self) -> String {
        self.request.settings.database_host.clone().unwrap_or_else(|| self.client.host().to_owned())
    }

    pub(super) fn resolver(&self, requirements: IndexMap<String, SniffedEnvironment>) -> AppResolver {
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

    /// A resolver for no app.
    pub(super) fn no_resolver(&self) -> AppResolver {
        self.resolver(IndexMap::new())
    }

    /// Compares a plan with the one that the caller was shown, if any.
    ///
    /// # Errors
    ///
    /// `PLAN_STALE`.
    pub(super) fn check_expected(&self, plan: &DeployPlan) -> Result<(), DeployError> {
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
    pub(super) async fn state(&self) -> Result<Option<State>, DeployError> {
        Ok(SharedState::load(Arc::clone(&self.provider), self.stage())
            .await?
            .map(|state| State::clone(&state.snapshot())))
    }
}

impl Part {
    /// Leaves only the steps of this part in a plan.
    pub(super) fn narrow(self, blueprint: &mut Blueprint) {
        let belongs = |operation: &Operation| match self {
            Self::All | Self::Credentials | Self::Nothing => true,
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
