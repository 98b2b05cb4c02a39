//! Which way leads to the database (design: Details, reaching the database).

use crate::deploy::request::DatabaseAccess;
use crate::plan::{DatabaseRoute, DatabaseWay};

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
pub(crate) struct Route {
    pub(crate) way: DatabaseRoute,
    pub(crate) why: String,
    /// Whether the external port is taken where the way from inside fails as a way.
    pub(crate) falls_back: bool,
    /// Whether the image was known to have `psql` before it was tried.
    pub(crate) known: bool,
}

impl Route {
    /// The way as a plan shows it.
    pub(crate) fn planned(&self) -> DatabaseWay {
        DatabaseWay { route: self.way, why: self.why.clone(), falls_back: self.falls_back }
    }
}

/// Chooses the way to a database that runs `image`; `seen` is what an earlier run found out of that image.
///
/// An image of which nothing is known is not asked first, but tried: an application that only looks for `psql` would
/// wait in the same queue, and where there is one, which is nearly always, its answer would have been the work itself.
pub(crate) fn choose_route(access: DatabaseAccess, image: &str, seen: Option<bool>) -> Route {
    let has_psql = seen.unwrap_or_else(|| has_psql(image));
    let inside = |why: String, falls_back| Route { way: DatabaseRoute::Internal, why, falls_back, known: has_psql };
    let by_port = |why: String| Route { way: DatabaseRoute::ExternalPort, why, falls_back: false, known: has_psql };
    match (access, seen) {
        (DatabaseAccess::ExternalPort, _) => by_port("databaseAccess says so".to_owned()),
        (DatabaseAccess::Internal, _) => inside("databaseAccess says so".to_owned(), false),
        (DatabaseAccess::Auto, Some(false)) => {
            by_port(format!("{image} was seen not to run psql; databaseAccess can say `internal`"))
        }
        (DatabaseAccess::Auto, _) if has_psql => inside(format!("{image} has psql"), true),
        (DatabaseAccess::Auto, _) => inside(format!("whether {image} has psql is found out by it"), true),
    }
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
            assert!(choose_route(DatabaseAccess::Auto, image, None).known, "{image}");
        }
        for image in ["", "bitnami/postgresql:17", "shop/postgres", "registry.test/postgrest", "postgres-exporter:1"] {
            assert!(!choose_route(DatabaseAccess::Auto, image, None).known, "{image}");
        }
    }

    #[test]
    fn auto_goes_inside_unless_the_image_was_seen_to_lack_psql() {
        let auto = |image, seen| choose_route(DatabaseAccess::Auto, image, seen);
        for (image, seen) in [("postgres:18", None), ("shop/db:1", None), ("shop/db:1", Some(true))] {
            let route = auto(image, seen);
            assert_eq!((route.way, route.falls_back), (DatabaseRoute::Internal, true), "{image} {seen:?}");
        }
        for image in ["postgres:18", "shop/db:1"] {
            assert_eq!(auto(image, Some(false)).way, DatabaseRoute::ExternalPort, "{image}");
        }
    }

    #[test]
    fn a_way_that_is_asked_for_is_taken_whatever_was_seen() {
        for seen in [None, Some(true), Some(false)] {
            assert_eq!(
                choose_route(DatabaseAccess::ExternalPort, "postgres:18", seen).way,
                DatabaseRoute::ExternalPort
            );
            let internal = choose_route(DatabaseAccess::Internal, "shop/database", seen);
            assert_eq!((internal.way, internal.falls_back), (DatabaseRoute::Internal, false));
        }
    }
}
