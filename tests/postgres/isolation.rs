//! The proof holds where the apps are isolated, and finds where they are not.

use crate::database::*;
use deploy_native::ErrorCode;
use deploy_native::postgres::{IsolationCheck, inspect, prove, provision};

const APPS: &[&str] = &["api", "auth", "admin-auth"];

/// Something in each schema, made by its owner and by the master.
async fn fill(cluster: &deploy_native_simulator::postgres::Cluster) {
    let objects = "CREATE TABLE users (id serial PRIMARY KEY, name text); CREATE VIEW names AS SELECT name FROM users; \
                   CREATE FUNCTION one() RETURNS int LANGUAGE sql AS 'SELECT 1'; CREATE TYPE mood AS ENUM ('ok')";
    for app in APPS {
        as_app(cluster, app).await.batch_execute(objects).await.unwrap();
    }
    for schema in ["public", "auth", "admin_auth"] {
        let objects = format!(
            "SET LOCAL search_path = {schema}; CREATE TABLE masters (id serial, mood mood); \
             CREATE FUNCTION two() RETURNS int LANGUAGE sql AS 'SELECT 2'"
        );
        master(cluster).sql(DATABASE, &format!("BEGIN; {objects}; COMMIT")).await.unwrap();
    }
}

#[tokio::test]
async fn provisioned_apps_are_proven_isolated_and_the_proof_leaves_no_trace() {
    for binaries in installations() {
        let cluster = cluster(&binaries).await;
        let transport = master(&cluster);
        let wanted = roles_with(APPS, |apps| apps[0].shared_with.push("auth".to_owned()));
        provision(&transport, &wanted).await.unwrap();
        let fresh = prove(&transport, &wanted).await.unwrap();
        fill(&cluster).await;
        let objects = "SELECT count(*) || '/' || (SELECT count(*) FROM pg_proc) || '/' || (SELECT count(*) FROM pg_type) \
                       || '/' || (SELECT count(*) FROM pg_roles) FROM pg_class";
        let before = transport.sql(DATABASE, objects).await.unwrap();
        let report = prove(&transport, &wanted).await.unwrap();
        assert_eq!(transport.sql(DATABASE, objects).await.unwrap(), before);
        assert!(report.checks > fresh.checks && fresh.checks > 300, "{} then {}", fresh.checks, report.checks);
        assert_eq!(report.checks, report.matrix.iter().map(|scope| scope.checks).sum::<usize>());
        let scope = |role: &str, object: &str, allowed| {
            report.matrix.iter().any(|s| s.role == role && s.object == object && s.allowed == allowed)
        };
        assert!(scope("auth", "schema auth", true) && scope("auth", "schema admin_auth", false));
        assert!(!scope("auth", "schema admin_auth", true), "nothing of another app's schema is allowed");
        assert!(scope("auth", "schema public", true), "what the workspace shares is");
        assert!(!scope("admin-auth", "schema public", true));
    }
}

