//! Reading the server: what of ours stands there, what it stores, and what runs. Makes only reads.

use super::select::{Candidate, Selection, select};
use crate::DeployError;
use crate::dokploy::{
    Application, Call, Certificate, Deployment, DeploymentStatus, Dokploy, EnvDifference, Environment, Mark, MarkKind,
    Observation, ServiceEntry, ServiceStatus, image_matches,
};
use crate::env::read_env;
use crate::plan::{
    Observed, ObservedApplication, ObservedDomain, ObservedEnvironment, ObservedPostgres, ObservedProject,
    ObservedRedis, Ownership, Twin, TwinKind,
};
use crate::state::State;
use futures_util::future::{try_join_all, try_join3};
use std::collections::{BTreeMap, BTreeSet};

/// The name of the Postgres service (facts: the CLI calls it so).
pub(super) const POSTGRES_NAME: &str = "db";
/// The name of the Redis service.
pub(super) const REDIS_NAME: &str = "cache";
/// The name that Dokploy gives the environment of every new project.
pub(super) const DEFAULT_ENVIRONMENT: &str = "production";

/// What to look for on the server.
#[derive(Debug, Clone, Copy)]
pub(super) struct Scope<'a> {
    /// The workspace's name.
    pub(super) workspace: &'a str,
    /// The stage.
    pub(super) stage: &'a str,
    /// The apps to read; every app that the workspace declares.
    pub(super) apps: &'a BTreeSet<String>,
    /// Whether containers are read; a member's key may not.
    pub(super) containers: bool,
}

impl Scope<'_> {
    /// The mark of a resource of this stage.
    pub(super) fn mark(&self, kind: MarkKind, name: &str) -> Mark {
        let stage = (kind != MarkKind::Project).then(|| self.stage.to_owned());
        Mark { workspace: self.workspace.to_owned(), stage, kind, name: name.to_owned() }
    }

    fn marked(&self, description: Option<&str>, kind: MarkKind, name: &str) -> bool {
        description.and_then(Mark::parse).is_some_and(|mark| mark == self.mark(kind, name))
    }
}

/// Reads everything that a plan compares.
///
/// # Errors
///
/// `DOKPLOY_*` when the server refuses or fails a call, `RESOURCE_AMBIGUOUS` when several resources could be meant.
pub(super) async fn observe(
    client: &Dokploy,
    scope: Scope<'_>,
    state: Option<&State>,
) -> Result<Observed, DeployError> {
    let mut observed = Observed::default();
    let Some(environment) = containers(client, scope, state, &mut observed).await? else {
        return Ok(observed);
    };
    let applications = applications(client, scope, state, &environment);
    let postgres = postgres(client, scope, state, &environment);
    let redis = redis(client, scope, state, &environment);
    let (applications, (postgres, postgres_twins), (redis, redis_twins)) =
        try_join3(applications, postgres, redis).await?;
    observed.applications = applications.found.into_iter().collect();
    observed.orphans = applications.orphans;
    observed.twins.extend(applications.twins);
    observed.twins.extend(postgres_twins.into_iter().chain(redis_twins));
    observed.postgres = postgres;
    observed.redis = redis;
    strangers(scope, &environment, &mut observed);
    vanished(state, &mut observed);
    Ok(observed)
}

/// Finds project and environment; returns the environment with its services.
async fn containers(
    client: &Dokploy,
    scope: Scope<'_>,
    state: Option<&State>,
    observed: &mut Observed,
) -> Result<Option<Environment>, DeployError> {
    let projects = client.project().all().await?;
    let known = state.map(|state| state.project_id.as_str()).filter(|id| !id.is_empty());
    let marked = |description: Option<&str>| scope.marked_project(description);
    let candidates: Vec<Candidate> = projects
        .iter()
        .map(|project| Candidate {
            id: project.project_id.clone(),
            name: project.name.clone(),
            marked: marked(project.description.as_deref()),
            // Whether a project is empty is seen only by reading it; its twins are looked at when they are removed.
            idle: true,
            created_at: String::new(),
        })
        .collect();
    let Selection { chosen, twins } = select(TwinKind::Project, scope.workspace, known, &candidates)?;
    let Some((id, ownership)) = chosen else { return Ok(None) };
    observed.twins.extend(twins);
    let environments = client.environment().by_project_id(&id).await?;
    let found = environment(scope, state, ownership, &environments, observed)?;
    let others = environments.iter().filter(|other| {
        Some(&other.environment_id) != found.as_ref().map(|found| &found.environment_id)
            && !(other.is_default && other.is_empty())
    });
    let other_environments = others.map(|other| other.name.clone()).collect();
    observed.project = Some(ObservedProject { id, ownership, other_environments });
    Ok(found)
}

