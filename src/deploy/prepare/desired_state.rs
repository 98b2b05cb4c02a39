//! What the request and the workspace declare, as the planner takes it.

use super::services::{database_route, desired_postgres, desired_redis};
use crate::deploy::context::{RunContext, registry_host};
use crate::deploy::database_access::Route;
use crate::deploy::request::{DeployRequest, RegistryCredentials, WaitFor};
use crate::plan::{Desired, DesiredApp, DesiredDatabase, DesiredEnv, DesiredImage, DesiredRegistry};
use crate::postgres::{AppRole, DatabaseRoles};
use crate::state::State;
use crate::workspace::Workspace;
use indexmap::IndexMap;
use std::collections::BTreeMap;
use std::net::IpAddr;

/// What is known of the apps when the desired state is put together.
pub(super) struct DesiredParts<'a> {
    /// The server's address, when a record needs it.
    pub(super) server_ip: Option<IpAddr>,
    /// The environments of the apps.
    pub(super) envs: &'a IndexMap<String, DesiredEnv>,
    /// The images of the apps.
    pub(super) images: BTreeMap<String, DesiredImage>,
    /// The roles of the database.
    pub(super) roles: Option<&'a DatabaseRoles>,
    /// The way to the database.
    pub(super) route: Route,
}

/// The desired state of a run in which no app is deployed.
pub(super) fn no_apps_desired(context: &RunContext) -> Desired {
    let route = database_route(&context.request, None, &State::new(context.stage()));
    let (images, envs) = (BTreeMap::new(), &IndexMap::new());
    desired_state(context, &[], DesiredParts { server_ip: None, envs, images, roles: None, route })
}

/// Puts the desired state of `apps` together.
pub(super) fn desired_state(context: &RunContext, apps: &[String], mut parts: DesiredParts<'_>) -> Desired {
    let DeployRequest { workspace, settings } = &context.request;
    let mut desired_apps = IndexMap::new();
    for name in apps {
        if let Some(image) = parts.images.remove(name) {
            desired_apps.insert(name.clone(), desired_app(context, apps, name, image, parts.envs));
        }
    }
    Desired {
        workspace: workspace.name.clone(),
        stage: settings.stage.clone(),
        postgres: desired_postgres(workspace),
        backups: workspace.deploy.backups.as_ref().map(|backups| backups.schedule.clone()),
        redis: desired_redis(workspace),
        apps: desired_apps,
        declared: context.declared.clone(),
        hosts: context.zones.hosts.clone(),
        declared_hosts: context.apps_by_host(),
        hosts_elsewhere: workspace.hosts_of_other_stages(&settings.stage),
        writable_zones: context.zones.providers.keys().cloned().collect(),
        server_ip: parts.server_ip,
        database: parts.roles.map(|roles| desired_database(roles, &parts.route)),
        rotations: BTreeMap::new(),
        follows: settings.wait_for == WaitFor::Running,
        domains: settings.domains,
        protect_foreign_dns: settings.protect_foreign_dns,
        adopt: settings.adopt.iter().cloned().collect(),
    }
}

fn desired_app(
    context: &RunContext,
    apps: &[String],
    name: &str,
    image: DesiredImage,
    envs: &IndexMap<String, DesiredEnv>,
) -> DesiredApp {
    let DeployRequest { workspace, settings } = &context.request;
    let declared = &workspace.apps[name];
    let reference = match &image {
        DesiredImage::Given { reference, .. } => reference,
        DesiredImage::Build { build, .. } => &build.reference,
    };
    let registry = settings.credentials.registry.as_ref().and_then(|login| pull_login(workspace, login, reference));
    DesiredApp {
        name: name.to_owned(),
        app_type: declared.app_type,
        port: declared.port,
        host: context.hosts.get(name).cloned().unwrap_or_default(),
        dependencies: declared.dependencies.iter().filter(|dependency| apps.contains(dependency)).cloned().collect(),
        image,
        env: envs.get(name).cloned().unwrap_or_default(),
        registry,
        release: context.release_of(name),
        health: context.health_of(name),
    }
}

fn desired_database(roles: &DatabaseRoles, route: &Route) -> DesiredDatabase {
    DesiredDatabase {
        fingerprint: roles.fingerprint(),
        roles: roles.apps().iter().map(|role| (role.app.clone(), describe(role))).collect(),
        retired: roles.retired().clone(),
        way: route.planned(),
    }
}

fn describe(role: &AppRole) -> String {
    if role.shared_with.is_empty() {
        format!("role \"{}\", schema \"{}\"", role.user, role.schema)
    } else {
        format!("role \"{}\", schema \"{}\", readable by {}", role.user, role.schema, role.shared_with.join(", "))
    }
}

/// The login with which the server pulls an image; only for images of that registry.
fn pull_login(workspace: &Workspace, login: &RegistryCredentials, reference: &str) -> Option<DesiredRegistry> {
    let host = registry_host(workspace, login)?;
    let of_registry = reference.split_once('/').is_some_and(|(first, _)| first == host);
    of_registry.then(|| DesiredRegistry {
        url: host,
        username: login.username.clone(),
        password: login.password.clone(),
    })
}
