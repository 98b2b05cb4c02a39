//! What the request and the workspace want, as the planner takes it.

use super::prepare::Zones;
use super::request::{DeployRequest, RegistryCredentials, WaitFor};
use super::route::{Route, route};
use crate::DeployError;
use crate::ErrorCode;
use crate::image::ImageBuild;
use crate::plan::{
    Desired, DesiredApp, DesiredDatabase, DesiredEnv, DesiredImage, DesiredPostgres, DesiredRedis, DesiredRegistry,
    ObservedPostgres,
};
use crate::postgres::{AppRole, DatabaseRoles};
use crate::state::State;
use crate::workspace::{AppType, Service, Workspace};
use indexmap::IndexMap;
use std::collections::BTreeMap;
use std::net::IpAddr;
use time::OffsetDateTime;

/// The image of a Postgres service that names none (seed: Postgres defaults).
const POSTGRES_IMAGE: &str = "postgres";
/// Its version.
const POSTGRES_VERSION: &str = "18";
/// The image of a Redis service that names none (seed: Redis defaults).
const REDIS_IMAGE: &str = "redis";
/// Its version.
const REDIS_VERSION: &str = "8";
/// The master role of a database that we create.
pub(super) const MASTER: &str = "postgres";

/// What is known when the wanted state is put together.
pub(super) struct Ingredients<'a> {
    /// The request.
    pub(super) request: &'a DeployRequest,
    /// The apps of the run, dependencies first.
    pub(super) apps: &'a [String],
    /// The host names of all apps.
    pub(super) hosts: &'a IndexMap<String, String>,
    /// The zones of the run's host names.
    pub(super) zones: &'a Zones,
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

/// Puts together what is wanted.
pub(super) fn assemble(mut ingredients: Ingredients<'_>) -> Desired {
    let DeployRequest { workspace, settings } = ingredients.request;
    let services = &workspace.services;
    let apps = ingredients.apps.iter().filter_map(|name| {
        let image = ingredients.images.remove(name)?;
        Some((name.clone(), app(&ingredients, name, image)))
    });
    let apps = apps.collect::<Vec<_>>().into_iter().collect();
    Desired {
        workspace: workspace.name.clone(),
        stage: settings.stage.clone(),
        postgres: services.db.as_ref().map(|db| DesiredPostgres {
            image: image_of(db, POSTGRES_IMAGE, POSTGRES_VERSION),
            database: workspace.database_name(),
            user: MASTER.to_owned(),
        }),
        redis: services.cache.as_ref().map(|cache| DesiredRedis { image: image_of(cache, REDIS_IMAGE, REDIS_VERSION) }),
        apps,
        declared: super::prepare::declared_apps(workspace),
        hosts: ingredients.zones.hosts.clone(),
        declared_hosts: ingredients.hosts.iter().map(|(app, host)| (host.clone(), app.clone())).collect(),
        hosts_elsewhere: workspace.hosts_of_other_stages(&settings.stage),
        writable_zones: ingredients.zones.providers.keys().cloned().collect(),
        server_ip: ingredients.server_ip,
        database: ingredients.roles.map(|roles| DesiredDatabase {
            fingerprint: roles.fingerprint(),
            roles: roles.apps().iter().map(|role| (role.app.clone(), describe(role))).collect(),
            retired: roles.retired().clone(),
            way: ingredients.route.planned(),
        }),
        rotations: BTreeMap::new(),
        follows: settings.wait_for == WaitFor::Running,
        domains: settings.domains,
        protect_foreign_dns: settings.protect_foreign_dns,
        adopt: settings.adopt.iter().cloned().collect(),
    }
}

fn app(ingredients: &Ingredients<'_>, name: &str, image: DesiredImage) -> DesiredApp {
    let DeployRequest { workspace, settings } = ingredients.request;
    let declared = &workspace.apps[name];
    let reference = match &image {
        DesiredImage::Given { reference, .. } => reference,
        DesiredImage::Build { build, .. } => &build.reference,
    };
    let registry = settings.credentials.registry.as_ref().and_then(|login| pull_login(workspace, login, reference));
    let selected = |dependency: &&String| ingredients.apps.contains(dependency);
    DesiredApp {
        name: name.to_owned(),
        app_type: declared.app_type,
        port: declared.port,
        host: ingredients.hosts.get(name).cloned().unwrap_or_default(),
        dependencies: declared.dependencies.iter().filter(selected).cloned().collect(),
        image,
        env: ingredients.envs.get(name).cloned().unwrap_or_default(),
        registry,
    }
}

fn describe(role: &AppRole) -> String {
    if role.shared_with.is_empty() {
        format!("role \"{}\", schema \"{}\"", role.user, role.schema)
    } else {
        format!("role \"{}\", schema \"{}\", readable by {}", role.user, role.schema, role.shared_with.join(", "))
    }
}

/// The way to the database: that which exists is reached by what it runs, whatever the workspace names today.
pub(super) fn database_route(request: &DeployRequest, found: Option<&ObservedPostgres>, state: &State) -> Route {
    let declared = request.workspace.services.db.as_ref();
    let image = match found {
        Some(found) if !found.image.is_empty() => found.image.clone(),
        _ => declared.map_or_else(String::new, |db| image_of(db, POSTGRES_IMAGE, POSTGRES_VERSION)),
    };
    route(request.settings.database_access, &image, state.deploy_native.psql.get(&image).copied())
}

