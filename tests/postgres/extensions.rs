//! Extensions in a schema of their own work in every app as their documentation says, and open no way between the apps.

use crate::database::*;
use deploy_native::postgres::{
    DatabaseRoles, PortTransport, inspect, open_second_login, prove, provision, second_login_name,
};
use deploy_native::secrets::Secret;
use deploy_native_simulator::postgres::Cluster;

/// What the documentation tells the master to do.
const RECIPE: &str = "CREATE SCHEMA extensions; GRANT USAGE ON SCHEMA extensions TO PUBLIC; \
                      CREATE EXTENSION citext SCHEMA extensions; CREATE EXTENSION pg_trgm SCHEMA extensions; \
                      CREATE EXTENSION hstore SCHEMA extensions";

/// Which privileges of the roles are not as they must be.
async fn broken(transport: &PortTransport, wanted: &DatabaseRoles) -> Vec<String> {
    let report = inspect(transport, wanted).await.unwrap();
    report.broken.iter().map(|check| format!("{}: {}", check.role, check.privilege)).collect()
}

async fn path_of(cluster: &Cluster, user: &str, password: &str) -> String {
    value(&connect(cluster, user, password, DATABASE).await.unwrap(), "SHOW search_path").await
}

#[tokio::test]
async fn an_extension_works_as_documented_in_sessions_that_were_there_before_it() {
    for binaries in installations() {
        let cluster = cluster(&binaries).await;
        let transport = master(&cluster);
        let wanted = roles(&["api", "auth"]);
        provision(&transport, &wanted).await.unwrap();
        let (api, auth) = (as_app(&cluster, "api").await, as_app(&cluster, "auth").await);
        transport.sql(DATABASE, RECIPE).await.unwrap();
        for session in [&api, &auth] {
            session
                .batch_execute(
                    "CREATE TABLE person (email citext UNIQUE); INSERT INTO person VALUES ('Ada@Example.com')",
                )
                .await
                .unwrap();
            let found = "SELECT count(*)::text FROM person WHERE email = 'ada@example.com'";
            assert_eq!(value(session, found).await, "1");
            let twice = session.batch_execute("INSERT INTO person VALUES ('ADA@example.com')").await.unwrap_err();
            assert_eq!(twice.code().unwrap().code(), "23505");
            assert_eq!(value(session, "SELECT ('abc' % 'abd')::text").await, "true");
            assert_eq!(value(session, "SELECT 'a=>1'::hstore -> 'a'").await, "1");
        }
        assert_eq!(broken(&transport, &wanted).await, Vec::<String>::new());
        assert_eq!(value(&auth, "SELECT ('person'::regclass = 'auth.person'::regclass)::text").await, "true");
    }
}

#[tokio::test]
async fn a_path_that_the_master_gave_survives_provisioning_proof_and_rotation() {
    for binaries in installations() {
        let cluster = cluster(&binaries).await;
        let transport = master(&cluster);
        let wanted = roles(&["api", "auth"]);
        provision(&transport, &wanted).await.unwrap();
        let given = "CREATE SCHEMA \"Ext, one\"; GRANT USAGE ON SCHEMA \"Ext, one\" TO PUBLIC; CREATE SCHEMA more; \
                     CREATE EXTENSION citext SCHEMA more; CREATE EXTENSION hstore SCHEMA more; \
                     ALTER ROLE auth SET search_path = auth, more";
        transport.sql(DATABASE, given).await.unwrap();
        prove(&transport, &wanted).await.unwrap();
        provision(&transport, &wanted).await.unwrap();
        prove(&transport, &wanted).await.unwrap();
        assert_eq!(path_of(&cluster, "auth", &password("auth")).await, "auth, extensions, more");
        assert_eq!(path_of(&cluster, "api", &password("api")).await, "public, extensions");
        let app = &wanted.apps()[1];
        open_second_login(&transport, DATABASE, app, &Secret::new("interim")).await.unwrap();
        let second = second_login_name(&app.user);
        assert_eq!(path_of(&cluster, &second, "interim").await, "auth, extensions, more");

        // For this database alone it counts more; it becomes the role's own.
        transport.sql(DATABASE, "ALTER ROLE api IN DATABASE shop SET search_path = public, more").await.unwrap();
        prove(&transport, &wanted).await.unwrap();
        provision(&transport, &wanted).await.unwrap();
        assert_eq!(path_of(&cluster, "api", &password("api")).await, "public, extensions, more");
    }
}

