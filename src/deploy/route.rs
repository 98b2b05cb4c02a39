//! Which way leads to the database (design: Details, reaching the database).

use super::request::DatabaseAccess;
use crate::plan::DatabaseRoute;

/// Repositories whose images are known to have `psql`, without registry and without `library/`.
const WITH_PSQL: [&str; 7] = [
    "postgres",
    "postgis/postgis",
    "imresamu/postgis",
    "pgvector/pgvector",
    "ankane/pgvector",
    "timescale/timescaledb",
    "timescale/timescaledb-ha",
];

/// A way to the database, and why that one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Route {
    pub(super) way: DatabaseRoute,
    pub(super) why: String,
}

/// Chooses the way to a database that runs `image`.
pub(super) fn route(access: DatabaseAccess, image: &str) -> Route {
    let (way, why) = match access {
        DatabaseAccess::ExternalPort => (DatabaseRoute::ExternalPort, "databaseAccess says so".to_owned()),
        DatabaseAccess::Internal => (DatabaseRoute::Internal, "databaseAccess says so".to_owned()),
        DatabaseAccess::Auto if has_psql(image) => (DatabaseRoute::Internal, format!("{image} has psql")),
        DatabaseAccess::Auto => (
            DatabaseRoute::ExternalPort,
            format!("{image} is not known to have psql; databaseAccess can say `internal`"),
        ),
    };
    Route { way, why }
}

/// Whether an image is known to have `psql`.
fn has_psql(image: &str) -> bool {
    let name = image.split('@').next().unwrap_or(image);
    let repository = match name.rsplit_once(':') {
        // Behind the last colon stands a tag, unless a path follows: then it was a registry's port.
        Some((repository, tag)) if !tag.contains('/') => repository,
        _ => name,
    };
    let without_registry = match repository.split_once('/') {
        Some((first, rest)) if first.contains(['.', ':']) || first == "localhost" => rest,
        _ => repository,
    };
    WITH_PSQL.contains(&without_registry.strip_prefix("library/").unwrap_or(without_registry))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_with_psql_are_known_with_and_without_registry_tag_and_digest() {
        for image in [
            "postgres",
            "postgres:18",
            "docker.io/library/postgres:18-alpine",
            "registry.test:5000/postgres",
            "localhost/postgis/postgis:17-3.5",
            "pgvector/pgvector@sha256:00",
            "ghcr.io/timescale/timescaledb:latest-pg17@sha256:00",
        ] {
            assert_eq!(route(DatabaseAccess::Auto, image).way, DatabaseRoute::Internal, "{image}");
        }
        for image in ["", "bitnami/postgresql:17", "shop/postgres", "registry.test/postgrest", "postgres-exporter:1"] {
            assert_eq!(route(DatabaseAccess::Auto, image).way, DatabaseRoute::ExternalPort, "{image}");
        }
    }

    #[test]
    fn a_way_that_is_asked_for_is_taken() {
        assert_eq!(route(DatabaseAccess::ExternalPort, "postgres:18").way, DatabaseRoute::ExternalPort);
        assert_eq!(route(DatabaseAccess::Internal, "shop/database").way, DatabaseRoute::Internal);
    }
}
