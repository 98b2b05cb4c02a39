//! The services that a workspace declares, and the way to its database.

use crate::deploy::database_access::{Route, choose_route};
use crate::deploy::request::DeployRequest;
use crate::plan::{DesiredPostgres, DesiredRedis, ObservedPostgres};
use crate::state::State;
use crate::workspace::{Service, Workspace};

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

/// The Postgres service that a workspace declares.
pub(super) fn desired_postgres(workspace: &Workspace) -> Option<DesiredPostgres> {
    workspace.services.db.as_ref().map(|db| DesiredPostgres {
        image: image_of(db, POSTGRES_IMAGE, POSTGRES_VERSION),
        database: workspace.database_name(),
        user: MASTER.to_owned(),
    })
}

/// The Redis service that a workspace declares.
pub(super) fn desired_redis(workspace: &Workspace) -> Option<DesiredRedis> {
    let cache = workspace.services.cache.as_ref()?;
    Some(DesiredRedis { image: image_of(cache, REDIS_IMAGE, REDIS_VERSION) })
}

/// The way to the database: that which exists is reached by what it runs, whatever the workspace names today.
pub(super) fn database_route(request: &DeployRequest, found: Option<&ObservedPostgres>, state: &State) -> Route {
    let declared = request.workspace.services.db.as_ref();
    let image = match found {
        Some(found) if !found.image.is_empty() => found.image.clone(),
        _ => declared.map_or_else(String::new, |db| image_of(db, POSTGRES_IMAGE, POSTGRES_VERSION)),
    };
    choose_route(request.settings.database_access, &image, state.deploy_native.psql.get(&image).copied())
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

#[cfg(test)]
mod tests {
    use super::*;

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
}