impl Scope<'_> {
    /// A project serves every stage of a workspace, so its mark names none.
    pub(super) fn project_mark(&self) -> Mark {
        self.mark(MarkKind::Project, self.workspace)
    }

    fn marked_project(&self, description: Option<&str>) -> bool {
        description.and_then(Mark::parse).is_some_and(|mark| mark == self.project_mark())
    }
}

fn environment(
    scope: Scope<'_>,
    state: Option<&State>,
    project: Ownership,
    environments: &[Environment],
    observed: &mut Observed,
) -> Result<Option<Environment>, DeployError> {
    let marked = |environment: &Environment| {
        scope.marked(environment.description.as_deref(), MarkKind::Environment, scope.stage)
    };
    let candidates: Vec<Candidate> = environments
        .iter()
        .map(|environment| Candidate {
            id: environment.environment_id.clone(),
            name: environment.name.clone(),
            marked: marked(environment),
            idle: environment.is_empty(),
            created_at: environment.environment_id.clone(),
        })
        .collect();
    let known = state.map(|state| state.environment_id.as_str()).filter(|id| !id.is_empty());
    let Selection { chosen, twins } = select(TwinKind::Environment, scope.stage, known, &candidates)?;
    observed.twins.extend(twins);
    let Some((id, ownership)) = chosen else { return Ok(None) };
    let Some(found) = environments.iter().find(|environment| environment.environment_id == id) else { return Ok(None) };
    // The default environment of our own project came with it, and is ours as long as nobody else uses it.
    let came_with_it = found.is_default && project == Ownership::Ours && found.name == DEFAULT_ENVIRONMENT;
    let ownership = if came_with_it { Ownership::Ours } else { ownership };
    observed.environment = Some(ObservedEnvironment {
        id,
        ownership,
        marked: marked(found),
        is_default: found.is_default,
        others: Vec::new(),
    });
    Ok(Some(found.clone()))
}

fn candidates<'e>(
    scope: Scope<'_>,
    entries: impl IntoIterator<Item = &'e ServiceEntry>,
    kind: MarkKind,
    name: &str,
) -> Vec<Candidate> {
    let candidate = |entry: &ServiceEntry| Candidate {
        id: entry.id.clone(),
        name: entry.name.clone(),
        marked: scope.marked(entry.description.as_deref(), kind, name),
        idle: entry.application_status == ServiceStatus::Idle,
        created_at: entry.created_at.clone(),
    };
    entries.into_iter().map(candidate).collect()
}

/// What was found of the apps' applications.
struct Applications {
    found: Vec<(String, ObservedApplication)>,
    orphans: Vec<String>,
    twins: Vec<crate::plan::Twin>,
}

async fn applications(
    client: &Dokploy,
    scope: Scope<'_>,
    state: Option<&State>,
    environment: &Environment,
) -> Result<Applications, DeployError> {
    let mut reads = Vec::new();
    let mut twins = Vec::new();
    let mut by_name: BTreeMap<&str, Vec<&ServiceEntry>> = BTreeMap::new();
    for entry in &environment.applications {
        by_name.entry(&entry.name).or_default().push(entry);
    }
    for app in scope.apps {
        let known = state.and_then(|state| state.applications.get(app)).map(String::as_str);
        // Those of its name; with the name that it has by now, when somebody has renamed it.
        let renamed = known.and_then(|id| environment.applications.iter().find(|entry| entry.id == id));
        let names = BTreeSet::from([app.as_str(), renamed.map_or(app.as_str(), |entry| entry.name.as_str())]);
        let entries = names.into_iter().filter_map(|name| by_name.get(name)).flatten().copied();
        let listed = candidates(scope, entries, MarkKind::App, app);
        let selection = select(TwinKind::Application, app, known, &listed)?;
        twins.extend(selection.twins);
        if let Some((id, ownership)) = selection.chosen {
            reads.push(application(client, scope, app.clone(), id, ownership));
        }
    }
    twins.extend(jobs(scope, environment));
    let found = try_join_all(reads).await?.into_iter().flatten().collect();
    let ours = |entry: &&ServiceEntry| {
        !scope.apps.contains(&entry.name) && scope.marked(entry.description.as_deref(), MarkKind::App, &entry.name)
    };
    let orphans = environment.applications.iter().filter(ours).map(|entry| entry.name.clone()).collect();
    Ok(Applications { found, orphans, twins })
}

