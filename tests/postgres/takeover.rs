//! Databases that were made before us are taken over without losing access or data.

use crate::database::*;
use deploy_native::postgres::{preview, prove, provision};

/// What today's CLI runs for these apps, with its own passwords.
const MADE_BY_THE_CLI: &str = r#"
    CREATE USER "api" WITH PASSWORD 'old';
    GRANT ALL ON SCHEMA public TO "api";
    ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT ALL ON TABLES TO "api";
    ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT ALL ON SEQUENCES TO "api";
    CREATE USER "admin-auth" WITH PASSWORD 'old';
    ALTER USER "admin-auth" SET search_path TO "admin-auth";
    CREATE SCHEMA IF NOT EXISTS "admin-auth" AUTHORIZATION "admin-auth";
    GRANT USAGE ON SCHEMA "admin-auth" TO "admin-auth";
    GRANT ALL ON ALL TABLES IN SCHEMA "admin-auth" TO "admin-auth";
    ALTER DEFAULT PRIVILEGES IN SCHEMA "admin-auth" GRANT ALL ON TABLES TO "admin-auth";
    CREATE TABLE public.by_master (id serial PRIMARY KEY, v text);
    INSERT INTO public.by_master (v) VALUES ('kept');
    CREATE TABLE "admin-auth".by_master (id serial PRIMARY KEY, v text);
    INSERT INTO "admin-auth".by_master (v) VALUES ('kept');
"#;

#[tokio::test]
async fn a_database_of_the_cli_keeps_its_data_and_every_app_its_access() {
    for binaries in installations() {
        let cluster = cluster(&binaries).await;
        let transport = master(&cluster);
        let wanted = roles(&["api", "admin-auth"]);
        transport.sql(DATABASE, MADE_BY_THE_CLI).await.unwrap();
        let live = connect(&cluster, "admin-auth", "old", DATABASE).await.unwrap();
        live.batch_execute(
            "CREATE TABLE by_app (id serial PRIMARY KEY, v text); INSERT INTO by_app VALUES (1, 'kept')",
        )
        .await
        .unwrap();
        let undisturbed = connect(&cluster, "api", "old", DATABASE).await.unwrap();

        let announced = preview(&transport, &wanted).await.unwrap();
        for change in ["- schema admin-auth: owned by admin-auth", "+ schema admin_auth: owned by admin-auth"] {
            assert!(announced.changes.contains(&change.to_owned()), "{:#?}", announced.changes);
        }
        assert_eq!(value(&live, "SELECT v FROM by_app").await, "kept", "a preview disturbs nobody");

        assert_eq!(provision(&transport, &wanted).await.unwrap(), announced);
        assert!(live.batch_execute("SELECT 1").await.is_err(), "a session that looks under the old name is ended");
        assert_eq!(value(&undisturbed, "SELECT v FROM by_master").await, "kept", "and no other");
        prove(&transport, &wanted).await.unwrap();
        for (app, table) in [("api", "by_master"), ("admin-auth", "by_master"), ("admin-auth", "by_app")] {
            let client = as_app(&cluster, app).await;
            assert_eq!(value(&client, &format!("SELECT v FROM {table}")).await, "kept");
            let migration = format!("ALTER TABLE {table} ADD w int; INSERT INTO {table} (id, v) VALUES (9, 'x')");
            client.batch_execute(&migration).await.unwrap();
        }
        assert_eq!(provision(&transport, &wanted).await.unwrap().changes, Vec::<String>::new());
    }
}

#[tokio::test]
async fn two_schemas_with_data_of_one_app_are_named_and_left_as_they_are() {
    let cluster = cluster(&embedded()).await;
    let transport = master(&cluster);
    transport.sql(DATABASE, MADE_BY_THE_CLI).await.unwrap();
    transport.sql(DATABASE, "CREATE SCHEMA admin_auth; CREATE TABLE admin_auth.t (a int)").await.unwrap();
    let error = provision(&transport, &roles(&["admin-auth"])).await.unwrap_err();
    assert_eq!(error.reason_name(), Some("schema-conflict"));
    assert!(error.message().contains("\"admin-auth\"") && error.message().contains("\"admin_auth\""));
    transport.sql(DATABASE, "DROP TABLE admin_auth.t").await.unwrap();
    provision(&transport, &roles(&["admin-auth"])).await.unwrap();
    let kept = "SELECT v FROM admin_auth.by_master";
    assert_eq!(transport.sql(DATABASE, kept).await.unwrap(), "kept\n", "an empty schema makes room");
}

#[tokio::test]
async fn i8_logins_that_are_not_ours_keep_what_they_could_reach() {
    for binaries in installations() {
        let cluster = cluster(&binaries).await;
        let transport = master(&cluster);
        let strange = "CREATE ROLE metabase LOGIN PASSWORD 'x'; CREATE TABLE public.facts (a int); \
                       GRANT SELECT ON public.facts TO metabase";
        transport.sql(DATABASE, strange).await.unwrap();
        let wanted = roles(&["api", "auth"]);
        for _ in 0..2 {
            provision(&transport, &wanted).await.unwrap();
            prove(&transport, &wanted).await.unwrap();
            let client = connect(&cluster, "metabase", "x", DATABASE).await.unwrap();
            client.batch_execute("SELECT * FROM public.facts").await.unwrap();
            connect(&cluster, "metabase", "x", "postgres").await.unwrap();
        }
        let late = "CREATE ROLE late LOGIN PASSWORD 'x'";
        transport.sql(DATABASE, late).await.unwrap();
        provision(&transport, &wanted).await.unwrap();
        assert!(connect(&cluster, "late", "x", DATABASE).await.is_err(), "a login made later asks for its grants");
    }
}

#[tokio::test]
async fn what_would_mean_something_else_with_another_owner_keeps_its_own() {
    for binaries in installations() {
        let cluster = cluster(&binaries).await;
        let transport = master(&cluster);
        let wanted = roles(&["api", "auth"]);
        provision(&transport, &wanted).await.unwrap();
        let made = "CREATE TABLE auth.t (a int); CREATE TABLE public.t (a int); \
                    CREATE VIEW public.inside AS SELECT * FROM public.t; \
                    CREATE VIEW public.across AS SELECT * FROM auth.t; \
                    CREATE TABLE public.guarded (a int); ALTER TABLE public.guarded ENABLE ROW LEVEL SECURITY; \
                    CREATE FUNCTION public.plain() RETURNS int LANGUAGE sql AS 'SELECT 1'; \
                    CREATE FUNCTION public.raised() RETURNS int LANGUAGE sql SECURITY DEFINER AS 'SELECT 1'";
        transport.sql(DATABASE, made).await.unwrap();
        provision(&transport, &wanted).await.unwrap();
        let owners = "SELECT string_agg(name || ' ' || owner, ', ' ORDER BY name) FROM (\
                      SELECT relname, pg_get_userbyid(relowner) FROM pg_class \
                      WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'v') UNION ALL \
                      SELECT proname, pg_get_userbyid(proowner) FROM pg_proc \
                      WHERE pronamespace = 'public'::regnamespace) AS object(name, owner)";
        assert_eq!(
            transport.sql(DATABASE, owners).await.unwrap(),
            "across postgres, guarded postgres, inside api, plain api, raised postgres, t api\n"
        );
        prove(&transport, &wanted).await.unwrap();
    }
}
