//! The apps' applications: what the server stores of each, and what runs.

use super::ownership::select;
use super::scope::ServerScope;
use crate::DeployError;
use crate::dokploy::{
    Application, Certificate, Deployment, DeploymentStatus, Dokploy, Domain, EnvDifference, Environment, Failure, Mark,
    MarkKind, Observation, QueueJob, ServiceEntry, image_matches,
};
use crate::env::read_env;
use crate::plan::{
    ContainerCheck, DeploymentTitle, ObservedApplication, ObservedDomain, Ownership, Runs, Twin, TwinKind,
};
use crate::state::State;
use futures_util::future::try_join_all;
use std::collections::{BTreeMap, BTreeSet};

/// What was found of the apps' applications.
pub(super) struct Applications {
    pub(super) found: Vec<(String, ObservedApplication)>,
    pub(super) orphans: Vec<String>,
    pub(super) twins: Vec<Twin>,
}

pub(super) async fn applications(
    client: &Dokploy,
    scope: ServerScope<'_>,
    state: Option<&State>,
    environment: &Environment,
) -> Result<Applications, DeployError> {
    let queue = if scope.pending { queue(client).await? } else { Vec::new() };
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
        let listed = scope.candidates(entries, MarkKind::App, app);
        let selection = select(TwinKind::Application, app, known, &listed)?;
        twins.extend(selection.twins);
        if let Some((id, ownership)) = selection.chosen {
            reads.push(application(client, scope, &queue, app.clone(), id, ownership));
        }
    }
    twins.extend(jobs(scope, environment));
    twins.extend(releases(scope, environment));
    let found = try_join_all(reads).await?.into_iter().flatten().collect();
    let ours = |entry: &&ServiceEntry| {
        !scope.apps.contains(&entry.name) && scope.marked(entry.description.as_deref(), MarkKind::App, &entry.name)
    };
    let orphans = environment.applications.iter().filter(ours).map(|entry| entry.name.clone()).collect();
    Ok(Applications { found, orphans, twins })
}

/// The short-lived applications that interrupted runs of this stage left behind.
fn jobs(scope: ServerScope<'_>, environment: &Environment) -> Vec<Twin> {
    let ours = |entry: &&ServiceEntry| scope.marked(entry.description.as_deref(), MarkKind::Job, &entry.name);
    let job = |entry: &ServiceEntry| Twin { kind: TwinKind::Job, id: entry.id.clone(), name: entry.name.clone() };
    environment.applications.iter().filter(ours).map(job).collect()
}

/// The short-lived applications of releases that interrupted runs of this stage left behind, named by their apps.
fn releases(scope: ServerScope<'_>, environment: &Environment) -> Vec<Twin> {
    let release = |entry: &ServiceEntry| {
        let app = scope.marks.app_of_release(entry.description.as_deref())?;
        Some(Twin { kind: TwinKind::Release, id: entry.id.clone(), name: app })
    };
    environment.applications.iter().filter_map(release).collect()
}

/// Reads one application; `None` when it was removed meanwhile.
async fn application(
    client: &Dokploy,
    scope: ServerScope<'_>,
    queue: &[QueueJob],
    app: String,
    id: String,
    ownership: Ownership,
) -> Result<Option<(String, ObservedApplication)>, DeployError> {
    let mut stored = match client.application().one(&id).await {
        Err(error) if error.is_not_found() => return Ok(None),
        stored => stored?,
    };
    let deployments = match newest_first(stored.deployments.take()) {
        Some(deployments) => deployments,
        None => client.deployment().all(&id).await?,
    };
    let mut found = from_record(stored, &deployments, ownership);
    if scope.pending {
        found.pending = pending(&found.id, queue, &deployments);
    }
    found.runs = if scope.containers {
        runs(&client.observe_running(&found.app_name).await?, &found)
    } else if found.newest_done {
        Runs::Something
    } else {
        Runs::Nothing
    };
    Ok(Some((app, found)))
}

/// The deployments that a record tells of; `None` when it does not, or not when they began.
fn newest_first(listed: Option<Vec<Deployment>>) -> Option<Vec<Deployment>> {
    let mut deployments = listed.filter(|all| all.iter().all(|deployment| !deployment.created_at.is_empty()))?;
    deployments.sort_by(|a, b| b.created_at.cmp(&a.created_at));
    Some(deployments)
}

/// The server's queue of deployments; a key that may not look at it sees none.
async fn queue(client: &Dokploy) -> Result<Vec<QueueJob>, DeployError> {
    match client.deployment().queue_list().await {
        Err(error) if matches!(error.failure(), Failure::Forbidden { .. }) => Ok(Vec::new()),
        queue => Ok(queue?),
    }
}

/// The titles of an application's deployments that wait or are under way.
fn pending(id: &str, queue: &[QueueJob], deployments: &[Deployment]) -> Vec<String> {
    let waiting = queue.iter().filter(|job| job.application_id.as_deref() == Some(id));
    let under_way = deployments.iter().filter(|deployment| deployment.status == DeploymentStatus::Running);
    let titles = waiting.map(|job| job.title.clone().unwrap_or_default());
    titles.chain(under_way.map(|deployment| deployment.title.clone())).collect()
}

/// Compares what runs with what the server stores.
fn runs(observation: &Observation, stored: &ObservedApplication) -> Runs {
    let Observation::Running { image, env, after_crash } = observation else { return Runs::Nothing };
    let meant = stored.env.iter().map(|(name, value)| (name.clone(), value.clone())).collect();
    let same_env = stored.templated.is_empty() && EnvDifference::between(&meant, &BTreeMap::new(), env).has_all_meant();
    let same_image = stored.image.as_deref().is_some_and(|stored| image_matches(stored, image));
    if same_env && same_image { Runs::AsStored { after_crash: *after_crash } } else { Runs::Something }
}

fn from_record(stored: Application, deployments: &[Deployment], ownership: Ownership) -> ObservedApplication {
    let env = stored.env.as_ref().map(|text| read_env(text.expose())).unwrap_or_default();
    let newest = deployments.first();
    // Of several with the highest number, the newest.
    let titles = deployments.iter().rev().filter_map(|deployment| DeploymentTitle::parse(&deployment.title));
    let numbered = titles.filter(|title| title.serial.is_some()).max_by_key(|title| title.serial);
    let registry = match (stored.registry_url, stored.username, stored.password) {
        (Some(url), Some(user), Some(password)) => Some((url, user, password)),
        _ => None,
    };
    ObservedApplication {
        check: stored.health_check_swarm.as_ref().map(ContainerCheck::from),
        id: stored.application_id,
        app_name: stored.app_name,
        ownership,
        marked: stored.description.as_deref().and_then(Mark::parse).is_some(),
        description: stored.description,
        env: env.values,
        templated: env.templated,
        image: stored.docker_image,
        registry,
        serial: numbered.as_ref().and_then(|title| title.serial),
        serial_run: numbered.map(|title| title.run().to_owned()),
        newest_title: newest.map(|deployment| deployment.title.clone()),
        pending: Vec::new(),
        newest_done: newest.is_some_and(|deployment| deployment.status == DeploymentStatus::Done),
        runs: Runs::Nothing,
        domains: stored.domains.into_iter().map(domain).collect(),
    }
}

fn domain(domain: Domain) -> ObservedDomain {
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
        off: domain.enabled == Some(false),
    }
}