/// What breaks the isolation: a statement, and the role, object and privilege that must be named for it. Statements of
/// one group do not hide each other.
const HOLES: &[&[[&str; 4]]] = &[
    &[
        ["GRANT SELECT ON admin_auth.users TO auth", "auth", "table admin_auth.users", "SELECT"],
        ["GRANT UPDATE (name) ON admin_auth.users TO auth", "auth", "table admin_auth.users", "UPDATE"],
        ["GRANT DELETE ON admin_auth.users TO PUBLIC", "api", "table admin_auth.users", "DELETE"],
        ["GRANT UPDATE ON SEQUENCE auth.users_id_seq TO api", "api", "sequence auth.users_id_seq", "UPDATE"],
        ["GRANT EXECUTE ON FUNCTION auth.one() TO api", "api", "function auth.one()", "EXECUTE"],
        ["GRANT USAGE ON SCHEMA auth TO PUBLIC", "admin-auth", "schema auth", "USAGE"],
        ["GRANT CREATE ON SCHEMA public TO auth", "auth", "schema public", "CREATE"],
        ["GRANT TEMPORARY ON DATABASE shop TO auth", "auth", "database shop", "TEMPORARY"],
        ["GRANT CONNECT ON DATABASE postgres TO PUBLIC", "api", "database postgres", "CONNECT"],
        ["ALTER ROLE auth SET search_path = public", "auth", "role auth", "search_path"],
        ["ALTER ROLE auth NOLOGIN CREATEDB", "auth", "role auth", "LOGIN"],
    ],
    &[
        ["GRANT \"admin-auth\" TO auth", "auth", "role admin-auth", "MEMBER"],
        ["GRANT pg_read_all_data TO api", "api", "role pg_read_all_data", "MEMBER"],
        ["ALTER TABLE auth.users OWNER TO \"admin-auth\"", "admin-auth", "table auth.users", "TRUNCATE"],
        ["REVOKE ALL ON auth.masters FROM auth", "auth", "table auth.masters", "INSERT"],
        ["REVOKE CREATE ON SCHEMA public FROM api", "api", "schema public", "CREATE"],
        [
            "ALTER DEFAULT PRIVILEGES FOR ROLE auth IN SCHEMA auth GRANT SELECT ON TABLES TO api",
            "api",
            "new objects of auth in schema auth",
            "SELECT",
        ],
        [
            "ALTER DEFAULT PRIVILEGES FOR ROLE postgres IN SCHEMA auth REVOKE ALL ON TABLES FROM auth",
            "auth",
            "schema auth",
            "SELECT on a table made by the master",
        ],
    ],
    &[
        ["GRANT USAGE ON TYPE auth.mood TO api", "api", "type auth.mood", "USAGE"],
        ["ALTER SCHEMA public OWNER TO auth", "auth", "schema public", "OWNER"],
        ["ALTER ROLE auth IN DATABASE shop SET search_path = public", "auth", "role auth", "search_path"],
        [
            "SET ROLE auth; SELECT lo_create(7007); RESET ROLE; GRANT SELECT ON LARGE OBJECT 7007 TO api",
            "api",
            "large object 7007",
            "SELECT",
        ],
        [
            "ALTER DEFAULT PRIVILEGES FOR ROLE auth IN SCHEMA auth GRANT EXECUTE ON FUNCTIONS TO api",
            "api",
            "new objects of auth in schema auth",
            "EXECUTE",
        ],
        [
            "ALTER DEFAULT PRIVILEGES FOR ROLE postgres GRANT UPDATE ON TABLES TO api",
            "api",
            "new objects of postgres in schema admin_auth",
            "UPDATE",
        ],
        [
            "ALTER DEFAULT PRIVILEGES FOR ROLE auth GRANT USAGE ON SCHEMAS TO \"admin-auth\"",
            "admin-auth",
            "new objects of auth in schema auth",
            "USAGE",
        ],
    ],
    &[
        ["GRANT ALTER SYSTEM ON PARAMETER work_mem TO auth", "auth", "parameter work_mem", "ALTER SYSTEM"],
        [
            "GRANT SET ON PARAMETER lo_compat_privileges TO auth",
            "auth",
            "parameter lo_compat_privileges",
            "reading of large objects",
        ],
        ["CREATE ROLE via; GRANT \"admin-auth\" TO via; GRANT via TO auth", "auth", "role admin-auth", "MEMBER"],
        ["ALTER ROLE api SUPERUSER", "api", "role api", "SUPERUSER"],
    ],
];

/// What provisioning leaves to a person: an object that another app owns, a membership in a role that is not ours.
const BY_HAND: &str = "ALTER TABLE auth.users OWNER TO auth; DROP ROLE IF EXISTS via; \
                       REVOKE ALL ON PARAMETER work_mem, lo_compat_privileges FROM auth";

#[tokio::test]
async fn every_hole_made_by_hand_is_found_and_named_and_provisioning_mends_it() {
    for binaries in installations() {
        let cluster = cluster(&binaries).await;
        let transport = master(&cluster);
        let wanted = roles(APPS);
        provision(&transport, &wanted).await.unwrap();
        fill(&cluster).await;
        for group in HOLES {
            prove(&transport, &wanted).await.unwrap();
            for [hole, ..] in *group {
                transport.sql(DATABASE, hole).await.expect(hole);
            }
            let report = inspect(&transport, &wanted).await.unwrap();
            for [hole, role, object, privilege] in *group {
                let named = |check: &&IsolationCheck| {
                    check.role == *role && check.object == *object && check.privilege == *privilege
                };
                assert!(report.broken.iter().any(|check| named(&check)), "{hole}: {:#?}", report.broken);
            }
            let error = prove(&transport, &wanted).await.unwrap_err();
            assert_eq!(error.code(), ErrorCode::IsolationBroken);
            transport.sql(DATABASE, BY_HAND).await.unwrap();
            provision(&transport, &wanted).await.unwrap();
        }
        prove(&transport, &wanted).await.unwrap();
    }
}

#[tokio::test]
async fn what_no_app_owns_is_told_and_not_judged() {
    let cluster = cluster(&embedded()).await;
    let transport = master(&cluster);
    let wanted = roles(APPS);
    provision(&transport, &wanted).await.unwrap();
    transport.sql(DATABASE, "CREATE SCHEMA reporting; GRANT USAGE ON SCHEMA reporting TO api").await.unwrap();
    let report = prove(&transport, &wanted).await.unwrap();
    let told: Vec<(&str, &str)> = report.unmanaged.iter().map(|told| (&*told.role, &*told.object)).collect();
    assert_eq!(told, [("api", "schema reporting")]);
}

#[tokio::test]
async fn a_role_that_was_never_made_is_found() {
    let cluster = cluster(&embedded()).await;
    let error = prove(&master(&cluster), &roles(APPS)).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::IsolationBroken);
}
