//! From what apps need to what they get: the resolver with what a run knows.

use crate::deploy::context::{PostgresService, RunContext};
use crate::env::{EnvContext, EnvResolution, PostgresAddress, RedisAddress, Secrets, missing_env_error, resolve_env};
use crate::plan::{DesiredEnv, GeneratedNeeds};
use crate::postgres::{AppNames, AppRole, DatabaseRoles, app_names, second_login_name};
use crate::secrets::{Entropy, Secret, generate_password};
use crate::sniff::SniffedEnvironment;
use crate::state::{AppCredentials, State};
use crate::workspace::Workspace;
use crate::{DeployError, ErrorCode};
use indexmap::IndexMap;
use serde_json::Map;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// The variable that leads to the database.
pub(crate) const DATABASE_URL: &str = "DATABASE_URL";
/// The variables whose values we generate (seed: Auto-Supported Environment Variables).
const GENERATED: &[&str] = &["BETTER_AUTH_SECRET"];

/// Resolves the variables of the apps of a run.
#[derive(Clone)]
pub(crate) struct AppResolver {
    workspace: Workspace,
    stage: String,
    hosts: IndexMap<String, String>,
    secrets: Secrets,
    requirements: IndexMap<String, SniffedEnvironment>,
    public_schema_app: Option<String>,
    entropy: Arc<dyn Entropy>,
}

/// What had to be generated; made durable before the first request that carries it (I2).
#[derive(Debug, Clone, Default)]
pub(crate) struct Generated {
    credentials: IndexMap<String, AppCredentials>,
    secrets: IndexMap<String, IndexMap<String, Secret>>,
}

/// The environments of the apps, and what had to be generated for them.
pub(crate) struct Resolved {
    /// Each app's environment.
    pub(crate) envs: IndexMap<String, DesiredEnv>,
    /// What had to be generated.
    pub(crate) generated: Generated,
    /// The values that must never be shown (I6).
    pub(crate) secrets: Vec<Secret>,
    /// Per app the user's values that give way to what we compute.
    pub(crate) overridden: IndexMap<String, Vec<String>>,
}

impl AppResolver {
    /// Makes a resolver for the apps whose requirements are given.
    pub(crate) fn new(context: &RunContext, requirements: IndexMap<String, SniffedEnvironment>) -> Self {
        let settings = &context.request.settings;
        Self {
            workspace: context.request.workspace.clone(),
            stage: settings.stage.clone(),
            hosts: context.hosts.clone(),
            secrets: settings.secrets.clone(),
            requirements,
            public_schema_app: settings.public_schema_app.clone(),
            entropy: Arc::clone(&context.options.surroundings.entropy),
        }
    }

    /// As [`Self::new`], with other values of the user's than the request has.
    pub(super) fn with_secrets(
        context: &RunContext,
        requirements: IndexMap<String, SniffedEnvironment>,
        secrets: Secrets,
    ) -> Self {
        Self { secrets, ..Self::new(context, requirements) }
    }

    /// A resolver for no app.
    pub(crate) fn for_no_app(context: &RunContext) -> Self {
        Self::new(context, IndexMap::new())
    }

    /// What each app needs that we generate; applications of the apps of `adopt` are taken over.
    pub(crate) fn needs(&self, adopt: &[String]) -> BTreeMap<String, GeneratedNeeds> {
        let needs = |sniffed: &SniffedEnvironment| {
            let given = |name: &&&str| self.secrets.value(&sniffed.app_name, name).is_none();
            let secrets = GENERATED.iter().filter(given).filter(|name| asks(sniffed, name));
            GeneratedNeeds {
                database: self.wants_role(sniffed),
                secrets: secrets.map(|name| (*name).to_owned()).collect(),
                role: sniffed.app_name.clone(),
                second_login: second_login_name(&sniffed.app_name),
                adopted: adopt.contains(&sniffed.app_name),
            }
        };
        self.requirements.iter().map(|(app, sniffed)| (app.clone(), needs(sniffed))).collect()
    }