/// The image of a service: its own with its version, else the default one.
fn image_of(service: &Service, image: &str, default_version: &str) -> String {
    let version = service.version.as_deref();
    match service.image.as_deref() {
        None => format!("{image}:{}", version.unwrap_or(default_version)),
        Some(own) if has_tag(own) => own.to_owned(),
        Some(own) => match version {
            Some(version) => format!("{own}:{version}"),
            // The server mounts the volume by the version that the reference names, and none of it is `latest`.
            None if own.rsplit('/').next() == Some(image) => format!("{own}:{default_version}"),
            None => own.to_owned(),
        },
    }
}

/// Whether an image reference names a tag or a digest.
fn has_tag(reference: &str) -> bool {
    let name = reference.rsplit('/').next().unwrap_or(reference);
    name.contains(':') || name.contains('@')
}

/// The registry's host: the login's own, else that of the workspace's `registry`.
pub(super) fn registry_host(workspace: &Workspace, login: &RegistryCredentials) -> Option<String> {
    let declared = workspace.deploy.dokploy.as_ref().and_then(|dokploy| dokploy.registry.as_deref());
    let url = login.url.as_deref().or(declared)?;
    let bare = url.trim_start_matches("https://").trim_start_matches("http://");
    bare.split('/').next().filter(|host| !host.is_empty()).map(str::to_owned)
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

/// The image of each app: given by the caller, or what has to be built for it.
///
/// # Errors
///
/// `INVALID_REQUEST` when an image has to be pushed and no registry is known.
pub(super) fn images(
    request: &DeployRequest,
    apps: &[String],
    envs: &IndexMap<String, DesiredEnv>,
    hooked: bool,
    now: OffsetDateTime,
) -> Result<BTreeMap<String, DesiredImage>, DeployError> {
    let DeployRequest { workspace, settings } = request;
    let tag = settings.tag.clone().unwrap_or_else(|| default_tag(&settings.stage, now));
    let registry = workspace.deploy.dokploy.as_ref().and_then(|dokploy| dokploy.registry.as_deref());
    let mut images = BTreeMap::new();
    for name in apps {
        let image = if let Some(reference) = settings.images.get(name) {
            DesiredImage::Given { reference: reference.clone(), exact: reference.contains("@sha256:") }
        } else {
            if registry.is_none() && !hooked {
                return Err(DeployError::new(
                    ErrorCode::InvalidRequest,
                    "deploy.dokploy.registry: missing; images must be pushed somewhere the server can pull them from",
                )
                .app(name)
                .hint("Set it in the workspace, for instance ghcr.io/org, or name the images in `images`"));
            }
            DesiredImage::Build { build: build(request, name, &tag, envs.get(name)), fingerprint: None }
        };
        images.insert(name.clone(), image);
    }
    Ok(images)
}

fn build(request: &DeployRequest, name: &str, tag: &str, env: Option<&DesiredEnv>) -> ImageBuild {
    let DeployRequest { workspace, settings } = request;
    let declared = &workspace.apps[name];
    let dockerfile = declared.dockerfile.clone().unwrap_or_else(|| format!(".gkm/docker/Dockerfile.{name}"));
    let prefix = declared.public_prefix();
    let public =
        |variable: &str| declared.app_type == AppType::Web && !prefix.is_empty() && variable.starts_with(prefix);
    let values = env.into_iter().flat_map(|env| &env.values);
    ImageBuild {
        app: name.to_owned(),
        reference: format!("{}:{tag}", workspace.image_repository(name)),
        dockerfile: workspace.root.join(dockerfile),
        context: workspace.root.clone(),
        build_args: values
            .filter(|(variable, _)| public(variable))
            .map(|(variable, value)| (variable.clone(), value.expose().to_owned()))
            .collect(),
        platform: settings.platform.clone(),
    }
}

/// `{stage}-{time}` as the CLI writes it, for instance `staging-2026-11-23T07-47-41`.
fn default_tag(stage: &str, now: OffsetDateTime) -> String {
    let time: String = super::session::iso(now).chars().take(19).map(|c| if c == ':' { '-' } else { c }).collect();
    format!("{stage}-{time}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;

    fn service(version: Option<&str>, image: Option<&str>) -> Service {
        Service { version: version.map(str::to_owned), image: image.map(str::to_owned) }
    }

    #[test]
    fn services_have_the_seeds_defaults_and_honour_version_and_image() {
        let postgres = |version, image| image_of(&service(version, image), POSTGRES_IMAGE, POSTGRES_VERSION);
        assert_eq!(postgres(None, None), "postgres:18");
        assert_eq!(postgres(Some("17"), None), "postgres:17");
        assert_eq!(postgres(Some("17"), Some("postgis/postgis")), "postgis/postgis:17");
        assert_eq!(postgres(None, Some("registry:5000/postgis")), "registry:5000/postgis");
        assert_eq!(
            postgres(None, Some("registry:5000/postgres")),
            "registry:5000/postgres:18",
            "its volume lies elsewhere"
        );
        assert_eq!(postgres(Some("17"), Some("postgis/postgis:16-3.4")), "postgis/postgis:16-3.4");
    }

    #[test]
    fn tags_are_the_clis() {
        assert_eq!(default_tag("staging", datetime!(2026-11-23 07:47:41.5 UTC)), "staging-2026-11-23T07-47-41");
    }
}