/// The short-lived applications that interrupted runs of this stage left behind.
fn jobs(scope: Scope<'_>, environment: &Environment) -> Vec<Twin> {
    let ours = |entry: &&ServiceEntry| scope.marked(entry.description.as_deref(), MarkKind::Job, &entry.name);
    let job = |entry: &ServiceEntry| Twin { kind: TwinKind::Job, id: entry.id.clone(), name: entry.name.clone() };
    environment.applications.iter().filter(ours).map(job).collect()
}

/// Reads one application; `None` when it was removed meanwhile.
async fn application(
    client: &Dokploy,
    scope: Scope<'_>,
    app: String,
    id: String,
    ownership: Ownership,
) -> Result<Option<(String, ObservedApplication)>, DeployError> {
    let deployments = client.deployment();
    let api = client.application();
    let (stored, deployments) = tokio::join!(api.one(&id), deployments.all(&id));
    let stored = match stored {
        Err(error) if error.is_not_found() => return Ok(None),
        stored => stored?,
    };
    let mut found = from_record(stored, &deployments?, ownership);
    if scope.containers {
        if let Observation::Running { image, env } = client.observe_running(&found.app_name).await? {
            found.running = true;
            let meant = found.env.iter().map(|(name, value)| (name.clone(), value.clone())).collect();
            let same_env = EnvDifference::between(&meant, &BTreeMap::new(), &env).has_all_meant();
            found.runs_as_stored = same_env
                && found.templated.is_empty()
                && found.image.as_deref().is_some_and(|it| image_matches(it, &image));
        }
    } else {
        found.running = found.newest_done;
    }
    Ok(Some((app, found)))
}

fn from_record(stored: Application, deployments: &[Deployment], ownership: Ownership) -> ObservedApplication {
    let env = stored.env.as_ref().map(|text| read_env(text.expose())).unwrap_or_default();
    let newest = deployments.first();
    let registry = match (stored.registry_url, stored.username, stored.password) {
        (Some(url), Some(user), Some(password)) => Some((url, user, password)),
        _ => None,
    };
    ObservedApplication {
        id: stored.application_id,
        app_name: stored.app_name,
        ownership,
        env: env.values,
        templated: env.templated,
        image: stored.docker_image,
        registry,
        newest_title: newest.map(|deployment| deployment.title.clone()),
        newest_done: newest.is_some_and(|deployment| deployment.status == DeploymentStatus::Done),
        running: false,
        runs_as_stored: false,
        domains: stored.domains.into_iter().map(domain).collect(),
    }
}

fn domain(domain: crate::dokploy::Domain) -> ObservedDomain {
    let certificate_type = match domain.certificate_type {
        Certificate::Letsencrypt => "letsencrypt",
        Certificate::None => "none",
        Certificate::Custom => "custom",
    };
    ObservedDomain {
        id: domain.domain_id,
        host: domain.host,
        port: domain.port,
        https: domain.https,
        certificate_type: certificate_type.to_owned(),
        path: domain.path,
    }
}

