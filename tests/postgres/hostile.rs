//! What somebody could have prepared in the database gains nothing by our working there.

use crate::database::*;
use deploy_native::ErrorCode;
use deploy_native::postgres::{PortTransport, inspect, prove, provision};
use deploy_native_simulator::postgres::Cluster;

const APPS: &[&str] = &["api", "auth", "admin-auth"];

/// Runs a statement as the master.
async fn run(transport: &PortTransport, sql: &str) -> String {
    transport.sql(DATABASE, sql).await.unwrap_or_else(|error| panic!("{error}: {sql}"))
}

/// What the proof tells of the roles that it does not judge.
async fn told(transport: &PortTransport) -> Vec<String> {
    let report = prove(transport, &roles(APPS)).await.unwrap();
    report.unmanaged.iter().map(|told| format!("{} {} {}", told.role, told.privilege, told.object)).collect()
}

async fn is_refused(cluster: &Cluster, app: &str, statement: &str) {
    let refused = refusal(&as_app(cluster, app).await, statement).await;
    assert_eq!(refused.as_deref(), Some("42501"), "{app}: {statement}");
}

/// Functions, a table and a type with the names of those that our SQL uses, each of which would raise the app's role.
const TRAPS: &str = "
    CREATE FUNCTION public.trap() RETURNS void LANGUAGE plpgsql AS $$BEGIN
      IF current_user = 'postgres' THEN EXECUTE 'ALTER ROLE api SUPERUSER'; END IF; END$$;
    CREATE FUNCTION public.format(text, VARIADIC \"any\") RETURNS text LANGUAGE internal AS 'text_format';
    CREATE FUNCTION public.format(text, text) RETURNS text LANGUAGE plpgsql AS $$BEGIN PERFORM public.trap(); RETURN ''; END$$;
    CREATE FUNCTION public.format(text, text, integer, bigint, integer, jsonb) RETURNS text LANGUAGE plpgsql
      AS $$BEGIN PERFORM public.trap(); RETURN ''; END$$;
    CREATE FUNCTION public.current_setting(text) RETURNS text LANGUAGE plpgsql
      AS $$BEGIN PERFORM public.trap(); RETURN '[]'; END$$;
    CREATE FUNCTION public.set_config(text, text, boolean) RETURNS text LANGUAGE plpgsql
      AS $$BEGIN PERFORM public.trap(); RETURN ''; END$$;
    CREATE FUNCTION public.jsonb_array_elements(jsonb) RETURNS SETOF jsonb LANGUAGE plpgsql
      AS $$BEGIN PERFORM public.trap(); END$$;
    CREATE FUNCTION public.equal(name, text) RETURNS boolean LANGUAGE plpgsql
      AS $$BEGIN PERFORM public.trap(); RETURN true; END$$;
    CREATE OPERATOR public.= (LEFTARG = name, RIGHTARG = text, FUNCTION = public.equal);
    CREATE TABLE public.pg_roles (rolname name, rolsuper boolean, oid oid);
    INSERT INTO public.pg_roles VALUES ('postgres', true, 10);
    CREATE DOMAIN public.jsonb AS text;";

#[tokio::test]
async fn names_of_ours_that_an_app_has_taken_in_public_are_not_looked_at() {
    for binaries in installations() {
        let cluster = cluster(&binaries).await;
        let transport = master(&cluster);
        let wanted = roles(APPS);
        provision(&transport, &wanted).await.unwrap();
        run(&transport, "ALTER ROLE postgres SET search_path = public, pg_catalog").await;
        run(&transport, TRAPS).await;
        let traps = "SELECT count(*) FROM pg_catalog.pg_proc WHERE pronamespace = 'public'::regnamespace";
        assert!(run(&transport, traps).await.trim().parse::<usize>().unwrap() >= 8, "the traps are set");
        for _ in 0..2 {
            let transport = master(&cluster);
            provision(&transport, &wanted).await.unwrap();
            prove(&transport, &wanted).await.unwrap();
        }
        let raised = run(&transport, "SELECT rolsuper FROM pg_catalog.pg_roles WHERE rolname::text = 'api'").await;
        assert_eq!(raised, "f\n");
    }
}

#[tokio::test]
async fn settings_of_the_master_and_the_database_do_not_reach_our_scripts() {
    for binaries in installations() {
        let cluster = cluster(&binaries).await;
        let wanted = roles(APPS);
        let settings = [
            "quote_all_identifiers = on",
            "default_transaction_read_only = on",
            "default_transaction_isolation = 'serializable'",
            "standard_conforming_strings = off",
            "statement_timeout = '1ms'",
            "lock_timeout = '1ms'",
            "check_function_bodies = off",
        ];
        provision(&master(&cluster), &wanted).await.unwrap();
        let admin = cluster.admin(DATABASE).await.unwrap();
        for setting in settings {
            admin.batch_execute(&format!("ALTER ROLE postgres SET {setting}")).await.unwrap();
        }
        let version: usize = value(&admin, "SHOW server_version_num").await.parse().unwrap();
        if version >= 170_000 {
            admin
                .batch_execute(
                    "SET default_transaction_read_only = off; ALTER DATABASE shop SET transaction_timeout = '50ms'",
                )
                .await
                .unwrap();
        }
        let transport = master(&cluster);
        let again = provision(&transport, &wanted).await.unwrap();
        assert_eq!(again.changes, Vec::<String>::new());
        prove(&transport, &wanted).await.unwrap();
    }
}

#[tokio::test]
async fn what_an_extension_keeps_from_everyone_is_kept_from_the_app_whose_schema_it_is_in() {
    for binaries in installations() {
        let cluster = cluster(&binaries).await;
        let transport = master(&cluster);
        let wanted = roles(APPS);
        // One is there before us, one comes after; by `dblink_connect_u` one connects as the superuser, without password.
        run(&transport, "CREATE EXTENSION dblink SCHEMA public; CREATE EXTENSION pgcrypto SCHEMA public").await;
        provision(&transport, &wanted).await.unwrap();
        run(&transport, "CREATE EXTENSION pg_stat_statements SCHEMA public").await;
        for round in 0..2 {
            is_refused(&cluster, "api", "SELECT dblink_connect_u('c', 'dbname=shop')").await;
            let reset = "SELECT count(*) FROM pg_proc WHERE proname = 'pg_stat_statements_reset' \
                         AND has_function_privilege('api', oid, 'EXECUTE')";
            assert_eq!(run(&transport, reset).await, "0\n", "round {round}");
            as_app(&cluster, "api").await.batch_execute("SELECT digest('x', 'sha256')").await.unwrap();
            prove(&transport, &wanted).await.unwrap();
            provision(&transport, &wanted).await.unwrap();
        }
        // Given by hand it is told.
        run(&transport, "GRANT EXECUTE ON FUNCTION dblink_connect_u(text) TO api").await;
        assert_eq!(told(&transport).await, ["api EXECUTE function public.dblink_connect_u(text)"]);
    }
}

#[tokio::test]
async fn extensions_serve_every_app_from_a_schema_of_their_own_and_live_defaults_from_public() {
    for binaries in installations() {
        let cluster = cluster(&binaries).await;
        let transport = master(&cluster);
        let wanted = roles(APPS);
        // As today's command line leaves it: everyone may enter `public`.
        let before = "CREATE EXTENSION pgcrypto SCHEMA public; CREATE EXTENSION citext SCHEMA public; \
                      CREATE ROLE auth; CREATE SCHEMA auth AUTHORIZATION auth; SET ROLE auth; \
                      CREATE TABLE auth.sessions (token text DEFAULT encode(public.gen_random_bytes(8), 'hex'), \
                        mail public.citext DEFAULT 'A@B'); RESET ROLE; \
                      CREATE SCHEMA extensions; GRANT USAGE ON SCHEMA extensions TO PUBLIC; \
                      CREATE EXTENSION hstore SCHEMA extensions";
        run(&transport, before).await;
        provision(&transport, &wanted).await.unwrap();
        let auth = as_app(&cluster, "auth").await;
        auth.batch_execute("INSERT INTO sessions DEFAULT VALUES; SELECT mail FROM sessions ORDER BY mail")
            .await
            .unwrap();
        auth.batch_execute("CREATE TABLE bags (h extensions.hstore); INSERT INTO bags VALUES ('a=>1')").await.unwrap();
        is_refused(&cluster, "auth", "SELECT public.gen_random_bytes(8)").await;
        assert_eq!(told(&transport).await, Vec::<String>::new());
    }
}

#[tokio::test]
async fn what_runs_elsewhere_is_not_given_to_the_app_whose_schema_it_is_in() {
    for binaries in installations() {
        let cluster = cluster(&binaries).await;
        let transport = master(&cluster);
        let wanted = roles(APPS);
        provision(&transport, &wanted).await.unwrap();
        // By each of these, its owner would run code as the master or as another app.
        let made = "CREATE TABLE public.log (tag text);
            CREATE FUNCTION public.on_ddl() RETURNS event_trigger LANGUAGE plpgsql AS $$BEGIN
              IF current_user = 'postgres' THEN INSERT INTO public.log VALUES (tg_tag); END IF; END$$;
            CREATE EVENT TRIGGER audit ON ddl_command_end EXECUTE FUNCTION public.on_ddl();
            CREATE TYPE public.pair AS (a int, b int);
            CREATE FUNCTION public.to_pair(int) RETURNS public.pair LANGUAGE sql AS 'SELECT ROW($1, $1)::public.pair';
            CREATE CAST (int AS public.pair) WITH FUNCTION public.to_pair(int);
            CREATE FUNCTION public.fresh() RETURNS text LANGUAGE sql AS 'SELECT ''x''';
            CREATE DOMAIN public.mail AS text;
            CREATE TABLE auth.people (name text DEFAULT public.fresh(), mail public.mail);
            CREATE FUNCTION public.touch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
            CREATE TRIGGER touch BEFORE INSERT ON auth.people FOR EACH ROW EXECUTE FUNCTION public.touch();
            CREATE FUNCTION public.own() RETURNS int LANGUAGE sql AS 'SELECT 1';
            CREATE TABLE public.mine (a int DEFAULT public.own());";
        run(&transport, made).await;
        provision(&transport, &wanted).await.unwrap();
        assert!(run(&transport, "SELECT count(*) FROM public.log").await.trim() > "5", "event triggers run as before");
        let owners = "SELECT string_agg(name || ' ' || owner, ', ' ORDER BY name) FROM (\
                      SELECT proname, pg_get_userbyid(proowner) FROM pg_proc WHERE pronamespace = 'public'::regnamespace \
                      UNION ALL SELECT typname, pg_get_userbyid(typowner) FROM pg_type \
                      WHERE typnamespace = 'public'::regnamespace AND typtype = 'd') AS object(name, owner)";
        assert_eq!(
            run(&transport, owners).await,
            "fresh postgres, mail postgres, on_ddl postgres, own api, to_pair postgres, touch postgres\n"
        );
        let replace =
            "CREATE OR REPLACE FUNCTION public.on_ddl() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END'";
        is_refused(&cluster, "api", replace).await;
        is_refused(&cluster, "api", "ALTER DOMAIN public.mail ADD CHECK (VALUE <> '')").await;
        as_app(&cluster, "auth").await.batch_execute("INSERT INTO people (mail) VALUES ('a@b')").await.unwrap();
        let api = as_app(&cluster, "api").await;
        api.batch_execute("SELECT public.fresh(), 'a'::public.mail; INSERT INTO public.mine VALUES (1)").await.unwrap();
        prove(&transport, &wanted).await.unwrap();
    }
}

#[tokio::test]
async fn i8_a_schema_of_an_extension_or_of_a_stranger_is_not_taken() {
    for binaries in installations() {
        let cluster = cluster(&binaries).await;
        let transport = master(&cluster);
        let made = "CREATE SCHEMA cron; CREATE EXTENSION pgcrypto SCHEMA public; ALTER EXTENSION pgcrypto ADD SCHEMA cron; \
                    CREATE ROLE dba; CREATE SCHEMA reporting AUTHORIZATION dba";
        run(&transport, made).await;
        for (app, holder) in [("cron", "extension pgcrypto"), ("reporting", "role dba")] {
            let error = provision(&transport, &roles(&[app])).await.unwrap_err();
            assert_eq!((error.code(), error.reason_name()), (ErrorCode::PostgresQuery, Some("schema-taken")));
            assert!(error.message().contains(holder), "{error}");
        }
        let owners = "SELECT string_agg(nspowner::regrole::text, ',' ORDER BY nspname) FROM pg_namespace \
                      WHERE nspname IN ('cron', 'reporting')";
        assert_eq!(run(&transport, owners).await, "postgres,dba\n");
        run(&transport, "ALTER SCHEMA reporting OWNER TO postgres").await;
        provision(&transport, &roles(&["reporting"])).await.unwrap();
    }
}

#[tokio::test]
async fn a_database_that_an_app_owns_is_found_and_taken_from_it() {
    for binaries in installations() {
        let cluster = cluster(&binaries).await;
        let transport = master(&cluster);
        let wanted = roles(APPS);
        provision(&transport, &wanted).await.unwrap();
        run(&transport, "ALTER DATABASE shop OWNER TO auth").await;
        let report = inspect(&transport, &wanted).await.unwrap();
        let owner = |object: &str| {
            report.broken.iter().any(|it| it.role == "auth" && it.privilege == "OWNER" && it.object == object)
        };
        assert!(owner("database shop") && owner("schema public"), "{:#?}", report.broken);
        let changes = provision(&transport, &wanted).await.unwrap().changes;
        assert!(changes.contains(&"+ database shop: owned by postgres".to_owned()), "{changes:#?}");
        prove(&transport, &wanted).await.unwrap();
        // Another than the master may own it.
        run(&transport, "CREATE ROLE dba; ALTER DATABASE shop OWNER TO dba").await;
        assert_eq!(provision(&transport, &wanted).await.unwrap().changes, Vec::<String>::new());
        prove(&transport, &wanted).await.unwrap();
        as_app(&cluster, "api").await.batch_execute("CREATE TABLE t (a int)").await.unwrap();
    }
}

#[tokio::test]
async fn i8_an_app_keeps_what_it_owns_in_the_schema_of_another_until_a_person_decides() {
    for binaries in installations() {
        let cluster = cluster(&binaries).await;
        let transport = master(&cluster);
        let wanted = roles(APPS);
        provision(&transport, &wanted).await.unwrap();
        run(&transport, "CREATE TABLE public.strays (a int); ALTER TABLE public.strays OWNER TO auth").await;
        for _ in 0..2 {
            provision(&transport, &wanted).await.unwrap();
            let error = prove(&transport, &wanted).await.unwrap_err();
            assert_eq!((error.app_name(), error.resource_name()), (Some("auth"), Some("table public.strays")));
            assert!(error.hint_text().unwrap().contains("OWNER TO"));
        }
        let held = "SELECT has_table_privilege('auth', 'public.strays', 'INSERT')";
        assert_eq!(run(&transport, held).await, "t\n", "it lost nothing that the owner had");
        run(&transport, "ALTER TABLE public.strays SET SCHEMA auth").await;
        provision(&transport, &wanted).await.unwrap();
        prove(&transport, &wanted).await.unwrap();
    }
}

#[tokio::test]
async fn ways_around_the_schemas_are_told() {
    for binaries in installations() {
        let cluster = cluster(&binaries).await;
        let transport = master(&cluster);
        provision(&transport, &roles(APPS)).await.unwrap();
        assert_eq!(told(&transport).await, Vec::<String>::new());
        let made = "CREATE TABLE auth.users (name text); CREATE VIEW public.names AS SELECT name FROM auth.users; \
                    CREATE FUNCTION public.raised() RETURNS int LANGUAGE sql SECURITY DEFINER AS 'SELECT 1'; \
                    CREATE EXTENSION postgres_fdw; CREATE SERVER loopback FOREIGN DATA WRAPPER postgres_fdw; \
                    GRANT USAGE ON FOREIGN SERVER loopback TO auth; \
                    GRANT EXECUTE ON FUNCTION pg_read_file(text) TO auth; \
                    GRANT SET ON PARAMETER session_replication_role TO \"admin-auth\"";
        run(&transport, made).await;
        provision(&transport, &roles(APPS)).await.unwrap();
        assert_eq!(
            told(&transport).await,
            [
                "admin-auth SET parameter session_replication_role",
                "api EXECUTE function public.raised(), which acts as postgres",
                "api SELECT table public.names, which reads auth.users as postgres",
                "auth USAGE foreign server loopback",
                "auth EXECUTE function pg_read_file(text)",
            ]
        );
    }
}