    fn wants_role(&self, sniffed: &SniffedEnvironment) -> bool {
        self.workspace.services.db.is_some() && asks(sniffed, DATABASE_URL)
    }

    /// The apps that are to have a role in the database: those that need one, and those that have one already.
    pub(crate) fn role_apps(&self, state: &State) -> Vec<String> {
        if self.workspace.services.db.is_none() {
            return Vec::new();
        }
        let has = |app: &&String| {
            state.app_credentials.contains_key(*app)
                || self.requirements.get(*app).is_some_and(|sniffed| self.wants_role(sniffed))
        };
        self.workspace.apps.keys().filter(has).cloned().collect()
    }

    /// The roles that a database is to have: of every app that needs one or has one; those of apps that are gone retire.
    ///
    /// # Errors
    ///
    /// `INVALID_WORKSPACE` when a name cannot become a role or schema.
    pub(crate) fn roles(
        &self,
        state: &State,
        database: &str,
        master: &str,
    ) -> Result<Option<DatabaseRoles>, DeployError> {
        let apps = self.role_apps(state);
        let gone = |(app, _): &(&String, &AppCredentials)| !self.workspace.apps.contains_key(*app);
        let retired = state.app_credentials.iter().filter(gone);
        let retired: Vec<_> = retired.map(|(app, credentials)| (app.clone(), credentials.db_user.clone())).collect();
        if self.workspace.services.db.is_none() || (apps.is_empty() && retired.is_empty()) {
            return Ok(None);
        }
        let names = app_names(apps.iter().map(String::as_str), self.public_schema_app.as_deref())?;
        let role = |names: AppNames| {
            let password = state.app_credentials.get(&names.app)?.db_password.clone();
            let shared = self.workspace.apps[&names.app].shared_with.clone();
            let readers = shared.into_iter().filter(|reader| apps.contains(reader));
            Some(AppRole::new(names, password).shared_with(readers))
        };
        let roles = names.into_iter().filter_map(role).collect();
        Ok(Some(DatabaseRoles::new(database, master, roles)?.retiring(retired)))
    }

    /// Resolves every app; `postgres` and `redis` are absent until they are created.
    ///
    /// # Errors
    ///
    /// `MISSING_ENV` for all apps at once, `INVALID_WORKSPACE` when a name cannot become a role.
    pub(crate) fn resolve_all(
        &self,
        state: &State,
        postgres: Option<&PostgresService>,
        redis: Option<&str>,
    ) -> Result<Resolved, DeployError> {
        let mut generated = self.credentials(state)?;
        let (mut envs, mut secrets, mut overridden) = (IndexMap::new(), Vec::new(), IndexMap::new());
        let mut missing: IndexMap<String, Vec<String>> = IndexMap::new();
        for app in self.requirements.keys() {
            let context = self.context(app, state, &generated, postgres, redis)?;
            let resolution = resolve_env(&self.requirements[app].required_env_vars, &context, self.entropy.as_ref());
            if !resolution.missing.is_empty() {
                missing.insert(app.clone(), resolution.missing.clone());
            }
            if !resolution.generated.is_empty() {
                generated.secrets.insert(app.clone(), resolution.generated.clone());
            }
            if !resolution.overridden.is_empty() {
                overridden.insert(app.clone(), resolution.overridden.clone());
            }
            let hidden = resolution.resolved.values().filter(|variable| variable.source.is_secret());
            secrets.extend(hidden.map(|variable| variable.value.clone()));
            envs.insert(app.clone(), desired_env(resolution));
        }
        match missing_env_error(&missing) {
            Some(error) => Err(error),
            None => Ok(Resolved { envs, generated, secrets, overridden }),
        }
    }