async fn postgres(
    client: &Dokploy,
    scope: Scope<'_>,
    state: Option<&State>,
    environment: &Environment,
) -> Result<(Option<ObservedPostgres>, Vec<crate::plan::Twin>), DeployError> {
    let known = state.and_then(|state| state.services.postgres_id.as_deref());
    let listed = candidates(scope, &environment.postgres, MarkKind::Postgres, POSTGRES_NAME);
    let Selection { chosen, twins } = select(TwinKind::Postgres, POSTGRES_NAME, known, &listed)?;
    let Some((id, ownership)) = chosen else { return Ok((None, twins)) };
    let record = match client.postgres().one(&id).await {
        Err(error) if error.is_not_found() => return Ok((None, twins)),
        record => record?,
    };
    let found = ObservedPostgres {
        external_port: record.open_port(),
        deployed: record.application_status == ServiceStatus::Done,
        id: record.postgres_id,
        app_name: record.app_name,
        ownership,
        image: record.docker_image.unwrap_or_default(),
        database: record.database_name,
        user: record.database_user,
        password: Some(record.database_password).filter(|password| !password.expose().is_empty()),
    };
    Ok((Some(found), twins))
}

async fn redis(
    client: &Dokploy,
    scope: Scope<'_>,
    state: Option<&State>,
    environment: &Environment,
) -> Result<(Option<ObservedRedis>, Vec<crate::plan::Twin>), DeployError> {
    let known = state.and_then(|state| state.services.redis_id.as_deref());
    let listed = candidates(scope, &environment.redis, MarkKind::Redis, REDIS_NAME);
    let Selection { chosen, twins } = select(TwinKind::Redis, REDIS_NAME, known, &listed)?;
    let Some((id, ownership)) = chosen else { return Ok((None, twins)) };
    let record = match client.redis().one(&id).await {
        Err(error) if error.is_not_found() => return Ok((None, twins)),
        record => record?,
    };
    let found = ObservedRedis {
        deployed: record.application_status == ServiceStatus::Done,
        id: record.redis_id,
        app_name: record.app_name,
        ownership,
        image: record.docker_image.unwrap_or_default(),
        password: Some(record.database_password).filter(|password| !password.expose().is_empty()),
    };
    Ok((Some(found), twins))
}

/// Names what lives in the environment and is not ours.
fn strangers(scope: Scope<'_>, environment: &Environment, observed: &mut Observed) {
    let mut ours: BTreeSet<String> = observed.twins.iter().map(|twin| twin.id.clone()).collect();
    let applications = observed.applications.values().filter(|found| found.ownership == Ownership::Ours);
    ours.extend(applications.map(|found| found.id.clone()));
    ours.extend(observed.postgres.iter().filter(|it| it.ownership == Ownership::Ours).map(|it| it.id.clone()));
    ours.extend(observed.redis.iter().filter(|it| it.ownership == Ownership::Ours).map(|it| it.id.clone()));
    let listed = environment.applications.iter().chain(&environment.postgres).chain(&environment.redis);
    let mut others: Vec<String> =
        listed.filter(|entry| !ours.contains(&entry.id)).map(|entry| entry.name.clone()).collect();
    if environment.other_services > 0 {
        others.push(format!("{} services of other kinds", environment.other_services));
    }
    others.extend(observed.orphans.iter().filter(|name| !scope.apps.contains(*name)).cloned());
    others.sort();
    others.dedup();
    if let Some(environment) = &mut observed.environment {
        environment.others = others;
    }
}

/// Names what the state knows and the server no longer has.
fn vanished(state: Option<&State>, observed: &mut Observed) {
    let Some(state) = state else { return };
    for (app, id) in &state.applications {
        if observed.applications.get(app).is_none_or(|found| found.id != *id) && !observed.orphans.contains(app) {
            observed.vanished.push(format!("application {app}"));
        }
    }
    if state.services.postgres_id.is_some() && observed.postgres.is_none() {
        observed.vanished.push("postgres db, with its data,".to_owned());
    }
    if state.services.redis_id.is_some() && observed.redis.is_none() {
        observed.vanished.push("redis cache".to_owned());
    }
}

/// Finds out that the server is one that we can speak to, and that our key may do what the plan needs (I1).
///
/// # Errors
///
/// `DOKPLOY_UNREACHABLE`, `DOKPLOY_UNAUTHORIZED`, `DOKPLOY_FORBIDDEN`, `DOKPLOY_UNSUPPORTED`.
pub(super) async fn check_server(client: &Dokploy) -> Result<(), DeployError> {
    client.check_server(Call::ALL).await?;
    Ok(())
}