#[tokio::test]
async fn no_path_leads_through_a_schema_into_which_an_app_could_put_something() {
    for binaries in installations() {
        let cluster = cluster(&binaries).await;
        let transport = master(&cluster);
        let wanted = roles(&["api", "auth", "web"]);
        provision(&transport, &wanted).await.unwrap();
        transport.sql(DATABASE, RECIPE).await.unwrap();
        for (hole, undone) in [
            ("ALTER ROLE auth SET search_path = auth, public", ""),
            ("ALTER ROLE auth SET search_path = auth, web", ""),
            ("ALTER ROLE auth SET search_path = extensions, auth", ""),
            ("CREATE SCHEMA plain; ALTER ROLE auth SET search_path = auth, plain", "DROP SCHEMA plain"),
            ("GRANT CREATE ON SCHEMA extensions TO web", "REVOKE CREATE ON SCHEMA extensions FROM web"),
            (
                "CREATE FUNCTION extensions.f() RETURNS int LANGUAGE sql AS 'SELECT 1'; \
                 ALTER FUNCTION extensions.f() OWNER TO web",
                "DROP FUNCTION extensions.f()",
            ),
        ] {
            transport.sql(DATABASE, hole).await.unwrap();
            let found = broken(&transport, &wanted).await;
            assert!(found.contains(&"auth: search_path".to_owned()), "{hole}: {found:?}");
            provision(&transport, &wanted).await.unwrap();
            let path = path_of(&cluster, "auth", &password("auth")).await;
            let safe = ["auth", "auth, extensions"];
            assert!(safe.contains(&path.as_str()), "{hole}: {path}");
            prove(&transport, &wanted).await.unwrap();
            transport.sql(DATABASE, &format!("SELECT 1; {undone}")).await.unwrap();
            provision(&transport, &wanted).await.unwrap();
        }
        // An app of that name keeps the others out.
        let named = roles(&["api", "extensions-app", "extensions"]);
        let other = crate::database::cluster(&binaries).await;
        let transport = master(&other);
        provision(&transport, &named).await.unwrap();
        prove(&transport, &named).await.unwrap();
        assert_eq!(path_of(&other, "api", &password("api")).await, "public");
        assert_eq!(path_of(&other, "extensions", &password("extensions")).await, "extensions");
    }
}

#[tokio::test]
async fn a_path_that_a_role_gave_itself_is_never_executed() {
    for binaries in installations() {
        let cluster = cluster(&binaries).await;
        let transport = master(&cluster);
        let wanted = roles(&["api", "auth"]);
        provision(&transport, &wanted).await.unwrap();
        let own = "SELECT set_config('search_path', 'auth;ALTER/**/ROLE/**/auth/**/SUPERUSER', false); \
                   ALTER ROLE auth SET search_path FROM CURRENT";
        as_app(&cluster, "auth").await.batch_execute(own).await.unwrap();
        assert!(broken(&transport, &wanted).await.contains(&"auth: search_path".to_owned()));
        open_second_login(&transport, DATABASE, &wanted.apps()[1], &Secret::new("interim")).await.unwrap();
        provision(&transport, &wanted).await.unwrap();
        prove(&transport, &wanted).await.unwrap();
        let supers = "SELECT count(*) FROM pg_roles WHERE rolsuper AND rolname LIKE 'auth%'";
        assert_eq!(transport.sql(DATABASE, supers).await.unwrap(), "0\n");
    }
}