    /// Resolves one app once everything it needs exists.
    ///
    /// # Errors
    ///
    /// `INTERNAL` when a value is still not known.
    pub(crate) fn resolve(
        &self,
        app: &str,
        state: &State,
        postgres: Option<&PostgresService>,
        redis: Option<&str>,
    ) -> Result<IndexMap<String, Secret>, DeployError> {
        let context = self.context(app, state, &Generated::default(), postgres, redis)?;
        let resolution = resolve_env(&self.requirements[app].required_env_vars, &context, self.entropy.as_ref());
        let env = desired_env(resolution);
        if env.unknown.is_empty() {
            return Ok(env.values);
        }
        let names: Vec<String> = env.unknown.into_iter().collect();
        Err(DeployError::new(ErrorCode::Internal, format!("{} of {app} are still not known", names.join(", ")))
            .app(app))
    }

    /// Credentials for every app that is to have a role and has none yet.
    fn credentials(&self, state: &State) -> Result<Generated, DeployError> {
        let apps = self.role_apps(state);
        let mut generated = Generated::default();
        for names in app_names(apps.iter().map(String::as_str), self.public_schema_app.as_deref())? {
            if !state.app_credentials.contains_key(&names.app) {
                let db_password = generate_password(self.entropy.as_ref());
                let credentials = AppCredentials { db_user: names.user, db_password, unknown: Map::new() };
                generated.credentials.insert(names.app, credentials);
            }
        }
        Ok(generated)
    }

    fn context(
        &self,
        app: &str,
        state: &State,
        generated: &Generated,
        postgres: Option<&PostgresService>,
        redis: Option<&str>,
    ) -> Result<EnvContext, DeployError> {
        let mut context = EnvContext::for_app(&self.workspace, app, &self.stage, &self.hosts, &self.secrets)?;
        context.optional_vars.clone_from(&self.requirements[app].optional_env_vars);
        if let Some(kept) = state.generated_secrets.get(app) {
            context.generated_secrets.clone_from(kept);
        }
        let credentials = state.app_credentials.get(app).or_else(|| generated.credentials.get(app));
        if self.workspace.services.db.is_some()
            && let Some(credentials) = credentials
        {
            let database = postgres.map_or_else(|| self.workspace.database_name(), |service| service.database.clone());
            context.postgres = Some(PostgresAddress::new(
                postgres.map(|service| service.app_name.clone()),
                database,
                credentials.db_user.clone(),
                credentials.db_password.clone(),
            ));
        }
        if self.workspace.services.cache.is_some() {
            let password = state.deploy_native.passwords.redis.clone();
            context.redis = Some(RedisAddress::new(redis.map(str::to_owned), password));
        }
        Ok(context)
    }
}

impl Generated {
    /// Puts what was generated into the state; what is there already stays.
    pub(crate) fn keep_in(&self, state: &mut State) {
        for (app, credentials) in &self.credentials {
            state.app_credentials.entry(app.clone()).or_insert_with(|| credentials.clone());
        }
        for (app, secrets) in &self.secrets {
            let kept = state.generated_secrets.entry(app.clone()).or_default();
            for (name, value) in secrets {
                kept.entry(name.clone()).or_insert_with(|| value.clone());
            }
        }
    }
}

/// Whether an app asks for a variable, be it optional.
fn asks(sniffed: &SniffedEnvironment, name: &str) -> bool {
    let listed = |names: &[String]| names.iter().any(|it| it == name);
    listed(&sniffed.required_env_vars) || listed(&sniffed.optional_env_vars)
}

fn desired_env(resolution: EnvResolution) -> DesiredEnv {
    let sources = resolution.resolved.iter().map(|(name, variable)| (name.clone(), variable.source)).collect();
    let values = resolution.resolved.into_iter().map(|(name, variable)| (name, variable.value)).collect();
    let unknown: BTreeSet<String> = resolution.known_after_apply.into_iter().collect();
    DesiredEnv { values, unknown, sources }
}
